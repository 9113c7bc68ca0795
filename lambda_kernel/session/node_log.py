"""Reads the log of the 2018 article's function: its event, the command's stdout and, if it failed, its stderr.

Node's runtime makes one record of each console.log, as text or as JSON. The start of a log tail may be cut anywhere.
Formats: aws/aws-lambda-nodejs-runtime-interface-client, src/LogPatch.js and, since 2026, src/logging/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..report import Trimmed, trim

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LEVEL = r"(?:(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\t)?"  # runtimes before nodejs10.x had none
# Records without an id, because they come before an invocation. nodejs22.x warns of handlers with a callback, such as
# the article's. Python's runtime warns that it is a preview (awslambdaric 4.2.2, lambda_literals.py).
NO_INVOCATION = re.compile(rf"{STAMP}\tundefined\t|\[WARNING\]\t{STAMP}\t\tLAMBDA_WARNING: ")
LINE = re.compile(r"[^\n]*\n|[^\n]+")
# JSON's longest escape has six characters. After five characters without a backslash no escape is open.
OUTSIDE_ESCAPES = re.compile(r"[^\\]{5}")
LOW_SURROGATES = "".join(map(chr, range(0xDC00, 0xE000)))
# The quotes within a string are escaped, so this one ends or begins a string.
BARE_QUOTE = re.compile(r'(?:^|[^\\])(?:\\\\)*"')
INSPECTED = 10_000  # UTF-16 units of a string that util.inspect shows
ESCAPED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")
ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\"}


@dataclass(frozen=True)
class Logged:
    """What a command left in the log.

    stderr None: there is no third record, which a failed command leaves. cut: the tail begins too late, so something
    may be missing. found: whether there is any record.
    """

    stdout: str = ""
    stderr: str | None = None
    cut: bool = False
    found: bool = True


@dataclass
class Record:
    """One console.log. whole: its beginning was not cut off. echo: it is the event. sure: it cannot be anything
    else."""

    text: str
    whole: bool = True
    echo: bool = False
    sure: bool = True


def read(tail: bytes, event: dict[str, str], request_id: str = "") -> Logged:
    """Find a command's output in a log tail (a decoded LogResult). It never raises, whatever the tail holds."""
    trimmed = trim(tail)
    request_id = trimmed.request_id or request_id
    if trimmed.json or _is_json(trimmed.text, request_id):
        records = list(_json_records(trimmed.text, event))
    else:
        records = _text_records(trimmed, event, request_id)
    seen = trimmed.started or any(record.echo and record.sure for record in records)
    last_echo = max((number for number, record in enumerate(records) if record.echo), default=-1)
    outputs = [record.text for record in records[last_echo + 1 :]]
    if not outputs:
        return Logged(cut=not seen, found=bool(records))
    return Logged(outputs[0], "".join(outputs[1:]) if outputs[1:] else None, cut=not seen)


def _text_records(trimmed: Trimmed, event: dict[str, str], request_id: str) -> list[Record]:
    records = _by_prefix(trimmed.text, request_id)
    _join_lines(records)
    if not trimmed.framed and not any(record.whole for record in records):
        return list(_unframed("".join(record.text for record in records), event))
    if records and not records[0].whole:
        records[0].text = _without_prefix(records[0].text, request_id)
    _mark_echo(records, [f"{echo}\n" for echo in inspected(event)], trimmed.started)
    for record in records:
        record.text = record.text.removesuffix("\n")  # added by console.log
    return records


def _by_prefix(text: str, request_id: str) -> list[Record]:
    """Split into records. A prefix with another id is output."""
    prefix = re.compile(rf"{STAMP}\t{re.escape(request_id)}\t{LEVEL}")
    records: list[Record] = []
    ignored = False
    for line in LINE.findall(text):
        match = prefix.match(line)
        if match:
            records.append(Record(line[match.end() :]))
        elif records:
            records[-1].text += line
        elif ignored or NO_INVOCATION.match(line):
            ignored = True
        else:
            records.append(Record(line, whole=False))
    return records


def _join_lines(records: list[Record]) -> None:
    """Put line breaks back. A runtime without a descriptor for its log writes each record on one line, with CR for LF.

    If any record has a line break, the runtime has a descriptor, and the CRs are the command's.
    """
    if not any("\n" in record.text[:-1] for record in records):
        for record in records:
            record.text = record.text.replace("\r", "\n")


