#!/usr/bin/env python3
"""The command `display`: shows files, or its input, in the output of the cell that runs it: pictures, tables, pages.

display [--id ID] [--type MIME] [--height PIXELS] [FILE...]

The kernel sends this file into the environment. It prints escape sequences that only the kernel understands: pieces of
JSON, each with the name of the shell. JSON has no control characters. Any program can print such sequences: the kernel
decides what of it reaches a notebook, and how.
"""

from __future__ import annotations

import argparse
import base64
import csv
import io
import json
import math
import os
import re
import sys
from typing import Any

START, END = "\x1b]5379;", "\x07"  # an operating system command (ECMA-48, OSC) with our own number
CLEAR = '{"clear": true}'  # terminal.sh sends this in place of something to show
PIECE_BYTES = 4096  # a write of this size is not mixed with other writes to a pipe (PIPE_BUF, pipe(7))
HEAD_BYTES = 96  # the most of a piece that is not JSON
SHELL = "LAMBDA_KERNEL_SHELL"  # a variable with the name of the shell
SHOWN = "LAMBDA_KERNEL_DISPLAY"  # a variable with the MIME types that are shown
MOST_BYTES = 800_000  # a cell shows 875,000 bytes before it leaves out the middle
HEIGHTS = (20, 5000)  # of a page's frame, in pixels
DEEPEST = 100  # levels of JSON, so that recursive code can handle a message
BOM = b"\xef\xbb\xbf"
MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
# Only these types may hold more than text in a notebook (nbformat 4).
JSON = re.compile(r"application/([\w.+-]+\+)?json", re.ASCII)
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
VEGA_LITE = "application/vnd.vegalite.v5+json"
SCHEMA = b"//vega.github.io/schema/%s/"  # what a specification of Vega or Vega-Lite begins with
VEGA = "a specification of Vega is shown as JSON, and not drawn: save the chart as HTML or PNG to see it"
NAMES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".html": "text/html",
    ".htm": "text/html",
    ".md": "text/markdown",
    ".json": "application/json",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    **dict.fromkeys((".txt", ".log", ".py", ".sh", ".js", ".css", ".xml", ".yaml", ".yml"), "text/plain"),
}


def kind(name: str, data: bytes) -> tuple[str, str]:
    """The MIME type, and a remark about it. The name decides if it has a known ending, else the content does. Raises
    ValueError if the name is certainly wrong."""
    named, found = NAMES.get(os.path.splitext(name)[1].lower(), ""), content(data)
    if not named or named == found:
        return found or kind_of_text(name, data.removeprefix(BOM).decode("utf-8", "replace")), ""
    if binary(found):
        return found, f"it is {found}, and not {named}, as its name says"
    if binary(named) or found == "application/octet-stream":
        raise ValueError(f"it is not {named}, as its name says: --type shows it as what it is")
    return named, found and f"it begins like {found}, and is shown as {named}, as its name says"


def is_chart(name: str, data: bytes, library: str, ending: str) -> bool:
    """Whether JSON is a specification for that library. ending: of its files."""
    return SCHEMA % library.encode() in data or name.lower().endswith(ending)


def kind_of_json(name: str, data: bytes) -> tuple[str, str]:
    """The MIME type, and a remark about it."""
    if is_chart(name, data, "vega-lite", ".vl.json"):
        return VEGA_LITE, ""
    return "application/json", VEGA if is_chart(name, data, "vega", ".vg.json") else ""


def binary(mime: str) -> bool:
    return mime.startswith(("image/", "audio/", "application/pdf")) and mime != "image/svg+xml"


def content(data: bytes) -> str:
    """The MIME type by the first bytes. Empty for text of any kind."""
    if found := next((mime for start, mime in MAGIC if data.startswith(start)), None):
        return found
    if data[:4] == b"RIFF" and data[8:12] in RIFF:
        return RIFF[data[8:12]]
    head = data[:2000].removeprefix(BOM)
    if b"\0" in head:
        return "application/octet-stream"
    head = head.lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head:
        return "image/svg+xml"
    return "text/html" if head.startswith((b"<!doctype html", b"<html")) else ""


