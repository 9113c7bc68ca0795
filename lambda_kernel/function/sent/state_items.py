"""Items of a shell's state: what bash prints about itself, taken apart so that another bash can replay each.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .shell_setup import READ_MARK
    from .state import PARAMETERS

STATE_BYTES = 256 * 1024  # items that do not fit are named
ROOM_BYTES = 1_000_000  # for one part of bash's answer. Items that are too large are cut out of a longer one
DOUBLE, DOLLAR = rb"\"[^\"\\]*(?:\\.[^\"\\]*)*\"", rb"\$'[^'\\]*(?:\\.[^'\\]*)*'"
SINGLE = rb"'[^']*(?:'\\''[^']*)*'"
WORD = rb"(?:%b|%b)" % (DOUBLE, DOLLAR)
ARRAY = rb"\((?:\[(?:%b|[^]\"$]*)\]=%b ?)*\)" % (WORD, WORD)
# What alias -p, trap -p, umask -p and declare -p print. Other lines are skipped.
ITEM = re.compile(
    rb"alias (?:-- )?(?P<alias>[^=\n]+)=%b\n|trap -- %b (?P<trap>\S+)\n|umask (?P<umask>\d+)\n"
    rb"|declare -\S+ (?P<variable>\w+)(?:=(?:%b|%b))?\n|[^\n]*\n" % (SINGLE, SINGLE, WORD, ARRAY),
    re.DOTALL,
)
DEBUGGING = (b"DEBUG", b"RETURN")  # these traps see what is replayed
SWITCHES = {b"BASHOPTS": b"shopt -s ", b"SHELLOPTS": b"set -o "}
# Variables that bash sets itself, and those that the function sets for each cell.
OWN = (
    rb"BASH(?:OPTS|PID|_(?:ALIASES|ARG[CV]|ARGV0|CMDS|COMMAND|EXECUTION_STRING|LINENO|MONOSECONDS|REMATCH|SOURCE"
    rb"|SUBSHELL|TRAPSIG|VERSINFO|VERSION))?"
)
FACTS = rb"_X_AMZN_\w+|LAMBDA_(?:REQUEST_ID|DEADLINE_MS|TENANT_ID|COLD_START|INIT_MS|KERNEL_SHELL)"
FOREIGN = re.compile(
    rb"%b|%b|_|PPID|E?UID|GROUPS|FUNCNAME|DIRSTACK|S?RANDOM|SECONDS|LINENO|HISTCMD|PIPESTATUS|EPOCH.*|SHELLOPTS|SHLVL"
    % (OWN, FACTS)
)
RESTLESS = re.compile(
    rb"^declare -\S+ (?:(?!BASHOPTS)%b|%b|EPOCH\w+|SECONDS|S?RANDOM|LINENO|HISTCMD|_)=.*\n" % (OWN, FACTS), re.MULTILINE
)
# Names of credentials, whatever their values are: Lambda's, and those that the AWS SDKs read.
CREDENTIAL = re.compile(
    rb"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|(?:SESSION|SECURITY|LAMBDA_METADATA|CONTAINER_AUTHORIZATION)_TOKEN)"
)
KEYWORDS = (b"{", b"}", b"(", b"!")
HARMFUL = {b"TMOUT": "it ends an idle shell", b"BASH_XTRACEFD": "its descriptor is gone"}
# In the order in which they are replayed.
KINDS = (
    *("option", "umask", "directory", "variable", "stack", "function", "alias", "completion", "parameters"),
    *("mode", "trap", "debugger", "descriptor", "limit"),
)
SHOWN_AS = {"mode": "option", "debugger": "trap"}
# These options change what replaying does, so they come after the rest.
LATE = re.compile(rb"set -o .*|shopt -s (?:extdebug|compat\d+|localvar_.*)")
LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})
TICKS = os.sysconf("SC_CLK_TCK")
QUOTED = re.compile(rb"\"[^\"]*(?:\"|(?P<double>\Z))|'[^']*(?:'|(?P<single>\Z))|\n")
DECLARED = re.compile(rb"declare -\S+ (\w+)")
SETTING = re.compile(rb"declare -\S+ (?:BASHOPTS|SHELLOPTS|PWD)=")
TOO_LARGE = b"declare -! "

Key = tuple[str, bytes]
Items = dict[Key, bytes]
Hides = Callable[[bytes], object]


def setting_items(text: bytes) -> Iterator[tuple[Key, bytes]]:
    for found in ITEM.finditer(text):
        kind = found.lastgroup
        name = found[kind] if kind else b""
        if kind == "variable" and name in SWITCHES and b'"' in found[0]:
            for option in found[0].split(b'"')[1].split(b":"):
                switch = SWITCHES[name] + option
                yield ("mode" if LATE.fullmatch(switch) else "option", switch), switch
        elif kind == "variable" and name == b"PWD" and b"=" in found[0]:
            value = found[0].partition(b"=")[2].strip()
            yield ("directory", value), rb"\builtin cd -- " + value
        elif kind == "variable" and name == b"POSIXLY_CORRECT":  # setting it is `set -o posix` (bash(1))
            continue
        elif kind == "trap" and name in DEBUGGING:
            yield ("debugger", name), found[0]
        elif kind and not (kind == "variable" and FOREIGN.fullmatch(name)):
            yield (kind, name), found[0]


def function_items(text: bytes, names: bytes) -> Iterator[tuple[Key, bytes]]:
    """The functions follow each other in the order of their names. A here-document in one may hold anything. A body
    that was cut off is empty."""
    found = []
    at = 0
    for line in names.splitlines():
        name = line.split(b" ", 2)[2] if line.count(b" ") > 1 else b""
        begin = text.find(name + b" () \n", at)
        at = max(at, begin)
        found.append((name, begin))
    whole = len(text) < ROOM_BYTES
    ends = [*(at for _, at in found[1:]), len(text) if whole else -1]
    for (name, begin), end in zip(found, ends, strict=False):
        body = text[begin:end] if min(begin, end) >= 0 else b""
        if name and READ_MARK.encode() not in body:
            yield ("function", name), body


def parameter_items(count: int, parameters: list[bytes]) -> Iterator[tuple[Key, bytes]]:
    if count:
        text = b" ".join([rb"\builtin set --", *map(_quoted, parameters)])
        yield ("parameters", b"$@"), text if count <= PARAMETERS else b""


def stack_items(stack: list[bytes]) -> Iterator[tuple[Key, bytes]]:
    if stack:
        pushes = (rb"\builtin pushd -n -- " + _homely(path) for path in reversed(stack))
        yield ("stack", b"of directories"), b" && ".join(pushes)


def descriptor_items(paths: Iterable[bytes]) -> Iterator[tuple[Key, bytes]]:
    for path in paths:
        yield ("descriptor", path.rpartition(b"/")[2]), b""


def resource_limits(paths: list[bytes]) -> list[tuple[int, int]]:
    try:
        pid = int(paths[0].split(b"/")[2])
        return [resource.prlimit(pid, limit) for limit in LIMITS]
    except (IndexError, ValueError, OSError):
        return []


def limit_items(text: bytes) -> Iterator[tuple[Key, bytes]]:
    for line in text.splitlines()[1:]:
        yield ("limit", line[:26].strip()), line[26:]  # proc(5)


def _homely(path: bytes) -> bytes:
    """Quote a directory, but not a leading ~: bash shows its home so in DIRSTACK."""
    home, slash, rest = path.partition(b"/")
    return home + slash + _quoted(rest)


def _quoted(word: bytes) -> bytes:
    return b"'" + word.replace(b"'", rb"'\''") + b"'"


def why_left_out(kind: str, name: bytes, text: bytes, hides: Hides) -> str:
    """Why an item cannot be kept. Empty: it can."""
    if hides(text) or (CREDENTIAL.fullmatch(name) and text.startswith(b"declare")):
        return "it holds a credential"
    if kind == "alias" and name in KEYWORDS:
        return "with it bash could not be told what to do"
    if kind == "descriptor":
        return "what it was open on is gone"
    if kind == "limit":
        return "`ulimit` sets it"
    if kind == "variable" and text.startswith(b"declare") and name in HARMFUL:
        return HARMFUL[name]
    return "it is too large" if not text or text.startswith(TOO_LARGE) else ""


def without_large(text: bytes) -> bytes:
    """What `declare -p` has printed so far, with only the names of items that are too large or have no more room.

    An item ends at a newline outside of quotes.
    """
    plain = text.replace(rb"\\", b"__").replace(rb"\"", b"__").replace(rb"\'", b"__")
    kept, begin, room, opened = [], 0, ROOM_BYTES, None
    for found in QUOTED.finditer(plain):
        opened = found.lastgroup
        if found[0] == b"\n":
            line, begin = text[begin : found.end()], found.end()
            fits = len(line) <= (STATE_BYTES if SETTING.match(line) else min(room, STATE_BYTES))
            fits = fits and not line.startswith(TOO_LARGE)
            kept.append(line if fits else _name_alone(line) + b"\n")
            room -= len(kept[-1])
    rest = text[begin:]
    if len(rest) > STATE_BYTES:
        # It only matters what is open at its end: a quote, or an escape.
        quote = {"double": b'"', "single": b"$'"}.get(opened or "", b"")
        rest = _name_alone(rest) + b"=" + quote + (b"\\" if plain.endswith(b"\\") else b"")
    return b"".join(kept) + rest


def _name_alone(line: bytes) -> bytes:
    found = DECLARED.match(line)
    return TOO_LARGE + found[1] if found else b""


def seconds_of(text: bytes) -> float:
    """The seconds of EPOCHREALTIME, which has the locale's decimal point. 0 if it is unset."""
    digits = re.sub(rb"[^0-9]", b"", text)
    return int(digits) / 1_000_000 if digits else 0.0


def cpu_seconds(paths: list[bytes]) -> float:
    """All processor time of bash so far. If an answer took longer, bash was frozen meanwhile."""
    return sum(map(int, process_file(paths, b"stat").rpartition(b")")[2].split()[11:13])) / TICKS


def process_file(paths: list[bytes], name: bytes) -> bytes:
    """A file about bash in /proc. paths: bash's descriptors there."""
    try:
        with open(b"".join(paths[:1]).rpartition(b"fd/")[0] + name, "rb") as file:
            return file.read()
    except OSError:
        return b""


def changed_items(base: Items, items: Items) -> Iterator[tuple[Key, bytes]]:
    yield from ((key, text) for key, text in items.items() if base.get(key) != text)
    for kind, name in base.keys() - items.keys():
        if kind in ("option", "mode"):
            yield (kind, name), name.replace(b"shopt -s", b"shopt -u").replace(b"set -o", b"set +o")
        elif kind == "variable":
            yield (kind, name), b"unset -v " + name
        elif kind == "completion":
            yield (kind, name), b"complete -r"
