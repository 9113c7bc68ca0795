"""A cell's text into a file of the environment."""

from __future__ import annotations

import uuid

from ..errors import KernelError, TransferFailed
from ..function import files as far
from .sides import Answer, Side, packed, plain


def save(text: str, name: str, sink: Side, *, append: bool = False) -> str:
    """What to tell the user. Raises errors.KernelError; the file then is what it was before."""
    data = plain(text)
    there = sink.do("target", path=packed(name))
    if there["kind"] == far.DIRECTORY or name.endswith("/"):
        raise TransferFailed(f"cannot write {sink.name(plain(name))} {sink.where}: it is a directory")
    if append and there["kind"] == far.FILE:
        _append(data, there, sink)
        what = "appended"
    else:
        _write(data, there, sink)
        what = "written"
    return f"{len(data):,} bytes {what} to {sink.name(far.unpack(there['path']))} {sink.where}\n"


def pieces(data: bytes) -> list[Answer]:
    """At least one: the file may be empty."""
    cuts = range(0, max(len(data), 1), far.PIECES_BYTES)
    parts = [(at, data[at : at + far.PIECES_BYTES]) for at in cuts]
    return [{"at": at, "data": far.pack(part), "sha256": far.checksum(part)} for at, part in parts]


def _append(data: bytes, there: Answer, sink: Side) -> None:
    for piece in pieces(data):
        sink.do("append", path=there["path"], start=there["size"], piece=piece)


def _write(data: bytes, there: Answer, sink: Side) -> None:
    mark = f".lambda-kernel-{uuid.uuid4().hex[:12]}"
    *first, last = [piece | {"last": None} for piece in pieces(data)]
    same = {"path": there["path"], "mark": mark, "through": True, "size": len(data)}
    try:
        for piece in [*first, last | {"last": [there["mode"], None]}]:
            sink.do("write", pieces=[piece | same])
    except KernelError:
        sink.quietly("drop", path=there["path"], through=True, mark=mark)
        raise
