"""Between invocations nothing runs, and nothing notices that it did not."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.local.freezer import Freezing
from lambda_kernel.local.processes import numbered
from tests.support.engine_client import Rig, commands_with
from tests.support.waiting import wait_until

# Where the background processes of a test count, seen from inside and from the machine.
# A file that grows, since one that is written anew is empty for a moment, and the freeze may come in it.
COUNTER = "import time\nwhile True:\n    open({path!r}, 'a').write('.')\n    time.sleep(0.002)\n"
MODES = pytest.mark.parametrize(
    ("isolation", "freezer"),
    [("bwrap", "cgroup"), ("bwrap", "signals"), ("none", "cgroup"), ("none", "signals")],
)


@pytest.fixture
def frozen_rig(rig: Callable[..., Rig]) -> Callable[[str, str], Rig]:
    from lambda_kernel.local import EngineError

    def make(isolation: str, freezer: str) -> Rig:
        try:
            return rig(isolation=isolation, freezer=freezer)
        except EngineError as error:
            pytest.skip(str(error))

    return make


def host_path(own: Rig, name: str) -> tuple[str, Path]:
    """Return the name of a new file in the environment's /tmp, and the same file as this machine sees it."""
    if own.engine.isolation == "none":
        # It has no /tmp of its own; its module directory lies in the engine's private one.
        directory = own.py("result = os.environ['LAMBDA_RUNTIME_DIR']").value
        return f"{directory}/{name}", Path(directory, name)
    own.sh(f"touch /tmp/{name}")
    for process in numbered():
        path = Path(f"/proc/{process}/root/tmp", name)
        with contextlib.suppress(OSError):
            if path.exists():
                return f"/tmp/{name}", path
    raise AssertionError("the environment's /tmp was not found")


def until_it_has(path: str, size: int) -> str:
    """Python that waits in the environment: what counts there has to start first."""
    return f"\nwhile not os.path.exists({path!r}) or os.path.getsize({path!r}) < {size}: time.sleep(0.01)\n"


def frozen(path: Path) -> bool:
    """The freeze comes a moment after the reply."""
    return wait_until(lambda: stands_still(path)) and stands_still(path)


def stands_still(path: Path) -> bool:
    before = count(path)
    time.sleep(0.05)
    return count(path) == before


def count(path: Path) -> int:
    return path.stat().st_size


@MODES
def test_a_background_process_stands_still_between_invocations(
    frozen_rig: Callable[[str, str], Rig], isolation: str, freezer: str
) -> None:
    own = frozen_rig(isolation, freezer)
    assert (own.engine.isolation, own.engine.freezer) == (isolation, freezer)
    inside, path = host_path(own, f"count-{time.monotonic_ns()}")
    counter = COUNTER.format(path=inside)
    own.py(f"subprocess.Popen(['setsid', sys.executable, '-c', {counter!r}])" + until_it_has(inside, 5))
    assert frozen(path)
    own.py(until_it_has(inside, count(path) + 5))
    assert frozen(path)


@MODES
def test_every_process_of_a_tree_stands_still_and_goes_on(
    frozen_rig: Callable[[str, str], Rig], isolation: str, freezer: str
) -> None:
    own = frozen_rig(isolation, freezer)
    shell = "set -m; (while :; do sleep 0.01; echo x; done | while read x; do echo -n . >> {0}; done) & wait; rm {0}"
    inside, path = host_path(own, f"tree-{time.monotonic_ns()}")
    own.py(f"subprocess.Popen(['bash', '-c', {shell.format(inside)!r}])" + until_it_has(inside, 1))
    for _ in range(5):
        assert frozen(path)
        # Bash saw no stopped child: it still waits, and its job still counts.
        own.py(until_it_has(inside, count(path) + 5))


@MODES
def test_what_the_user_stopped_stays_stopped(
    frozen_rig: Callable[[str, str], Rig], isolation: str, freezer: str
) -> None:
    own = frozen_rig(isolation, freezer)
    start = (
        "child = subprocess.Popen(['sleep', '60']); os.kill(child.pid, signal.SIGSTOP)\n"
        "os.waitpid(child.pid, os.WUNTRACED); state['child'] = child.pid"
    )
    own.py(start)
    time.sleep(0.05)
    ask = "result = open(f\"/proc/{state['child']}/stat\").read().split()[2]"
    assert own.py(ask).value == "T"
    own.py("os.kill(state['child'], signal.SIGCONT)")
    time.sleep(0.05)
    assert own.py(ask).value != "T"


