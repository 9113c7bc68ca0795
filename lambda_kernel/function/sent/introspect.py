"""The names that a shell knows, and paths in its file system, for completion and inspection. It runs nothing.

The kernel sends this file along when it asks, so it needs the standard library only. What bash knows comes from its
last dump (state.py).
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import re
import stat
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index

TILDES = {"": "HOME", "+": "PWD", "-": "OLDPWD"}
MOST_NAMES = 20_000
MOST_PATHS = 1_000
LOOK_SECONDS = 0.15
MOST_TEXT = 20_000  # characters of a function or of a value
HEAD_BYTES, HEAD_LINES = 4_096, 20
ATTRIBUTES = {
    "x": "exported", "r": "read only", "i": "integer", "a": "array", "A": "associative array", "n": "name reference",
    "l": "lower case", "u": "upper case", "t": "traced",
}  # fmt: skip
FUNCTION = re.compile(
    rb"^(?:function )?(\S+) \(\) \n\{ ?\n.*?^\}[^\n]*\n(?=declare -f|(?:function )?\S+ \(\) \n|\Z)",
    re.DOTALL | re.MULTILINE,
)
ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
CONTROLS = {
    b"a": b"\a",
    b"b": b"\b",
    b"e": b"\x1b",
    b"E": b"\x1b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
programs: dict[str, tuple[int, list[bytes]]] = {}  # by directory: when it changed last, and its programs


class Known:
    """A shell's names, from its last dump. redact: leave credentials out."""

    def __init__(self, shell: Any, redact: bool) -> None:
        self.shell, self.secrets = shell, shell.secrets if redact else ()
        self.state = shell.state
        self.bodies: bytes = shell.state.printed[1] if shell.state else b""
        self.cwd = f"/proc/{shell.pid}/cwd"

    def items(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        yield from self.state.items(kind) if self.state else ()

    def functions(self) -> dict[bytes, bytes]:
        own = {found[1]: found[0] for found in FUNCTION.finditer(self.bodies)}
        return {name: body for name, body in own.items() if not self.state.is_wrapper(body)}

    def variables(self) -> dict[bytes, bytes]:
        inherited = {
            os.fsencode(name): b"declare -x %b=%b\n" % (os.fsencode(name), quoted(os.fsencode(value)))
            for name, value in self.shell.environ.items()
            if name.startswith(("_X_AMZN_", "LAMBDA_"))  # they differ for each cell, so the dump leaves them out
        }
        return inherited | dict(self.items("variable"))

    def value(self, name: str) -> bytes | None:
        line = self.variables().get(os.fsencode(name))
        return None if line is None else scalar(line)

    def commands(self) -> list[bytes]:
        found: set[bytes] = set()
        for directory in (self.value("PATH") or b"").split(b":"):
            found.update(runnable(os.path.join(self.cwd, os.fsdecode(directory))))
        return sorted(found)

    def hides(self, text: bytes) -> bool:
        return bool(index.holds(text, self.secrets))

    def shown(self, names: list[bytes]) -> list[bytes]:
        """Those that hide nothing. All are looked at together first: a thousand commands one by one take ten times as
        long, which is most of the time of a Tab."""
        return [n for n in names if not self.hides(n)] if self.hides(b"\0".join(names)) else names

    def uncut(self, text: bytes) -> bytes:
        """The text without the first part of a credential at its end."""
        seen = index.finder(self.secrets).see(text)
        return text[: seen.cut] if seen.doubtful > index.HELD_BYTES else text

    def clean(self, text: bytes, before: bytes = b"") -> str:
        """The text without credentials. before: the text before it, which may tell that it is one."""
        shown: bytes = index.redact(before + text, self.secrets)
        return shown.removeprefix(before)[:MOST_TEXT].decode("utf-8", "replace")


def quoted(value: bytes) -> bytes:
    return b'"' + re.sub(rb'([\\"$`])', rb"\\\1", value) + b'"'


def scalar(line: bytes) -> bytes | None:
    """The value in a line of `declare -p`. None: it is an array, or has no value."""
    text = line.rstrip(b"\n").partition(b"=")[2]
    if text.startswith(b'"'):
        return re.sub(rb'\\([\\"$`])', rb"\1", text[1:-1])
    return ESCAPED.sub(character, text[2:-1]) if text.startswith(b"$'") else None


def character(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, letter = found.groups()
    if letter is not None:
        return CONTROLS.get(letter, letter)
    return bytes([int(octal, 8) & 255 if octal else int(hexadecimal, 16)])


def runnable(directory: str) -> list[bytes]:
    """The programs in a directory. They are kept until the directory changes."""
    try:
        changed = os.stat(directory).st_mtime_ns
        if directory.startswith("/proc/") or programs.get(directory, (None,))[0] != changed:
            programs[directory] = (changed, [os.fsencode(e.name) for e in os.scandir(directory) if can_run(e)])
    except OSError:
        return []
    return programs[directory][1]


def can_run(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() and os.access(entry.path, os.X_OK)
    except OSError:
        return False


def look(shell: Any, have: str, path: dict[str, Any] | None, redact: bool) -> dict[str, Any]:
    """The names, unless the kernel has them, and the paths that it asks for."""
    known = Known(shell, redact)
    names = {
        "function": list(known.functions()),
        "alias": [name for name, _ in known.items("alias")],
        "variable": list(known.variables()),
        "command": known.commands(),
    }
    texts = {
        kind: [n.decode("utf-8", "replace") for n in known.shown(found[:MOST_NAMES])] for kind, found in names.items()
    }
    digest = hashlib.blake2b(repr(texts).encode(), digest_size=8).hexdigest()
    paths = find(known, **path) if path else []
    return {"digest": digest, "names": None if digest == have else texts, "paths": paths}


def find(known: Known, head: list[list[str]], tail: str, only: str) -> list[list[str]]:
    """Paths as `entries` returns them, or users whose names begin with tail."""
    if only == "user":
        return [[name, "user"] for name in users(known) if name.startswith(tail)]
    directory = expand(known, head)
    if directory is None:
        return []
    return entries(os.path.join(os.fsencode(known.cwd), directory), tail, only, known.shown)


def users(known: Known) -> list[str]:
    """Users with a home directory. The empty name is the one who runs the shell, as in `~/`."""
    names = sorted({os.fsencode(entry.pw_name) for entry in pwd.getpwall()})[:MOST_PATHS]
    own = [] if expanded(known, "tilde", "") is None else [b""]
    return [name.decode("latin-1") for name in own + names if not known.hides(name)]


def entries(directory: bytes, tail: str, only: str, shown: Callable[[list[bytes]], list[bytes]]) -> list[list[str]]:
    """Names in a directory that begin with tail, as Latin-1, with their kind. only: directory, program, or any."""
    end = time.monotonic() + LOOK_SECONDS
    found: dict[bytes, str] = {}
    try:
        with os.scandir(directory) as scan:
            for entry in scan:
                if time.monotonic() > end or len(found) >= MOST_PATHS:
                    break
                if entry.name.startswith(os.fsencode(tail)) and (tail or not entry.name.startswith(b".")):
                    kind = kind_of(entry, only)
                    if kind:
                        found[entry.name] = kind
    except OSError:
        return []
    return sorted([name.decode("latin-1"), found[name]] for name in shown([*found]))


def kind_of(entry: os.DirEntry[bytes], only: str) -> str | None:
    try:
        if entry.is_dir():
            return "directory"
    except OSError:  # a link to itself
        pass
    usable = only == "any" or (only == "program" and os.access(entry.path, os.X_OK))
    return "file" if usable else None


def expand(known: Known, pieces: list[list[str]]) -> bytes | None:
    """The path that a word means. None, if a variable or a user in it is not known."""
    parts = [expanded(known, kind, text) for kind, text in pieces]
    path = b"".join(part for part in parts if part is not None)
    return None if None in parts or b"\0" in path else path


def expanded(known: Known, kind: str, text: str) -> bytes | None:
    if kind == "variable":
        return known.value(text)
    if kind == "tilde":
        home = known.value(TILDES[text]) if text in TILDES else None
        return home if home is not None else home_of(text)
    return text.encode("utf-8", "surrogateescape")


def home_of(user: str) -> bytes | None:
    try:
        return os.fsencode(pwd.getpwnam(user).pw_dir if user else pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def explain(
    shell: Any, *, title: str, word: list[list[str]] | None, order: list[str], more: bool, redact: bool
) -> list[Any]:
    """Explain a name: its kind, a heading, facts and a text. order: the kinds to try. []: none of them knows it."""
    known = Known(shell, redact)
    for kind in order:
        found = EXPLAIN[kind](known, title, word, more) if known.state else None
        if found:
            facts, text = found
            return [
                kind,
                title,
                {label: known.clean(os.fsencode(fact)) for label, fact in facts.items()},
                known.clean(text, f"{title}=".encode() if kind == "variable" else b""),
            ]
    return []


def of_function(known: Known, name: str, word: Any, more: bool) -> Any:
    body = known.functions().get(name.encode())
    return body and ({}, body)


def of_alias(known: Known, name: str, word: Any, more: bool) -> Any:
    line = dict(known.items("alias")).get(name.encode())
    return line and ({}, line)


def of_variable(known: Known, name: str, word: Any, more: bool) -> Any:
    line = known.variables().get(name.encode())
    if line is None:
        return None
    flags = line.split(b" ", 2)[1].decode()
    facts = {"attributes": ", ".join(text for flag, text in ATTRIBUTES.items() if flag in flags[1:]) or "none"}
    value = scalar(line)
    rest = line.partition(b"=")[2].strip() if value is None else value
    return facts, rest if b"=" in line else b"(not set)"


def of_command(known: Known, name: str, word: Any, more: bool) -> Any:
    for directory in (known.value("PATH") or b"").split(b":"):
        path = os.path.join(os.path.join(os.fsencode(known.cwd), directory), os.fsencode(name))
        if "/" not in name and os.path.isfile(path) and os.access(path, os.X_OK):
            return about(known, path, os.path.join(directory, os.fsencode(name)), more)
    return None


def of_path(known: Known, name: str, word: Any, more: bool) -> Any:
    path = expand(known, word) if word else None
    return path and about(known, os.path.join(os.fsencode(known.cwd), path), path, more)


EXPLAIN = {
    "function": of_function, "alias": of_alias, "variable": of_variable, "command": of_command, "path": of_path,
}  # fmt: skip


def about(known: Known, path: bytes, shown: bytes, more: bool) -> tuple[dict[str, str], bytes] | None:
    try:
        status = os.lstat(path)
        target = os.fsdecode(os.readlink(path)) if stat.S_ISLNK(status.st_mode) else ""
        status = os.stat(path) if target and os.path.exists(path) else status
    except OSError:
        return None
    head = beginning(path, status)
    if len(head) < status.st_size:
        head = known.uncut(head)
    facts = {
        "path": os.fsdecode(shown) + (f" -> {target}" if target else ""),
        "type": type_of(status.st_mode, head),
        "size": f"{status.st_size:,} bytes",
        "owner": f"{user(status.st_uid)}:{group(status.st_gid)}",
        "mode": f"{stat.filemode(status.st_mode)} ({stat.S_IMODE(status.st_mode):04o})",
        "modified": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(status.st_mtime)),
    }
    return facts, (inside(known, path, status) or lines(head)) if more else b""


def lines(head: bytes) -> bytes:
    return b"" if b"\0" in head else b"".join(head.splitlines(keepends=True)[:HEAD_LINES])


def inside(known: Known, path: bytes, status: os.stat_result) -> bytes:
    """The first names in a directory, as a text."""
    found = entries(path, "", "any", known.shown) if stat.S_ISDIR(status.st_mode) else []
    return b"".join(
        name.encode("latin-1") + (b"/\n" if kind == "directory" else b"\n") for name, kind in found[:HEAD_LINES]
    )


def beginning(path: bytes, status: os.stat_result) -> bytes:
    """The first bytes of a file that has a size. Reading a pipe, a device or a file of /proc could block, or change
    something."""
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def type_of(mode: int, head: bytes) -> str:
    if head.startswith(b"\x7fELF"):
        return "program (ELF)"
    if head.startswith(b"#!"):
        return f"script ({head[2:].splitlines()[0].strip().decode('utf-8', 'replace')})"
    kinds = {
        stat.S_IFDIR: "directory", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "character device",
        stat.S_IFBLK: "block device", stat.S_IFLNK: "broken link", stat.S_IFREG: "file",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "unknown")


def user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
