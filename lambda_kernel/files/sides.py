"""The two sides of a transfer. The same code does the work on both: function/files.py."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Protocol

from .. import errors
from ..function import files as far
from ..function import index as wire

Answer = dict[str, Any]

VERBS: Mapping[str, str] = MappingProxyType({"find": "read", "read": "read", "target": "look at"})
ROOM = "remove what is not needed, or give it more with `lambda-kernel deploy --storage`"
ADVICE: Mapping[int, str] = MappingProxyType(
    {errno.ENOSPC: ROOM, errno.EDQUOT: ROOM, errno.EROFS: "on Lambda only /tmp can be written"}
)


class Side(Protocol):
    """Where files come from or go to. where: in words."""

    where: str

    def name(self, path: bytes) -> str:
        """A path for people."""

    def go_on(self) -> None:
        """Raises errors.KernelError when the user has had enough."""

    def do(self, name: str, **arguments: Any) -> Answer: ...

    def quietly(self, name: str, **arguments: Any) -> None: ...


@cache
def code() -> str:
    return Path(far.__file__).read_text(encoding="utf-8")


class Local:
    """This machine, with the kernel's working directory."""

    where = "on this machine"

    def __init__(self) -> None:
        self._shell = SimpleNamespace(pid=0, secrets=(), environ=os.environ)

    def name(self, path: bytes) -> str:
        """Notebooks are passed on: as little as can be of who has made them, and where."""
        return shown(short(path, working_directory(), os.path.expanduser(b"~")))

    def go_on(self) -> None:
        """The other side knows."""

    def do(self, name: str, **arguments: Any) -> Answer:
        return fault(name, self, wire.load(code())[name](self._shell, **arguments))

    def quietly(self, name: str, **arguments: Any) -> None:
        with contextlib.suppress(errors.KernelError):
            self.do(name, **arguments)


def fault(name: str, side: Side, answer: Answer) -> Answer:
    """The answer, unless it tells of a failure: then raises errors.TransferFailed."""
    if "failed" not in answer:
        return answer
    path, why, where = side.name(far.unpack(answer["path"])), answer["failed"], side.where
    if why == far.MANGLED:
        raise errors.TransferFailed(f"{path} did not arrive {where} as it was sent: its checksum differs; try again")
    advice = ADVICE.get(answer["errno"]) if where != Local.where else None
    raise errors.TransferFailed(
        f"cannot {VERBS.get(name, 'write')} {path} {where}: {why}" + (f"; {advice}" if advice else "")
    )


def plain(text: str) -> bytes:
    """What a cell says, as bytes. Those that are no UTF-8 are single surrogates in a text (PEP 383)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise errors.UsageError(f"the cell holds half a character, which no file can: {error}") from error


def packed(name: str) -> str:
    """A name as a cell has it, for the wire."""
    return far.pack(plain(name))


def working_directory() -> bytes:
    """Empty: it is there no more."""
    try:
        return os.getcwdb()
    except OSError:
        return b""


def short(path: bytes, here: bytes, home: bytes) -> bytes:
    """Relative to the directory that it is in or below, or to the home directory; else as it is."""
    for base, instead in ((here, b""), (home, b"~"), (os.path.realpath(home), b"~")):
        above = base.rstrip(b"/")
        if above and (path + b"/").startswith(above + b"/"):
            return os.path.join(instead, path[len(above) + 1 :]).rstrip(b"/") or b"."
    return path


def shown(path: bytes) -> str:
    """A path in a sentence: whatever is in it stays on one line."""
    text = path.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)[1:-1]
