"""What is transferred, and where it goes to."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.error_text import REQUEST_BYTES
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.function.sent import files as far_files
from lambda_kernel.session.cell import Shown
from lambda_kernel.transfer import Local, Transfer
from lambda_kernel.transfer.listing import listing
from lambda_kernel.transfer.local_side import short
from tests.support.faults import Invoke
from tests.support.in_process_session import CREDENTIALS
from tests.transfer.conftest import Fault, Pair, look, odd_tree, passed, random_file

ANSWER_BYTES = 6_291_556  # Lambda's limit for a reply


@pytest.mark.parametrize("size", [0, 1, far_files.PIECES_BYTES, far_files.PIECES_BYTES + 1, 6_000_001])
def test_there_and_back(pair: Pair, size: int) -> None:
    data = random_file(pair.here / "file", size, 0o751)
    assert "1 file: " in pair.run("%put file").out
    there = pair.there / "file"
    assert (there.read_bytes() == data, stat.S_IMODE(there.stat().st_mode)) == (True, 0o751)
    assert there.stat().st_mtime_ns == 1_234_567_890_123_456_789
    ran = pair.run("%get file back")
    assert (pair.here / "back").read_bytes() == data
    assert look(pair.here)[b"file"] == look(pair.here)[b"back"]
    assert ran.usage.environment_id == pair.remote.environment.id
    assert ran.usage.invocations == 1 + max(1, -(-size // far_files.PIECES_BYTES))
    requests, answers = zip(*pair.sizes, strict=True)
    assert max(requests) < REQUEST_BYTES
    assert max(answers) < ANSWER_BYTES
    assert not pair.leftovers()


@pytest.mark.parametrize("size", range(8))
def test_how_much_is_packed_is_known_without_unpacking(size: int) -> None:
    text = far_files.pack(bytes(size))
    assert [other for other in range(12) if far_files.packs(text, other)] == [size]


@pytest.mark.parametrize("text", ["A", "AA", "AAA", "AA=", "=", "==", "AAAA=", "AAAA=="])
def test_what_nothing_is_packed_like_holds_no_bytes(text: str) -> None:
    assert not any(far_files.packs(text, size) for size in range(12))


def test_a_tree_with_odd_names_there_and_back(pair: Pair) -> None:
    odd_tree(pair.here / "tree")
    assert "10 files, 4 directories, 3 links: " in pair.run("%put tree").out
    assert look(pair.there / "tree") == look(pair.here / "tree")
    pair.run("%get tree back")
    assert look(pair.here / "back") == look(pair.here / "tree")
    pair.run("%get tree back")
    assert look(pair.here / "back" / "tree") == look(pair.here / "tree")
    pair.run("%put tree .")
    assert look(pair.there / "tree") == look(pair.here / "tree")
    assert not pair.leftovers()


def test_many_small_files_are_a_few_invocations(pair: Pair) -> None:
    (pair.here / "many").mkdir()
    for number in range(1500):
        (pair.here / "many" / f"{number:04}").write_bytes(b"x" * (number % 7))
    ran = pair.run("%put many")
    assert ran.usage.invocations < 10
    assert pair.run("%get many back").usage.invocations < 10
    assert look(pair.here / "back") == look(pair.here / "many")


def test_a_listing_longer_than_one_answer(pair: Pair) -> None:
    deep = pair.there / ("d" * 250) / ("e" * 250)
    deep.mkdir(parents=True)
    for number in range(2500):
        (deep / f"{number:0250}").touch()
    told = pair.run("%get d* out").out
    assert len(list((pair.here / "out").rglob("0*"))) == 2500
    assert "2,500 files, 2 directories: 0 bytes" in told
    requests, answers = zip(*pair.sizes, strict=True)
    assert sum(answer > 1_000_000 for answer in answers) > 1
    assert max(requests + answers) < REQUEST_BYTES


def test_patterns(pair: Pair) -> None:
    for name in ("a1", "a2", "b1", ".a3", "a[1]"):
        random_file(pair.here / name, 5)
        random_file(pair.there / f"r{name}", 6)
    pair.run("%put a? b1 a? .")
    assert {path.name for path in pair.there.iterdir()} == {"a1", "a2", "b1", "ra1", "ra2", "rb1", "r.a3", "ra[1]"}
    (pair.here / "out").mkdir()
    pair.run("%get 'ra[1]' out")  # there is such a file
    assert [path.name for path in (pair.here / "out").iterdir()] == ["ra[1]"]
    (pair.there / "d").mkdir()
    random_file(pair.there / "d" / "f", 8)
    pair.run("%get d d/f d out")  # named twice: once by itself
    assert {path.name for path in (pair.here / "out").iterdir()} == {"ra[1]", "d", "f"}
    shutil.rmtree(pair.here / "out" / "d")
    (pair.here / "out" / "f").unlink()
    pair.run("%get ra[12] out")
    assert {path.name for path in (pair.here / "out").iterdir()} == {"ra1", "ra2", "ra[1]"}


def test_a_directorys_name_is_no_pattern(pair: Pair) -> None:
    odd = pair.there / "od[d]*"
    odd.mkdir()
    for name in ("x1", "x2"):
        random_file(odd / name, 5)
    pair.run("cd od*")
    pair.run("%get x?")
    pair.run("%get ../od[[]d]*/x2 y")
    assert {path.name for path in pair.here.iterdir()} == {"x1", "x2", "y"}


def test_where_things_go_to(pair: Pair) -> None:
    (pair.here / "d").mkdir()
    random_file(pair.here / "d" / "f", 7)
    home = pair.there.parent / "home"
    home.mkdir()
    pair.remote.environ["HOME"] = str(home)
    pair.run("%put d ~")
    pair.run("%put d/f ~/g")
    pair.run("%put d other/")
    pair.run("%put d/. dot")
    pair.run(f"%put {pair.here}/d/f {home}/absolute")
    assert {path.name for path in home.iterdir()} == {"d", "g", "absolute"}
    assert [path.name for path in (pair.there / "other").iterdir()] == ["f"]
    assert [path.name for path in (pair.there / "dot").iterdir()] == ["f"]


def test_what_is_named_is_followed_and_what_stands_there_is_written_through(pair: Pair) -> None:
    data = random_file(pair.there / "real", 9)
    (pair.there / "link").symlink_to("real")
    (pair.here / "kept").write_text("old")
    (pair.here / "to").symlink_to("kept")
    pair.run("%get -f link to")
    assert ((pair.here / "kept").read_bytes(), (pair.here / "to").is_symlink()) == (data, True)


def test_files_without_a_size(pair: Pair) -> None:
    pair.run("%get /proc/version version")
    assert (pair.here / "version").read_text() == Path("/proc/version").read_text()


def test_credentials_in_a_file_are_told_and_kept(pair: Pair) -> None:
    key = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    text = "x" * (far_files.PIECES_BYTES - 10) + key  # across two pieces
    (pair.there / "leak").write_text(text)
    ran = pair.run("%get leak")
    assert (pair.here / "leak").read_text() == text
    [notice] = ran.notices
    assert "AWS_SECRET_ACCESS_KEY" in notice
    assert key not in notice + ran.out
    with pytest.raises(errors.TransferFailed, match=r"/nowhere/.AWS_ACCESS_KEY_ID redacted./x in") as failed:
        pair.run(f"%put leak /nowhere/{CREDENTIALS['AWS_ACCESS_KEY_ID']}/x")
    assert CREDENTIALS["AWS_ACCESS_KEY_ID"] not in str(failed.value)


def grow(path: Path, count: int) -> Fault:
    def other(event: Event, invoke: Invoke) -> Reply:
        os.truncate(path, count)
        return invoke()

    return other


def test_a_file_that_changes_meanwhile(pair: Pair) -> None:
    data = random_file(pair.there / "log", 4_000_000)
    pair.plan = [passed, passed, grow(pair.there / "log", 5_000_000)]
    ran = pair.run("%get log")
    assert (pair.here / "log").read_bytes() == data
    assert "changed while it was read" in ran.notices[0]
    pair.plan = [passed, passed, grow(pair.there / "log", 3_500_000)]
    with pytest.raises(errors.TransferFailed, match="became shorter"):
        pair.run("%get -f log")
    assert not pair.leftovers()


def test_progress_is_shown_in_one_display(pair: Pair) -> None:
    random_file(pair.here / "big", 9_000_000)

    def slow(event: Event, invoke: Invoke) -> Reply:
        pair.sleep(1)
        return invoke()

    pair.plan = [slow] * 5
    ran = pair.run("%put big")
    shown = [cell_event for cell_event in ran.cell_events if isinstance(cell_event, Shown)]
    assert len({each.key for each in shown}) == 1
    assert shown[0].data["text/plain"].startswith("big: 3.0 MB of 9.0 MB, ")
    assert '<progress value="3000000" max="9000000">' in shown[0].data["text/html"]
    assert shown[-1].data["text/plain"].startswith("all: 9.0 MB of 9.0 MB, ")
    assert "<progress" not in shown[-1].data["text/html"]


def test_a_file_whose_size_is_not_what_it_holds(pair: Pair) -> None:
    """Those of /sys say a page."""
    file = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not file.exists() or file.stat().st_size <= len(file.read_bytes()):
        pytest.skip("no such file here")
    assert pair.run(f"%get {file}").notices == []
    assert (pair.here / "enabled").read_bytes() == file.read_bytes()


def test_special_bits_are_dropped_as_cp_does_for_another_owner(pair: Pair) -> None:
    (pair.there / "d").mkdir()
    random_file(pair.there / "d" / "su", 5)
    (pair.there / "d" / "su").chmod(0o6755)
    (pair.there / "d").chmod(0o3775)
    pair.run("%get d")
    assert [stat.S_IMODE((pair.here / name).stat().st_mode) for name in ("d", "d/su")] == [0o775, 0o755]


def test_a_hole_is_read_as_zeros(pair: Pair) -> None:
    with (pair.there / "holes").open("wb") as file:
        file.seek(4_000_000)
        file.write(b"x")
        file.truncate(5_000_000)
    pair.run("%get holes")
    assert (pair.here / "holes").read_bytes() == (pair.there / "holes").read_bytes()


def test_two_that_would_be_one(pair: Pair) -> None:
    (pair.there / "d").mkdir()
    random_file(pair.there / "d" / "f", 5)
    random_file(pair.there / "f", 6)
    (pair.here / "out").mkdir()
    with pytest.raises(errors.TransferFailed, match="two files would both become out/f on this machine"):
        pair.run("%get d/. f out")
    assert list((pair.here / "out").iterdir()) == []


def test_a_listing_goes_on_where_it_was(tmp_path: Path) -> None:
    odd_tree(tmp_path / "tree")
    top = os.fsencode(tmp_path / "tree")
    whole = [names for names, _ in far_files.walk(top, b"", [])]
    assert whole == sorted(whole)
    assert len(whole) > 15
    for number, last in enumerate(whole):
        rest = [names for names, _ in far_files.walk(top, b"", last)]
        assert [names for names in rest if names > last] == whole[number + 1 :]
        assert len(rest) - len(whole[number + 1 :]) == len(last) + 1  # itself, and what it is in


class Endless(Local):
    """A directory that has no end. pages: how often it was asked."""

    pages = 0

    def do(self, name: str, **arguments: Any) -> dict[str, Any]:
        self.pages += 1
        row = [0, far_files.pack(b"/d/%09d" % self.pages), [], far_files.DIRECTORY, 0o700, 1, 0, ""]
        return {"entries": [row], "more": True}


def test_a_long_listing_can_be_interrupted() -> None:
    source = Endless()

    class Sink(Local):
        def go_on(self) -> None:
            if source.pages == 3:
                raise errors.Interrupted("enough")

    with pytest.raises(errors.Interrupted):
        Transfer(source, Sink(), print, lambda: 0.0).run(["/d"], ".")


class Long(Local):
    """A directory of so many files, a hundred on each page."""

    def __init__(self, count: int, ours: bool) -> None:
        super().__init__()
        self.count, self.ours = count, ours

    def do(self, name: str, **arguments: Any) -> dict[str, Any]:
        first = 0 if arguments["after"] is None else int(far_files.unpack(arguments["after"][1])[3:]) + 1
        end = min(first + 100, self.count)
        tops = (far_files.pack(b"/d/%09d" % at) for at in range(first, end))
        rows = [[0, top, [], far_files.DIRECTORY, 0o700, 1, 0, ""] for top in tops]
        return {"entries": rows, "more": end < self.count}


@pytest.mark.parametrize(("count", "ours"), [(1_000, False), (1_001, True)])
def test_a_long_listing(count: int, ours: bool) -> None:
    assert len(listing(Long(count, ours), ["/d/*"], "temp_name", lambda: None, most=1_000)) == count


@pytest.mark.parametrize("count", [1_001, 10**9])
def test_a_listing_that_is_too_long(count: int) -> None:
    """Of the far side nobody knows why; what is here is the user's own."""
    with pytest.raises(errors.TransferFailed, match="more than 1,000 files: pack them into an archive"):
        listing(Long(count, False), ["/d/*"], "temp_name", lambda: None, most=1_000)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"/home/me/here/a", b"a"),
        (b"/home/me/here/d/a", b"d/a"),
        (b"/home/me/here", b"."),
        (b"/home/me/hereby/a", b"~/hereby/a"),
        (b"/home/me/a", b"~/a"),
        (b"/home/me", b"~"),
        (b"/home/mean/a", b"/home/mean/a"),
        (b"/a", b"/a"),
        (b"../a", b"../a"),
        (b"a", b"a"),
    ],
)
def test_a_local_path_tells_little_of_the_machine(path: bytes, name: bytes) -> None:
    assert short(path, b"/home/me/here", b"/home/me") == name
    assert short(path, b"/home/me/here", b"/home/me/") == name


def test_a_root_directory_shortens_nothing() -> None:
    assert short(b"/etc/a", b"/", b"/") == b"/etc/a"


def test_a_home_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to("real")
    home = os.fsencode(tmp_path / "home")
    assert short(os.path.realpath(home) + b"/a", b"/x", home) == short(home + b"/a", b"/x", home) == b"~/a"


def test_what_is_told_of_local_files_is_relative(pair: Pair) -> None:
    (pair.here / "out").mkdir()
    random_file(pair.there / "f", 5)
    assert pair.run("%get f").out.endswith(", to f on this machine\n")
    assert pair.run("%get f out").out.endswith(", to out/f on this machine\n")
    assert pair.run(f"%get f {pair.here}/g").out.endswith(", to g on this machine\n")
    random_file(pair.there / "h", 5)
    assert pair.run("%get -f f h .").out.endswith(", to . on this machine: f and h\n")
