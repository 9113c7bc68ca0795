"""A shell's state: bash is asked for it after each cell, and another bash replays it if this one is gone.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index
    from .shell_setup import (
        ASKING,
        BIN,
        FOREGROUND,
        READ,
        READ_MARK,
        STOOD_IN,
        TRAPPING,
        changed,
        install,
    )
    from .state_items import (
        ITEM,
        KINDS,
        RESTLESS,
        ROOM_BYTES,
        SHOWN_AS,
        STATE_BYTES,
        TOO_LARGE,
        Hides,
        Items,
        Key,
        changed_items,
        cpu_seconds,
        descriptor_items,
        function_items,
        limit_items,
        parameter_items,
        process_file,
        resource_limits,
        seconds_of,
        setting_items,
        stack_items,
        why_left_out,
        without_large,
    )

NAMED = 12  # so many of the items that are not kept are named
FREE_SECONDS = 0.02  # an answer that takes no longer is asked for after each cell
# A slower one is asked for again after so many times its seconds, or after so many times their square if that is more.
SHARE = 20

# An answer has these parts, with a NUL between two. Then comes LAST_PART, with a NUL before each of its words: the
# parameters, the descriptors, a colon, and pushd's directories. Commands whose output can be told apart share a part,
# because each NUL costs as much as a command.
COMMANDS = (
    (r"printf '\0\1%s\n' ${EPOCHREALTIME-}", "alias -p", "trap -p", "umask -p"),
    ("declare -p",),
    ("declare -pf",),
    ("declare -F", "jobs -r", "complete -p"),
)
NEXT = r"printf '\0'"
SHARED = re.compile(rb"(?P<names>(?:declare -f.*\n)*)(?P<jobs>(?s:.*?))(?P<completions>(?:^complete (?s:.*))?)\Z", re.M)
PARAMETERS = 1000  # more are not kept
LAST_PART = rf'"${{EPOCHREALTIME-}}" "$#" "${{@:1:{PARAMETERS}}}" "/proc/$$/fd/"* : "${{DIRSTACK[@]:1}}"'
VARIABLES = 1  # the part that is cut item by item

LOOKING = ("function", "alias", "variable")
STACK = re.compile(rb"\$\{?#?(?:BASH_SOURCE|FUNCNAME|BASH_LINENO)|\bcaller\b")


class State:
    """What bash reports about itself, as items that another bash can replay. Items that every new shell has are left
    out."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.not_before = 0.0  # bash is asked again from this time on
        self.base: Items | None = None
        self.printed = (b"", b"")  # settings and functions, without what changes by itself
        self.seen: tuple[bytes, bytes, bytes, list[tuple[Key, bytes]], list[tuple[int, int]]] | None = None
        self.paths: list[bytes] = []  # bash's descriptors, and the items for them
        self.opened: list[tuple[Key, bytes]] = []
        self.parted: list[bytes] = []  # the parts of an answer so far
        self.rest = b""  # the beginning of the next part
        self.items_digest, self.packed = "", ""
        self.own: set[bytes] = set()  # the user's own functions with a name of STOOD_IN
        self.wrapped: set[bytes] = set()
        self.asking = False
        self.trapped = False  # whether a trap is set, or a function or an alias may set one
        self.unknown = False  # whether a cell may have set one since bash was asked last
        self.stacked = False  # whether a function, an alias or PS4 looks at the call stack
        self.debuggers: set[bytes] = set()  # the traps that are set and see what the kernel does
        self.left: list[str] = []
        self.jobs: list[str] = []
        self.worked = self.cost = 0.0  # seconds that an answer took, here and in bash
        self._install()

    def question(self, path: str, seq: int, text: str | None = None) -> str:
        """The line that asks bash for its state. Empty while that is too expensive.

        text: of the cell before it, if that is known. A trap would print into a redirection for several commands, so
        each has its own then, which takes twice as long. The last one lists the descriptors, so it is always alone.
        """
        if text is None or TRAPPING.search(text.encode("utf-8", "replace")):
            self.unknown = True
        if seq and self.clock() < self.not_before:
            return ""
        first, *parts = COMMANDS
        commands = [rf"\builtin {command}" for command in (*first, *(c for part in parts for c in (NEXT, *part)))]
        last = rf"\builtin printf '\0%s' {LAST_PART} {seq} . ''"
        if self.trapped or self.unknown:
            return "; ".join(f"{command} >|{path}" for command in [*commands, last])
        return f"{{ {'; '.join(commands)}; }} >|{path}; {last} >|{path}"

    def prelude(self, text: str, source: str, control_path: str, stdin: bool = True) -> str:
        """Lines that define functions `read` and `fg`, if the cell may need them.

        They report how to ask the user, and which job is in the foreground. They are slow and show up in a trace, so
        they are undone when no longer needed. Functions of the user with these names stay.
        """
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
        made = "".join(lines).replace("MARKS", control_path)
        for name in ("READS", "FOREGROUND"):
            made = made.replace(name, index.Record.PRINTF + getattr(index.Record, name))
        return made.replace("MARK", READ_MARK).replace("INPUT", source)

    def feed(self, data: bytes, hides: Hides) -> int | None:
        """Take a part of an answer. Return the number of the cell if it was the last part. hides: finds credentials."""
        began, number = time.thread_time(), None
        *parts, rest = (self.rest + data).split(b"\0")
        for read in parts:
            part = read.removeprefix(b"\1")
            if part != read:  # an answer begins; an interrupt may have cut the previous one
                self.parted, self.worked = [], 0.0
            if part == b"." and self._whole():
                number = self._take_answer(hides)
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
        """Whether the answer is complete. A dot ends it, but a parameter may be a dot as well."""
        count = len(COMMANDS) + 1
        return len(self.parted) > count and len(self.parted) > count + min(int(self.parted[count]), PARAMETERS) + 1

    def _bounded(self, part: bytes, index: int) -> bytes:
        if index == VARIABLES and (len(part) > ROOM_BYTES or TOO_LARGE in part):
            return without_large(part)
        return part[:ROOM_BYTES]

    def _take_answer(self, hides: Hides) -> int:
        settings, variables, functions, shared, after, *last, number = self.parted
        names, jobs, completions = SHARED.fullmatch(shared).group("names", "jobs", "completions")  # type: ignore[union-attr]
        before, settings = settings.split(b"\n", 1)
        count = int(last.pop(0))
        parameters, last = last[: min(count, PARAMETERS)], last[min(count, PARAMETERS) :]
        paths, stack = last[: last.index(b":")], last[last.index(b":") + 1 :]
        took = seconds_of(after) - seconds_of(before)
        self.cost = min(took, cpu_seconds(paths)) if took > FREE_SECONDS else 0.0
        self.jobs = [line.split(None, 2)[-1] for line in jobs.decode("utf-8", "replace").splitlines()]
        if paths != self.paths:
            # One of the descriptors was the one that bash read their directory with.
            self.paths, self.opened = paths, [*descriptor_items(filter(os.path.lexists, paths))]
        more = [*parameter_items(count, parameters), *stack_items(stack), *self.opened]
        more += [(("completion", b"rules"), completions)] if completions else []
        seen = (settings, RESTLESS.sub(b"", variables), functions, more, resource_limits(paths))
        self.unknown = False
        if seen != self.seen:
            self.seen, self.printed = seen, (settings + seen[1], functions)
            self.asking = any(ASKING.search(text) for text in (settings, functions))
            self.trapped = any(TRAPPING.search(text) for text in (settings, functions))
            items = [
                *setting_items(settings + variables),
                *function_items(functions, names),
                *limit_items(process_file(paths, b"limits")),
                *more,
            ]
            self._take(dict(items), hides)
        return int(number)

    def _take(self, items: Items, hides: Hides) -> None:
        self.own = {name for kind, name in items if kind == "function" and name in STOOD_IN}
        self.debuggers = {name for kind, name in items if kind == "debugger"}
        self.stacked = bool(STACK.search(b"\n".join(text for (kind, _), text in items.items() if kind in LOOKING)))
        if self.base is None:
            self.base = items
        self._pack(changed_items(self.base, items), hides)

    def _pack(self, changes: Iterable[tuple[Key, bytes]], hides: Hides) -> None:
        """Pack the items, the smallest first, until there is no more room. Credentials are left out."""
        kept, left, room = [], [], STATE_BYTES
        for (kind, name), text in sorted(changes, key=lambda change: len(change[1])):
            why = why_left_out(kind, name, text, hides)
            room -= 0 if why else len(text)
            if why or room < 0:
                shown = SHOWN_AS.get(kind, kind)
                left.append(f"{shown} {name.decode('utf-8', 'replace')} ({why or 'it is too large'})")
            else:
                kept.append((kind, name.decode("latin-1"), text.decode("latin-1")))
        self.left = left if len(left) <= NAMED else [*left[:NAMED], f"and {len(left) - NAMED} more"]
        kept.sort(key=lambda item: (KINDS.index(item[0]), item[1]))
        text = json.dumps([kept, self.left]).encode()
        self.items_digest = hashlib.blake2b(text, digest_size=8).hexdigest()
        self.packed = base64.b64encode(zlib.compress(text, 1)).decode()

    def items(self, kind: str) -> Iterator[tuple[bytes, bytes]]:
        """The names and texts of one kind of item, as bash printed them last. kind: a group of ITEM."""
        for found in ITEM.finditer(self.printed[0]):
            if found.lastgroup == kind:
                yield found[kind], found[0]

    @staticmethod
    def is_wrapper(body: bytes) -> bool:
        """Whether a function is the kernel's, not the user's."""
        return READ_MARK.encode() in body

    def mend(self) -> None:
        """Install the programs again, if a user has emptied /tmp: what is in their directory is no longer the same."""
        if changed(BIN) != self.installed:
            self._install()

    def _install(self) -> None:
        install()
        self.installed = changed(BIN)

    @property
    def digest(self) -> str:
        """Identifies a snapshot. While it is the same, the kernel does not get the snapshot again."""
        return f"{self.items_digest} {' '.join(self.jobs)}"

    def parts(self) -> dict[str, object]:
        """The snapshot. packed: for `unpack`. left: what is not in it, and why. jobs: the running jobs."""
        return {"digest": self.digest, "packed": self.packed, "left": self.left, "jobs": self.jobs}

    def unpack(self, packed: str) -> list[tuple[str, str]]:
        """The name of each item and its text as Latin-1, in the order in which they are replayed."""
        items, _ = json.loads(zlib.decompress(base64.b64decode(packed)))
        named = ((f"{SHOWN_AS.get(kind, kind)} {name}", text) for kind, name, text in items)
        return [(name.encode("latin-1").decode("utf-8", "replace"), text) for name, text in named]
