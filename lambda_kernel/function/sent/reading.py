"""Finds credentials that index.py's Finder does not find.

They may be percent-encoded, or have characters in between that a terminal does not show. Others have a name beside them
that says what they are, and nothing else is known about them. The kernel sends this file along with its hello, so it
needs the standard library only.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index
    from .own_secrets import Wholes

Run = tuple[int, int, bytes]

# `grep --color` puts escapes into words. Percent-encoding may be %2F or %2f (RFC 3986).
ESCAPE = rb"\x1b(?:\[[0-?]{0,32}[ -/]{0,2}[@-~]|[(-+][0-~])"
ESCAPES_IN_A_ROW = 8  # more are no part of a word, which bounds what is held back
TOKENS = re.compile(rb"(%b(?:%b){0,%d}|%%[0-9A-Fa-f]{2})" % (ESCAPE, ESCAPE, ESCAPES_IN_A_ROW - 1))
PENDING = re.compile(
    rb"(?:%[0-9A-Fa-f]?|\x1b(?:\[[0-?]{0,32}[ -/]{0,2}|[(-+])?)?\Z"
)  # the beginning of a token, perhaps
PENDING_BYTES = 40
DIGITS = "0123456789ABCDEFabcdef"
DECODED = {f"%{a}{b}".encode(): bytes.fromhex(a + b) for a in DIGITS for b in DIGITS}

# A user's own keys, by the names that AWS's tools, SDKs and answers give them, in the forms of env, INI, JSON, YAML,
# XML and tables. The text is searched in small letters.
QUOTE = rb"(?:\\{0,3}[\"'`]|&quot;)"
NAMED_SO = rb"se(?=(?:cret(?P<key>[_ -]?access[_ -]?key)|(?:ssion|curity)[_-]?token)"
SIGN = rb"%b?\]?[ \t]{0,32}(?:=>|:=|[=:|>])[ \t|]{0,32}(?:[a-z$]{0,2}%b)?" % (QUOTE, QUOTE)
NAMES = re.compile(rb"%b(?:%b(?P<near>)|[ \t]{1,32}%b?(?P<far>)))" % (NAMED_SO, SIGN, QUOTE))
# Keys without a name, behind their id: `--output text` and the console's CSV have them.
IDS = re.compile(
    rb"A(?=[KS]IA[A-Z2-7]{16}[\"']?[\s,;:|]{1,32}(?:\d{4}-\d\d-\d\dT[\d:.Z+-]{5,20}\s{1,8})?[\"']?(?P<value>))"
)
BETWEEN = re.compile(rb"[\"']?[\s,;|]{1,16}[\"']?")
VALUE, VALUE_END = re.compile(rb"[A-Za-z0-9+/=]*"), re.compile(rb"[\w+/=.~%-]{0,8192}")  # AWS's are Base64
KEY_BYTES, VALUE_BYTES, TOKEN_BYTES = 40, 16, 64  # the length of a secret key; the shortest named value, and token
CONTEXT = 160  # bytes before a value that tell what it is
KEY_SHOWN, TOKEN_SHOWN, PEM_SHOWN = (
    b"[%b redacted]" % name for name in (b"secret key", b"session token", b"private key")
)
PATH_SHOWN = b"[secret path redacted]"  # the part of AWS_LAMBDA_RUNTIME_API behind host and port
# RFC 7468, and the forms of OpenSSH and PGP. In JSON and in bash's quotes, a line ends with a backslash and an n.
BREAK = rb"(?:\r?\n|(?:\\r)?\\n| )[ \t>|]{0,16}"
PEM_HEAD = rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
PEM_HEAD += rb"(?:(?:%b)(?:[A-Z][\w-]{1,20}: [^\r\n\\]{0,100})?){0,8}?(?:%b)" % (BREAK, BREAK)
LINE, SHORT = rb"[A-Za-z0-9+/=]{40,8192}", rb"[A-Za-z0-9+/=]{1,39}"
LINES = rb"%b(?:(?:%b)%b){0,400}(?:(?:%b)%b(?=(?:%b)-----))?" % (LINE, BREAK, LINE, BREAK, SHORT, BREAK)
PEM = re.compile(rb"%b(?P<body>%b)" % (PEM_HEAD, LINES))
PEM_BEGINS = re.compile(rb"%b(?P<body>%b)\Z" % (PEM_HEAD, SHORT))
PEM_GOES_ON = re.compile(rb"(?:\r|\\r?\\?|(?:%b)(?:%b(?:\r|\\r?\\?|(?:%b)-{0,4})?)?)?\Z" % (BREAK, SHORT, BREAK))
PEM_CONTEXT = 1_200  # bytes before the key: its first line, and headers


class Named:
    """The runs in a text. begins: from here on it may be the beginning of a run. keep: from here on it is needed to
    judge what follows."""

    def __init__(self, text: bytes) -> None:
        self.text, self.runs = text, list[Run]()
        self.begins = self.keep = len(text)
        low = text.lower()
        if b"secret" in low or b"token" in low:
            for found in NAMES.finditer(low):
                near = found["near"] is not None
                shown = KEY_SHOWN if found["key"] else TOKEN_SHOWN
                self._value(
                    found.start(), found.end("near" if near else "far"), VALUE_BYTES if near else KEY_BYTES, shown
                )
        if b"SIA" in text or b"KIA" in text:
            for found in IDS.finditer(text):
                end = self._value(found.start(), found.end("value"), KEY_BYTES, KEY_SHOWN)
                if end and (between := BETWEEN.match(text, end)):
                    self._value(found.start(), between.end(), TOKEN_BYTES, TOKEN_SHOWN)
        if b"PRIVATE KEY" in text:
            self._pem()

    def _value(self, start: int, at: int, least: int, shown: bytes) -> int:
        """The end of a value at this place. 0: it is none.

        Its first bytes decide: at least so many, with a digit and a letter, or 40 with large and small letters. So
        words of programs and documents are none.
        """
        size = len(VALUE.match(self.text, at)[0])  # type: ignore[index]
        head = self.text[at : at + min(size, max(KEY_BYTES, least))]
        mixed = head.lower() != head != head.upper()
        digit = any(48 <= byte <= 57 for byte in head)
        letter = head.lower() != head.upper()
        if (size >= least and digit and letter and (mixed or least < KEY_BYTES)) or (
            least < KEY_BYTES <= size and mixed
        ):
            end: int = VALUE_END.match(self.text, at).end()  # type: ignore[union-attr]
            self.runs.append((at, end, shown))
            if end == len(self.text):
                self.keep = min(self.keep, start)
            return end
        if at + size == len(self.text) and 0 < size < max(KEY_BYTES, least):
            self.begins, self.keep = min(self.begins, at), min(self.keep, start)
        return 0

    def _pem(self) -> None:
        for found in PEM.finditer(self.text):
            self.runs.append((*found.span("body"), PEM_SHOWN))
            end = found.end("body")
            if PEM_GOES_ON.match(self.text, end):
                self.keep = min(self.keep, found.start())
                self.begins = min(self.begins, end)
        if short := PEM_BEGINS.search(self.text):
            self.begins, self.keep = min(self.begins, short.start("body")), min(self.keep, short.start())


class View:
    """Bytes as people read them: without escapes, and decoded."""

    def __init__(self, raw: bytes) -> None:
        self.raw = TOKENS.split(raw) if b"\x1b" in raw or b"%" in raw else [raw]
        self.shown = self.raw[:]
        tokens = self.raw[1::2]
        self.shown[1::2] = [
            b"\x1b" if not text and token[0] == before[0] == 0x1B else DECODED.get(token, b"")
            for before, text, token in zip([b"%", *tokens], self.raw[::2], tokens, strict=False)
        ]
        self.data = b"".join(self.shown) if tokens else raw

    @functools.cached_property
    def places(self) -> list[list[int]]:
        return [[*itertools.accumulate(map(len, parts), initial=0)] for parts in (self.raw, self.shown)]

    def place(self, at: int, end: bool = False) -> int:
        """Where the byte at this place begins in the raw bytes. end: where the byte before it ends."""
        if len(self.raw) == 1:
            return at
        raw, shown = self.places
        part = bisect.bisect_right(shown, at - end) - 1
        if part == len(self.raw):
            return raw[-1]
        return raw[part + end] if part % 2 else raw[part] + at - shown[part]

    def placed(self, runs: Iterable[Run]) -> Iterator[Run]:
        return ((self.place(at), self.place(to, end=True), replacement) for at, to, replacement in runs)


class Reader:
    """Finds these values in streams. wholes: finds the function's own secrets, if it has some."""

    def __init__(self, values: Any, wholes: Wholes | None) -> None:
        self.finders: list[Any] = [index.finder(values), *([wholes] if wholes else [])]
        self.context = max(CONTEXT, *(finder.most for finder in self.finders))

    def see(self, data: bytes) -> Any:
        pending = PENDING.findall(data, max(len(data) - PENDING_BYTES, 0))[0]
        percent = len(pending) - pending.find(b"%") if b"%" in pending else 0  # in an escape, it may end that
        view = View(data.removesuffix(pending))
        size = len(view.data)
        named = Named(view.data)
        runs = named.runs
        if len(view.raw) > 1:  # else they are found without this
            runs = [*runs, *(run for finder in self.finders for run in finder.runs_in(view.data))]
        begins = min(named.begins, *(size - finder.beginning(view.data) for finder in self.finders))
        cut = view.place(begins) if begins < size else len(data) - percent
        context = PEM_CONTEXT if b"PRIVATE KEY" in view.data else self.context
        keep = view.place(max(min(begins - context, named.keep), 0))
        return index.Seen([*view.placed(runs)], cut, keep, size - begins + percent)


def looks(
    values: Any, environ: Mapping[str, str] = os.environ, own_rows: tuple[tuple[bytes, bytes], ...] = ()
) -> tuple[Any, ...]:
    """More rows for the table of these values. own_rows: of the function's own secrets (own_secrets.py)."""
    # The local emulator's Runtime API has a secret path. Lambda's has none.
    path = environ.get("AWS_LAMBDA_RUNTIME_API", "").partition("/")[2].encode()
    least = index.SECRET_BYTES
    own = [index.Secret(path, least, PATH_SHOWN)] if len(path) >= least else []
    wholes = Wholes(own_rows) if own_rows else None
    reader = Reader((*values, *own), wholes)
    rows = (*own, index.Look(reader.see, reader.context))
    return (*rows, index.Look(wholes.see, wholes.most)) if wholes else rows
