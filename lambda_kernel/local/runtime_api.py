"""The Runtime API, which the runtime inside an environment calls.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. Each environment has its own secret path, since any
local user can reach a loopback port.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from .guest import Guest
from .web import Request

_INVOCATION = re.compile(r"/runtime/invocation/([^/]+)/(response|error)$")
_VERSION = "/2018-06-01"


class RuntimeApi:
    """Knows which secret belongs to whom."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._guests: dict[str, Guest] = {}

    def new_secret(self) -> str:
        return secrets.token_urlsafe(32)

    def address(self, secret: str) -> str:
        """Return what AWS_LAMBDA_RUNTIME_API holds; awslambdaric takes a path after the port."""
        return f"{self._address}/{secret}"

    def admit(self, secret: str, guest: Guest) -> None:
        self._guests[secret] = guest

    def dismiss(self, secret: str) -> None:
        self._guests.pop(secret, None)

    def handle(self, request: Request) -> bool:
        """Answer a request under a known secret, now or later; return False for any other."""
        _, secret, path = [*request.path.split("/", 2), "", ""][:3]
        guest = self._guests.get(secret)
        if guest is None:
            return False
        action = _route(guest, request, f"/{path}")
        if action is None:
            request.reply(404, {"Content-Type": "application/json"}, b'{"errorType":"NotFound"}')
        else:
            action()
        return True


def _route(guest: Guest, request: Request, path: str) -> Callable[[], None] | None:
    if not path.startswith(_VERSION):
        return None
    call = f"{request.method} {path[len(_VERSION) :]}"
    if call == "GET /runtime/invocation/next":
        return lambda: guest.next_requested(request)
    if call == "POST /runtime/init/error":
        return lambda: guest.init_error_posted(request)
    found = _INVOCATION.search(path) if request.method == "POST" else None
    if found is None:
        return None
    request_id, kind = found.groups()
    post = guest.response_posted if kind == "response" else guest.error_posted
    return lambda: post(request, request_id)