def test_time_goes_on_while_frozen(lab: Rig) -> None:
    lab.py("state['then'] = (time.time(), time.monotonic())")
    time.sleep(0.2)
    wall, monotonic = lab.py("result = [time.time() - state['then'][0], time.monotonic() - state['then'][1]]").value
    assert wall > 0.2
    assert monotonic > 0.2


def test_nothing_is_lost_in_quick_succession(rig: Callable[..., Rig]) -> None:
    own = rig()
    # Around the moment of the freeze: before it, in it, after it.
    for pause_ms in [0, 1, 3, 4, 5, 6, 7, 10, 20] * 4:
        assert own.invoke({"pause": pause_ms}).value == {"pause": pause_ms}
        time.sleep(pause_ms / 1000)


def test_the_reply_does_not_wait_for_a_runtime_that_does_not_come_back(rig: Callable[..., Rig]) -> None:
    # A thread that holds the interpreter's lock keeps the runtime from asking for more.
    source = (
        "import threading, time\n"
        "def handler(event, context):\n"
        "    if event == 'hang':\n"
        "        import awslambdaric.lambda_runtime_client as c\n"
        "        c.LambdaRuntimeClient.wait_next_invocation = lambda self: time.sleep(60)\n"
        "    return event\n"
    )
    own = rig(source, timeout_s=3)
    own.invoke("warm")
    hung = own.invoke("hang")
    assert (hung.value, "Status" in hung.report) == ("hang", False)
    # Within what was left of its time it is given up, and the next invocation starts anew: in time, on an idle machine.
    assert wait_until(lambda: own.invoke("again").value == "again", 30)


def test_a_frozen_environment_closes(rig: Callable[..., Rig]) -> None:
    own = rig()
    inside, outside = host_path(own, "count-86397")
    own.py(f"subprocess.Popen([sys.executable, '-c', {COUNTER.format(path=inside)!r}])" + until_it_has(inside, 1))
    wait_until(lambda: stands_still(outside))
    assert count(outside) > 0
    own.engine.close()
    assert not commands_with("count-86397")


class Cold:
    """A freezer that holds itself to its own rules."""

    def __init__(self) -> None:
        self.frozen, self.freezes = False, 0

    def freeze(self) -> None:
        assert not self.frozen
        self.frozen, self.freezes = True, self.freezes + 1

    def thaw(self) -> None:
        assert self.frozen
        self.frozen = False


@given(st.lists(st.sampled_from(["begin", "end", "end_for_good", "time"]), max_size=12))
def test_nothing_is_frozen_that_was_called_back_or_is_ending(steps: list[str]) -> None:
    async def live() -> None:
        cold = Cold()
        slumber, asked, ending = Freezing(cold, delay_s=0), False, False
        for step in steps:
            if step == "time":
                # A timer that is due runs in the loop's next turn but one.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            else:
                getattr(slumber, step)()
            ending = ending or step == "end_for_good"
            asked = (asked or step == "begin") and step not in ("end", "end_for_good") and not ending
            if step == "time":
                assert cold.frozen == asked
            if not asked:
                assert not cold.frozen
        frozen_before = cold.freezes
        slumber.end_for_good()
        slumber.begin()
        await asyncio.sleep(0.001)
        assert not cold.frozen
        assert cold.freezes == frozen_before

    asyncio.run(live())


@pytest.mark.parametrize("rest_s", [0.0, 0.002, 0.004, 0.005, 0.006, 0.01])
def test_an_end_at_the_moment_of_the_freeze_waits_for_nobody(rig: Callable[..., Rig], rest_s: float) -> None:
    """The freeze that came into a kill was not over for five seconds."""
    own = rig()
    own.py("[subprocess.Popen(['sleep', '86395']) for _ in range(3)]")
    time.sleep(rest_s)  # what is tested is a moment
    before = time.monotonic()
    own.engine.close()
    assert time.monotonic() - before < 4
