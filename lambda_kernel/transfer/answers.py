"""Checks the remote side's answers: types and sizes are those of function/sent/files.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..function.sent import files as file_ops
from ..untrusted import Reader, Unfit, array, flag, maybe, one_of, record, row, shown, text, whole

PATH_CHARACTERS = 20_000  # of base64: paths have 4,096 bytes (limits.h, PATH_MAX), or more if one goes step by step
SIZE = whole(0, 2**63 - 1)
TIME = whole(-(2**63), 2**64 - 1)  # ns


def named(value: Any) -> str:
    """The path of a failure, which need not be valid. It stays base64."""
    packed = text(PATH_CHARACTERS)(value)
    try:
        file_ops.unpack(packed)
    except ValueError as error:
        raise Unfit("not base64") from error
    return packed


def path(value: Any) -> str:
    packed = named(value)
    if b"\0" in file_ops.unpack(packed):
        raise Unfit("a path has a NUL byte")
    return packed


KIND = one_of(file_ops.DIRECTORY, file_ops.FILE, file_ops.LINK, file_ops.SPECIAL)
ENTRY = row(whole(0, 10_000), path, array(path, 5_000), KIND, whole(0, 0o7777), TIME, SIZE, path)
PIECE = record(
    {
        "at": SIZE,
        "data": text(4 * file_ops.PIECES_BYTES // 3 + 4, "[A-Za-z0-9+/]*={0,2}"),
        "bytes": whole(0, file_ops.PIECES_BYTES),
        "sha256": text(64, "[0-9a-f]{64}"),
        "end": flag,
        "size": SIZE,
        "mtime_ns": TIME,
        "secrets": array(shown(100), 20),
    }
)
TARGET = one_of(file_ops.DIRECTORY, file_ops.FILE, file_ops.LINK, file_ops.SPECIAL, file_ops.NOTHING)
READERS: Mapping[str, Reader[Any]] = {
    "find": record({"entries": array(ENTRY, file_ops.PAGE_BYTES // 200 + 2), "more": flag}),
    "read": record({"pieces": array(PIECE, 1_000, least=1)}),
    "target": record({"path": path, "kind": TARGET, "mode": whole(0, 0o7777), "size": SIZE}),
}
FAILED = record({"failed": shown(300), "errno": maybe(whole(0, 10_000)), "path": named})
NOTHING = record({})


def read(name: str, value: Any) -> dict[str, Any]:
    """Raises Unfit."""
    if isinstance(value, dict) and "failed" in value:
        answer: dict[str, Any] = FAILED(value)
    else:
        answer = READERS.get(name, NOTHING)(value)
    return answer
