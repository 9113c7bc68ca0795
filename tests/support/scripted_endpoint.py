"""A Lambda endpoint on loopback that answers what a test tells it to."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS = 30  # of patience


@dataclass
class Answer:
    """One HTTP response; drop: the connection is closed instead; after: it is kept back until then."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    after: threading.Event | None = None

    @classmethod
    def error(cls, status: int, code: str, message: str, **more: Any) -> Answer:
        return cls(status, {"Type": "User", "message": message, **more}, {"x-amzn-ErrorType": code})

    @classmethod
    def report(cls, text: str, body: Any, **headers: str) -> Answer:
        return cls(200, body, {"X-Amz-Log-Result": base64.b64encode(text.encode()).decode(), **headers})


@dataclass
class Endpoint:
    """Its URL, what it answers next (the last answer again and again), and what it was asked."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def endpoint(*answers: Answer) -> Iterator[Endpoint]:
    told = Endpoint(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.requests.append({name.lower(): value for name, value in self.headers.items()})
            told.connections.add(self.client_address)
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            if answer.after:
                answer.after.wait(SECONDS)
            if answer.drop:
                self.close_connection = True
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
