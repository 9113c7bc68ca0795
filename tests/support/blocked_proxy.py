"""The proxy of all that tests start: it lets nothing out, and remembers who wanted to leave.

A process, not a thread: Python warns of a fork where there are threads, and tests fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

HOST = "127.0.0.1"
TAKE = b"TAKE"
REFUSAL = b"HTTP/1.1 403 Tests stay on this machine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
PATIENCE_SECONDS = 1.0


class WayOut:
    """It serves one after the other: whoever has connected before `take` is in what that returns."""

    def __init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.address = self.listener.getsockname()
        command = [sys.executable, "-I", __file__, str(self.listener.fileno())]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, pass_fds=[self.listener.fileno()], **pipes)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.address[1]}"

    def take(self) -> list[str]:
        """What was asked for since the last time."""
        # It writes before it accepts: a connection that is not waiting any more has made the pipe readable.
        if not select.select([self.listener, self.process.stdout], [], [], 0)[0]:
            return []
        with socket.create_connection(self.address) as connection:
            connection.sendall(TAKE)
            taken: list[str] = json.loads(b"".join(iter(lambda: connection.recv(65536), b"")))
        os.read(self.process.stdout.fileno(), 65536)
        return taken

    def close(self) -> None:
        """It ends with its stdin, and so with the tests, whatever they come to."""
        self.process.communicate()
        self.listener.close()
        self.listener.close()


def serve(listener: socket.socket) -> None:
    wanted: list[str] = []
    for connection in connections(listener):
        connection.settimeout(PATIENCE_SECONDS)
        with connection, contextlib.suppress(OSError):
            wanted.append("nothing")
            said = connection.recv(1000)
            if said == TAKE:
                connection.sendall(json.dumps(wanted[:-1]).encode())
                wanted.clear()
            else:
                wanted[-1] = " ".join(said.decode("ascii", "replace").split()[:2])
                connection.sendall(REFUSAL)


def connections(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        os.write(sys.stdout.fileno(), b".")
        yield listener.accept()[0]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
