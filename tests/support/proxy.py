"""A TCP proxy on loopback that does to an exchange of HTTP what a network may do."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

ALL = 1 << 40  # more bytes than any message has


@dataclass(frozen=True)
class Fault:
    """What happens to one exchange.

    request: so many of its bytes reach the server, then the connection is cut, also when that was all of them;
    response: so many of its bytes reach the client, then the connection is cut;
    answer: what the client gets instead of the response; deliver: how often the server gets the request, one after
    another, or `together`; meanwhile: called once the server has the request; again: after so many seconds without a
    response the server gets the request a second time, and the client gets the response to that, or the one that comes
    first of `either`.
    """

    request: int | None = None
    response: int | None = None
    answer: bytes | None = None
    deliver: int = 1
    together: bool = False
    again: float | None = None
    either: bool = False
    meanwhile: Callable[[], object] = lambda: None


NONE = Fault()


def cut(side: str, after: int) -> Fault:
    """side: request or response."""
    return Fault(request=after) if side == "request" else Fault(response=after)


@dataclass(frozen=True)
class Exchange:
    """The bytes that the server got, and those that the client got."""

    request: bytes
    response: bytes


def answer(status: int, code: str, message: str = "no", **more: Any) -> bytes:
    """An error as Lambda sends it."""
    body = json.dumps({"Type": "User", "message": message, **more}).encode()
    head = f"HTTP/1.1 {status} X\r\nx-amzn-ErrorType: {code}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Proxy:
    """Each exchange takes the next fault of the plan, the usual one when it is empty. delay: seconds, for each
    direction."""

    def __init__(self, server: str, delay: float = 0.0, usual: Fault = NONE) -> None:
        host, port = server.removeprefix("http://").split(":")
        self._server, self.delay, self.usual = (host, int(port)), delay, usual
        self.plan: deque[Fault] = deque()
        self.exchanges: deque[Exchange] = deque(maxlen=100)
        self.busy: set[socket.socket] = set()  # whose answer nobody waits for, and that has not come yet
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listen(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens meanwhile, and what was connected is cut."""
        self.close()
        try:
            yield
        finally:
            self._listen(self._port)

    def send(self, request: bytes) -> bytes:
        """A request of one's own: such as one that was sent before."""
        return self._deliver(self._connected(), request)

    def send_part(self, request: bytes) -> None:
        """The connection is cut behind it."""
        with self._connected() as server:
            server.sendall(request)

    def _deliver(self, server: socket.socket, request: bytes) -> bytes:
        with server:
            self.busy.add(server)
            server.sendall(request)
            return self._forsaken(server)

    def close(self) -> None:
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # closing alone would leave its thread blocked
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._port = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, work: Callable[..., object], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads = [*(thread for thread in self._threads if thread.is_alive()), thread]
        thread.start()

    def _accept(self) -> None:
        with self._listener as listener, contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), self._connected() as server:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            try:
                while client.recv(1, socket.MSG_PEEK) and self._exchange(client, server):
                    pass
            finally:
                self._open -= {client, server}

    def _connected(self) -> socket.socket:
        server = socket.create_connection(self._server)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server

    def _exchange(self, client: socket.socket, server: socket.socket) -> bool:
        """Whether the connection goes on."""
        fault = self.plan.popleft() if self.plan else self.usual
        time.sleep(self.delay)
        at_once = fault.deliver and fault.again is None
        request = read(client, fault.request, server.sendall if at_once else None)
        if fault.request is not None or not request:
            forsaken = bool(request) and not _missing(request)
            if forsaken:  # before the client can know: it may wait for the server to be free
                self.busy.add(server)
            client.close()
            if forsaken:
                self._forsaken(server)
            return False
        response = self._response(server, request, fault)[: fault.response]
        time.sleep(self.delay)
        self.exchanges.append(Exchange(request, response))
        client.sendall(response)
        return fault.response is None and response != b""

    def _forsaken(self, server: socket.socket) -> bytes:
        self.busy.add(server)
        try:
            return read(server)
        finally:
            self.busy.discard(server)

    def _response(self, server: socket.socket, request: bytes, fault: Fault) -> bytes:
        fault.meanwhile()
        if fault.again is not None:
            return self._sent_again(request, fault.again, fault.either)
        if fault.together:
            copy = self._connected()
            self.busy.add(copy)  # before there is any response
            self._start(self._deliver, copy, request)
        response = read(server) if fault.deliver else b""
        for _ in range(fault.deliver - 1):
            self.send(request)
        return fault.answer or response

    def _sent_again(self, request: bytes, after: float, either: bool) -> bytes:
        request = request.replace(b" http://%s:%d/" % (self._server[0].encode(), self._server[1]), b" /", 1)
        responses: queue.SimpleQueue[tuple[bool, bytes]] = queue.SimpleQueue()

        def deliver(is_copy: bool) -> None:
            response = b""
            with contextlib.suppress(OSError):
                response = self._deliver(self._connected(), request)
            responses.put((is_copy, response))

        self._start(deliver, False)
        try:
            return responses.get(timeout=after)[1]
        except queue.Empty:
            self._start(deliver, True)
        is_copy, response = responses.get()
        return response if is_copy or either else responses.get()[1]


def read(source: socket.socket, limit: int | None = None, sink: Callable[[bytes], None] | None = None) -> bytes:
    """One HTTP message, or its first so many bytes, handed on as they come."""
    got = b""
    while (missing := _missing(got)) and (limit is None or len(got) < limit):
        data = source.recv(missing if limit is None else min(missing, limit - len(got)))
        if not data:
            break
        got += data
        if sink:
            sink(data)
    return got


def _missing(message: bytes) -> int:
    """How many bytes are still to come, as far as is known."""
    head, end, body = message.partition(b"\r\n\r\n")
    if not end:
        return 65536
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) - len(body) if lengths else 0
