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
import resource
import shlex
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Iterator

PROGRAMS: dict[str, str] = {}  # by name: what the kernel brings for the shell's PATH
SHOWN = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "text/html", "text/markdown"),
    *("application/json", "application/pdf", "text/csv", "audio/wav", "audio/mpeg", "audio/ogg", "audio/flac"),
)
BIN = "/tmp/.lambda-kernel/bin"  # which the function puts at its end
PIPES = "/tmp/.lambda-kernel/pipes"  # where cells are files, if /proc/PID/fd cannot be read
STATE_BYTES = 256 * 1024  # what does not fit is named
ROOM_BYTES = 1_000_000  # of one part of bash's answer; items that are too large are cut out of a longer one
NAMED = 12  # of what is not kept, so many by name
FREE_SECONDS = 0.02  # an answer that took no longer is asked for after each cell,
SHARE = 20  # and a dearer one again when so many times its cost has passed, or the square of it where that is more

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
DEBUGGING = (b"DEBUG", b"RETURN")  # traps that see what is replayed
SWITCHES = {b"BASHOPTS": b"shopt -s ", b"SHELLOPTS": b"set -o "}
# What bash keeps for itself, and what the function tells each cell.
OWN = (
    rb"BASH(?:OPTS|PID|_(?:ALIASES|ARG[CV]|ARGV0|CMDS|COMMAND|EXECUTION_STRING|LINENO|MONOSECONDS|REMATCH|SOURCE"
    rb"|SUBSHELL|TRAPSIG|VERSINFO|VERSION))?"
)
FACTS = rb"_X_AMZN_\w+|LAMBDA_(?:REQUEST_ID|DEADLINE_MS|TENANT_ID|KERNEL_SHELL)"
FOREIGN = re.compile(
    rb"%b|%b|_|PPID|E?UID|GROUPS|FUNCNAME|DIRSTACK|S?RANDOM|SECONDS|LINENO|HISTCMD|PIPESTATUS|EPOCH.*|SHELLOPTS|SHLVL"
    % (OWN, FACTS)
)
RESTLESS = re.compile(
    rb"^declare -\S+ (?:(?!BASHOPTS)%b|%b|EPOCH\w+|SECONDS|S?RANDOM|LINENO|HISTCMD|_)=.*\n" % (OWN, FACTS), re.MULTILINE
)
# Names of credentials (Lambda's, and what the AWS SDKs read): whatever their values are.
CREDENTIAL = re.compile(rb"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|(?:SESSION|SECURITY|LAMBDA_METADATA)_TOKEN)")
KEYWORDS = (b"{", b"}", b"(", b"!")
HARMFUL = {b"TMOUT": "it ends an idle shell", b"BASH_XTRACEFD": "its descriptor is gone"}
# In the order of replaying.
KINDS = (
    *("option", "umask", "directory", "variable", "stack", "function", "alias", "completion", "parameters"),
    *("mode", "trap", "debugger", "descriptor", "limit"),
)
SHOWN_AS = {"mode": "option", "debugger": "trap"}
# Of bash's options, these change what replaying does: they come after all that is replayed.
LATE = re.compile(rb"set -o .*|shopt -s (?:extdebug|compat\d+|localvar_.*)")
# An answer has these parts, with a NUL between two; then TOLD, with a NUL before each of its words: descriptors are
# between the parameters and the colon, and behind it pushd's directories. What tells itself apart shares a part: each
# NUL costs as much as a command.
COMMANDS = (
    (r"printf '\0\1%s\n' ${EPOCHREALTIME-}", "alias -p", "trap -p", "umask -p"),
    ("declare -p",),
    ("declare -pf",),
    ("declare -F", "jobs -r", "complete -p"),
)
SHARED = re.compile(rb"(?P<names>(?:declare -f.*\n)*)(?P<jobs>(?s:.*?))(?P<completions>(?:^complete (?s:.*))?)\Z", re.M)
LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})
PARAMETERS = 1000  # more are not kept
TOLD = rf'"${{EPOCHREALTIME-}}" "$#" "${{@:1:{PARAMETERS}}}" "/proc/$$/fd/"* : "${{DIRSTACK[@]:1}}"'
VARIABLES = 1  # the part that is cut item by item
QUOTED = re.compile(rb"\"[^\"]*(?:\"|(?P<double>\Z))|'[^']*(?:'|(?P<single>\Z))|\n")
DECLARED = re.compile(rb"declare -\S+ (\w+)")
SETTING = re.compile(rb"declare -\S+ (?:BASHOPTS|SHELLOPTS|PWD)=")
TOO_LARGE = b"declare -! "
TICKS = os.sysconf("SC_CLK_TCK")

