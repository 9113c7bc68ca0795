"""Draws a specification from stdin as PNG to stdout: a program of its own, since the library holds 90 MB of memory.

A program's specification may be hostile. So nothing is loaded for it, and the process has bounds. What is wrong with a
specification goes to stdout, and the exit code is 1.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

SCALE = 2  # pixels of the picture to one of the specification, for screens with fine pixels
SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 4_000_000  # of a specification: four times as many of a picture, in 64 MB
PICTURE_BYTES = 3_000_000
MEMORY_BYTES = 2_000_000_000
CPU_SECONDS = 60
SIZE = re.compile(r'<svg[^>]*\swidth="([0-9.]+)"\sheight="([0-9.]+)"')
MAJOR = re.compile(r"/v(\d+)[^/]*\.json$")
USUAL = "5"  # the version of Vega-Lite for a specification without one


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Types and data (PNG, section 5.3)."""
    at = len(SIGNATURE)
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + size]
        at += size + 12


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def compressed(png: bytes) -> bytes:
    """The same picture in two fifths of the bytes: the library writes it for speed."""
    found = [*chunks(png)]
    pixels = zlib.decompress(b"".join(data for kind, data in found if kind == b"IDAT"))
    head = [chunk(kind, data) for kind, data in found if kind not in (b"IDAT", b"IEND")]
    return SIGNATURE + b"".join([*head, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")])


def bounded() -> None:
    """Windows has no such limits, and macOS not all of them."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def version(spec: Spec, known: list[str]) -> str:
    """The newest of the known versions that its schema allows."""
    named = MAJOR.search(str(spec.get("$schema", "")))
    of = {name.partition(".")[0]: name for name in known}  # they are in order
    return of.get(named[1] if named else USUAL, of[USUAL])


def picture(spec: Spec, most_bytes: int = PICTURE_BYTES) -> bytes:
    """Raises ValueError. While the SVG is made, no base URL is allowed. Only images could still be loaded, when the SVG
    becomes a picture (vl-convert 1.9)."""
    import vl_convert

    using = version(spec, vl_convert.get_vegalite_versions())
    svg = vl_convert.vegalite_to_svg(spec, vl_version=using, allowed_base_urls=[])
    if "<image" in svg:
        raise ValueError("it shows images, which would be loaded from somewhere")
    size = SIZE.match(svg)
    if size is None or float(size[1]) * float(size[2]) > MOST_PIXELS:
        raise ValueError(f"it has more than {MOST_PIXELS:,} pixels")
    drawn = compressed(vl_convert.svg_to_png(svg, scale=SCALE))
    if len(drawn) > most_bytes:
        raise ValueError(f"its picture has more than {most_bytes / 1e6:g} MB")
    return drawn


def reason(error: ValueError) -> str:
    """vl-convert says what failed, then the error of a script, then where in the script."""
    lines = [line for line in str(error).splitlines() if not line.startswith("    at ")]
    return lines[-1].removeprefix("Error: ")


def main() -> int:
    bounded()
    try:
        answer = picture(json.load(sys.stdin))
    except ValueError as error:
        sys.stdout.write(reason(error))
        return 1
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