def kind_of_text(name: str, text: str) -> str:
    try:
        return "application/json" if isinstance(parsed(text), (dict, list)) else "text/plain"
    except ValueError:
        return "text/plain" if name else tabular(text) or "text/plain"


def parsed(text: str) -> Any:
    """Parse standard JSON. No front end can read NaN (RFC 8259, section 6)."""
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
    """The type of a table without a file name: rows of one length, and no blank after a separator, unlike prose."""
    for delimiter, mime in ((",", "text/csv"), ("\t", "text/tab-separated-values")):
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        spaced = any(cell.startswith(" ") or not cell for cell in rows[0][1:]) if rows else True
        if not spaced and len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            return mime
    return None


def rows(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def bundle(name: str, data: bytes, mime: str) -> dict[str, Any]:
    """Display data by MIME type: bytes as Base64, text unchanged (Jupyter messaging, display_data)."""
    if mime == "application/octet-stream":
        raise ValueError("its type is not known: give it with --type")
    shown = os.environ.get(SHOWN, mime).split()
    if mime not in shown:
        raise ValueError(f"{mime} is not shown: give --type one of {', '.join(shown)}")
    plain = f"<{name or 'input'}: {mime}, {len(data):,} bytes>"
    if binary(mime):
        return {"text/plain": plain, mime: base64.b64encode(data).decode()}
    text = data.removeprefix(BOM).decode("utf-8", "replace")
    if mime == VEGA_LITE:
        return {mime: parsed(text)}
    if mime == "application/json":
        return {"text/plain": text, mime: parsed(text)}
    if mime in ("text/csv", "text/tab-separated-values"):
        rows(text, ",")  # raises csv.Error if it cannot be read
    return {mime: text} | ({"text/plain": plain} if mime == "image/svg+xml" else {})


def show(name: str, options: argparse.Namespace) -> None:
    with open(name, "rb") if name else sys.stdin.buffer as file:
        data = file.read(MOST_BYTES)
    too_large = ValueError("it is larger than what a cell shows (0.6 MB): fetch it with %get")
    if len(data) == MOST_BYTES:
        raise too_large
    mime, remark = (options.type, "") if options.type else kind(name, data)
    if mime == "application/json" and not options.type:
        mime, remark = kind_of_json(name, data)
    shown = {"data": bundle(name, data, mime), "id": options.id, "height": options.height}
    text = json.dumps(shown, ensure_ascii=True)
    if len(text) > MOST_BYTES:
        raise too_large
    for piece in pieces(text, os.environ.get(SHELL, ""), os.urandom(4).hex()):
        write(piece.encode())
    if remark:
        print(f"display: {name}: {remark}", file=sys.stderr)


def pieces(text: str, shell: str, name: str) -> list[str]:
    """Each is START, shell, `;`, name, `;`, number, `+` (or `.` in the last one), JSON, END."""
    size = PIECE_BYTES - HEAD_BYTES
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    marks = ["+"] * (len(parts) - 1) + ["."]
    return [
        f"{START}{shell};{name};{number}{mark}{part}{END}"
        for number, (part, mark) in enumerate(zip(parts, marks, strict=True))
    ]


def write(data: bytes) -> None:
    """Write without Python's buffer, which would cut pieces at other sizes."""
    while data:
        data = data[os.write(1, data) :]


def pixels(text: str) -> int:
    if text.isascii() and text.isdecimal() and HEIGHTS[0] <= int(text[:5]) <= HEIGHTS[1]:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {HEIGHTS[0]} to {HEIGHTS[1]}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="display", description="Show files, or the input, as what they are.")
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--id", help="show it in the place of what was shown with this id before")
    parser.add_argument("--type", metavar="MIME", help="what it is, where its content does not tell")
    parser.add_argument("--height", metavar="PIXELS", type=pixels, help="of the frame that a page is shown in")
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
