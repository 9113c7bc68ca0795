"""The network of the local emulator, chosen by the kernelspec or in a notebook."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.aws.target import CPUS, LOCAL, MEMORY_MB, NETWORKS, STORAGE_MB, Emulator, Target, named, resolve
from lambda_kernel.local import cpu_share, quotas
from lambda_kernel.local.network import NETWORKS as OF_THE_ENGINE
from tests.support.kernel_client import Notebook, notebook

NONE = Emulator("none")

DEVICES = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with notebook("--LambdaKernel.network=none") as started:
        yield started


def devices(book: Notebook) -> list[str]:
    return book.run(DEVICES).out.split()


def test_the_names_are_the_engines() -> None:
    assert NETWORKS == OF_THE_ENGINE
    assert CPUS == cpu_share.CPUS
    assert (MEMORY_MB, STORAGE_MB) == (quotas.MEMORY_MB, quotas.STORAGE_MB)


def test_a_target_names_its_network() -> None:
    assert resolve(emulator=NONE) == named("local", None, None, None, emulator=NONE) == Target("local", emulator=NONE)
    assert resolve(emulator=NONE) != LOCAL
    assert resolve(emulator=NONE).local
    assert str(resolve(emulator=NONE)) == "the local emulator, network `none`"
    assert (str(LOCAL), resolve()) == ("the local emulator", LOCAL)
    assert resolve({"function": "shell"}, emulator=NONE) == Target("shell")


def test_the_kernelspecs_choice_holds(book: Notebook) -> None:
    assert devices(book) == ["lo"]
    assert "target          the local emulator, network `none`\n" in book.run("%status").out
    content = book.client.kernel_info(reply=True, timeout=30)["content"]
    assert "Cells run on the local emulator, network `none`." in content["banner"]


def test_a_notebook_may_choose_another_and_come_back(book: Notebook) -> None:
    book.run("x=here")
    assert book.run("%use local --network host").out == (
        "Cells now run on the local emulator: the next cell starts a session.\n"
    )
    assert devices(book) != ["lo"]
    assert book.run("%use local").out == "Cells now run on the local emulator, network `none`: its session continues.\n"
    assert devices(book) == ["lo"]
    assert book.run("echo $x").out == "here\n"
    assert "other sessions  the local emulator\n" in book.run("%status").out


def test_what_is_no_network_is_said(book: Notebook) -> None:
    assert book.run("%use local --network bridge").error is not None
    error = book.run("%use shell --network none").error
    assert error is not None
    assert error[1] == "--network works with the local emulator only: use it as in `%use local --network none`"
    assert devices(book) == ["lo"]


def test_a_way_out_that_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to(str(shutil.which("bash")))
    options = ("--LambdaKernel.network=nat", "--LambdaKernel.memory=512")
    with notebook(*options, env={**os.environ, "PATH": str(tmp_path)}) as book:
        error = book.run("echo never").error
        assert error is not None
        assert "choose the network" in error[1]
        assert "`nat` needs pasta or slirp4netns" in error[1] or "needs bubblewrap" in error[1]
        assert book.run("%use local --network host").error is None
        assert book.run("echo $AWS_LAMBDA_FUNCTION_MEMORY_SIZE").out == "512\n"


def test_a_cell_that_asks_the_runtime_api_is_answered_and_the_next_one_runs(book: Notebook) -> None:
    ask = "curl -sS --max-time 20 http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next >/tmp/event"
    if book.run("command -v curl").error:
        pytest.skip("curl is not here")
    for _ in range(3):
        shown = book.run(f"{ask}; head -c 1 /tmp/event", timeout=20)
        assert (shown.out, shown.error) == ("{", None)
    assert book.run("echo well").out == "well\n"
