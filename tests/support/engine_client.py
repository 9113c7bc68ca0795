"""What the tests of the local emulator share: a client of a started engine, and ways to wait and look."""

from __future__ import annotations

import base64
import json
import os
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from lambda_kernel.local import Endpoint, LocalEngine

# Runs what the event says, so that one engine serves many tests.
HANDLER = """
import os, subprocess, sys, time

state = {}

def handler(event, context):
    if isinstance(event, dict) and "py" in event:
        scope = {"event": event, "context": context, "state": state}
        exec("import os, signal, subprocess, sys, time\\n" + event["py"], scope)
        return scope.get("result")
    if isinstance(event, dict) and "sh" in event:
        return subprocess.run(["bash", "-c", event["sh"]], capture_output=True, text=True).stdout
    return event
"""


INVOKE = "/2015-03-31/functions/shell/invocations"


@dataclass
class Reply:
    """One answer of Invoke, decoded."""

    raw: dict[str, Any]
    payload: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.payload)

    @property
    def failed(self) -> bool:
        return "FunctionError" in self.raw

    @property
    def request_id(self) -> str:
        return str(self.raw["ResponseMetadata"]["RequestId"])

    @property
    def log(self) -> str:
        return base64.b64decode(self.raw["LogResult"]).decode(errors="replace")

    @property
    def report(self) -> str:
        return self.log.splitlines()[-1]


class Rig:
    """A started engine and a client of it."""

    def __init__(self, engine: LocalEngine, session: boto3.Session) -> None:
        self.engine = engine
        self.endpoint = engine.start()
        self.client = make_client(session, self.endpoint)

    def invoke(self, event: Any = None, **parameters: Any) -> Reply:
        """Invoke with the log's tail; a payload in bytes is sent as it is."""
        payload = event if isinstance(event, bytes) else json.dumps(event)
        raw = self.client.invoke(**{"FunctionName": "shell", "LogType": "Tail", "Payload": payload, **parameters})
        return Reply(raw, raw["Payload"].read())

    def py(self, code: str, **parameters: Any) -> Reply:
        return self.invoke({"py": code}, **parameters)

    def sh(self, text: str) -> str:
        return str(self.invoke({"sh": text}).value)


def make_client(session: boto3.Session, endpoint: Endpoint) -> Any:
    return session.client(
        "lambda",
        endpoint_url=endpoint.endpoint_url,
        region_name=endpoint.region,
        aws_access_key_id=endpoint.access_key_id,
        aws_secret_access_key=endpoint.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30, max_pool_connections=20),
    )


def connect(endpoint: Endpoint | str) -> socket.socket:
    """Connect to the engine, or to a host and port of its own."""
    address = endpoint if isinstance(endpoint, str) else endpoint.endpoint_url.removeprefix("http://")
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=10)


def signed(endpoint: Endpoint, method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as it goes over the wire, signed by botocore."""
    request = AWSRequest(method, endpoint.endpoint_url + target, headers=headers, data=body)
    credentials = Credentials(endpoint.access_key_id, endpoint.secret_access_key)
    SigV4Auth(credentials, "lambda", endpoint.region).add_auth(request)
    host = endpoint.endpoint_url.removeprefix("http://")
    sent = {"Host": host, "Content-Length": str(len(body)), **request.headers}
    return "\r\n".join([f"{method} {target} HTTP/1.1", *map(": ".join, sent.items()), "", ""]).encode() + body


def exchange(endpoint: Endpoint | str, request: bytes) -> tuple[int, str, bytes]:
    """Send a request as it is; return the status, the error's code and the body."""
    with connect(endpoint) as connection:
        connection.sendall(request)
        return answer_on(connection)


def answer_on(connection: socket.socket) -> tuple[int, str, bytes]:
    """Return the next answer on a connection: the status, the error's code and the body."""
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.headers.get("x-amzn-ErrorType", ""), response.read()


def commands_with(word: str) -> list[int]:
    """Return the processes of this machine that have `word` in their command line."""
    return processes_with("cmdline", word)


def processes_with(name: str, word: str) -> list[int]:
    """Return the processes that have `word` in a file of theirs in /proc."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word.encode() in Path("/proc", pid, name).read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def skip_unless(rig: Rig, isolation: str, freezer: str) -> None:
    if rig.engine.isolation != isolation or rig.engine.freezer != freezer:
        pytest.skip(f"this machine has no {isolation} with {freezer}")
