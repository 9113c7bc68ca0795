"""How many environments there is room for, and how many start at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambda_kernel.local import room
from tests.support.engine_client import Rig


@pytest.mark.parametrize(
    ("available_mb", "files", "most"),
    [
        (0, 1_000_000, 10),
        (64 * 27.4, 1_000_000, 10),
        (64 * 27.5, 1_000_000, 11),
        (64 * 100, 1_000_000, 40),
        (64 * 249, 1_000_000, 99),
        (1e9, 1_000_000, 100),
        (1e9, 1_024, 31),
        (1e9, 256, 10),
    ],
)
def test_it_is_a_matter_of_memory_and_of_files(available_mb: float, files: int, most: int) -> None:
    assert room.concurrency(available_mb, files) == most


def test_the_memory_of_this_machine(tmp_path: Path) -> None:
    assert room.available_mb(Path("/proc/meminfo")) > 1
    assert room.available_mb(tmp_path) == room.available_mb(tmp_path / "none") == 0
    (tmp_path / "other").write_text("MemTotal: 5 kB\n")
    assert room.available_mb(tmp_path / "other") == 0
    assert 10 <= room.of_this_machine() <= 100


def test_a_few_environments_start_at_once(rig: Callable[..., Rig]) -> None:
    """Else an Init Duration would be that of all together."""
    most = 2 * (os.cpu_count() or 1)
    source = (
        "import time\nT = [time.time()]\ntime.sleep(0.1)\nT += [time.time()]\ndef handler(event, context): return T\n"
    )
    made = rig(source=source, concurrency=4 * most)
    with ThreadPoolExecutor(2 * most) as pool:
        inits = {tuple(reply.value) for reply in pool.map(lambda _: made.invoke({}), range(2 * most))}
    assert all(sum(begin <= other <= end for other, _ in inits) <= most for begin, end in inits)
    assert len(inits) > most
