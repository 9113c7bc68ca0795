"""A shell's state: asked of bash after each cell, and replayed in another bash when that one is gone.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping

PROGRAMS: dict[str, str] = {}  # by name: what the kernel brings for the shell's PATH
SHOWN = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "text/html", "text/markdown"),
    *("application/json", "application/pdf", "text/csv", "audio/wav", "audio/mpeg", "audio/ogg", "audio/flac"),
)
BIN = "/tmp/.lambda-kernel/bin"  # which the function puts at its end
STATE_BYTES = 256 * 1024  # what does not fit is named

DOUBLE, DOLLAR = rb"\"[^\"\\]*(?:\\.[^\"\\]*)*\"", rb"\$'[^'\\]*(?:\\.[^'\\]*)*'"
SINGLE = rb"'[^']*(?:'\\''[^']*)*'"
WORD = rb"(?:%b|%b)" % (DOUBLE, DOLLAR)
ARRAY = rb"\((?:\[(?:%b|[^]\"$]*)\]=%b ?)*\)" % (WORD, WORD)
# What alias -p, trap -p, umask -p and declare -p print; whatever else a line may be is passed over.
ITEM = re.compile(
    rb"alias (?:-- )?(?P<alias>[^=\n]+)=%b\n|trap -- %b (?P<trap>\S+)\n|umask (?P<umask>\d+)\n"
    rb"|declare -\S+ (?P<variable>\w+)(?:=(?:%b|%b))?\n|[^\n]*\n" % (SINGLE, SINGLE, WORD, ARRAY),
    re.DOTALL,
)
SWITCHES = {b"BASHOPTS": b"shopt -s ", b"SHELLOPTS": b"set -o "}
# What bash keeps for itself, and what belongs to the invocation or to the environment.
FOREIGN = re.compile(
    rb"BASH.*|_|PPID|E?UID|GROUPS|FUNCNAME|DIRSTACK|S?RANDOM|SECONDS|LINENO|HISTCMD|PIPESTATUS|EPOCH.*|SHELLOPTS|SHLVL"
    rb"|AWS_.*|_X_AMZN_.*|LAMBDA_.*"
)
RESTLESS = re.compile(
    rb"^declare -\S+ (?:BASH(?!OPTS)|EPOCH|SECONDS|S?RANDOM|LINENO|HISTCMD|_=|_X_AMZN_|LAMBDA_).*\n", re.MULTILINE
)
KINDS = ("option", "umask", "directory", "variable", "function", "alias", "trap")  # in the order of replaying
COMMANDS = ("alias -p", "trap -p", "umask -p", "declare -p", "", "declare -pf", "", "declare -F", "", "jobs -r")

# bash shows the prompt of `read -p`, and hides what is typed at `read -s`, on a terminal only (bash(1)).
READ_MARK = "__lambda_kernel"
READ = r"""read () {
    \builtin local MARK=p MARK_prompt= MARK_option OPTIND=1 OPTARG
    while \builtin getopts :ersa:d:i:n:N:p:t:u: MARK_option; do
        case $MARK_option in p) MARK_prompt=$OPTARG ;; s) MARK=s ;; esac
    done
    [[ /proc/self/fd/0 -ef INPUT ]] && \builtin printf 'R%s%s\0' "$MARK" "${MARK_prompt:0:1000}" >|MARKS
    \builtin read "$@"
}"""

Key = tuple[str, bytes]
Items = dict[Key, bytes]


class State:
    """What bash says of itself, as items that another bash can replay one by one; those of a new shell are left out."""

    def __init__(self) -> None:
        self.base: Items | None = None
        self.told = (b"", b"")  # what does not change by itself
        self.dump, self.kept, self.packed = b"", "", ""
        self.own_read = False
        self.left: list[str] = []
        self.jobs: list[str] = []
        install()

    @property
    def setup(self) -> str:
        """What a new shell does first: it tells programs what they may print for `display`, and finds that command even
        where another one has its name (ImageMagick's, which wants a screen)."""
        found = f"hash -p {BIN}/display display; " if shutil.which("display") else ""
        return f"{found}export LAMBDA_KERNEL_DISPLAY={shlex.quote(' '.join(SHOWN))}"

    def question(self, path: str, seq: int) -> str:
        """A line for bash. A redirection for each command: with one for all, a DEBUG trap would print into it."""
        commands = (
            [r"printf '\0\1'"] + [command or r"printf '\0'" for command in COMMANDS] + [rf"printf '\0%s\0.\0' {seq}"]
        )
        return "; ".join(rf"\builtin {command} >|{path}" for command in commands)

    def prelude(self, source: str, marks: str) -> str:
        """A line that makes `read` say how to ask the user; a function `read` of the user's own stays as it is."""
        return "" if self.own_read else READ.replace("MARKS", marks).replace("MARK", READ_MARK).replace("INPUT", source)

    def feed(self, data: bytes, words: Mapping[bytes, bytes]) -> int | None:
        """Part of an answer. The number of the cell, when it was the last part. words: what no snapshot may hold."""
        self.dump += data
        if not self.dump.endswith(b"\0.\0"):
            return None
        # An interrupt may have cut the answer before this one.
        settings, functions, names, jobs, number, *_ = self.dump.rpartition(b"\0\1")[2].split(b"\0")
        self.dump = b""
        self.jobs = [line.split(None, 2)[-1] for line in jobs.decode("utf-8", "replace").splitlines()]
        told = (RESTLESS.sub(b"", settings), functions)
        if told != self.told:
            self.told = told
            self._take(dict(_settings(settings)) | dict(_functions(functions, names)), words)
        return int(number)

    def _take(self, items: Items, words: Mapping[bytes, bytes]) -> None:
        self.own_read = ("function", b"read") in items
        if self.base is None:
            self.base = items
        self._pack(_changes(self.base, items), words)

    def _pack(self, changes: Iterable[tuple[Key, bytes]], words: Mapping[bytes, bytes]) -> None:
        """The smallest first, as long as there is room; without credentials."""
        kept, self.left, room = [], [], STATE_BYTES
        for (kind, name), text in sorted(changes, key=lambda change: len(change[1])):
            secret = any(word in text for word in words)
            room -= 0 if secret else len(text)
            if secret or room < 0:
                why = "it holds a credential" if secret else "it is too large"
                self.left.append(f"{kind} {name.decode('utf-8', 'replace')} ({why})")
            else:
                kept.append((kind, name.decode("latin-1"), text.decode("latin-1")))
        kept.sort(key=lambda item: (KINDS.index(item[0]), item[1]))
        text = json.dumps([kept, self.left]).encode()
        self.kept = hashlib.blake2b(text, digest_size=8).hexdigest()
        self.packed = base64.b64encode(zlib.compress(text, 1)).decode()

    @property
    def digest(self) -> str:
        """What a snapshot is known by: as long as it is the same, the kernel need not be told again."""
        return f"{self.kept} {' '.join(self.jobs)}"

    def parts(self) -> dict[str, object]:
        """The snapshot. packed: for `unpack`; left: what is not in it, and why; jobs: those that run."""
        return {"digest": self.digest, "packed": self.packed, "left": self.left, "jobs": self.jobs}

    def unpack(self, packed: str) -> list[tuple[str, str]]:
        """The name of each item, and its text as Latin-1, in the order of replaying."""
        items, _ = json.loads(zlib.decompress(base64.b64decode(packed)))
        return [(f"{kind} {name}".encode("latin-1").decode("utf-8", "replace"), text) for kind, name, text in items]


def install() -> None:
    with contextlib.suppress(OSError):  # /tmp may be full, and a shell is what helps then
        os.makedirs(BIN, 0o700, exist_ok=True)
        for name, text in PROGRAMS.items():
            path = f"{BIN}/{name}"
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path + ".new", 0o755)
            os.rename(path + ".new", path)  # another kernel's shell may run it just now


