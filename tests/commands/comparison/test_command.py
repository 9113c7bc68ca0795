"""`lambda-kernel compare`: real runs on the emulator, and what bad input gets before anything runs."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lambda_kernel.aws.target import LOCAL, Emulator, Target, named
from lambda_kernel.cli import build_parser
from lambda_kernel.commands.comparison import command
from lambda_kernel.commands.comparison.execution import cleared, options_of
from tests.support.installed_kernel import left_over
from tests.support.scripted_endpoint import Answer, endpoint

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")
WORDS = [sys.executable, "-m", "lambda_kernel.cli", "compare"]
NO_KERNEL = {"kernelspec": {"name": "nobody-has-it", "display_name": "x", "language": "bash"}}


def write(path: Path, *cells: str, **metadata: Any) -> Path:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Title"), *map(nbformat.v4.new_code_cell, cells)], metadata=metadata
    )
    nbformat.write(made, path)
    return path


def compared(*words: str) -> tuple[int, str, str]:
    """In this process, for what ends before a kernel starts."""
    out, told = io.StringIO(), io.StringIO()
    return command.run(build_parser().parse_args(["compare", *words]), out, told), out.getvalue(), told.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One that fails on the second target, of a notebook with outputs of long ago, for a kernel that is not there."""
    directory = tmp_path_factory.mktemp("run")
    path = write(
        directory / "a.ipynb",
        "echo $LAMBDA_KERNEL_FUNCTION hello; date; echo $AWS_LAMBDA_REQUEST_ID",
        "cd /tmp; x=$AWS_LAMBDA_FUNCTION_MEMORY_SIZE; pwd",
        "printf '\\x89PNG\\r\\n\\x1a\\n%s' $x > a.png; display a.png",
        "(exit $((x == 512)))",
        "echo last",
        **NO_KERNEL,
    )
    before = nbformat.read(path, 4)
    before.cells[5].update(outputs=[nbformat.v4.new_output("stream", text="of long ago\n")], execution_count=99)
    nbformat.write(before, path)
    words = [*WORDS, "a.ipynb", "--on", "local", "--on", "local:512", "--out", "new/out"]
    return directory, subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False, timeout=100)


@needs_linux
def test_each_target_runs_all_that_it_can(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    directory, ran = run
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "Running a.ipynb on local (1 of 2)",
        "Running a.ipynb on local:512 (2 of 2)",
        "lambda-kernel: local:512: it ended at cell 5 with ExitCode 1",
    ]
    outcomes = {line.split()[0]: line for line in ran.stdout.splitlines()[1:6]}
    assert "same" in outcomes["2"]
    assert "same" in outcomes["3"]
    assert "different" in outcomes["4"]
    assert "same, where it ran" in outcomes["6"]
    assert "of 128 MB" in outcomes["2"]
    assert "of 512 MB" in outcomes["2"]
    assert "memory_size_mb" in (directory / "new/out/report.html").read_text()


@needs_linux
def test_the_executed_copies_are_kept_and_the_notebook_is_not_touched(
    run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    directory, _ = run
    out = directory / "new" / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        *("local-512.ipynb", "local.ipynb", "report.html", "report.md"),
    ]
    whole, less = (nbformat.read(out / name, 4) for name in ("local.ipynb", "local-512.ipynb"))
    nbformat.validate(whole)
    assert [cell.source for cell in whole.cells] == [
        cell.source for cell in nbformat.read(directory / "a.ipynb", 4).cells
    ]
    assert whole.cells[5].outputs[0].text == "last\n"
    assert (less.cells[5].outputs, less.cells[5].execution_count) == ([], None)
    assert "of long ago" in (directory / "a.ipynb").read_text()


