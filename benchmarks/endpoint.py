"""The local emulator by itself, and two ways to it without a kernel: a bare signed POST, and the article's loop."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambda_kernel.aws.transport import Event, Reply, read_answer
from lambda_kernel.report import Report

from .kernels import ROOT

# As the installed script does, without pip's search for the entry point.
LAMBDA_KERNEL = (sys.executable, "-c", "import sys; from lambda_kernel.cli import main; sys.exit(main(sys.argv[1:]))")
# A request of another protocol is answered at once: what remains is the way to the function and back.
NO_OP: Event = {"protocol": 0}
LOOP = (
    "aws lambda invoke --endpoint-url {endpoint_url} --region {region} --function-name {function} --log-type Tail "
    "--payload fileb:///dev/stdin --query LogResult --output text /dev/null | base64 -d"
)


class BareTransport:
    """One kept connection and one POST for each invocation; `seconds` leaves out what signing takes.

    through: the URL of a proxy.
    """

    def __init__(self, at: dict[str, str], through: str = "") -> None:
        self.function, self.region, self.fetched = at["function"], at["region"], 0
        url = urlsplit(through or at["endpoint_url"])
        self._host = urlsplit(at["endpoint_url"]).netloc  # the engine takes no request that was signed for another
        self._connection = http.client.HTTPConnection(str(url.hostname), url.port)
        self._path = f"/2015-03-31/functions/{self.function}/invocations"
        self._url = at["endpoint_url"] + self._path
        self._auth = SigV4Auth(Credentials(at["access_key_id"], at["secret_access_key"]), "lambda", self.region)

    def invoke(self, event: Event) -> Reply:
        payload = json.dumps(event).encode()
        request = AWSRequest("POST", self._url, {"X-Amz-Log-Type": "Tail", "Host": self._host}, payload)
        self._auth.add_auth(request)
        begin = time.perf_counter()
        self._connection.request("POST", self._path, payload, dict(request.headers.items()))
        response = self._connection.getresponse()
        body = response.read()
        self.fetched += len(body)
        seconds = time.perf_counter() - begin
        if response.status != 200:
            raise RuntimeError(f"the engine answered {response.status}: {body!r}")
        answer = {
            "LogResult": response.headers.get("X-Amz-Log-Result"),
            "FunctionError": response.headers.get("X-Amz-Function-Error"),
            "ResponseMetadata": {"RequestId": response.headers.get("x-amzn-RequestId")},
        }
        return read_answer(answer, body, seconds)

    def post(self) -> tuple[float, Report]:
        """Seconds, and what Lambda reports of it."""
        reply = self.invoke(NO_OP)
        assert reply.report is not None
        return reply.seconds, reply.report

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        self._connection.close()


class Loop:
    """The 2018 article's: a process of the AWS CLI for each command, and the decoded log."""

    def __init__(self, at: dict[str, str]) -> None:
        self._environment = environ_for(at)
        self._line = LOOP.format(**at)

    @staticmethod
    def installed() -> bool:
        return shutil.which("aws") is not None

    def run(self, command: str) -> float:
        payload = json.dumps({"cmd": command}).encode()
        begin = time.perf_counter()
        done = subprocess.run(
            ["bash", "-c", self._line], input=payload, capture_output=True, env=self._environment, check=True
        )
        seconds = time.perf_counter() - begin
        if b"REPORT RequestId" not in done.stdout:
            raise RuntimeError(f"no log came back: {done.stderr.decode()}")
        return seconds


def environ_for(at: dict[str, str]) -> dict[str, str]:
    """With the engine's credentials."""
    return os.environ | {"AWS_ACCESS_KEY_ID": at["access_key_id"], "AWS_SECRET_ACCESS_KEY": at["secret_access_key"]}


@contextlib.contextmanager
def local_engine(*options: str) -> Iterator[dict[str, str]]:
    """`lambda-kernel local --json`."""
    command = [*LAMBDA_KERNEL, "local", "--json", *options]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True)
    try:
        assert engine.stdout is not None
        at: dict[str, Any] = json.loads(engine.stdout.readline())
        yield at
    finally:
        engine.terminate()
        engine.communicate()
