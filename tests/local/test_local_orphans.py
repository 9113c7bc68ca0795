"""Nothing outlives the engine, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambda_kernel.local import Endpoint, LocalEngine, Settings
from lambda_kernel.local.cgroups import own_cgroup
from tests.support.engine_client import Rig, commands_with, make_client, processes_with
from tests.support.waiting import wait_until

# Prints its endpoint, then waits; some of what it starts in the environment tries to get away.
HOLDER = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from lambda_kernel.local import LocalEngine, Settings
engine = LocalEngine(Settings(Path(sys.argv[1]), isolation=sys.argv[2], freezer=sys.argv[3]))
print(json.dumps(asdict(engine.start())), flush=True)
sys.stdin.read()
"""
ESCAPES = {
    "daemon": (
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: os.execvp('sleep', ['sleep', '{mark}'])\n"
        "    os._exit(0)\nos.wait()"
    ),
    "nohup": "subprocess.Popen(['bash', '-c', 'trap \"\" HUP TERM INT; (setsid nohup sleep {mark} &) & sleep {mark}'])",
    "stopped": "child = subprocess.Popen(['sleep', '{mark}']); os.kill(child.pid, signal.SIGSTOP)",
}
MODES = pytest.mark.parametrize(
    ("isolation", "freezer"),
    [("bwrap", "cgroup"), ("bwrap", "signals"), ("none", "cgroup"), ("none", "signals")],
)


@pytest.fixture
def holder(lab_code: Path) -> Iterator[Callable[[str, str], tuple[subprocess.Popen[str], Endpoint]]]:
    started: list[subprocess.Popen[str]] = []

    def start(isolation: str, freezer: str) -> tuple[subprocess.Popen[str], Endpoint]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(lab_code), isolation, freezer],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.skip(f"this machine has no {isolation} with {freezer}")
        return process, Endpoint(**json.loads(line))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def mark_of(*names: str) -> str:
    """Return a number of seconds that no other sleep on this machine has."""
    return f"86{os.getpid() % 100000:05}.{abs(hash(names)) % 1000000:06}"


def run(client: Any, code: str) -> None:
    raw = client.invoke(FunctionName="shell", Payload=json.dumps({"py": code}))
    assert "FunctionError" not in raw, raw["Payload"].read()


@MODES
@pytest.mark.parametrize("frozen", [True, False])
def test_kill_9_of_the_engines_process_leaves_nothing(
    holder: Callable[[str, str], tuple[subprocess.Popen[str], Endpoint]],
    session: boto3.Session,
    isolation: str,
    freezer: str,
    frozen: bool,
) -> None:
    process, endpoint = holder(isolation, freezer)
    mark = mark_of(isolation, freezer, str(frozen))
    client = make_client(session, endpoint)
    for code in ESCAPES.values():
        run(client, code.format(mark=mark))
    wait_until(lambda: len(commands_with(mark)) >= 3)
    if not frozen:
        event = json.dumps({"py": "time.sleep(30)"})
        client.invoke(FunctionName="shell", InvocationType="Event", Payload=event)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not commands_with(mark))
    secret = endpoint.endpoint_url.removeprefix("http://")
    wait_until(lambda: not processes_with("environ", f"AWS_LAMBDA_RUNTIME_API={secret}"))


@MODES
def test_close_leaves_no_process_no_directory_and_no_cgroup(
    lab_code: Path, session: boto3.Session, tmp_path: Path, isolation: str, freezer: str
) -> None:
    from lambda_kernel.local import EngineError

    others = held_here()
    try:
        engine = LocalEngine(Settings(lab_code, isolation=isolation, freezer=freezer))  # type: ignore[arg-type]
        own = Rig(engine, session)
    except EngineError as error:
        pytest.skip(str(error))
    (name,) = held_here() - others
    assert name in names(left_behind())
    if freezer == "cgroup":
        assert of_engine({name}) <= names(left_behind())
    mark = mark_of("close", isolation, freezer)
    for code in ESCAPES.values():
        own.py(code.format(mark=mark))
    own.py("if os.path.ismount('/tmp'): os.makedirs('/tmp/deep/er'); os.chmod('/tmp/deep', 0)")
    engine.close()
    assert not commands_with(mark)
    assert not {name, *of_engine({name})} & names(left_behind())


def held_here() -> set[str]:
    """Return the names of the run directories that engines of this process hold; other processes have theirs."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            if path.name == "lock" and path.parent.name.startswith("lambda-kernel-local-"):
                found.add(path.parent.name)
    return found


def links_of(pid: int) -> list[Path]:
    return [path.resolve() for path in Path(f"/proc/{pid}/fd").iterdir()]


def names(paths: set[Path]) -> set[str]:
    return {path.name for path in paths}


def left_behind() -> set[Path]:
    cgroup = own_cgroup()
    found = set(Path(tempfile.gettempdir()).glob("lambda-kernel-local-*"))
    return found | set(cgroup.glob("lambda-kernel-local-*")) if cgroup else found


def of_engine(names: set[str]) -> set[str]:
    """Return the names of the cgroups that go with run directories."""
    return {f"{name}.engine" for name in names}


@pytest.mark.parametrize("without_its_directory", [False, True])
def test_the_next_engine_removes_what_a_killed_one_left(
    holder: Callable[[str, str], tuple[subprocess.Popen[str], Endpoint]],
    session: boto3.Session,
    lab_code: Path,
    without_its_directory: bool,
) -> None:
    """A cgroup as well whose engine kept its files elsewhere, or lost them to who cleans /tmp."""
    others = held_here()
    process, endpoint = holder("auto", "auto")
    run(make_client(session, endpoint), "open('/tmp/x', 'w').close()")
    left = {
        path.parent
        for path in Path(tempfile.gettempdir()).glob("lambda-kernel-local-*/lock")
        if str(path) in {str(link) for link in links_of(process.pid)}
    }
    assert len(left) == 1
    process.kill()
    process.wait()
    gone = names(left) | of_engine(names(left))
    if without_its_directory:
        shutil.rmtree(left.pop(), ignore_errors=True)  # another engine may remove it, too
    with LocalEngine(Settings(lab_code)) as live:
        assert not gone & names(left_behind())
        (own,) = held_here() - others
        # And leaves alone what lives.
        with LocalEngine(Settings(lab_code)):
            assert own in names(left_behind())
            if live.freezer == "cgroup":
                assert of_engine({own}) <= names(left_behind())


def test_a_supervisor_that_its_function_kills_takes_all_along(rig: Callable[..., Rig]) -> None:
    for freezer in ("auto", "signals"):
        own = rig(isolation="none", freezer=freezer)
        mark = mark_of("supervisor", freezer)
        start = f"subprocess.Popen(['setsid', 'sleep', '{mark}']); time.sleep(0.1)"
        reply = own.py(f"{start}; os.kill(os.getppid(), 9); time.sleep(30)")
        assert reply.value["errorType"] == "Runtime.ExitError"
        assert not commands_with(mark)


def test_an_engine_that_is_forgotten_ends_with_its_process(lab_code: Path) -> None:
    code = HOLDER.replace("sys.stdin.read()", "")
    done = subprocess.run(
        [sys.executable, "-c", code, str(lab_code), "auto", "auto"],
        capture_output=True, text=True, timeout=20, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert json.loads(done.stdout)["function"] == "shell"
    assert done.stderr == ""


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # the engine's thread is what it is about
def test_a_fork_of_the_process_does_not_end_the_engine(lab: Rig) -> None:
    pid = os.fork()
    if pid == 0:
        lab.engine.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert lab.invoke(1).value == 1
