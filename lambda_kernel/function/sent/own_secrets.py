"""The function's own secrets: the values of its variables that hold a password, a key, or the like.

A variable's name tells, by whole words: they end at `_` and where a capital begins (dbPassword). PRIMARY_KEY, KEYBOARD
and KEY_ID are none. The value tells where it is a URL with a password. Only whole values are replaced, as they stand
and as bash, JSON and Python write them. The kernel sends this file along with its hello, so it needs the standard
library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from .. import index


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEAST_CHARACTERS = 8  # shorter values are too likely in harmless text
NAME_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
# Words that name a secret wherever they stand, and those that do so at the end of a longer name: PWD is a directory.
SECRET_WORDS = word_set(
    "password passwords passwd passphrase passcode secret secrets token tokens credential credentials creds dsn"
    " apikey apisecret apitoken authtoken accesstoken refreshtoken accesskey secretkey privatekey signingkey"
    " encryptionkey clientsecret pgpassword dbpassword rootpassword userpassword jwt"
)
LAST_WORDS = frozenset({"pass", "pwd"})
KEY_WORDS = frozenset({"key", "keys"})
# Beside them a key is none that opens anything.
HARMLESS_KEYS = word_set(
    "public publishable primary foreign partition sort hash range cache object bucket s3 index unique composite"
    " routing idempotency kms cmk map dict column message lookup group site"
)
# A name that ends with one of these is about a secret, and its value is none.
ABOUT_SECRETS = word_set(
    "id ids arn arns name names path paths file files filename dir directory location url urls uri endpoint host"
    " port prefix suffix type kind alg algorithm size length bits ttl expiry expires expiration age lifetime duration"
    " seconds minutes hours days ms timeout enabled disabled required version count limit max min policy region table"
    " bucket topic queue parameter param format header headers field issuer audience scope scopes provider store"
    " manager backend source alias index column usage rotation vault"
)
# scheme://user:password@ (RFC 3986)
URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:]*:([^\s/?#]+)@")
QUOTED_SO = str.maketrans({character: f"\\{character}" for character in " \t'\"\\|&;()<>!{}*[]?^$`,"})
ANSI_C = {"\a": "\\a", "\b": "\\b", "\x1b": "\\E", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
ANSI_C_QUOTED = str.maketrans(ANSI_C | {"'": "\\'", "\\": "\\\\"})

Chosen = Mapping[str, bool]  # by name: what the user has added (True) or taken away
CHOSEN_FIRST: Chosen = {}  # of a new shell; the kernel puts another one behind this code


def is_secret(name: str) -> bool:
    """Whether a variable's name says that its value is a secret."""
    written = [word.lower() for word in NAME_WORD.findall(name)]
    words = [word for word in (word.rstrip("0123456789") for word in written) if word]
    if not words or words[-1] in ABOUT_SECRETS:
        return False
    if SECRET_WORDS.intersection(words) or (len(words) > 1 and words[-1] in LAST_WORDS):
        return True
    if words[-2:] == ["connection", "string"]:
        return True
    return not KEY_WORDS.isdisjoint(words) and HARMLESS_KEYS.isdisjoint([*words, *written])


def url_passwords(value: str) -> list[str]:
    return URL_PASSWORD.findall(value)


class Protection(NamedTuple):
    """protected: names, each with why: name, url or chosen. weak: names whose values cannot be protected, with why:
    short, or word if the value is a word of what stands in the place of others. unknown: chosen, but not there.
    rows: bytes, and what is shown in their place."""

    protected: list[tuple[str, str]]
    weak: list[tuple[str, str]]
    unknown: list[str]
    rows: tuple[tuple[bytes, bytes], ...]


def protection(environ: Mapping[str, str], chosen: Chosen) -> Protection:
    wanted = {name: why for name in environ if (why := why_secret(name, environ[name], chosen))}
    texts = "\n".join(map(placeholder, [*wanted, *index.SECRETS]))
    protected, weak, rows = [], [], dict[bytes, bytes]()
    for name, why in wanted.items():
        value = environ[name].strip()
        if len(value) < LEAST_CHARACTERS or value in texts:
            weak.append((name, "short" if len(value) < LEAST_CHARACTERS else "word"))
            continue
        protected.append((name, why))
        for secret in (value, *parts_of(value, texts)):
            for form in written_forms(secret):
                rows.setdefault(form, placeholder(name).encode("utf-8", "replace"))
    return Protection(protected, weak, [name for name in chosen if name not in environ], tuple(rows.items()))


def why_secret(name: str, value: str, chosen: Chosen) -> str:
    """Empty: it is none. The role's credentials have rules of their own (index.py)."""
    if name in index.SECRETS or not value.strip() or not chosen.get(name, True):
        return ""
    if name in chosen:
        return "chosen"
    return "name" if is_secret(name) else "url" if url_passwords(value) else ""


def placeholder(name: str) -> str:
    return f"[{name} redacted]"


def parts_of(value: str, texts: str) -> Iterator[str]:
    """A URL's passwords: programs show them without the URL."""
    for password in url_passwords(value):
        for part in {password, unquote(password)}:
            if len(part) >= LEAST_CHARACTERS and part not in texts:
                yield part


def written_forms(value: str) -> set[bytes]:
    """A value as it stands, and as bash (declare, set, printf %q), JSON and Python write it."""
    in_quotes = re.sub(r'([\\"$`])', r"\\\1", value)
    single = value.replace("'", "'\\''")
    words = value.translate(QUOTED_SO)
    words = f"\\{words}" if words[0] in "#~" else words
    ansi = value.translate(ANSI_C_QUOTED)
    scripts = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    texts = {value, in_quotes, single, words, ansi, *scripts}
    raw = value.encode("utf-8", "surrogateescape")
    return {*(text.encode("utf-8", "surrogateescape") for text in texts), repr(raw)[2:-1].encode()}


class Wholes:
    """Finds whole values in bytes, also those that are too short for index.py's Finder. It has a Finder's methods."""

    def __init__(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        self.rows = tuple(rows)
        self.most = max(len(value) for value, _ in self.rows)

    def see(self, data: bytes) -> Any:
        doubtful = self.beginning(data)
        cut = len(data) - doubtful
        return index.Seen([*self.runs_in(data)], cut, cut - self.most, doubtful)

    def runs_in(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Where a value overlaps itself, the run goes on to the end of the last one."""
        for value, shown in self.rows:
            size, at = len(value), data.find(value)
            while at != -1:
                last = at
                while (further := data.rfind(value, last + 1, last + 2 * size - 1)) != -1:
                    last = further
                yield at, last + size, shown
                at = data.find(value, last + size)

    def beginning(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a value."""
        return max(overlap(data, value) for value, _ in self.rows)


def overlap(data: bytes, value: bytes) -> int:
    tail = data[-(len(value) - 1) :]
    at = tail.find(value[:1])
    while at != -1:
        if value.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(value[:1], at + 1)
    return 0
