"""The share of the CPU by the memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.local import EngineError, LocalEngine, Settings
from lambda_kernel.local.cgroups import Cgroup
from lambda_kernel.local.cpu_share import Rotation, cpus_seen, quota_us
from lambda_kernel.local.delegation import LEAF, pass_on_from
from lambda_kernel.local.groups import Groups, working_older
from lambda_kernel.local.host import Host
from tests.support.engine_client import Rig

# The share of one CPU that a process gets which does nothing else.
SPIN = (
    "end = time.monotonic() + 0.5\nused = time.process_time()\nwhile time.monotonic() < end: pass\n"
    "result = (time.process_time() - used) / 0.5"
)


@pytest.fixture
def shared(rig: Callable[..., Rig]) -> Callable[..., Rig]:
    def make(**settings: Any) -> Rig:
        try:
            return rig(cpu="lambda", **settings)
        except EngineError as error:
            pytest.skip(str(error))

    return make


@pytest.mark.parametrize(
    ("memory_mb", "quota", "cpus"),
    [
        *((128, 1_447, 2), (1_769, 20_000, 2), (3_008, 34_008, 2), (3_009, 34_019, 3), (5_307, 60_000, 3)),
        *((5_308, 60_011, 4), (7_076, 80_000, 4), (7_077, 80_011, 5), (8_845, 100_000, 5), (8_846, 100_011, 6)),
        (10_240, 115_772, 6),
    ],
)
def test_the_share_follows_the_memory(memory_mb: int, quota: int, cpus: int) -> None:
    assert (quota_us(memory_mb), cpus_seen(memory_mb)) == (quota, cpus)


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_a_function_gets_its_share_and_sees_so_many_cpus(shared: Callable[..., Rig], isolation: str) -> None:
    own = shared(isolation=isolation)
    ours = os.sched_getaffinity(0)
    assert own.py(SPIN).value < 0.15
    assert own.sh("nproc") == f"{min(2, len(ours))}\n"
    # Also of a runtime that was started again.
    assert own.py("os._exit(1)").failed
    assert own.py(SPIN).value < 0.15
    assert os.sched_getaffinity(0) == ours


def test_nothing_is_left_of_its_groups(lab_code: Path) -> None:
    made: list[Cgroup] = []

    def note(controller: str, name: str) -> Cgroup | None:
        made.extend(filter(None, [group := working_older(controller, name)]))
        return group

    try:
        with LocalEngine(Settings(lab_code, cpu="lambda"), host=Host(make_older_cgroup=note)) as engine:
            assert engine.notices
            assert all(group.path.exists() for group in made)
    except EngineError as error:
        pytest.skip(str(error))
    assert not any(group.path.exists() for group in made)


def test_where_no_group_can_be_had_it_says_what_to_do(lab_code: Path) -> None:
    host = Host(make_cgroup=lambda *_: None, make_older_cgroup=lambda *_: None)
    with pytest.raises(EngineError) as caught:
        LocalEngine(Settings(lab_code, cpu="lambda"), host=host).start()
    assert str(caught.value) == (
        "--cpu lambda needs a cgroup that limits CPU time, and none is delegated to you: start Jupyter with "
        "`systemd-run --user --scope -p Delegate=yes jupyter lab`, or choose --cpu host"
    )


def test_a_quota_of_either_version(tmp_path: Path) -> None:
    """With plain files: this machine has one of the versions."""
    for name in ("unified", "older"):
        (tmp_path / name).mkdir()
    unified, older = Cgroup(tmp_path / "unified"), Cgroup(tmp_path / "older")
    assert not Groups(unified).throttles()
    (unified.path / "cgroup.subtree_control").write_text("memory cpu\n")
    assert Groups(unified).throttles()
    Groups(unified).throttle(1447)
    assert (unified.path / "cpu.max").read_text() == "1447 20000"
    Groups(None, {"cpu": older}).throttle(1447)
    assert [(older.path / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")] == ["1447", "20000"]


def test_processes_leave_a_cgroup_that_systemd_has_delegated(tmp_path: Path) -> None:
    """With plain files, from which no process leaves."""
    (tmp_path / "cgroup.procs").write_text("11\n12\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    assert pass_on_from(tmp_path, ["cpu"]) == tmp_path
    assert not (tmp_path / LEAF).exists()
    try:
        os.setxattr(tmp_path, "user.delegate", b"1")
    except OSError:
        pytest.skip("no attribute can be set here")
    assert pass_on_from(tmp_path, ["cpu"]) == tmp_path
    assert (tmp_path / LEAF / "cgroup.procs").read_text() == "12"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
    assert pass_on_from(tmp_path / LEAF, ["cpu"]) == tmp_path


def test_environments_take_turns_on_the_cpus() -> None:
    ours = os.sched_getaffinity(0)
    rotation, taken = Rotation(1), set[int]()
    for _ in ours:
        with rotation.chosen():
            taken |= os.sched_getaffinity(0)
    assert taken == ours == os.sched_getaffinity(0)
    with Rotation(6).chosen():
        assert len(os.sched_getaffinity(0)) == min(6, len(ours))
