"""Executables into a layer: what is taken, what is refused and why, and what the archive holds."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from lambda_kernel.commands.deploy import tools
from lambda_kernel.commands.deploy.problems import DeployError

X86, ARM = 62, 183
LOAD, INTERPRETER = 1, 3
BUSYBOX = b"BusyBox v1.36.1 multi-call binary\0junk\0[\0[[\0acpid\0ash\0find\0less\0ps\0\0more"


def elf(
    machine: int = X86, segments: tuple[int, ...] = (LOAD,), body: bytes = b"", bits: int = 2, order: int = 1
) -> bytes:
    """An executable's headers: nobody runs it."""
    identity = b"\x7fELF" + bytes([bits, order, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    return identity + header + b"".join(struct.pack("<I52x", segment) for segment in segments) + body


def written(directory: Path, name: str, data: bytes) -> Path:
    path = directory / name
    path.write_bytes(data)
    return path


def entries(archive: tools.Archive) -> dict[str, tuple[int, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive.data)) as file:
        return {one.filename: (one.external_attr >> 16, file.read(one)) for one in file.infolist()}


def test_an_executable_lies_in_bin_and_can_be_run(tmp_path: Path) -> None:
    data = elf()
    archive = tools.pack([tools.read(written(tmp_path, "jq", data))], ["x86_64"])
    assert entries(archive) == {"bin/jq": (stat.S_IFREG | 0o755, data)}


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    path = written(tmp_path, "jq", elf())
    first = tools.pack([tools.read(path)], ["x86_64"])
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert tools.pack([tools.read(path)], ["x86_64"]) == first
    path.write_bytes(elf(body=b"other"))
    assert tools.pack([tools.read(path)], ["x86_64"]).digest != first.digest


def test_a_busyboxs_applets_become_links(tmp_path: Path) -> None:
    found = tools.read(written(tmp_path, "busybox", elf(ARM, body=BUSYBOX)))
    assert found.links == ("[", "[[", "acpid", "ash", "find", "less", "ps")
    held = entries(tools.pack([found], ["arm64"]))
    assert held["bin/find"] == (stat.S_IFLNK | 0o777, b"busybox")
    assert len(held) == 8


def test_an_executable_of_its_own_is_not_hidden_by_a_link(tmp_path: Path) -> None:
    data = elf(body=b"the real one")
    busybox = tools.read(written(tmp_path, "busybox", elf(body=BUSYBOX)))
    held = entries(tools.pack([busybox, tools.read(written(tmp_path, "find", data))], ["x86_64"]))
    assert held["bin/find"] == (stat.S_IFREG | 0o755, data)


@pytest.mark.parametrize(
    "data", [b"\0[\0[[\0acpid\0", b"BusyBox v1", b"BusyBox v1 \0[\0[[\0", b"BusyBox v1 \0[\0[[\0b\0a\0"]
)
def test_a_table_that_is_cut_or_none_gives_no_wrong_links(data: bytes) -> None:
    assert tools.applets(data) in ((), ("[", "[["), ("[", "[[", "b"))


def test_a_script_runs_on_either(tmp_path: Path) -> None:
    script = tools.read(written(tmp_path, "hello", b"#!/bin/bash\necho hello\n"))
    for architecture in ("arm64", "x86_64"):
        assert list(entries(tools.pack([script], architecture))) == ["bin/hello"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("jq", elf(segments=(LOAD, INTERPRETER)), ["jq", "dynamically", "static"]),
        ("jq", elf(machine=8), ["for another kind of machine", "x86_64 or arm64"]),
        ("jq", elf(bits=1), ["for another kind of machine"]),
        ("jq", elf()[:60], ["neither a Linux executable nor a script"]),
        ("jq", elf(segments=(LOAD,) * 9)[:200], ["incomplete or damaged"]),
        ("jq", b"", ["neither a Linux executable nor a script"]),
        ("a b", elf(), ["not a valid name for a command", "rename"]),
    ],
)
def test_what_cannot_run_in_lambda_is_refused(name: str, data: bytes, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(DeployError) as refusal:
        tools.read(written(tmp_path, name, data))
    for word in words:
        assert word in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"cannot read the tool .*none .*No such file"):
        tools.read(tmp_path / "none")


def test_the_other_architecture_is_refused(tmp_path: Path) -> None:
    tool = tools.read(written(tmp_path, "jq", elf(X86)))
    with pytest.raises(DeployError, match=r"jq is for x86_64, and the function is for arm64: .* --architecture x86_64"):
        tools.pack([tool], ["arm64"])


def test_two_of_a_name_are_refused(tmp_path: Path) -> None:
    tool = tools.read(written(tmp_path, "jq", elf()))
    with pytest.raises(DeployError, match="two of the tools are named jq"):
        tools.pack([tool, tool], ["x86_64"])


def test_more_than_a_layer_holds(tmp_path: Path) -> None:
    tool = tools.read(written(tmp_path, "big", elf(body=os.urandom(4096))))
    huge = tools.Executable("huge", os.urandom(tools.LIMIT_BYTES), "x86_64")
    with pytest.raises(DeployError, match="bytes when packed, and a layer can have 52,428,800"):
        tools.pack([tool, huge], ["x86_64"])


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")
def test_a_real_busyboxs_applets_are_those_that_it_lists() -> None:
    path = Path(shutil.which("busybox") or "")
    listed = subprocess.run([path, "--list"], capture_output=True, text=True, check=True, timeout=10).stdout.split()
    assert sorted(tools.applets(path.read_bytes())) == sorted(listed)
