"""What a kernel does before its first cell, and what it leaves until then."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.function import index
from lambda_kernel.local.bwrap import find_bwrap
from lambda_kernel.local.processes import descendants
from tests.support.kernel_client import Notebook, notebook
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")
needs_bwrap = pytest.mark.skipif(find_bwrap() is None, reason="needs bubblewrap")


@contextmanager
def just_started(temporary: Path) -> Iterator[Notebook]:
    """A kernel that has not answered yet. temporary: where its emulator keeps what it has."""
    temporary.mkdir(exist_ok=True)
    with notebook(env={**os.environ, "TMPDIR": str(temporary)}, ready=False) as started:
        yield started


def process_of(book: Notebook) -> Any:
    provisioner: Any = book.manager.provisioner
    return provisioner.process


def commands(book: Notebook) -> list[str]:
    """Below the kernel: those of the emulator, its sandboxes and what runs in them."""
    return [index.peek(f"/proc/{pid}/cmdline") for pid in descendants(process_of(book).pid)]


def runs_bootstrap(book: Notebook) -> bool:
    """In a sandbox that is held, bubblewrap's command line names what it will start."""
    return any("bootstrap.py" in command and "--args" not in command for command in commands(book))


@needs_bwrap
def test_a_sandbox_is_held_and_the_cold_start_is_the_first_cells(tmp_path: Path) -> None:
    with just_started(tmp_path / "tmp") as book:
        book.client.wait_for_ready(timeout=30)
        wait_until(lambda: any("--block-fd" in command for command in commands(book)), 20)
        assert not runs_bootstrap(book)
        shown = book.run("echo first; echo second >&2")
        assert (shown.out, shown.err) == ("first\n", "second\n")
        assert shown.figures["init_duration_ms"] > 0
        assert shown.figures["invocations"] == 2
        assert "cold start" in shown.report
        assert runs_bootstrap(book)
        assert book.run("true").figures["init_duration_ms"] is None
        kernel = process_of(book)
    assert kernel.returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_cell_that_comes_early_waits_for_what_is_under_way(tmp_path: Path) -> None:
    """It is there before the kernel is."""
    with just_started(tmp_path / "tmp") as book:
        reply = book.client.execute("echo early", reply=True, timeout=60)
        assert reply["content"]["status"] == "ok"
        assert reply["metadata"]["lambda"]["init_duration_ms"] > 0
        assert len(list((tmp_path / "tmp").glob("lambda-kernel-local-*"))) == 1
        book.client.wait_for_ready(timeout=30)
        assert book.run("echo $LAMBDA_TASK_ROOT").out == "/var/task\n"


@pytest.mark.parametrize("way", ["shutdown", "SIGTERM", "restart"])
def test_a_kernel_that_ends_at_once_leaves_nothing(way: str, tmp_path: Path) -> None:
    with just_started(tmp_path / "tmp") as book:
        book.client.kernel_info(reply=True, timeout=60)
        kernel = process_of(book)
        below = descendants(kernel.pid)
        if way == "SIGTERM":
            kernel.terminate()
            assert kernel.wait(30) == 0
        elif way == "restart":
            book.manager.restart_kernel()
            book.client.wait_for_ready(timeout=60)
            assert book.run("echo again").out == "again\n"
    assert process_of(book) is None or process_of(book).returncode in (0, None)
    assert kernel.wait(30) == 0
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below), 20)
    wait_until(lambda: list((tmp_path / "tmp").iterdir()) == [], 20)


def test_an_emulator_that_cannot_start_is_the_first_cells_error(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    with notebook(env={**os.environ, "PATH": str(path)}) as book:
        while book.client.iopub_channel.msg_ready():  # nothing is told before
            assert book.client.get_iopub_msg(timeout=1)["msg_type"] == "status"
        for _ in range(2):
            shown = book.run("echo never")
            assert shown.error == ("Refused", "the local emulator needs bash on PATH: install bash")
        (path / "bash").symlink_to(str(shutil.which("bash")))
        assert book.run("echo now").out == "now\n"


def test_nobody_is_asked_for_credentials_before_the_first_cell(tmp_path: Path) -> None:
    """A notebook that is only opened, with a Tab or two, must not ask for an MFA code."""
    asked = tmp_path / "asked"
    script = tmp_path / "process"
    script.write_text(f"#!/bin/sh\necho >>{shlex.quote(str(asked))}\nexit 1\n")
    script.chmod(0o755)
    (tmp_path / "config").write_text(f"[profile mine]\ncredential_process = {script}\n")
    environ = {**os.environ, "AWS_CONFIG_FILE": str(tmp_path / "config")}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        environ.pop(name, None)
    options = {"function": "shell", "region": "eu-west-1", "profile": "mine", "endpoint_url": "http://127.0.0.1:9"}
    with notebook(*(f"--LambdaKernel.{name}={value}" for name, value in options.items()), env=environ) as book:
        assert book.client.complete("ech", reply=True, timeout=20)["content"]["matches"] == ["echo"]
        assert book.client.inspect("echo", reply=True, timeout=20)["content"]["found"]
        assert commands(book) == []
        assert not asked.exists()
        assert book.run("echo never").error is not None
        assert asked.exists()


def test_a_tab_starts_the_environment_and_the_first_cell_says_so(tmp_path: Path) -> None:
    def tab(book: Notebook, code: str) -> list[str]:
        reply = book.client.complete(code, reply=True, timeout=20)
        matches: list[str] = reply["content"]["matches"]
        return matches

    with just_started(tmp_path / "tmp") as book:
        assert "mapfile" in tab(book, "mapf")
        assert {"/usr/", "/usr/bin/"} >= {*tab(book, "ls /us"), *tab(book, "ls /usr/bi")} != set()
        wait_until(lambda: tab(book, "ls /var/tas") == ["/var/task/"], 30)  # of which this machine knows nothing
        book.client.wait_for_ready(timeout=30)
        shown = book.run("true")
        assert shown.figures["init_duration_ms"] > 0
        assert "cold start" in shown.report
        again = book.run("true")
        assert again.figures["environment_id"] == shown.figures["environment_id"]
        assert again.figures["init_duration_ms"] is None
