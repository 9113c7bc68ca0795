"""The network of an environment: the host's, none, or only connections to the outside (NAT).

With a network namespace of its own it shares no loopback with the host, and no abstract Unix sockets either
(network_namespaces(7), unix(7)). A program of its own then carries connections out, as user-mode networking does it.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from .errors import EngineError
from .processes import read_file

Network = Literal["host", "none", "nat"]
NETWORKS: tuple[Network, ...] = ("host", "none", "nat")

READY_S = 5.0
POLL_S = 0.005
PROOF_S = 0.25
_FIRST_PROCESS = re.compile(rb'"child-pid": (\d+)')


@dataclass(frozen=True)
class Nat:
    """A program that connects a process's network with ours, and the name server there."""

    program: str
    options: tuple[str, ...]
    nameserver: str
    # What the device inside is called, where it has to be said.
    device: tuple[str, ...] = ()

    def command(self, pid: int) -> list[str]:
        return [self.program, *self.options, str(pid), *self.device]


@dataclass(frozen=True)
class Reach:
    """How far environments reach: whether they have a network of their own, and the way out of it."""

    own: bool = False
    nat: Nat | None = None
    # What is /etc/resolv.conf inside, if it is not the host's.
    resolver: Path | None = None


def find_nat(which: Callable[[str], str | None]) -> Nat | None:
    """Find pasta, which also hides the host's other addresses, or slirp4netns."""
    pasta = which("pasta")
    if pasta is not None:
        # Not through the gateway to the host's loopback, and no port of either side on the other: pasta(1).
        closed = ("--no-map-gw", "-t", "none", "-u", "none", "-T", "none", "-U", "none")
        # Run by root it becomes nobody, who may not enter what is root's.
        user = ("--runas", "0:0") if os.geteuid() == 0 else ()
        # An address of no network: what goes there goes to the host's own resolver.
        names = "169.254.1.1"
        return Nat(pasta, ("--foreground", "--quiet", "--config-net", *closed, *user, "--dns-forward", names), names)
    slirp = which("slirp4netns")
    if slirp is not None:
        options = ("--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp")
        # Its own resolver: slirp4netns(1).
        return Nat(slirp, options, "10.0.2.3", ("tap0",))
    return None


def write_resolver(nat: Nat | None, directory: Path) -> Path | None:
    """Write down the name server that the way out has."""
    if nat is None:
        return None
    path = directory / "resolv.conf"
    path.write_text(f"nameserver {nat.nameserver}\n")
    return path


def first_process(description: bytes) -> int | None:
    """Read bubblewrap's description of the sandbox."""
    found = _FIRST_PROCESS.search(description)
    return int(found[1]) if found else None


def has_loopback(pid: int) -> bool:
    """Return whether bubblewrap has set up the sandbox's network. Earlier requests could make its own fail."""
    return b"127.0.0.1" in read_file(f"/proc/{pid}/net/fib_trie")


def leads_out(pid: int) -> bool:
    """Return whether the network of a process has a default route."""
    routes = read_file(f"/proc/{pid}/net/route").decode(errors="replace").splitlines()[1:]
    six = read_file(f"/proc/{pid}/net/ipv6_route").decode(errors="replace").splitlines()
    return any(line.split()[1] == "00000000" for line in routes) or any(
        line.startswith(f"{'0' * 32} 00 ") and not line.rstrip().endswith(" lo") for line in six
    )


@lru_cache
def check_nat(bwrap: str, options: tuple[str, ...], nat: Nat) -> None:
    """Raise EngineError unless this connects an empty sandbox. It is tried once."""
    info, info_end = os.pipe2(os.O_CLOEXEC)
    block, block_end = os.pipe2(os.O_CLOEXEC)
    command = [bwrap, *options, "--ro-bind", "/", "/", "--info-fd", str(info_end), "--block-fd", str(block)]
    with subprocess.Popen(
        [*command, "--", "/bin/sh", "-c", ":"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(info_end, block),
    ) as sandbox:  # fmt: skip
        os.close(info_end)
        os.close(block)
        with open(info, "rb") as file:
            pid = first_process(file.read())
        try:
            if pid is not None:
                _try(nat, pid)
        finally:
            sandbox.kill()
            os.close(block_end)


def _try(nat: Nat, pid: int) -> None:
    deadline = time.monotonic() + READY_S
    _wait(lambda: has_loopback(pid), deadline)
    with subprocess.Popen(
        nat.command(pid), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as helper:
        _wait(lambda: leads_out(pid) or helper.poll() is not None, deadline)
        # Without the right to become root inside, slirp4netns makes the route first and ends then.
        _wait(lambda: helper.poll() is not None, time.monotonic() + PROOF_S)
        works = leads_out(pid) and helper.poll() is None
        helper.kill()
        said = helper.stdout.read().decode(errors="replace") if helper.stdout else ""
    if not works:
        raise EngineError(
            f"the network `nat` does not work here ({nat.program} says: {_reason(said)}): "
            "install pasta (the package passt), let yourself open /dev/net/tun, or choose the network `none` or `host`"
        )


def _wait(condition: Callable[[], bool], deadline: float) -> None:
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _reason(text: str) -> str:
    """The first line that is one: they go on to say what follows from it, or that there is no system log."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not re.search("syslog|WARNING|tapfd", line)), "nothing")
