"""A Lambda that runs nothing and answers each invocation after SECONDS: run as a module, prints its port.

It speaks enough of HTTP and of the session protocol for `true`, with tenants, and without a limit.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

from lambda_kernel.function.index import PROTOCOL, Op, State

SECONDS = 0.1
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
TENANT = re.compile(rb"x-amz-tenant-id: *([\w-]+)", re.IGNORECASE)
HELLO = re.compile(rb'"op": *"hello"')
ID = "00000000-0000-0000-0000-000000000000"
REPORT = (
    f"START RequestId: {ID} Version: $LATEST\nEND RequestId: {ID}\nREPORT RequestId: {ID}\tDuration: 100.00 ms\t"
    "Billed Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n"
)


class Connection(asyncio.Protocol):
    """One client's. A request follows the answer to the one before."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < self._needed:
            return
        head, found, body = bytes(self._received).partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        self._needed = len(head) + 4 + (int(length[1]) if length else 0)
        if len(self._received) < self._needed:
            return
        self._received.clear()
        self._needed = 0
        asyncio.get_running_loop().call_later(SECONDS, self._answer, response(head, body))

    def _answer(self, data: bytes) -> None:
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(data)


def response(head: bytes, body: bytes) -> bytes:
    tenant = TENANT.search(head)
    payload = json.dumps(answer(body, tenant[1].decode()[-40:] if tenant else "none")).encode()
    lines = (
        "HTTP/1.1 200 OK",
        "Content-Type: application/json",
        f"x-amzn-RequestId: {ID}",
        f"X-Amz-Log-Result: {base64.b64encode(REPORT.encode()).decode()}",
        f"Content-Length: {len(payload)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + payload


def answer(body: bytes, name: str) -> dict[str, Any]:
    """name: of the environment and of its shell."""
    about = {"protocol": PROTOCOL, "environment": name, "shell": name, "ended": None, "duration_ms": 1.0}
    if HELLO.search(body, 0, 200):
        more = {"state": State.IDLE, "seq": 0, "restored": None, "machine": "x86_64", "tenant": True, "blind": False}
        return {**about, **more}
    request = json.loads(body)
    if request.get("op") != Op.RUN:
        return {**about, "state": State.UNSEEN if request.get("op") == Op.ATTACH else State.CLOSED}
    done = {"seq": request["seq"], "at": 0, "chunks": [], "cwd": "/var/task", "exit": 0, "total": 0}
    return {**about, "state": State.DONE, **done, "dumped": request["seq"]}


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
