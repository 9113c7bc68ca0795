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

HOST = "127.0.0.1"
TAKE = b"TAKE"
REFUSAL = b"HTTP/1.1 403 Tests stay on this machine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
PATIENCE_SECONDS = 1.0


class WayOut:
    """It serves one after the other: whoever has connected before `take` is in what that returns."""

    def __init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.address = self.listener.getsockname()
        inherited = self.listener.fileno()
        command = [sys.executable, "-I", __file__, str(inherited)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[inherited])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.address[1]}"

    def take(self) -> list[str]:
        """What was asked for since the last time. Thousands of tests want to know, and hardly one has asked."""
        assert self.process.stdout
        accepted = self.process.stdout.fileno()
        if not select.select([self.listener.fileno(), accepted], [], [], 0)[0]:
            return []
        with socket.create_connection(self.address) as connection:
            connection.sendall(TAKE)
            taken: list[str] = json.loads(b"".join(iter(lambda: connection.recv(65536), b"")))
        os.read(accepted, len(taken) + 1)  # this connection is one, too
        return taken

    def close(self) -> None:
        """It ends with its stdin, and so with the tests, whatever they come to."""
        self.process.communicate()
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
        os.write(sys.stdout.fileno(), b".")  # before: whoever has connected is waiting, or is told of here
        yield listener.accept()[0]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
