"""A Jupyter kernel whose cells are shell text that runs inside an AWS Lambda execution environment."""

__version__ = "0.1.0"
JUPYTER_PROTOCOL = "5.4"  # of the messages: kernel_info and kernelspecs say it