@needs_linux
def test_ctrl_c_ends_all_and_keeps_what_there_is(tmp_path: Path) -> None:
    environ = {**os.environ, "MARK": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}; echo begun >&3; sleep 300"
        write(tmp_path / "a.ipynb", "echo first", begun)
        words = [*WORDS, "a.ipynb", "--on", "local", "--on", "local:512"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(words, cwd=tmp_path, env=environ, text=True, stdout=pipe, stderr=pipe)
        server.settimeout(60)
        server.accept()[0].close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.endswith("lambda-kernel: local: interrupted\n")
    assert "local:512" not in out
    assert nbformat.read(tmp_path / "a-compared" / "local.ipynb", 4).cells[1].outputs[0].text == "first\n"
    assert left_over(f"MARK={tmp_path}") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a.ipynb", "--on", "local"], "there is nothing to compare with: name another target with --on"),
        (["a.ipynb", "--on", "local", "--on", "local:"], "'local:': write a memory in MB or an image after the colon"),
        (["a.ipynb", "--on", "local", "--on", "local:5"], "the memory is 5: choose 128 to 10240 MB"),
        (["a.ipynb", "--on", "local", "--on", "local:0"], "the memory is 0: choose 128 to 10240 MB"),
        (["a.ipynb", "--on", "local", "--on", "a@b"], "'a@b': 'b' is no region"),
        (["a.ipynb", "--on", "local", "--on", "a/b"], "'a/b' is not the name of a function"),
        (["a.ipynb", "--on", "local", "--on", "fleet:1"], "fleet:1 is a shell of %%fleet, and this takes functions"),
        (["a.ipynb", "--on", "local", "--on", "fleet:off"], "fleet:off is a shell of %%fleet"),
        (["none.ipynb", "--on", "local", "--on", "x"], "none.ipynb: cannot read it: No such file or directory"),
        (["text.ipynb", "--on", "local", "--on", "x"], "text.ipynb: it is not a notebook, or only a part of one"),
        (["python.ipynb", "--on", "local", "--on", "x"], "python.ipynb: its cells are python, and lambda-kernel runs"),
        (["a.ipynb", "--on", "local", "--on", "x", "--out", "text.ipynb"], "cannot write text.ipynb (File exists)"),
        (["a.ipynb", "--on", "local", "--on", "a", "--out", "."], "an executed copy would replace a.ipynb"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("a.ipynb"), "echo", **NO_KERNEL)
    write(Path("python.ipynb"), "1 + 1", language_info={"name": "python"})
    Path("text.ipynb").write_text("text")
    code, out, told = compared(*words)
    assert (code, out) == (1, "")
    assert told.startswith(f"lambda-kernel: {sentence}")
    assert told.count("\n") == 1


@needs_linux
def test_nothing_runs_if_one_target_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    write(Path("a.ipynb"), "echo")
    words = ["a.ipynb", "--on", "local", "--on", "nosuch", "--region", "eu-west-1", "--endpoint-url"]
    missing = Answer.error(404, "ResourceNotFoundException", "Function not found: nosuch")
    with endpoint(missing) as told:
        code, out, said = compared(*words, told.url)
    assert (code, out, len(told.requests)) == (1, "", 1)
    assert said.startswith("lambda-kernel: no function named `nosuch`")
    code, out, said = compared(*words, "http://127.0.0.1:1")
    assert (code, out) == (1, "")
    assert said.startswith("lambda-kernel: cannot reach Lambda for `nosuch`")


def test_without_nbclient(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "echo")
    program = "import sys; sys.modules['nbclient'] = None; from lambda_kernel.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", program, "compare", "a.ipynb", "--on", "local", "--on", "local:512"]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.endswith("lambda-kernel: this needs nbclient, which comes with JupyterLab: "
                               "pip install 'lambda-kernel[jupyter]'\n")  # fmt: skip


@pytest.mark.parametrize(
    "words", [["a.ipynb"], ["--on", "local"], ["a.ipynb", "--on", "local", "--ignore", "("], ["a.ipynb", "--on", "a b"]]
)
def test_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        compared(*words)
    assert ending.value.code == 2


def test_a_family_is_as_many_targets() -> None:
    options = build_parser().parse_args(
        ["compare", "a", "--on", "shell-*", "--region", "eu-west-1", "--profile", "dev"]
    )
    found = command.targets_of(options, lambda near: ["shell-512-arm64", "other", "shell-128-arm64"])
    assert found == [(name, Target(name, "eu-west-1", "dev")) for name in ("shell-128-arm64", "shell-512-arm64")]


def test_each_target_has_a_label_and_a_file_of_its_own(tmp_path: Path) -> None:
    targets = [("a:1", LOCAL), ("a-1", LOCAL), ("a:1", LOCAL), ("../x", LOCAL), ("local:./i.tar", LOCAL)]
    labels = [label for label, _ in command.labelled(targets)]
    assert labels == ["a:1", "a-1", "a:1 (2)", "../x", "local:./i.tar"]
    options = build_parser().parse_args(["compare", "n.ipynb", "--on", "x", "--out", str(tmp_path)])
    place = command.place_for(options, labels)
    names = [path.name for path in place.copies.values()]
    assert names == ["a-1.ipynb", "a-1-2.ipynb", "a-1-2-2.ipynb", "x.ipynb", "local-.-i.tar.ipynb"]
    assert {path.parent for path in place.copies.values()} == {tmp_path}


def test_a_kernel_is_told_all_of_its_target() -> None:
    remote = options_of(named("shell:live", "eu-west-1", "dev", "http://127.0.0.1:9"))
    assert remote.chosen() == {
        "function": "shell:live", "region": "eu-west-1", "profile": "dev", "endpoint_url": "http://127.0.0.1:9",
    }  # fmt: skip
    emulator = Emulator("none", 512, 1024, "lambda", "/x/i.tar")
    assert options_of(named("local", None, None, None, emulator=emulator)).chosen() == {
        "function": "local", "network": "none", "memory": 512, "storage": 1024, "cpu": "lambda", "image": "/x/i.tar",
    }  # fmt: skip


@pytest.mark.parametrize("source", ["echo", ["echo 1\n", "echo 2"]])
def test_a_copy_begins_without_outputs(source: str | list[str], tmp_path: Path) -> None:
    cell = {
        "cell_type": "code", "execution_count": 7, "metadata": {}, "source": source,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["old\n"]}],
    }  # fmt: skip
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}))
    [made] = cleared(command.shell_notebook(str(path))).cells
    assert (made.source, made.outputs, made.execution_count) == ("".join(source), [], None)
