"""This machine's side of a transfer. Both sides run the same code: function/sent/files.py."""

from __future__ import annotations

import contextlib
import errno
import os
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Protocol

from .. import errors
from ..function import index as wire
from ..function.sent import files as file_ops
from ..function.sent import held, joined, source

Answer = dict[str, Any]

VERBS: Mapping[str, str] = MappingProxyType({"find": "read", "read": "read", "target": "look at"})
ROOM = (
    "remove files, or give the function more with `lambda-kernel deploy --storage`, or `%use local --storage` on the "
    "local emulator"
)
ADVICE: Mapping[int, str] = MappingProxyType(
    {errno.ENOSPC: ROOM, errno.EDQUOT: ROOM, errno.EROFS: "on Lambda only /tmp can be written"}
)


class Side(Protocol):
    """Where files come from or go to. where: in words; ours: whether it is this machine, which is trusted."""

    where: str
    ours: bool

    def name(self, path: bytes) -> str:
        """A path for people."""

    def go_on(self) -> None:
        """Raises errors.KernelError if the user interrupted or the time is over."""

    def folds(self, directory: bytes) -> bool:
        """Whether names that differ only in case or in Unicode's form are one file there."""

    def do(self, name: str, **arguments: Any) -> Answer: ...

    def quietly(self, name: str, **arguments: Any) -> None: ...


@cache
def code() -> str:
    return joined(source(module) for module in (held, file_ops))


class Local:
    """This machine, with the kernel's working directory."""

    where, ours = "on this machine", True

    def __init__(self, folding: Callable[[bytes], bool] | None = None) -> None:
        self._folding = folding or folding_names
        self._shell = SimpleNamespace(pid=0, secrets=(), environ=os.environ)

    def name(self, path: bytes) -> str:
        """People share notebooks, so the name says as little as possible about the user and the machine."""
        return shown(short(path, working_directory(), os.path.expanduser(b"~")))

    def go_on(self) -> None:
        """The remote side checks this."""

    def folds(self, directory: bytes) -> bool:
        return self._folding(directory)

    def do(self, name: str, **arguments: Any) -> Answer:
        return checked(name, self, wire.load(code())[name](self._shell, **arguments))

    def quietly(self, name: str, **arguments: Any) -> None:
        with contextlib.suppress(errors.KernelError):
            self.do(name, **arguments)


def checked(name: str, side: Side, answer: Answer) -> Answer:
    """The answer. Raises errors.TransferFailed if it reports a failure."""
    if "failed" not in answer:
        return answer
    path, why, where = side.name(file_ops.unpack(answer["path"])), answer["failed"], side.where
    if why == file_ops.MANGLED:
        raise errors.TransferFailed(f"{path} arrived damaged {where} (its checksum differs): try again")
    advice = ADVICE.get(answer["errno"]) if where != Local.where else None
    raise errors.TransferFailed(
        f"cannot {VERBS.get(name, 'write')} {path} {where}: {why}" + (f"; {advice}" if advice else "")
    )


def plain(text: str) -> bytes:
    """A cell's text as bytes. Bytes that are not UTF-8 are single surrogates in the text (PEP 383)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise errors.UsageError(f"the cell has half a character, which a file cannot have: {error}") from error


def packed(name: str) -> str:
    """A name from a cell, for a request."""
    return file_ops.pack(plain(name))


def on_this_machine(name: str) -> Path:
    """What a cell names. `~name` of a user who does not exist is a file's name, as for bash. Raises
    errors.UsageError."""
    return Path(os.fsdecode(os.path.expanduser(plain(name))))


def working_directory() -> bytes:
    """Empty if it no longer exists."""
    try:
        return os.getcwdb()
    except OSError:
        return b""


def short(path: bytes, here: bytes, home: bytes) -> bytes:
    """The path relative to the working directory or the home directory, if it is below one of them."""
    for base, instead in ((here, b""), (home, b"~"), (os.path.realpath(home), b"~")):
        above = base.rstrip(b"/")
        if above and (path + b"/").startswith(above + b"/"):
            return os.path.join(instead, path[len(above) + 1 :]).rstrip(b"/") or b"."
    return path


def fold(path: bytes) -> str:
    """Equal for names that a file system may treat as the same."""
    return unicodedata.normalize("NFD", path.decode("utf-8", "surrogateescape").casefold())


def folding_names(directory: bytes) -> bool:
    """Find out by creating a file. If that fails, nothing can be written there anyway."""
    temp_name = f".lambda-kernel-{uuid.uuid4().hex[:12]}-a\u00e9".encode()
    others = (temp_name.upper(), unicodedata.normalize("NFD", temp_name.decode()).encode())
    made = os.path.join(directory, temp_name)
    try:
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError:
        return True
    try:
        return any(os.path.lexists(os.path.join(directory, other)) for other in others)
    finally:
        os.unlink(made)


def shown(path: bytes) -> str:
    """A path for a sentence, on one line."""
    text = path.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)[1:-1]