def _settings(text: bytes) -> Iterator[tuple[Key, bytes]]:
    for found in ITEM.finditer(text):
        kind = found.lastgroup
        name = found[kind] if kind else b""
        if kind == "variable" and name in SWITCHES:
            for option in found[0].split(b'"')[1].split(b":"):
                yield ("option", SWITCHES[name] + option), SWITCHES[name] + option
        elif kind == "variable" and name == b"PWD":
            value = found[0].partition(b"=")[2].strip()
            yield ("directory", value), rb"\builtin cd -- " + value
        elif kind and not (kind == "variable" and FOREIGN.fullmatch(name)):
            yield (kind, name), found[0]


def _functions(text: bytes, names: bytes) -> Iterator[tuple[Key, bytes]]:
    """They stand one after another in the order of the names; a here-document inside may hold anything."""
    found = []
    at = 0
    for line in names.splitlines():
        name = line.split(b" ", 2)[2]
        at = text.find(name + b" () \n", at)
        found.append((name, at))
    ends = [*(at for _, at in found[1:]), len(text)]
    for (name, begin), end in zip(found, ends, strict=False):
        if READ_MARK.encode() not in text[begin:end]:
            yield ("function", name), text[begin:end]


def _changes(base: Items, items: Items) -> Iterator[tuple[Key, bytes]]:
    yield from ((key, text) for key, text in items.items() if base.get(key) != text)
    for kind, name in base.keys() - items.keys():
        if kind == "option":
            yield (kind, name), name.replace(b"shopt -s", b"shopt -u").replace(b"set -o", b"set +o")
        elif kind == "variable":
            yield (kind, name), b"unset -v " + name
