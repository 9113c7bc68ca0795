#!/usr/bin/env python3
"""The command `display`: shows files, or what is piped into it, by their content, in the cell that runs it.

display [--id ID] [--type MIME] [FILE...]

The kernel sends this file into the environment. What it prints are escape sequences that only the kernel understands:
pieces of JSON, which holds no control character, each with the name of the shell, which no other text knows.
"""

from __future__ import annotations

import argparse
import base64
import csv
import html
import io
import json
import math
import os
import re
import sys
import uuid
from typing import Any

START, END = "\x1b]5379;", "\x07"  # a control sequence for the operating system (ECMA-48, OSC), with a number of ours
CLEAR = '{"clear": true}'  # instead of what is to be shown: terminal.sh's
PIECE_BYTES = 4096  # what is written into a pipe at once is not mixed with what others write (PIPE_BUF, pipe(7))
HEAD_BYTES = 96  # of these at most: all that is not JSON
SHELL = "LAMBDA_KERNEL_SHELL"  # the variable that names the shell
MOST_BYTES = 800_000  # of the sequence: a cell shows 875,000 bytes before it leaves out the middle
ROWS = 200
DEEPEST = 100  # of JSON: all that handle a message must be able to walk down
BOM = b"\xef\xbb\xbf"
MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
JSON = re.compile(
    r"application/([\w.+-]+\+)?json", re.ASCII
)  # which alone are more than text in a notebook (nbformat 4)
MAGIC = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    *((b"\xff" + second, "audio/mpeg") for second in (b"\xfb", b"\xf3", b"\xf2")),
]
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
NAMES = {
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".htm": "text/html",
    ".md": "text/markdown",
    ".json": "application/json",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
}


def kind(name: str, data: bytes) -> str:
    """The MIME type, by content first and by the name where the content is text of some kind."""
    if found := next((mime for start, mime in MAGIC if data.startswith(start)), None):
        return found
    if data[:4] == b"RIFF" and data[8:12] in RIFF:
        return RIFF[data[8:12]]
    data = data.removeprefix(BOM)
    head, text = data[:2000].lstrip().lower(), b"\0" not in data[:2000]
    if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head:
        return "image/svg+xml"
    if head.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    named = NAMES.get(os.path.splitext(name)[1].lower())
    return named or (kind_of_text(name, data.decode("utf-8", "replace")) if text else "application/octet-stream")


def kind_of_text(name: str, text: str) -> str:
    try:
        return "application/json" if isinstance(parsed(text), (dict, list)) else "text/plain"
    except ValueError:
        return "text/plain" if name else tabular(text) or "text/plain"


def parsed(text: str) -> Any:
    """JSON as the standard has it, without NaN (RFC 8259, section 6), which no front end can read."""
    try:
        value = json.loads(text, parse_constant=no_number, parse_float=number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not shallow(value):
        raise ValueError("it is nested too deeply")
    return value


def shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in inside(outer)]
        if not level:
            return True
    return False


def inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large a number")
    return value


def no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def tabular(text: str) -> str | None:
    """For a text without a name: rows of one length, and no blank after a separator, as prose has."""
    for delimiter, mime in ((",", "text/csv"), ("\t", "text/tab-separated-values")):
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        spaced = any(cell.startswith(" ") or not cell for cell in rows[0][1:]) if rows else True
        if not spaced and len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            return mime
    return None


def table(text: str, delimiter: str) -> str:
    """Rows as HTML, the first one as a head."""
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    cells = ["".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) for tag, row in tagged(rows[:ROWS])]
    more = f"<p>{len(rows) - ROWS:,} more rows</p>" if len(rows) > ROWS else ""
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>{more}"


def tagged(rows: list[list[str]]) -> list[tuple[str, list[str]]]:
    return [("td" if number else "th", row) for number, row in enumerate(rows)]


def bundle(name: str, data: bytes, mime: str) -> dict[str, Any]:
    """Display data by MIME type: bytes as Base64, text as it is (Jupyter messaging, display_data)."""
    plain = f"<{name or 'input'}: {mime}, {len(data):,} bytes>"
    if mime == "application/octet-stream":
        raise ValueError("nothing is known to show it with: say what it is with --type")
    if (mime.startswith("image/") and mime != "image/svg+xml") or mime == "application/pdf":
        return {"text/plain": plain, mime: base64.b64encode(data).decode()}
    if mime.startswith("audio/"):
        source = f"data:{mime};base64,{base64.b64encode(data).decode()}"
        return {"text/plain": plain, "text/html": f'<audio controls src="{source}"></audio>'}
    text = data.removeprefix(BOM).decode("utf-8", "replace")
    if JSON.fullmatch(mime):
        return {"text/plain": text, mime: parsed(text)}
    if mime in ("text/csv", "text/tab-separated-values"):
        return {"text/plain": text, "text/html": table(text, "," if mime == "text/csv" else "\t")}
    return {"text/plain": text if mime in ("text/plain", "text/markdown") else plain, mime: text}


def show(name: str, options: argparse.Namespace) -> None:
    with open(name, "rb") if name else sys.stdin.buffer as file:
        data = file.read(MOST_BYTES)
    too_large = ValueError("it is larger than what a cell shows (0.6 MB): fetch it with %get")
    if len(data) == MOST_BYTES:
        raise too_large
    shown = {"data": bundle(name, data, options.type or kind(name, data)), "id": options.id}
    text = json.dumps(shown, ensure_ascii=True)
    if len(text) > MOST_BYTES:
        raise too_large
    for piece in pieces(text, os.environ.get(SHELL, ""), uuid.uuid4().hex[:8]):
        write(piece.encode())


def pieces(text: str, shell: str, name: str) -> list[str]:
    """START shell ; name ; number, `+` or for the last one `.`, JSON, END."""
    size = PIECE_BYTES - HEAD_BYTES
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    marks = ["+"] * (len(parts) - 1) + ["."]
    return [
        f"{START}{shell};{name};{number}{mark}{part}{END}"
        for number, (part, mark) in enumerate(zip(parts, marks, strict=True))
    ]


def write(data: bytes) -> None:
    """Past Python's buffer, which has sizes of its own."""
    while data:
        data = data[os.write(1, data) :]


def main() -> int:
    parser = argparse.ArgumentParser(prog="display", description="Show files, or the input, by their content.")
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--id", help="show it in the place of what was shown with this id before")
    parser.add_argument("--type", metavar="MIME", help="what it is, where its content does not tell")
    options = parser.parse_args()
    if options.type is not None and not MIME.fullmatch(options.type):
        print(f"display: {options.type!r} is no MIME type: give --type one such as text/html", file=sys.stderr)
        return 2
    if SHELL not in os.environ:
        print(f"display: the variable {SHELL}, which the cell's shell sets, is missing here", file=sys.stderr)
        return 1
    failed = False
    for name in options.files or [""]:
        try:
            show(name, options)
        except (OSError, ValueError, csv.Error) as error:
            print(f"display: {name or 'input'}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
