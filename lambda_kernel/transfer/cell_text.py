"""Writes a cell's text to a file in the environment."""

from __future__ import annotations

import uuid

from ..errors import KernelError, TransferFailed
from ..function.sent import files as file_ops
from .local_side import Answer, Side, packed, plain


def save(text: str, name: str, sink: Side, *, append: bool = False) -> str:
    """Write the file, and return the message for the user. Raises errors.KernelError; the file is then unchanged."""
    data = plain(text)
    there = sink.do("target", path=packed(name))
    if there["kind"] == file_ops.DIRECTORY or name.endswith("/"):
        raise TransferFailed(f"cannot write {sink.name(plain(name))} {sink.where}: it is a directory")
    if append and there["kind"] == file_ops.FILE:
        _append(data, there, sink)
        what = "appended"
    else:
        _write(data, there, sink)
        what = "written"
    return f"{len(data):,} bytes {what} to {sink.name(file_ops.unpack(there['path']))} {sink.where}\n"


def pieces(data: bytes) -> list[Answer]:
    """At least one piece, since the file may be empty."""
    cuts = range(0, max(len(data), 1), file_ops.PIECES_BYTES)
    parts = [(at, data[at : at + file_ops.PIECES_BYTES]) for at in cuts]
    return [{"at": at, "data": file_ops.pack(part), "sha256": file_ops.checksum(part)} for at, part in parts]


def _append(data: bytes, there: Answer, sink: Side) -> None:
    for piece in pieces(data):
        sink.do("append", path=there["path"], start=there["size"], piece=piece)


def _write(data: bytes, there: Answer, sink: Side) -> None:
    temp_name = f".lambda-kernel-{uuid.uuid4().hex[:12]}"
    *first, last = [piece | {"last": None} for piece in pieces(data)]
    same = {"path": there["path"], "temp_name": temp_name, "through": True, "size": len(data)}
    try:
        for piece in [*first, last | {"last": [there["mode"], None]}]:
            sink.do("write", pieces=[piece | same])
    except KernelError:
        sink.quietly("drop", path=there["path"], through=True, temp_name=temp_name)
        raise
