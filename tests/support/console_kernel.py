"""A kernel that a `jupyter console` has started, as far as it knows. Run as a module."""

from __future__ import annotations

import os
from typing import Any

from ipykernel.kernelapp import IPKernelApp

from lambda_kernel.kernel.app import KernelApp
from lambda_kernel.kernel.clients import Clients
from lambda_kernel.kernel.kernel import LambdaKernel


class OfConsole(Clients):
    jupyter_console = True


class ConsoleKernel(LambdaKernel):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.clients = OfConsole(os.getppid())


if __name__ == "__main__":
    app: type[IPKernelApp] = KernelApp
    app.launch_instance(kernel_class=ConsoleKernel, outstream_class=None)
