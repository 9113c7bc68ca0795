"""The shell's file beside another function's code."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.commands.deploy.like import package
from lambda_kernel.commands.deploy.like.package import MODULE, beside, shell_code, with_file
from lambda_kernel.commands.deploy.problems import DeployError
from lambda_kernel.function.source import function_code
from tests.support.packages import names, zipped

THEIRS = zipped({"app.py": "handler = None\n", "lib/": "", "lib/a.py": "x = 1\n"})
OURS = zipped({f"{MODULE}.py": "ours"}, zipfile.ZIP_STORED)


def test_their_entries_stay_and_ours_is_added() -> None:
    made = beside(THEIRS, "checkout")
    assert names(made.data) == [*names(THEIRS), f"{MODULE}.py"]
    assert (made.module, made.handler) == (MODULE, f"{MODULE}.handler")
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert archive.testzip() is None
        assert archive.read(f"{MODULE}.py").decode() == shell_code()
        assert archive.getinfo(f"{MODULE}.py").external_attr >> 16 == 0o100644


def test_the_same_package_gives_the_same_bytes() -> None:
    assert beside(THEIRS, "checkout").data == beside(THEIRS, "checkout").data


def test_their_bytes_are_not_written_anew() -> None:
    """A name that is UTF-8 and does not say so, as macOS writes it, would come out as another one."""
    plain = zipped({"caf__.txt": "x"})
    theirs = plain.replace(b"caf__", "caf\u00e9".encode())
    made = with_file(theirs, OURS, "checkout")
    assert made.count("caf\u00e9.txt".encode()) == 2
    assert made.startswith(theirs[: theirs.index(b"PK\1\2")])


def test_modes_links_and_the_comment_stay() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("bin/tool")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "../real")
        archive.comment = b"built by somebody"
    made = beside(file.getvalue(), "checkout").data
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.getinfo("bin/tool").external_attr >> 16 == 0o120777
        assert archive.comment == b"built by somebody"


def test_bytes_before_the_zip_file_proper() -> None:
    made = with_file(b"#!/usr/bin/env python3\n" + THEIRS, OURS, "checkout")
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert archive.read(f"{MODULE}.py") == b"ours"


def with_64_bit_records(theirs: bytes) -> bytes:
    """As some tools write them for each package."""
    end = theirs.rindex(b"PK\5\6")
    count, size, offset = struct.unpack_from("<HLL", theirs, end + 10)
    record = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, end, 1)
    last = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return theirs[:end] + record + locator + last


def test_a_package_with_64_bit_records() -> None:
    theirs = with_64_bit_records(THEIRS)
    assert names(theirs) == names(THEIRS)
    made = with_file(theirs, OURS, "checkout")
    assert names(made) == [*names(THEIRS), f"{MODULE}.py"]
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
    broken = theirs.replace(b"PK\6\6", b"PK\6\5")
    with pytest.raises(DeployError, match="has an unusual form, so it was not copied"):
        with_file(broken, OURS, "checkout")


def test_an_empty_package() -> None:
    assert names(beside(zipped({}), "checkout").data) == [f"{MODULE}.py"]


@pytest.mark.parametrize(
    "name",
    [
        f"{MODULE}.py",
        f"./{MODULE}.py",
        f"{MODULE}/__init__.py",
        f"{MODULE}.cpython-312-x86_64-linux-gnu.so",
        f"{MODULE}.pyc",
    ],
)
def test_what_python_would_take_for_ours_gives_ours_another_name(name: str) -> None:
    made = beside(zipped({name: "theirs"}), "checkout")
    assert made.handler == f"{MODULE}_2.handler"
    assert names(made.data)[-1] == f"{MODULE}_2.py"
    assert beside(zipped({name: "", f"{MODULE}_2.py": ""}), "checkout").module == f"{MODULE}_3"


def test_only_the_top_of_a_package_counts() -> None:
    assert beside(zipped({f"lib/{MODULE}.py": "theirs", f"{MODULE}2.py": ""}), "checkout").module == MODULE


@pytest.mark.parametrize("name", ["../evil.py", "lib/../../evil.py", "/etc/passwd", "..\\evil.py", ".."])
def test_an_entry_that_leads_out_of_the_package(name: str) -> None:
    with pytest.raises(DeployError, match="the package of checkout has an entry that leads out of it"):
        beside(zipped({"app.py": "", name: "x"}), "checkout")


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip file", THEIRS[:-30]])
def test_what_is_no_zip_file(data: bytes) -> None:
    with pytest.raises(DeployError, match="the package of checkout is not a zip file, so it was not copied"):
        beside(data, "checkout")


@given(st.lists(st.tuples(st.integers(0, len(THEIRS) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_package_is_refused_or_ours_can_be_read(damage: list[tuple[int, int]]) -> None:
    theirs = bytearray(THEIRS)
    for at, byte in damage:
        theirs[at] = byte
    try:
        made = beside(bytes(theirs), "checkout")
    except DeployError:
        return
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert archive.read(f"{made.module}.py").decode() == shell_code()


def saying(size: int) -> bytes:
    """A package whose directory says that its only file has so many bytes."""
    package = zipped({"big": b""})
    at = package.rindex(b"PK\1\2") + 24
    return package[:at] + struct.pack("<L", size) + package[at + 4 :]


def test_the_limit_of_a_package_unzipped() -> None:
    """Lambda would only say so after the upload. What the directory says is enough: nothing is unpacked."""
    room = package.UNZIPPED_BYTES - len(shell_code().encode())
    assert beside(saying(room), "checkout").module == MODULE
    with pytest.raises(DeployError, match=r"the unzipped package of checkout would have 262,144,001 bytes"):
        beside(saying(room + 1), "checkout")


def test_the_limit_of_a_package_in_a_request() -> None:
    left = package.LIMIT_BYTES - len(beside(zipped({"big": b""}, zipfile.ZIP_STORED), "checkout").data)
    assert len(beside(zipped({"big": bytes(left)}, zipfile.ZIP_STORED), "checkout").data) == package.LIMIT_BYTES
    with pytest.raises(DeployError, match=r"Lambda takes at most 52,363,264 .*--like checkout --print code"):
        beside(zipped({"big": bytes(left + 1)}, zipfile.ZIP_STORED), "checkout")


@pytest.mark.parametrize("name", ["index.py", f"{MODULE}.py", f"{MODULE}_2.py"])
def test_a_function_of_ours(name: str) -> None:
    with pytest.raises(DeployError, match="checkout is itself a shell of lambda-kernel"):
        beside(zipped({name: function_code()}), "checkout")


def test_an_encrypted_file_is_not_ours() -> None:
    theirs = bytearray(zipped({"index.py": function_code()}))
    for record, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        theirs[theirs.index(record) + flags] |= 1
    assert beside(bytes(theirs), "checkout").module == MODULE


IMPORT = f"""
import sys
sys.path.insert(0, sys.argv[1])
import {MODULE} as shell
assert shell.shlex.split("a b") == ["a", "b"]
try:
    shell.handler({{"cmd": "echo run"}}, None)
except PermissionError as error:
    print(error)
print(shell.handler({{}}, None)["state"])
"""


def test_their_modules_are_not_taken_for_pythons_and_there_is_no_bare_cmd(tmp_path: Path) -> None:
    theirs = {f"{name}.py": "raise SystemExit(3)" for name in ("shlex", "termios", "sitecustomize", "app")}
    with zipfile.ZipFile(io.BytesIO(beside(zipped({**theirs}), "checkout").data)) as archive:
        archive.extractall(tmp_path)
    ran = subprocess.run([sys.executable, "-c", IMPORT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "this function runs no bare `cmd`, since it has another function's role: use the kernel",
        "protocol",
    ]