# bash shows the prompt of `read -p`, and hides what is typed at `read -s`, on a terminal only (bash(1)).
READ_MARK = "__lambda_kernel"
RECORD = r"\2\1"  # as the function has it: begins what bash is made to say
READ = r"""read () {
    [[ "$*" == *-*[ps]* && /proc/self/fd/0 -ef INPUT ]] || { \builtin read "$@"; return; }
    \builtin local MARK=p MARK_prompt= MARK_option OPTIND=1 OPTARG
    while \builtin getopts :ersa:d:i:n:N:p:t:u: MARK_option; do
        case $MARK_option in p) MARK_prompt=$OPTARG ;; s) MARK=s ;; esac
    done
    \builtin printf 'RECORDR%s%s\0' "$MARK" "${MARK_prompt:0:1000}" >|MARKS
    \builtin read "$@"
    \builtin set -- "$?"
    \builtin printf 'RECORDRp\0' >|MARKS
    \builtin return "$1"
}
"""
# Without a terminal nothing outside of bash can see which job `fg` brings to the foreground.
FOREGROUND = r"""fg () {
    \builtin printf 'RECORDG%s\0' "$(\builtin jobs -p "${@:-%+}" 2>/dev/null)" >|MARKS
    \builtin fg "$@"
    \builtin set -- "$?" MARK
    \builtin printf 'RECORDG\0' >|MARKS
    \builtin return "$1"
}
"""
LOOKING = ("function", "alias", "variable")
STACK = re.compile(rb"\$\{?#?(?:BASH_SOURCE|FUNCNAME|BASH_LINENO)|\bcaller\b")
STOOD_IN = (b"read", b"fg", b"eval")
# bash calls it in the child that finds no command (bash(1), COMMAND EXECUTION): its own message names no line where
# bash is interactive. Nothing of it shows up in a trace.
NOT_FOUND = r"""command_not_found_handle () {
    { if [[ ${FUNCNAME[1]-} != command_not_found_handle ]]; then
        \builtin local MARK=${BASH_SOURCE[1]-}
        case $MARK in "" | main | environment | /proc/*/fd/* | CELLS/*) MARK=bash ;; esac
        \builtin printf '%s: line %s: %s: command not found\n' "$MARK" "${BASH_LINENO[0]}" "$1" >&3
        \builtin return 127
    fi; } 3>&2 2>/dev/null
}
"""
# Text that may have a prompt read, or runs text that is not seen here.
ASKING = re.compile(
    rb"\bread\b(?:\\\n|[^\n;|&<])*(?:\s-\w*[ps]|\$)|(?:^|[\s;&|({`!])(?:\.|source|eval)\s", re.MULTILINE
)

Key = tuple[str, bytes]
Items = dict[Key, bytes]
Hides = Callable[[bytes], object]


