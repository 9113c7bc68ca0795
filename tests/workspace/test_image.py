"""Cells on the local emulator with a container image, from the registry to the output."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.target import Emulator, Target
from lambda_kernel.errors import Interrupted, Refused
from lambda_kernel.images.cache import Cache
from lambda_kernel.images.progress import Progress
from lambda_kernel.kernel.run_cell import Execution
from lambda_kernel.session.cell import Shown, ThreadControl
from lambda_kernel.session.worker import Worker
from lambda_kernel.workspace.pull_view import PullView
from lambda_kernel.workspace.workspace import Workspace
from tests.support.container_image import build, layer, shell_layer
from tests.support.in_process_session import Ran, fresh
from tests.support.registry import Registry, serve_registry


class Cells:
    """A kernel's workspace, without Jupyter."""

    def __init__(self, image: str) -> None:
        self.connector = Connector("me", tell=self._tell)
        emulator = Emulator(image=image)
        target = Target("local", emulator=emulator)
        self.workspace = Workspace(target, self.connector, caller=Worker(), emulator=emulator)

    def _tell(self, progress: Progress) -> None:
        self.workspace.on_pull(progress)

    def run(self, text: str, control: Any = None) -> Ran:
        ran = fresh()
        Execution(text, 1, self.workspace, ran.cell_events.append, control or ran.control, ran.usage).run()
        return ran


@pytest.fixture(scope="module")
def pushed() -> Iterator[tuple[Registry, str]]:
    with serve_registry() as registry:
        built = build(shell_layer(), environment=["PATH=/opt/python/bin:/bin", "OF=the image"], compress=bytes)
        yield registry, registry.push("1", built)


def test_the_first_cell_pulls_and_shows_how_far_it_is(pushed: tuple[Registry, str]) -> None:
    registry, reference = pushed
    cells = Cells(reference)
    try:
        ran = cells.run("x=1; . /etc/os-release; echo $NAME, $OF")
        shown = [cell_event for cell_event in ran.cell_events if isinstance(cell_event, Shown)]
        assert ran.out == "Small Linux, the image\n"
        assert len({one.key for one in shown}) == 1
        assert shown[0].data["text/plain"].startswith(f"pulling {reference}: ")
        assert shown[-2].data["text/plain"].startswith(f"unpacking {reference}: ")
        assert "<progress value=" in shown[-2].data["text/html"]
        assert shown[-1].data == dict.fromkeys(("text/plain", "text/html"), f"pulled {reference}")
        assert cells.run("echo $x").out == "1\n"
        assert str(cells.workspace.target) == f"the local emulator, image {reference}"
        # Without a network: what is pinned is here.
        asked = len(registry.requests)
        assert cells.run(f"%use local --network none --image {reference}\necho $OF").out.endswith("the image\n")
        assert len(registry.requests) == asked
        assert [entry.in_use for entry in Cache().entries() if reference in entry.references] == [True]
    finally:
        cells.connector.close()
    assert [entry.in_use for entry in Cache().entries() if reference in entry.references] == [False]


def test_an_image_that_cannot_be_had_fails_the_cell(pushed: tuple[Registry, str]) -> None:
    registry, _ = pushed
    cells = Cells(f"{registry.host}/team/shell:2")
    with pytest.raises(Refused, match=r"there is no image localhost:.*/team/shell:2: check its name and its tag"):
        cells.run("true")
    registry.push("2", build(layer()))
    with pytest.raises(Refused, match=r"the image .* has no bash on its PATH"):
        cells.run("true")
    cells.connector.close()
    assert not [entry for entry in Cache().entries() if entry.in_use]


def test_an_interrupt_ends_the_wait_and_not_the_pull(pushed: tuple[Registry, str]) -> None:
    registry, _ = pushed
    reference = registry.push("3", build(layer()))
    arrived, go = threading.Event(), threading.Event()

    def wait(path: str, before: int) -> None:
        arrived.set()
        assert go.wait(20)

    registry.wishes.status = wait
    cells, control = Cells(reference), ThreadControl()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            cells.run("true", control)
        except Interrupted as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert arrived.wait(20)
    control.interrupt()
    thread.join(20)
    assert "nothing was run" in str(failures[0])
    go.set()
    registry.wishes.status = lambda path, before: None
    with pytest.raises(Refused, match="has no bash"):
        cells.run("true")
    assert len(registry.paths("manifests/3")) == 1
    cells.connector.close()


def test_a_view_is_drawn_twice_a_second() -> None:
    shown: list[Any] = []
    time = iter([0.0, 0.0, 0.1, 0.6, 0.6, 0.7])
    view = PullView(shown.append, lambda: next(time))
    view.show(Progress("waiting for another pull of", "<b>", 0, 0))
    for done in (1, 2, 3, 10, 10):
        view.show(Progress("pulling", "<b>", done, 10))
    texts = [one.data["text/html"] for one in shown]
    assert texts[0] == "waiting for another pull of &lt;b&gt;"
    assert [text.split('"')[1] for text in texts[1:]] == ["1", "3", "10"]
