"""Questions of the editor's to the live shell: in time, never in a cell's way, and never to a cold environment."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .cell import Cell
from .function import names
from .session import Session
from .target import Target
from .worker import Worker
from .workspace import PING_SECONDS, Workspace

SECONDS = 0.3
Names = dict[str, list[str]]


@functools.cache
def source() -> str:
    """What runs in the environment is sent along, so that it can change without a deployment."""
    return Path(names.__file__).read_text(encoding="utf-8")


def named(paths: list[list[str]]) -> list[tuple[str, str]]:
    return [(name.encode("latin-1").decode("utf-8", "surrogateescape"), kind) for name, kind in paths]


def here(path: dict[str, Any]) -> list[tuple[str, str]]:
    """The same question of a path on this machine."""
    head = "".join(text for _, text in path["head"])
    if path["head"][:1] and path["head"][0][0] == "tilde":
        head = os.path.expanduser(f"~{head}")
    if any(kind == "variable" for kind, _ in path["head"]) or "\0" in head:
        return []
    return named(names.entries(os.fsencode(head or "."), path["tail"], path["only"], lambda name: False))


class Inquiry:
    """One question at a time. What a shell said it knows is kept for when it cannot be asked. busy: a cell runs."""

    def __init__(
        self, workspace: Workspace, worker: Worker, busy: Callable[[], bool] = lambda: False, seconds: float = SECONDS
    ) -> None:
        self.workspace, self._worker, self._busy, self._seconds = workspace, worker, busy, seconds
        self._known: dict[Target, tuple[str, Names]] = {}
        self._found: dict[Target, tuple[dict[str, Any], list[tuple[str, str]]]] = {}
        self._pending: asyncio.Future[Any] | None = None
        self._touched: dict[Target, float] = {}

    def touch(self) -> None:
        """An invocation of the present target's has just ended: its environment lives."""
        self._touched[self.workspace.target] = self.workspace.clock()

    @property
    def names(self) -> Names:
        return self._known.get(self.workspace.target, ("", {}))[1]

    async def look(self, path: dict[str, Any] | None) -> list[tuple[str, str]]:
        """Make `names` new, and find paths: their names and what they are. [] when nothing is said in time."""
        have = self._known.get(self.workspace.target, ("", {}))[0]
        answer = await self._ask("look", have=have, path=path)
        if answer is None:
            return self._remembered(path)
        found = named(answer["paths"])
        if path:
            self._found[self.workspace.target] = path, found
        return found

    def _remembered(self, path: dict[str, Any] | None) -> list[tuple[str, str]]:
        """Of the last answer, if the same was asked, or less of the same name."""
        asked, found = self._found.get(self.workspace.target, ({}, []))
        same = path and asked and (asked["head"], asked["only"]) == (path["head"], path["only"])
        if not path or not same or not path["tail"].startswith(asked["tail"]):
            return []
        return [(name, kind) for name, kind in found if name.startswith(path["tail"])]

    async def explain(self, **question: Any) -> list[Any]:
        """What the shell says that a name is; [] for nothing."""
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
        return workspace.settings.eager or recent or workspace.warm

    def _call(self, target: Target, name: str, arguments: dict[str, Any]) -> Any:
        """In the worker's thread. A failure is none of the editor's business: the next cell tells of it."""
        try:
            answer = self._answer(target, name, arguments)
        except Exception:  # noqa: BLE001 - whatever it is, Tab has no answer then
            return None
        if answer is not None:
            self._touched[target] = self.workspace.clock()
        if name == "look" and answer and answer["names"] is not None:
            self._known[target] = answer["digest"], answer["names"]
        return answer

    def _answer(self, target: Target, name: str, arguments: dict[str, Any]) -> Any:
        workspace = self.workspace
        if workspace.settings.eager:
            self._start()
        session = workspace.sessions.get(target)
        if not isinstance(session, Session):
            return None
        with workspace.aside(session) as (_, tally):
            return session.call(source(), name, tally, **arguments, redact=workspace.settings.redact)

    def _start(self) -> None:
        """An empty cell starts the shell; what there is to say of that is told with the next cell."""
        session = self.workspace.session()
        if isinstance(session, Session) and session.shell is None:
            with self.workspace.aside(session) as (control, tally):
                session.run(Cell(""), self.workspace.news.append, control, tally)