def _mark_echo(records: list[Record], echoes: list[str], started: bool) -> None:
    """The event is the very first record. If that is cut off, it is what looks like the end of the event."""
    whole = next((record for record in records if record.whole), None)
    if whole and (started or whole.text in echoes):
        whole.echo = True
    elif len(records) > 1 and not records[0].whole:
        records[0].echo = any(echo.endswith(records[0].text) for echo in echoes)
        records[0].sure = len(records[0].text) > len("' }\n")


def _without_prefix(text: str, request_id: str) -> str:
    """Remove what the cut has left of a record's prefix."""
    if match := re.match(rf"[\d:.TZ-]{{0,24}}\t{re.escape(request_id)}\t{LEVEL}", text):
        return text[match.end() :]
    for prefix in (f"{request_id}\tINFO\t", f"{request_id}\t"):
        for start in range(len(prefix)):
            if text.startswith(prefix[start:]):
                return text[len(prefix) - start :]
    return text


def _unframed(text: str, event: dict[str, str]) -> Iterator[Record]:
    """An emulator's log without prefixes. stderr looks like stdout there, and the last line end may be missing."""
    ends = (f"{echo[start:]}\n" for echo in inspected(event) for start in range(len(echo) + 1))
    echo = max((end for end in ends if text.startswith(end)), key=len, default="")
    if echo:
        yield Record(echo, echo=True, sure=len(echo) > len("' }\n"))
    if text != echo:
        yield Record(text.removeprefix(echo), whole=bool(echo))


def _is_json(text: str, request_id: str) -> bool:
    """Whether the records are JSON. A function may be set to log no lines of Lambda's own."""
    record = _loads(text[text.rfind("\n", 0, -1) + 1 :])
    return isinstance(record, dict) and record.get("requestId") == request_id and "timestamp" in record


def _json_records(text: str, event: dict[str, str]) -> Iterator[Record]:
    for number, line in enumerate(LINE.findall(text)):
        record = _loads(line)
        if isinstance(record, dict):
            if record.get("level") == "INFO":
                message = record.get("message")
                yield Record(message if isinstance(message, str) else "", echo=message == event)
        elif number == 0:
            yield _json_fragment(line.rstrip())


def _loads(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _json_fragment(line: str) -> Record:
    """The end of a record that was cut. Its last member is the message."""
    if line.endswith('"}}'):
        return Record("", whole=False, echo=True)
    body = line.removesuffix("}").removesuffix('"')
    quotes = list(BARE_QUOTE.finditer(body))
    safe = quotes[-1] if quotes else OUTSIDE_ESCAPES.search(body)
    text = _loads(f'"{body[safe.end() :]}"') if safe else ""
    # A surrogate is half a character here: the other half was an escape that was cut off.
    return Record(text.lstrip(LOW_SURROGATES) if isinstance(text, str) else "", whole=False)


def inspected(event: dict[str, str]) -> list[str]:
    """The forms in which versions of Node's util.inspect show an event of one member: on one line or on more."""
    [(key, value)] = event.items()
    units = value.encode("utf-16-le", "surrogatepass")  # JavaScript's length
    value = units[: 2 * INSPECTED].decode("utf-16-le", "surrogatepass")
    more = len(units) // 2 - INSPECTED
    rest = f"... {more} more character{'s' * (more > 1)}" if more > 0 else ""
    texts = {quoted(value), " +\n    ".join(quoted(line) for line in LINE.findall(value))}
    return [form for text in texts for form in (f"{{ {key}: {text}{rest} }}", f"{{\n  {key}: {text}{rest}\n}}")]


def quoted(text: str) -> str:
    quote = "'"
    if "'" in text and '"' not in text:
        quote = '"'
    elif "'" in text and "`" not in text and "${" not in text:
        quote = "`"
    escaped = ESCAPED.sub(lambda match: escape(match[0]), text)
    return quote + (escaped.replace("'", "\\'") if quote == "'" else escaped) + quote


def escape(character: str) -> str:
    number = ord(character)
    return ESCAPES.get(character) or (f"\\u{number:x}" if number > 0xFF else f"\\x{number:02X}")
