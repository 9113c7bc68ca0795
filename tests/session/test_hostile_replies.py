"""Whatever a function answers: a cell ends, with a result or with an error of ours, and Jupyter's messages are valid.

Recorded answers of the real function are changed at any place, in any way; the clock is the player's.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.aws.target import LOCAL
from lambda_kernel.aws.usage import Usage
from lambda_kernel.editing.completion import Completer
from lambda_kernel.editing.inspection import Inspector
from lambda_kernel.editing.shell_query import ShellQuery
from lambda_kernel.kernel.run_cell import Execution
from lambda_kernel.output.display import Streams, metadata, progress_data
from lambda_kernel.output.notices import Notices
from lambda_kernel.output.report_line import FULL, CellFacts, report_data, report_parts
from lambda_kernel.session.cell import Cell, CellEvent, Progress, Shown
from lambda_kernel.session.context import Context
from lambda_kernel.session.session import Session
from lambda_kernel.session.worker import Worker
from lambda_kernel.workspace.workspace import Workspace
from tests.support.hostile_function import CHANGES, Change, Player, Told, record
from tests.support.silent_connector import SilentConnector

pytestmark = pytest.mark.timeout(300)

MANY = settings(
    max_examples=75,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NOT_RUN = ("elsewhere", "unseen", "unrun", "gone", "stale", "refused")
LOGS = st.sampled_from(
    [
        "",
        "REPORT RequestId: \x1b[2J\ud800\tDuration: 1e999 ms\tBilled Duration: NaN ms\t\n",
        "REPORT RequestId: x\tDuration: 999999999999999 ms\tMemory Size: 999999999999999 MB\t\n",
        '{"type":"platform.report","record":{"requestId":"x","metrics":{"durationMs":1e400}}}\n',
        '{"type":"platform.report","record":{"requestId":"x","metrics":{"durationMs":' + "9" * 5000 + "}}}\n",
        '{"type":"platform.report","record":' + "[" * 100_000 + "\n",
    ]
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    return record(tmp_path_factory.mktemp("far"))


def send(cell_events: list[CellEvent], usage: Usage, text: str) -> None:
    """As the kernel does; what no message can hold raises."""

    def message(*content: Any) -> None:
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()

    def show(shown: Shown) -> None:
        message(shown.key, shown.data, shown.metadata)

    notices = Notices(lambda kind, content: message(content), lambda: "", "", terminal=False)
    streams = Streams(message, show, "cell", lambda shell: True, notify=notices.show)
    for cell_event in cell_events:
        if isinstance(cell_event, Progress):
            message(progress_data(cell_event))
        elif isinstance(cell_event, Shown):
            show(cell_event)
        else:
            streams.show(cell_event)
    streams.finish()
    message(
        text,
        metadata(usage, 1.0, 0, "f", "eu-west-1"),
        report_data(report_parts(CellFacts(usage, 1.0, 0, "here"), FULL)),
    )


def attempt(work: Callable[[], object]) -> str:
    try:
        work()
    except errors.KernelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["slow", "asks", "reads", "ends", "long", "restored"])
@MANY
@given(changes=CHANGES, log=LOGS)
def test_a_cell_ends(told: dict[str, Told], name: str, changes: list[Change], log: str) -> None:
    player = Player(told[name], changes, log)
    session = Session(player, lambda: player.now, "test", lambda: 0.5)
    cell_events: list[CellEvent] = []
    for _ in range(2 if name == "restored" else 1):
        usage, before = Usage(), len(player.events)
        cell = Cell("x", stdin=True)
        said = attempt(lambda cell=cell, usage=usage: session.run(cell, Context(cell_events.append, player, usage)))  # type: ignore[misc]
        send(cell_events, usage, said)
        runs = [at for at, event in enumerate(player.events[before:], before) if event["op"] == "run"]
        assert all(player.states[at] in NOT_RUN for at in runs[:-1]) or any(
            state in NOT_RUN for state in player.states[runs[0] : runs[-1]]
        )


def test_a_cell_is_done_where_nothing_is_changed(told: dict[str, Told]) -> None:
    """Or the tests above would test nothing."""
    ended = {"slow": 0, "asks": 0, "reads": 0, "ends": 3, "long": 0, "restored": 0}
    for name, code in ended.items():
        player = Player(told[name], [])
        result = Session(player, lambda: player.now).run(  # noqa: B023 - it is called in this round
            Cell("x", stdin=True), Context(lambda cell_event: None, player, Usage())
        )
        assert result.exit_code == code


class CellRunner(SilentConnector):
    """A workspace whose function is the player."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.workspace = Workspace(LOCAL, self, clock=lambda: player.now, sessions=self._session)

    def _session(self, target: Any, transport: Any, clock: Callable[[], float]) -> Session:
        return Session(transport, clock, "test", lambda: 0.5)

    def __call__(self, target: Any, read_timeout: float = 0) -> Player:
        return self.player

    def run(self, text: str) -> str:
        cell_events: list[CellEvent] = []
        usage = Usage()
        work = Execution(text, 1, self.workspace, cell_events.append, self.player, usage, stdin=True)
        said = attempt(work.run)
        send(cell_events, usage, said)
        return said or "".join(str(cell_event) for cell_event in cell_events)


