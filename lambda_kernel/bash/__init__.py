"""What the kernel knows of bash's syntax, words and options. It runs nothing."""