class State:
    """What bash says of itself, as items that another bash can replay one by one; those of a new shell are left out."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.not_before = 0.0  # when bash is asked again
        self.base: Items | None = None
        self.told = (b"", b"")  # what does not change by itself
        self.seen: tuple[bytes, bytes, bytes, list[tuple[Key, bytes]], list[tuple[int, int]]] | None = None
        self.paths: list[bytes] = []  # bash's descriptors, and what of them is kept
        self.opened: list[tuple[Key, bytes]] = []
        self.parted: list[bytes] = []  # the parts of an answer so far,
        self.rest = b""  # and the beginning of the next one
        self.kept, self.packed = "", ""
        self.own: set[bytes] = set()  # the user's functions, of those that are stood in for
        self.wrapped: set[bytes] = set()
        self.asking = False
        self.stacked = False  # whether a function, an alias or PS4 looks at the call stack
        self.debuggers: set[bytes] = set()  # of the traps that see what the kernel does, those that are set
        self.left: list[str] = []
        self.jobs: list[str] = []
        self.worked = self.cost = 0.0  # seconds for an answer, here and in bash
        install()

    @property
    def setup(self) -> str:
        """What a new shell does first: it tells programs what they may print for `display`, and finds the commands of
        the kernel's even where others have their names (ImageMagick's `display`, which wants a screen)."""
        found = "".join(f"hash -p {BIN}/{name} {name}; " for name in PROGRAMS if shutil.which(name))
        handler = NOT_FOUND.replace("CELLS", PIPES).replace("MARK", READ_MARK)
        return f"{handler}{found}export LAMBDA_KERNEL_DISPLAY={shlex.quote(' '.join(SHOWN))}"

    def question(self, path: str, seq: int) -> str:
        """A line for bash; empty while that costs too much. A redirection for each command: with one for all, a DEBUG
        trap would print into it."""
        if seq and self.clock() < self.not_before:
            return ""
        commands = [*COMMANDS[0]]
        for part in COMMANDS[1:]:
            commands += [r"printf '\0'", *part]
        return "; ".join(
            rf"\builtin {command} >|{path}" for command in [*commands, rf"printf '\0%s' {TOLD} {seq} . ''"]
        )

    def prelude(self, text: str, source: str, marks: str, stdin: bool = True) -> str:
        """Lines that make `read` say how to ask the user, and `fg` which job it takes, where the cell may need that: a
        function in its place is slow, and shows up in a trace. A function of the user's own stays as it is."""
        data = text.encode("utf-8", "replace")
        wanted = {
            name
            for name, needed in (
                (b"read", stdin and (self.asking or bool(ASKING.search(data)))),
                (b"fg", re.search(rb"\bfg\b", data)),
            )
            if needed and name not in self.own
        }
        undone = self.wrapped - wanted - self.own
        self.wrapped = wanted
        lines = [rf"\builtin unset -f {name.decode()}" + "\n" for name in sorted(undone)]
        lines += [{b"read": READ, b"fg": FOREGROUND}[name] for name in sorted(wanted)]
        made = "".join(lines).replace("RECORD", RECORD).replace("MARKS", marks)
        return made.replace("MARK", READ_MARK).replace("INPUT", source)

    def feed(self, data: bytes, hides: Hides) -> int | None:
        """Part of an answer. The number of the cell, when it was the last part. hides: what no snapshot may hold."""
        began, number = time.thread_time(), None
        *parts, rest = (self.rest + data).split(b"\0")
        for read in parts:
            part = read.removeprefix(b"\1")
            if part != read:  # an interrupt may have cut the answer before this one
                self.parted, self.worked = [], 0.0
            if part == b"." and self._whole():
                number = self._told(hides)
                self.parted = []
            else:
                self.parted.append(self._bounded(part, len(self.parted)))
        self.rest = self._bounded(rest, len(self.parted) if not rest.startswith(b"\1") else 0)
        self.worked += time.thread_time() - began
        if number is not None:
            cost = self.worked + self.cost
            self.not_before = self.clock() + SHARE * max(cost, cost * cost) if cost > FREE_SECONDS else 0.0
        return number

    def _whole(self) -> bool:
        """Whether there are all parameters, one of which may be a dot, and a number."""
        count = len(COMMANDS) + 1
        return len(self.parted) > count and len(self.parted) > count + min(int(self.parted[count]), PARAMETERS) + 1

    def _bounded(self, part: bytes, index: int) -> bytes:
        if index == VARIABLES and (len(part) > ROOM_BYTES or TOO_LARGE in part):
            return _without_large(part)
        return part[:ROOM_BYTES]

    def _told(self, hides: Hides) -> int:
        settings, variables, functions, shared, after, *last, number = self.parted
        names, jobs, completions = SHARED.fullmatch(shared).group("names", "jobs", "completions")  # type: ignore[union-attr]
        before, settings = settings.split(b"\n", 1)
        count = int(last.pop(0))
        parameters, last = last[: min(count, PARAMETERS)], last[min(count, PARAMETERS) :]
        paths, stack = last[: last.index(b":")], last[last.index(b":") + 1 :]
        took = _seconds(after) - _seconds(before)
        self.cost = min(took, _worked(paths)) if took > FREE_SECONDS else 0.0
        self.jobs = [line.split(None, 2)[-1] for line in jobs.decode("utf-8", "replace").splitlines()]
        if paths != self.paths:
            # One of the descriptors was that of their directory.
            self.paths, self.opened = paths, [*_open(filter(os.path.lexists, paths))]
        more = [*_arguments(count, parameters), *_pushed(stack), *self.opened]
        more += [(("completion", b"rules"), completions)] if completions else []
        seen = (settings, RESTLESS.sub(b"", variables), functions, more, _bounds(paths))
        if seen != self.seen:
            self.seen, self.told = seen, (settings + seen[1], functions)
            self.asking = any(ASKING.search(text) for text in (settings, functions))
            items = [
                *_settings(settings + variables),
                *_functions(functions, names),
                *_limits(_process(paths, b"limits")),
                *more,
            ]
            self._take(dict(items), hides)
        return int(number)

    def _take(self, items: Items, hides: Hides) -> None:
        self.own = {name for kind, name in items if kind == "function" and name in STOOD_IN}
        self.debuggers = {name for kind, name in items if kind == "debugger"}
        self.stacked = any(STACK.search(text) for (kind, _), text in items.items() if kind in LOOKING)
        if self.base is None:
            self.base = items
        self._pack(_changes(self.base, items), hides)

    def _pack(self, changes: Iterable[tuple[Key, bytes]], hides: Hides) -> None:
        """The smallest first, as long as there is room; without credentials."""
        kept, left, room = [], [], STATE_BYTES
        for (kind, name), text in sorted(changes, key=lambda change: len(change[1])):
            why = _why_not(kind, name, text, hides)
            room -= 0 if why else len(text)
            if why or room < 0:
                shown = SHOWN_AS.get(kind, kind)
                left.append(f"{shown} {name.decode('utf-8', 'replace')} ({why or 'it is too large'})")
            else:
                kept.append((kind, name.decode("latin-1"), text.decode("latin-1")))
        self.left = left if len(left) <= NAMED else [*left[:NAMED], f"and {len(left) - NAMED} more"]
        kept.sort(key=lambda item: (KINDS.index(item[0]), item[1]))
        text = json.dumps([kept, self.left]).encode()
        self.kept = hashlib.blake2b(text, digest_size=8).hexdigest()
        self.packed = base64.b64encode(zlib.compress(text, 1)).decode()

    def mend(self) -> None:
        """A user may have emptied /tmp."""
        if not all(os.path.exists(f"{BIN}/{name}") for name in PROGRAMS):
            install()

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
        named = ((f"{SHOWN_AS.get(kind, kind)} {name}", text) for kind, name, text in items)
        return [(name.encode("latin-1").decode("utf-8", "replace"), text) for name, text in named]


