"""Asks the live shell for the editor: within a time limit, never while a cell runs, and never by a cold start."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from ..aws.target import Target
from ..function.sent import introspect, source
from ..session.cell import Cell
from ..session.worker import Worker
from ..untrusted import Reader, array, maybe, one_of, record, row, shown, table, text
from ..workspace.workspace import PING_SECONDS, Workspace

SECONDS = 0.3
Names = dict[str, list[str]]
NAME = text(10_000)
KINDS = ("function", "alias", "variable", "command")
PAGE = row(text(20), text(10_000), table(shown(40), shown(10_000), 20), shown(200_000, "\n\t"))
READERS: Mapping[str, Reader[Any]] = {
    "look": record(
        {
            "digest": text(64, "[0-9a-f]*"),
            "names": maybe(record(dict.fromkeys(KINDS, array(NAME, 100_000)))),
            "paths": array(row(text(1_000, r"[\x00-\xff]*"), one_of("directory", "file", "user")), 100_000),
        }
    ),
    "explain": lambda value: [] if value == [] else PAGE(value),
}


class PathQuery(TypedDict):
    """Which paths to look for: head holds the directories as bash would expand them (cursor.pieces), tail how the name
    begins, only its kind: any, directory, program or user."""

    head: list[list[str]]
    tail: str
    only: str


def named(paths: list[list[str]]) -> list[tuple[str, str]]:
    return [(name.encode("latin-1").decode("utf-8", "surrogateescape"), kind) for name, kind in paths]


def here(query: PathQuery) -> list[tuple[str, str]]:
    """Find paths on this machine."""
    head = "".join(text for _, text in query["head"])
    if query["head"][:1] and query["head"][0][0] == "tilde":
        head = os.path.expanduser(f"~{head}")
    if any(kind == "variable" for kind, _ in query["head"]) or "\0" in head:
        return []
    return named(introspect.entries(os.fsencode(head or "."), query["tail"], query["only"], lambda names: names))


def fits(found: tuple[str, str], query: PathQuery) -> bool:
    """Whether an answer is what was asked for, since it replaces what the user typed."""
    name, kind = found
    return name.startswith(query["tail"]) and "/" not in name and (kind == "user") == (query["only"] == "user")


class ShellQuery:
    """Asks one question at a time. Names are kept for times when the shell cannot be asked. busy: a cell runs."""

    def __init__(
        self, workspace: Workspace, worker: Worker, busy: Callable[[], bool] = lambda: False, seconds: float = SECONDS
    ) -> None:
        self.workspace, self._worker, self._busy, self._seconds = workspace, worker, busy, seconds
        self._known: dict[Target, tuple[str, Names]] = {}
        self._found: dict[Target, tuple[PathQuery, list[tuple[str, str]]]] = {}
        self._pending: asyncio.Future[Any] | None = None
        self._touched: dict[Target, float] = {}

    def touch(self) -> None:
        """An invocation of the current target has just ended, so its environment is warm."""
        self._touched[self.workspace.target] = self.workspace.clock()

    @property
    def names(self) -> Names:
        return self._known.get(self.workspace.target, ("", {}))[1]

    async def look(self, query: PathQuery | None) -> list[tuple[str, str]]:
        """Refresh `names`, and find paths with their kinds. Empty if no answer comes in time."""
        have = self._known.get(self.workspace.target, ("", {}))[0]
        answer = await self._ask("look", have=have, path=query)
        if answer is None:
            return self._remembered(query) or self._expected(query)
        found = [one for one in named(answer["paths"]) if query and fits(one, query)]
        if query:
            self._found[self.workspace.target] = query, found
        return found

    def _remembered(self, query: PathQuery | None) -> list[tuple[str, str]]:
        """Paths from the last answer, if the same was asked, or the beginning of the same name."""
        asked, found = self._found.get(self.workspace.target, (None, []))
        if not query or not asked or (asked["head"], asked["only"]) != (query["head"], query["only"]):
            return []
        if not query["tail"].startswith(asked["tail"]):
            return []
        return [(name, kind) for name, kind in found if name.startswith(query["tail"])]

    @property
    def _from_here(self) -> bool:
        """Whether what a shell has can be told before it is asked: the local emulator has it from this machine, unless
        an image is its root."""
        target = self.workspace.target
        return not self.names and target.local and target.emulator.image is None and sys.platform == "linux"

    @property
    def programs(self) -> list[str]:
        """Those that the shell has, or will have."""
        if not self._from_here:
            return self.names.get("command", [])
        from .host_files import programs

        return programs()

    def _expected(self, query: PathQuery | None) -> list[tuple[str, str]]:
        """What a shell will find that has not been asked yet."""
        if not query or not self._from_here:
            return []
        from .host_files import paths

        return named(paths(query))

    async def explain(self, **question: Any) -> list[Any]:
        """What the shell says about a name. Empty: nothing."""
        return await self._ask("explain", **question) or []

    async def _ask(self, name: str, **arguments: Any) -> Any:
        pending = self._pending
        if self._busy() or (pending and not pending.done()) or not self._may_ask():
            return None
        call = functools.partial(self._call, self.workspace.target, name, arguments)
        self._pending = self._worker.submit(call, asyncio.get_running_loop())
        done, _ = await asyncio.wait([self._pending], timeout=self._seconds)
        return self._pending.result() if done else None

    def _may_ask(self) -> bool:
        workspace = self.workspace
        touched = self._touched.get(workspace.target)
        recent = touched is not None and workspace.clock() - touched < PING_SECONDS
        return workspace.eager or recent or workspace.warm

    def _call(self, target: Target, name: str, arguments: dict[str, Any]) -> Any:
        """Runs in the worker's thread. Errors are ignored here; the next cell reports them."""
        try:
            answer = self._answer(target, name, arguments)
        except Exception:  # noqa: BLE001 - on any error, Tab finds nothing
            return None
        if answer is not None:
            self._touched[target] = self.workspace.clock()
        if name == "look" and answer and answer["names"] is not None:
            known = {kind: [one for one in found if one.isprintable()] for kind, found in answer["names"].items()}
            self._known[target] = answer["digest"], known
        return answer

    def _answer(self, target: Target, name: str, arguments: dict[str, Any]) -> Any:
        workspace = self.workspace
        if workspace.eager:
            self._start()
        session = workspace.sessions.get(target)
        if session is None:
            return None
        with workspace.aside() as context:
            redact = workspace.settings.redact
            answer = session.call(source(introspect), name, context.usage, **arguments, redact=redact)
            return None if answer is None else READERS[name](answer)

    def _start(self) -> None:
        """Start the shell by an empty cell. Notices about it come with the next cell."""
        session = self.workspace.session()
        if session.remote and session.remote.shell is None:
            with self.workspace.aside() as context:
                session.run(Cell(""), context)