@pytest.mark.parametrize("text", ["%environment", "%top -n 1", "%%writefile f\nx", "%%writefile -a f\nx", "%put . x"])
@MANY
@given(changes=CHANGES)
def test_a_magic_ends(
    told: dict[str, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, changes: list[Change]
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "f", "x")
    CellRunner(Player(told["call"], changes)).run(text)


@pytest.mark.parametrize("text", ["%environment", "%top -n 1", "%%writefile f\nx", "%get -f f* d ."])
def test_a_magic_works_where_nothing_is_changed(
    told: dict[str, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CellRunner(Player(told["call"], [])).run(text)
    assert any(sign in shown for sign in ("CPU", "written to", "3 files, 2 directories, 1 link"))


def put(path: Path, text: str) -> None:
    """Where nothing has changed it, nothing is written."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def everything(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mode, content)
    return found


@pytest.mark.parametrize("text", ["%get -f f* d out", "%get f* d out", "%get -f d ."])
@MANY
@given(changes=CHANGES)
def test_nothing_is_written_outside_of_the_target(
    told: dict[str, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, changes: list[Change]
) -> None:
    """Around the target there is what a hostile name would hit."""
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    for name in ("x", "g", ".bash_login", "away/g"):
        put(tmp_path / name, "mine")
    out.mkdir(exist_ok=True)
    for name, leads in (("f", "../x"), ("f2", "../nowhere"), ("link", "../away")):
        (out / name).unlink(missing_ok=True)
        (out / name).symlink_to(leads)
    target = out if text.endswith("out") else tmp_path / "d"
    keep = {name: what for name, what in everything(tmp_path).items() if not name.startswith(str(target))}
    CellRunner(Player(told["call"], changes)).run(text)
    after = {name: what for name, what in everything(tmp_path).items() if not name.startswith(str(target))}
    assert after == keep
    if target == out:
        assert {path.name for path in out.iterdir()} <= {"f", "f2", "d", "link"}


@MANY
@given(changes=CHANGES)
def test_the_editor_is_answered(told: dict[str, Told], changes: list[Change]) -> None:
    async def ask() -> list[Any]:
        query = ShellQuery(runner.workspace, Worker(), seconds=20)
        query.touch()
        completed = await Completer(query).complete("cat f", 5)
        return [completed, await Inspector(query).inspect("f", 1, True)]

    runner = CellRunner(Player(told["call"], changes))
    runner.run("x")
    completed, inspected = asyncio.run(ask())
    json.dumps([completed, inspected], allow_nan=False, ensure_ascii=False).encode()
    assert all(match.startswith(("f", "$'f")) and match.isprintable() for match in completed["matches"])
