"""The kernel process and its configuration."""

from __future__ import annotations

from typing import Any

from ipykernel.kernelapp import IPKernelApp
from jupyter_core.paths import jupyter_config_path
from traitlets.config import Application

from .kernel import LambdaKernel


class KernelApp(IPKernelApp):
    """Reads Jupyter's configuration too. The base class, IPython's, reads only `ipython_config.py` and the like."""

    def load_config_file(self, *args: Any, **options: Any) -> None:
        super().load_config_file(*args, **options)
        for name in ("jupyter_config", "lambda_kernel_config"):
            Application.load_config_file(self, name, path=jupyter_config_path())


def main() -> None:
    # No cell prints through sys.stdout. ipykernel's replacement of it can block a shutdown: flushing it may wait for a
    # thread that has just ended (ipykernel 7.4).
    KernelApp.launch_instance(kernel_class=LambdaKernel, outstream_class=None)
