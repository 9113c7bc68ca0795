"""The settings of an engine, and the endpoint that it returns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .address import LOOPBACK, find_address
from .cpu_share import CPUS, Cpu
from .errors import EngineError
from .network import NETWORKS, Network
from .quotas import MEMORY_MB, STORAGE_MB, TIMEOUT_S


@dataclass(frozen=True)
class RootImage:
    """A container image, unpacked: its root directory, and what of its configuration an environment needs.

    name: for messages.
    """

    name: str
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    working_directory: str = ""


@dataclass(frozen=True)
class Settings:
    """The one function that an engine serves, and how it runs it.

    code: its directory, or its only file; text: what that file holds when the function runs, if it is not to be as is;
    bind: the address to listen on; beyond_loopback: whether it may be another than loopback's; credentials: a file that
    keeps them, None: new ones with each start.
    """

    code: Path
    text: str | None = None
    handler: str = "index.handler"
    function: str = "shell"
    memory_mb: int = 128
    storage_mb: int = 512
    timeout_s: float = 60
    concurrency: int = 10
    bind: str = LOOPBACK
    beyond_loopback: bool = False
    port: int = 0
    credentials: Path | None = None
    idle_s: float = 600
    tenancy: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    isolation: Literal["auto", "bwrap", "none"] = "auto"
    freezer: Literal["auto", "cgroup", "signals"] = "auto"
    network: Network = "host"
    cpu: Cpu = "host"
    image: RootImage | None = None


@dataclass(frozen=True)
class Endpoint:
    """Where the engine listens, and the credentials that it accepts."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    region: str
    function: str


def check_settings(settings: Settings) -> None:
    """Raise EngineError for the first value that Lambda would also refuse."""
    _within("memory", settings.memory_mb, MEMORY_MB, "MB")
    _within("storage", settings.storage_mb, STORAGE_MB, "MB")
    _within("timeout", settings.timeout_s, TIMEOUT_S, "seconds")
    _within("port", settings.port, (0, 65535), "")
    find_address(settings.bind, settings.beyond_loopback)
    if settings.concurrency < 1:
        raise EngineError(f"the concurrency is {settings.concurrency}: choose 1 or more")
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", settings.function):
        raise EngineError(f"{settings.function!r} is not a function name: use letters, digits, - and _, at most 64")
    if settings.network not in NETWORKS:
        raise EngineError(f"{settings.network!r} is not a network: choose host, none or nat")
    if settings.cpu not in CPUS:
        raise EngineError(f"{settings.cpu!r} is no way to share the CPU: choose host or lambda")
    if not settings.code.exists():
        raise EngineError(f"the function's code {settings.code} does not exist: name index.py, or its directory")


def _within(name: str, value: float, bounds: tuple[int, int], unit: str) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise EngineError(f"the {name} is {value:g}: choose {low} to {high} {unit}".rstrip())
