"""Where the engine listens, and by which names requests may call it.

A web page that a browser shows can send requests to any port of this machine. With a domain of its own that leads here
(DNS rebinding), its requests carry no Origin, but they carry that domain as their Host. So names are refused.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from dataclasses import dataclass

from .errors import EngineError

LOOPBACK = "127.0.0.1"
CONSENT = "--i-know-this-listens-beyond-loopback"
_HOST = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::\d{1,5})?")


@dataclass(frozen=True)
class Address:
    """An IP address to listen on. beyond: others than this machine can reach it."""

    ip: str
    beyond: bool = False

    @property
    def six(self) -> bool:
        return ":" in self.ip

    def listen(self, port: int) -> socket.socket:
        """Raises EngineError if that is not possible."""
        try:
            listening = socket.create_server(
                (self.ip, port),
                family=socket.AF_INET6 if self.six else socket.AF_INET,
                backlog=128,
                # Of IPv4 too, as 0.0.0.0 and :: are commonly understood (Docker publishes ports to either).
                dualstack_ipv6=self.six and _is_any(self.ip) and socket.has_dualstack_ipv6(),
            )
        except OSError as error:
            raise self._refusal(port, error) from None
        listening.setblocking(False)
        return listening

    def url(self, port: int) -> str:
        """How this machine reaches it."""
        own = ("::1" if self.six else LOOPBACK) if _is_any(self.ip) else self.ip
        return f"http://[{own}]:{port}" if self.six else f"http://{own}:{port}"

    def is_own(self, host: str | None, port: int) -> bool:
        """Whether a request's Host names this address.

        Beyond loopback, a client may use another address and another port: those of a proxy or of a container's
        published port.
        """
        if host is None:
            return False
        if not self.beyond:
            return host in {self.url(port).removeprefix("http://"), f"localhost:{port}"}
        found = _HOST.fullmatch(host)
        name: str = (found[1] or found[2]) if found else ""
        return name == "localhost" or _is_ip(name)

    def _refusal(self, port: int, error: OSError) -> EngineError:
        if error.errno == errno.EADDRINUSE:
            return EngineError(f"port {port} is in use: choose another one, or 0 for any free port")
        if self.ip != LOOPBACK and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return EngineError(f"this machine has no address {self.ip}: name one of its own with --bind")
        return EngineError(f"port {port} cannot be opened ({error.strerror}): choose another one, or 0")


def find_address(bind: str, consent: bool) -> Address:
    """Raises EngineError unless it is an address of loopback, or the user has agreed to others."""
    text = LOOPBACK if bind == "localhost" else bind
    if not _is_ip(text):
        raise EngineError(f"{bind!r} is not an IP address: choose 127.0.0.1, ::1, or another address of this machine")
    beyond = not ipaddress.ip_address(text).is_loopback
    if beyond and not consent:
        raise EngineError(
            f"{bind} can be reached from other machines, without encryption, and who knows the credentials has a shell "
            f"here: listen on 127.0.0.1, or add {CONSENT}"
        )
    return Address(text, beyond)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_any(ip: str) -> bool:
    return ipaddress.ip_address(ip).is_unspecified
