"""What the environment's network is, and what can be reached from it, by TCP.

The kernel sends this file along with a call, behind system.py, so it needs the standard library only. AL2023 has none
of the usual tools.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index
    from .system import cleaned

STATES = {TimeoutError: "timed out", ConnectionRefusedError: "refused", socket.gaierror: "no such name"}


Resolve = Callable[[str, int], list[tuple[Any, ...]]]  # as socket.getaddrinfo answers


def addresses(host: str, port: int) -> list[tuple[Any, ...]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def connectivity(
    shell: Any,
    hosts: list[tuple[str, int]],
    *,
    elsewhere: tuple[str, int],
    seconds: float,
    proc: str = "/proc",
    etc: str = "/etc",
) -> dict[str, Any]:
    """Addresses, DNS and routes, and what became of a connection to each of the hosts within so many seconds."""
    found: dict[str, Any] = cleaned(
        {
            "address": own_address(elsewhere),
            "dns": resolver(etc),
            "routes": list(routes(proc)),
            "hosts": probe_all(hosts, seconds),
        },
        shell.secrets,
    )
    return found


def own_address(elsewhere: tuple[str, int]) -> str | None:
    """The one that connections to elsewhere come from. Connecting a datagram socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.connect((elsewhere[0], elsewhere[1]))
        return str(made.getsockname()[0])
    return None


def resolver(etc: str) -> list[str]:
    lines = [line.split() for line in index.peek(f"{etc}/resolv.conf").splitlines()]
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def routes(proc: str) -> Iterator[dict[str, str]]:
    """Those of IPv4. Their addresses are numbers in the machine's order of bytes (proc_net(5))."""
    for words in (line.split() for line in index.peek(f"{proc}/net/route").splitlines()[1:]):
        if len(words) > 7:
            to, gateway, mask = (socket.inet_ntoa(struct.pack("=L", int(words[at], 16))) for at in (1, 2, 7))
            network = str(ipaddress.ip_network(f"{to}/{mask}", strict=False))
            yield {"to": network, "gateway": "" if gateway == "0.0.0.0" else gateway, "interface": words[0]}


def probe_all(hosts: list[tuple[str, int]], seconds: float, resolve: Resolve = addresses) -> list[dict[str, Any]]:
    """All at the same time. One whose name is still looked up at the end is left behind: that cannot be ended."""
    end = time.monotonic() + seconds
    found: dict[int, dict[str, Any]] = {}

    def work(number: int, host: str, port: int) -> None:
        found[number] = probe(host, port, end, resolve)

    threads = [threading.Thread(target=work, args=(at, *host), daemon=True) for at, host in enumerate(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0) + 0.05)
    unknown = {"state": "name lookup timed out", "address": None, "private": False, "ms": None}
    return [found.get(number, unknown) for number in range(len(hosts))]


def probe(host: str, port: int, end: float, resolve: Resolve = addresses) -> dict[str, Any]:
    """Connect to the first address that takes it, by IPv4 first. ms: with the time for the name."""
    began, state, last = time.monotonic(), "no such name", None
    try:
        for family, _, _, _, address in sorted(resolve(host, port), key=lambda one: one[0] != socket.AF_INET):
            last = str(address[0])
            state = connect(family, address, end)
            if state in ("reached", "timed out"):
                break
    except (OSError, UnicodeError, ValueError) as error:
        state = named_state(error)
    ms = round((time.monotonic() - began) * 1000, 1)
    return {"state": state, "address": last, "private": bool(last) and is_private(last), "ms": ms}


def connect(family: int, address: Any, end: float) -> str:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as made:
            made.settimeout(max(end - time.monotonic(), 0.01))
            made.connect(address)
    except OSError as error:
        return named_state(error)
    return "reached"


def named_state(error: Exception) -> str:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return "no answer from DNS"
    known = (text for kind, text in STATES.items() if isinstance(error, kind))
    words = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such name"
    return next(known, words)


def is_private(address: str | None) -> bool:
    """Whether it belongs to a private network: an AWS service has such an address by an endpoint of the VPC."""
    return bool(address) and ipaddress.ip_address(str(address).partition("%")[0]).is_private
