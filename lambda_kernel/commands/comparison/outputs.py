"""What a cell has printed and shown, as one text to compare. Images and pages are in it as digests."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...function.sent.display import VEGA_LITE
from ...magics.environment import KEY as ENVIRONMENT
from ...output.runs_view import KEY as RUNS

LONGEST = 1_000_000  # characters of a cell's text that are compared as text; the rest by its digest
# Displays of the kernel itself, by a key of their metadata or their data, and what stands for them. Figures have a
# comparison of their own, and when bash says that a job has ended is a matter of chance.
INSTEAD = {
    "lambda": "",
    "lambda_notice": "",
    RUNS: "[a table of runs]\n",
    ENVIRONMENT: "[the environment's table]\n",
    VEGA_LITE: "[a plot]\n",
}
Clean = Callable[[str], str]


def text_of(outputs: Sequence[Mapping[str, Any]], clean: Clean) -> str:
    """stdout, stderr, displays, and the error. In that order: how the streams mix differs from run to run.

    clean: takes out what is volatile.
    """
    parts = [_stream(outputs, "stdout")]
    errors = _stream(outputs, "stderr")
    parts += ["[stderr]\n", errors] if errors else []
    parts += [part for output in outputs for part in _shown(output, clean)]
    return _bounded("".join(map(_whole_lines, parts)), clean)


def _stream(outputs: Sequence[Mapping[str, Any]], name: str) -> str:
    found = (one for one in outputs if one.get("output_type") == "stream" and one.get("name") == name)
    return "".join(joined(one.get("text")) for one in found)


def joined(text: object) -> str:
    """A text in a notebook's file may be a list of its lines."""
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


def _whole_lines(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _shown(output: Mapping[str, Any], clean: Clean) -> Iterator[str]:
    if output.get("output_type") == "error":
        yield f"[error] {output.get('ename')}: {output.get('evalue')}"
    data, metadata = output.get("data"), output.get("metadata")
    if isinstance(data, Mapping):
        keys = {*data, *(metadata if isinstance(metadata, Mapping) else {})}
        instead = next((text for key, text in INSTEAD.items() if key in keys), None)
        yield from _bundle(data, clean) if instead is None else [instead]


def _bundle(data: Mapping[str, Any], clean: Clean) -> Iterator[str]:
    for kind in sorted(data):
        text = joined(data[kind])
        if kind == "text/plain":
            yield text
        elif kind.startswith("image/"):
            yield digest(kind, _decoded(text))
        else:
            yield digest(kind, clean(text or str(data[kind])).encode("utf-8", "replace"))


def _decoded(text: str) -> bytes:
    """An image's bytes; SVG is text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "replace")


def digest(kind: str, data: bytes) -> str:
    return f"[{kind}, {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}]"


def _bounded(text: str, clean: Clean) -> str:
    if len(text) <= LONGEST:
        return clean(text)
    rest = digest("the rest", text[LONGEST:].encode("utf-8", "replace"))
    return f"{_whole_lines(clean(text[:LONGEST]))}{rest}\n"
