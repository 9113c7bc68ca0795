"""This kernel with its local emulator behind a line that takes time, FAR_SECONDS for a round trip: run as a module."""

from __future__ import annotations

import os
from typing import cast

from ipykernel.kernelapp import IPKernelApp

from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import READ_TIMEOUT, BotoTransport, Transport
from lambda_kernel.kernel.app import KernelApp
from lambda_kernel.kernel.kernel import LambdaKernel
from lambda_kernel.workspace.workspace import Workspace
from tests.support.proxied_session import send_to
from tests.support.proxy import Proxy

SECONDS = "FAR_SECONDS"


class FarConnector(Connector):
    def __call__(self, target: Target, read_timeout: float = READ_TIMEOUT) -> Transport:
        transport = cast(BotoTransport, super().__call__(target, read_timeout))
        at = self.engine().start()
        send_to(Proxy(at.endpoint_url, float(os.environ[SECONDS]) / 2), transport.client, at)
        return transport


class FarKernel(LambdaKernel):
    def _workspace(self) -> Workspace:
        self.connector = FarConnector(self.name)
        return super()._workspace()


if __name__ == "__main__":
    app: type[IPKernelApp] = KernelApp
    app.launch_instance(kernel_class=FarKernel, outstream_class=None)