def install() -> None:
    """Put the programs into the shell's PATH."""
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


def _functions(text: bytes, names: bytes) -> Iterator[tuple[Key, bytes]]:
    """They stand one after another in the order of the names; a here-document inside may hold anything. What was cut
    off is empty."""
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


def _arguments(count: int, parameters: list[bytes]) -> Iterator[tuple[Key, bytes]]:
    if count:
        text = b" ".join([rb"\builtin set --", *map(_quoted, parameters)])
        yield ("parameters", b"$@"), text if count <= PARAMETERS else b""


def _pushed(stack: list[bytes]) -> Iterator[tuple[Key, bytes]]:
    if stack:
        pushes = (rb"\builtin pushd -n -- " + _homely(path) for path in reversed(stack))
        yield ("stack", b"of directories"), b" && ".join(pushes)


def _open(paths: Iterable[bytes]) -> Iterator[tuple[Key, bytes]]:
    for path in paths:
        yield ("descriptor", path.rpartition(b"/")[2]), b""


def _bounds(paths: list[bytes]) -> list[tuple[int, int]]:
    try:
        pid = int(paths[0].split(b"/")[2])
        return [resource.prlimit(pid, limit) for limit in LIMITS]
    except (IndexError, ValueError, OSError):
        return []


def _limits(text: bytes) -> Iterator[tuple[Key, bytes]]:
    for line in text.splitlines()[1:]:
        yield ("limit", line[:26].strip()), line[26:]  # proc(5)


def _homely(path: bytes) -> bytes:
    """bash shows its home in DIRSTACK as ~."""
    home, slash, rest = path.partition(b"/")
    return home + slash + _quoted(rest)


def _quoted(word: bytes) -> bytes:
    return b"'" + word.replace(b"'", rb"'\''") + b"'"


def _why_not(kind: str, name: bytes, text: bytes, hides: Hides) -> str:
    """Why an item cannot be kept, if so."""
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


def _without_large(text: bytes) -> bytes:
    """What `declare -p` has printed so far, with the names alone of items that are too large, and of all that come when
    there is no more room. An item ends at a newline outside of quotes."""
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
        # Only what is open at its end matters: a quote, or an escape.
        quote = {"double": b'"', "single": b"$'"}.get(opened or "", b"")
        rest = _name_alone(rest) + b"=" + quote + (b"\\" if plain.endswith(b"\\") else b"")
    return b"".join(kept) + rest


def _name_alone(line: bytes) -> bytes:
    found = DECLARED.match(line)
    return TOO_LARGE + found[1] if found else b""


def _seconds(text: bytes) -> float:
    """EPOCHREALTIME, which has the locale's decimal point; 0 where it is unset."""
    digits = re.sub(rb"[^0-9]", b"", text)
    return int(digits) / 1_000_000 if digits else 0.0


def _worked(paths: list[bytes]) -> float:
    """The processor time that bash has used in all: what took longer has been frozen."""
    return sum(map(int, _process(paths, b"stat").rpartition(b")")[2].split()[11:13])) / TICKS


def _process(paths: list[bytes], name: bytes) -> bytes:
    """A file of bash's in /proc, where these are its descriptors."""
    try:
        with open(b"".join(paths[:1]).rpartition(b"fd/")[0] + name, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _changes(base: Items, items: Items) -> Iterator[tuple[Key, bytes]]:
    yield from ((key, text) for key, text in items.items() if base.get(key) != text)
    for kind, name in base.keys() - items.keys():
        if kind in ("option", "mode"):
            yield (kind, name), name.replace(b"shopt -s", b"shopt -u").replace(b"set -o", b"set +o")
        elif kind == "variable":
            yield (kind, name), b"unset -v " + name
        elif kind == "completion":
            yield (kind, name), b"complete -r"
