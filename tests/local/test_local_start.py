"""What it takes to start, what it says when it cannot, and what it leaves alone until then."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lambda_kernel.local import Endpoint, EngineError, LocalEngine, Settings
from lambda_kernel.local.cgroups import Cgroup
from lambda_kernel.local.host import Host
from lambda_kernel.local.processes import descendants, numbered, numbered_inside
from lambda_kernel.local.run_directory import RunDirectory
from lambda_kernel.local.runtime_files import find_runtime_files
from tests.support.engine_client import Rig


def refusal(settings: Settings, **parameters: Any) -> str:
    with pytest.raises(EngineError) as caught:
        LocalEngine(settings, **parameters).start()
    return str(caught.value)


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ("asyncio", "tornado", "boto3", "botocore", "ssl")
    code = f"import sys; import lambda_kernel.local; print(*[m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == ""


def test_making_one_starts_nothing(lab_code: Path) -> None:
    threads = threading.active_count()
    engine = LocalEngine(Settings(lab_code))
    assert threading.active_count() == threads
    assert (engine.notices, engine.isolation, engine.freezer) == ((), "", "")
    engine.close()


def test_starting_is_idempotent_from_many_threads(lab_code: Path) -> None:
    engine = LocalEngine(Settings(lab_code))
    found: set[Endpoint] = set()
    threads = [threading.Thread(target=lambda: found.add(engine.start())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()
    assert len(found) == 1
    (endpoint,) = found
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", endpoint.endpoint_url)
    assert (endpoint.region, endpoint.function) == ("local", "shell")


def test_a_closed_engine_can_start_again(lab_code: Path, session: boto3.Session) -> None:
    engine = LocalEngine(Settings(lab_code))
    first = engine.start()
    engine.close()
    assert engine.start().secret_access_key != first.secret_access_key
    assert Rig(engine, session).invoke(1).value == 1
    engine.close()


def test_the_thread_goes_with_the_engine(lab_code: Path) -> None:
    before = set(threading.enumerate())
    with LocalEngine(Settings(lab_code)):
        (started,) = set(threading.enumerate()) - before
        assert (started.name, started.daemon) == ("lambda-local-engine", True)
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_one_file_runs_with_the_text_that_is_given_for_it(
    lab_code: Path, session: boto3.Session, isolation: Literal["auto", "none"]
) -> None:
    text = "def handler(event, context):\n    return open(__file__).read()\n"
    file = lab_code / "index.py"
    with LocalEngine(Settings(file, text, isolation=isolation)) as engine:
        rig = Rig(engine, session)
        assert rig.invoke({}).value == text
        assert rig.client.get_function_configuration(FunctionName="shell")["CodeSize"] == len(text)
    assert file.read_text() != text


def test_a_port_in_use_is_said(lab_code: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = refusal(Settings(lab_code, port=port))
    assert text == f"port {port} is in use: choose another one, or 0 for any free port"


def test_a_chosen_port_is_used(lab_code: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with LocalEngine(Settings(lab_code, port=port)) as engine:
        assert engine.start().endpoint_url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"memory_mb": 127}, "the memory is 127: choose 128 to 10240 MB"),
        ({"timeout_s": 1801}, "the timeout is 1801: choose 1 to 1800 seconds"),
        ({"concurrency": 0}, "the concurrency is 0: choose 1 or more"),
        ({"port": 70000}, "the port is 70000: choose 0 to 65535"),
        ({"function": "no spaces"}, "'no spaces' is not a function name"),
        ({"code": Path("/nowhere")}, "the function's code /nowhere does not exist"),
    ],
)
def test_what_lambda_would_refuse_is_refused(lab_code: Path, change: dict[str, Any], text: str) -> None:
    assert refusal(replace(Settings(lab_code), **change)).startswith(text)


def test_what_the_machine_lacks_is_said(lab_code: Path) -> None:
    settings = Settings(lab_code)
    assert refusal(settings, host=Host(platform="darwin")).startswith("the local emulator runs on Linux only: ")
    assert refusal(settings, host=Host(which=lambda _: None)) == "the local emulator needs bash on PATH: install bash"
    text = refusal(settings, host=Host(find_files=lambda: find_runtime_files(lambda _: None)))
    assert text == "the local emulator needs awslambdaric: run `pip install awslambdaric`"


def test_what_was_asked_for_and_is_not_there_is_said(lab_code: Path) -> None:
    assert "bubblewrap does not work on this machine" in refusal(
        Settings(lab_code, isolation="bwrap"), host=Host(find_bwrap=lambda: None)
    )
    assert "bubblewrap does not work on this machine" in refusal(
        Settings(lab_code, isolation="bwrap"), host=Host(find_bwrap=lambda: "/bin/false")
    )
    assert "no cgroup that can be frozen" in refusal(
        Settings(lab_code, freezer="cgroup"), host=Host(make_cgroup=lambda *_: None)
    )


def test_no_isolation_is_said_loudly(lab_code: Path, session: boto3.Session) -> None:
    with LocalEngine(Settings(lab_code), host=Host(find_bwrap=lambda: None)) as engine:
        assert engine.isolation == "none"
        assert engine.notices[0].startswith("commands run without isolation as user ")
        assert "install bubblewrap or `pip install lambda-kernel[sandbox]`" in engine.notices[0]
        assert Rig(engine, session).py("result = os.environ.get('HOME')").value is None


def test_a_limit_by_polling_is_said_to_be_approximate(lab: Rig) -> None:
    assert any("approximate" in notice for notice in lab.engine.notices)


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path)
    second = RunDirectory(tmp_path)
    assert first.path.exists()
    first.close()
    assert not first.path.exists()
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_beside_a_free_lock_goes(tmp_path: Path) -> None:
    stale = tmp_path / "lambda-kernel-local-stale"
    (stale / "env" / "tmp").mkdir(parents=True)
    (stale / "env" / "tmp").chmod(0)
    (stale / "lock").touch()
    unlocked = tmp_path / "lambda-kernel-local-new"
    unlocked.mkdir()
    RunDirectory(tmp_path).close()
    assert not stale.exists()
    assert unlocked.exists()


def test_what_is_above_a_directory_keeps_its_mode(tmp_path: Path) -> None:
    """Also where the directory is gone before it is removed, which rmtree reports as an error."""
    tmp_path.chmod(0o1777)
    directory = RunDirectory(tmp_path)
    shutil.rmtree(directory.path)
    directory.close()
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_of_engines_that_start_at_once_each_keeps_its_directory(tmp_path: Path) -> None:
    def start_and_end(_: int) -> bool:
        made = RunDirectory(tmp_path)
        kept = made.path.is_dir()
        made.make_tmp("env")
        made.close()
        return kept

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(start_and_end, range(400)))
    assert list(tmp_path.iterdir()) == []


def test_of_the_cgroups_beside_only_an_engines_own_is_looked_at(tmp_path: Path) -> None:
    stale, victim, held = tmp_path / "lambda-kernel-local-x", tmp_path / "other", Cgroup(tmp_path / "live.engine")
    for path in (stale, victim, held.path):
        path.mkdir()
        (path / "cgroup.procs").touch()
    assert held.hold()
    (stale / "lock").touch()
    (stale / "cgroup").write_text(str(tmp_path))
    RunDirectory(tmp_path).close()
    assert not stale.exists()
    assert victim.exists()
    assert held.path.exists()
    held.let_go()


def test_a_cgroup_is_held_by_one(tmp_path: Path) -> None:
    first, second = Cgroup(tmp_path / "a.engine"), Cgroup(tmp_path / "a.engine")
    first.make_and_hold()
    assert not second.hold()
    first.let_go()
    assert second.hold()
    second.path.rmdir()
    second.let_go()
    assert not first.hold()
    first.make_and_hold()
    assert first.path.exists()
    first.let_go()


def test_a_memory_controller_is_used_where_it_is_ours(tmp_path: Path) -> None:
    for name in ("memory.max", "memory.swap.max", "memory.oom.group", "pids.max"):
        (tmp_path / name).write_text("max")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\n")
    cgroup = Cgroup(tmp_path)
    assert cgroup.passes_on("memory")
    cgroup.limit(memory=1 << 27, processes=1024)
    assert (tmp_path / "memory.max").read_text() == str(1 << 27)
    assert (tmp_path / "pids.max").read_text() == "1024"
    assert not cgroup.out_of_memory()
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n")
    assert cgroup.out_of_memory()


def test_descendants_are_found_parents_first() -> None:
    with subprocess.Popen(["bash", "-c", "(sleep 50; true) & (sleep 50; true) & wait"]) as process:
        deadline = time.monotonic() + 5
        while len(found := descendants(process.pid)) < 4:
            assert time.monotonic() < deadline
        assert len(found) == 4
        assert not set(found) - set(numbered())
        for pid in [*found, process.pid]:
            subprocess.run(["kill", "-9", str(pid)], check=False)


def test_the_machines_own_processes_are_no_environments() -> None:
    """A sandbox shows them until it has a root of its own. They would exceed any limit of memory."""
    assert os.getpid() in numbered()
    assert numbered_inside("/proc") == []
    assert numbered_inside("/nowhere") == []


def test_close_may_come_at_any_time(rig: Callable[..., Rig]) -> None:
    own = rig()
    failed: list[BaseException] = []

    def invoke() -> None:
        try:
            own.py("time.sleep(30)")
        except (BotoCoreError, ClientError) as error:
            failed.append(error)

    thread = threading.Thread(target=invoke)
    thread.start()
    time.sleep(0.15)
    own.engine.close()
    thread.join()
    assert failed
