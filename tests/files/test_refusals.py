"""What cannot be: one sentence, and nothing half-written."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.function import files as far_files
from lambda_kernel.target import Target
from lambda_kernel.transport import Event, Reply, Transport
from tests.far import Far
from tests.faults import Invoke
from tests.files.conftest import Pair, look, random_file
from tests.magics.conftest import Desk

as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")


@contextlib.contextmanager
def limited(count: int) -> Iterator[None]:
    """No file of this process may be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%put missing", "cannot read missing on this machine: no such file"),
        ("%put *.none x", r"cannot read \*.none on this machine: nothing matches"),
        ("%get missing", "cannot read missing in the environment: no such file"),
        ("%get *.none x", "in the environment: nothing matches"),
        ("%put f f2 new", "new is no directory in the environment: the last word"),
        ("%put f f2 file", "file is no directory in the environment"),
        ("%get file d new", "new is no directory on this machine"),
        ("%put f new/", "new/ is no directory in the environment"),
        ("%put f nowhere/new", "cannot write /.*/nowhere/new in the environment: No such file"),
        ("%get file nowhere/new", "cannot write nowhere/new on this machine: No such file"),
        ("%put d2 file", "file is no directory in the environment"),
        ("%get d f", "f is no directory on this machine"),
        ("%put f d2/../f .", "two of the files would both be"),
        ("%put socket", "socket on this machine is no file, directory or link: nothing was copied"),
        ("%get /dev/null", "/dev/null in the environment is no file, directory or link"),
        ("%put f /dev/null", "cannot write /dev/null in the environment: it is no regular file"),
        ("%put file", "cannot write /.*/file in the environment: Is a directory"),
        ("%put d", "cannot write /.*/d in the environment: File exists"),
        ("%put f a\0b", "embedded null"),
    ],
)
def test_what_cannot_be_is_one_sentence(pair: Pair, text: str, message: str) -> None:
    for name in ("f", "f2"):
        random_file(pair.here / name, 5)
    random_file(pair.there / "file", 5)
    (pair.there / "d").mkdir()
    (pair.here / "d2").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    if text == "%put file":
        random_file(pair.here / "file", 5)
        (pair.there / "file").unlink()
        (pair.there / "file" / "file").mkdir(parents=True)
        text = "%put file file"
    if text == "%put d":
        (pair.here / "d").mkdir()
        (pair.there / "d").rmdir()
        random_file(pair.there / "d", 5)
    before = look(pair.there) | look(pair.here)
    with pytest.raises(errors.TransferFailed, match=message) as failed:
        pair.run(text)
    assert "\n" not in str(failed.value)
    assert look(pair.there) | look(pair.here) == before
    assert pair.run("echo $?").out == "0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_is_told_and_nothing_is_left(pair: Pair) -> None:
    """The far side may write files of so many bytes, which fails as a full disk does (getrlimit(2), EFBIG)."""
    random_file(pair.here / "big", 7_000_000)
    with (
        limited(5_000_000),
        pytest.raises(errors.TransferFailed, match=r"cannot write .*/big in the environment: File too large"),
    ):
        pair.run("%put big")
    assert list(pair.there.iterdir()) == []
    assert len(pair.sizes) <= 3  # before all of it was sent
    random_file(pair.there / "big2", 7_000_000)
    with limited(5_000_000), pytest.raises(errors.TransferFailed, match=r"cannot write /.*/big2 on this machine"):
        pair.run("%get big2")
    assert [path.name for path in pair.here.iterdir()] == ["big"]


FULL = """
import sys
from lambda_kernel.errors import TransferFailed
from lambda_kernel.files import Local, Transfer
for name in ("small", "large"):
    try:
        Transfer(Local(), Local(), print, lambda: 0.0).run([name], "full")
    except TransferFailed as error:
        print(error)
"""


def namespace(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """With mounts of its own, where a user may have them."""
    argv = ["unshare", "--user", "--map-root-user", "--mount", *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=50, **options)


def mounts_allowed() -> bool:
    return bool(shutil.which("unshare")) and namespace("mount", "-t", "tmpfs", "none", "/mnt").returncode == 0


@pytest.mark.skipif(not mounts_allowed(), reason="no user namespaces here")
def test_a_full_file_system(tmp_path: Path) -> None:
    """large does not fit into one piece: its room is reserved first."""
    random_file(tmp_path / "small", 2_000_000)
    random_file(tmp_path / "large", 7_000_000)
    (tmp_path / "full").mkdir()
    script = 'mount -t tmpfs -o size=1m none full && "$1" -c "$2"; ls -A full'
    root = Path(__file__).parent.parent.parent
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    ran = namespace("sh", "-c", script, "sh", sys.executable, FULL, cwd=tmp_path, env=environ)
    told = [
        f"cannot write {tmp_path}/full/{name} on this machine: No space left on device" for name in ("small", "large")
    ]
    assert ran.stdout.splitlines() == told


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux")
def test_what_not_even_root_may_write(pair: Pair) -> None:
    random_file(pair.here / "f", 5)
    with pytest.raises(errors.TransferFailed, match="cannot write /sys/kernel/f in the environment: "):
        pair.run("%put f /sys/kernel")


@as_user
def test_permission_denied(pair: Pair) -> None:
    random_file(pair.there / "secret", 5, 0)
    random_file(pair.here / "f", 5)
    with pytest.raises(errors.TransferFailed, match=r"cannot read .*/secret in the environment: Permission denied"):
        pair.run("%get secret")
    with pytest.raises(errors.TransferFailed, match="cannot write /f in the environment: Permission denied"):
        pair.run("%put f /")
    pair.there.chmod(0o500)
    with pytest.raises(errors.TransferFailed, match=r"cannot write .*/f in the environment: Permission denied"):
        pair.run("%put f")


def test_names_that_climb_out_are_refused(pair: Pair) -> None:
    random_file(pair.there / "f", 5)
    (pair.there / "d").mkdir()

    def hostile(event: Event, invoke: Invoke) -> Reply:
        reply = invoke()
        top = reply.payload["value"]["entries"][0]
        reply.payload["value"]["entries"].append([*top[:2], [far_files.pack(b"..")], *top[3:]])
        return reply

    pair.plan = [hostile]
    with pytest.raises(errors.TransferFailed, match="cannot be the name of a file"):
        pair.run("%get d")
    assert list(pair.here.iterdir()) == []


@pytest.mark.parametrize("text", ["%put f", "%get f", "%%writefile f\nx"])
def test_the_articles_function_cannot(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(event: Event, invoke: Invoke) -> Reply:
        raise errors.FunctionFailed('The "command" argument must be of type string', "TypeError", "id", None)

    class Old(Desk):
        def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
            return Far(old).transport

    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").touch()
    desk = Old()
    for _ in range(2):
        with pytest.raises(errors.UsageError, match="2018 article's function, which cannot take or give files"):
            desk.run(text)
