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
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import Event, Reply, Transport
from lambda_kernel.function.sent import files as far_files
from tests.magics.conftest import CellRunner
from tests.support.faults import Invoke
from tests.support.in_process_session import InProcess
from tests.transfer.conftest import Pair, look, random_file

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
        ("%put f f2 new", "new is not a directory in the environment: the last word"),
        ("%put f f2 file", "file is not a directory in the environment"),
        ("%get file d new", "new is not a directory on this machine"),
        ("%put f new/", "new/ is not a directory in the environment"),
        ("%put f nowhere/new", "cannot write /.*/nowhere/new in the environment: No such file"),
        ("%get file nowhere/new", "cannot write nowhere/new on this machine: No such file"),
        ("%put d2 file", "file is not a directory in the environment"),
        ("%get d f", "f is not a directory on this machine"),
        ("%put f d2/../f .", "two files would both become"),
        ("%put socket", "socket on this machine is not a file, directory or link: nothing was copied"),
        ("%get /dev/null", "/dev/null in the environment is not a file, directory or link"),
        ("%put f /dev/null", "cannot write /dev/null in the environment: it is not a regular file"),
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
    assert len(pair.calls) <= 3  # before all of it was sent
    random_file(pair.there / "big2", 7_000_000)
    with limited(5_000_000), pytest.raises(errors.TransferFailed, match="cannot write big2 on this machine"):
        pair.run("%get big2")
    assert [path.name for path in pair.here.iterdir()] == ["big"]


FULL = """
import sys
from lambda_kernel.errors import TransferFailed
from lambda_kernel.transfer import Local, Transfer
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
    told = [f"cannot write full/{name} on this machine: No space left on device" for name in ("small", "large")]
    assert ran.stdout.splitlines() == told


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux")
def test_what_not_even_root_may_write(pair: Pair) -> None:
    random_file(pair.here / "f", 5)
    with pytest.raises(errors.TransferFailed, match="cannot write /sys/kernel/f in the environment: "):
        pair.run("%put f /sys/kernel")


@pytest.mark.parametrize("text", ["%get f", "%get -f f .", "%put f"])
def test_a_working_directory_that_is_gone(pair: Pair, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    random_file(pair.there / "f", 5)
    (pair.here / "gone").mkdir()
    monkeypatch.chdir(pair.here / "gone")
    (pair.here / "gone").rmdir()
    with pytest.raises(errors.TransferFailed, match=r"cannot (look at|read) (f|\.) on this machine: [Nn]o such"):
        pair.run(text)


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs Linux")
@pytest.mark.parametrize("text", ["%put f", "%put f g", "%get f", "%get *", "%%writefile f\nx"])
def test_a_shells_directory_that_is_gone(pair: Pair, text: str) -> None:
    random_file(pair.here / "f", 5)
    pair.run("mkdir gone; cd gone; rmdir ../gone")
    with pytest.raises(errors.TransferFailed, match="in the environment: the working directory is gone"):
        pair.run(text)
    assert list(pair.there.iterdir()) == []
    assert "1 file" in pair.run(f"%put f {pair.there}").out


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


NAMES = "cannot be the name of a file"
NO_DIRECTORY = "is listed in something that is not a directory"


@pytest.mark.parametrize("force", ["", "-f "])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([([b".."], "file")], NAMES),
        ([([b"sub"], "directory"), ([b"sub", b".."], "directory")], NAMES),
        ([([b"a/../../x"], "file")], NAMES),
        ([([b"/etc"], "directory")], NAMES),
        ([([b"."], "link")], NAMES),
        ([([b""], "file")], NAMES),
        ([([b"link"], "link"), ([b"link", b"passwd"], "file")], NO_DIRECTORY),
        ([([b"f"], "file"), ([b"f", b"x"], "file")], NO_DIRECTORY),
        ([([b"planted", b"x"], "file")], NO_DIRECTORY),
        (
            [([b"planted"], "directory"), ([b"planted", b"x"], "file")],
            "cannot write d/planted on this machine: File ex",
        ),
    ],
)
def test_what_climbs_out_is_refused(pair: Pair, rows: list[tuple[list[bytes], str]], message: str, force: str) -> None:
    """Planted: a link that came with an earlier transfer, and leads out of the directory."""
    (pair.there / "d").mkdir()
    (pair.here / "d").mkdir()
    (pair.here / "away").mkdir()
    (pair.here / "d" / "planted").symlink_to("../away")
    before = look(pair.here)

    def hostile(event: Event, invoke: Invoke) -> Reply:
        reply = invoke()
        value = reply.payload["value"]
        for names, kind in rows:
            points = far_files.pack(os.fsencode(pair.here)) if kind == "link" else ""
            told = [[far_files.pack(name) for name in names], kind, 0o777, 5, 1, points]
            value["entries"].append([*value["entries"][0][:2], *told])
        return reply

    pair.plan = [hostile]
    with pytest.raises(errors.TransferFailed, match=message):
        pair.run(f"%get {force}d .", lines=())
    assert look(pair.here) == before
    assert len(pair.calls) == 1


@pytest.mark.parametrize("top", [b"/x/..", b"/", b"/x/.", b".", b"", b"/x/f/..", b"/x/g"])
def test_a_far_name_that_was_not_asked_for_goes_nowhere(pair: Pair, top: bytes) -> None:
    random_file(pair.there / "f", 5)

    def hostile(event: Event, invoke: Invoke) -> Reply:
        reply = invoke()
        reply.payload["value"]["entries"][0][1] = far_files.pack(top)
        return reply

    pair.plan = [hostile]
    before = look(pair.here)
    with pytest.raises(errors.TransferFailed, match="was not asked for: nothing was copied"):
        pair.run("%get f")
    assert look(pair.here) == before


def test_what_is_sent_is_what_was_named_wherever_the_far_side_wants_it(pair: Pair) -> None:
    """A link is sent as a link: what it leads to stays here. And what a far side says of itself names no file here."""
    (pair.here / "d").mkdir()
    (pair.here / "secret").write_text("secret")
    (pair.here / "d" / "link").symlink_to("../secret")
    (pair.here / "d" / "up").symlink_to("..")

    def hostile(event: Event, invoke: Invoke) -> Reply:
        reply = invoke()
        reply.payload["value"]["path"] = far_files.pack(os.fsencode(pair.there / "x" / ".." / "y"))
        return reply

    (pair.there / "x").mkdir()
    pair.plan = [hostile]
    assert "0 files, 1 directory, 2 links: 0 bytes" in pair.run("%put d z").out
    assert set(look(pair.there)) == {b"", b"x", b"y", b"y/link", b"y/up"}


@pytest.mark.parametrize("text", ["%put f", "%get f", "%%writefile f\nx"])
def test_the_articles_function_cannot(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(event: Event, invoke: Invoke) -> Reply:
        raise errors.FunctionFailed('The "command" argument must be of type string', "TypeError", "id", None)

    class Old(CellRunner):
        def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
            return InProcess(old).transport

    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").touch()
    runner = Old()
    for _ in range(2):
        with pytest.raises(errors.UsageError, match="2018 article's function, which cannot transfer files"):
            runner.run(text)
