"""What `lambda-kernel` does besides starting a kernel: a module or a package for each command."""
