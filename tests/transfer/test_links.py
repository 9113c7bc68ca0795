"""Links and names that would lead elsewhere: put there at any moment, on this machine."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.function import index as wire
from lambda_kernel.function.sent import files as far_files
from lambda_kernel.session.cell import Notice
from lambda_kernel.transfer import Local, Transfer
from lambda_kernel.transfer.listing import matches
from lambda_kernel.transfer.local_side import code, folding_names
from tests.support.faults import Invoke
from tests.transfer.conftest import Fault, Pair, look, passed, random_file


def swapped(path: Path, leads: Path) -> Fault:
    """Somebody moves a directory away, and puts a link in its place, while a file is read."""

    def fault(event: Event, invoke: Invoke) -> Reply:
        path.rename(path.with_name("moved"))
        path.symlink_to(leads)
        return invoke()

    return fault


@pytest.mark.parametrize("name", ["out", "out/d", "out/d/sub"])
@pytest.mark.parametrize("force", ["", "-f "])
def test_a_link_that_takes_a_directorys_place_is_not_followed(pair: Pair, name: str, force: str) -> None:
    (pair.there / "d" / "sub").mkdir(parents=True)
    random_file(pair.there / "d" / "sub" / "f", 5)
    (pair.here / "out").mkdir()
    away = pair.here / "away"
    for directory in (away, away / "d", away / "d" / "sub", away / "sub"):
        directory.mkdir()
    before = look(away)
    pair.plan = [passed, swapped(pair.here / name, away)]
    with pytest.raises(errors.TransferFailed, match=r"cannot write .* on this machine: Not a directory"):
        pair.run(f"%get {force}d out", lines=())
    assert look(away) == before
    assert not pair.leftovers() or name == "out"  # a directory that was moved away is found by nobody


def test_a_link_in_the_way_of_put_is_not_followed_either(pair: Pair) -> None:
    (pair.here / "d").mkdir()
    random_file(pair.here / "d" / "f", 5)
    (pair.there / "away").mkdir()

    def swap(event: Event, invoke: Invoke) -> Reply:
        (pair.there / "d").rename(pair.there / "moved")
        (pair.there / "d").symlink_to("away")
        return invoke()

    pair.plan = [passed, passed, swap]
    with pytest.raises(errors.TransferFailed, match="in the environment: Not a directory"):
        pair.run("%put d")
    assert list((pair.there / "away").iterdir()) == []


def test_links_that_lead_elsewhere_are_told(pair: Pair) -> None:
    (pair.there / "d" / "sub").mkdir(parents=True)
    leads = {"in": "sub", "sub/up": "../in", "out": "..", "sub/out": "../../x", "all": "/etc"}
    for name, where in leads.items():
        (pair.there / "d" / name).symlink_to(where)
    ran = pair.run("%get d")
    told = [h.text for h in ran.cell_events if isinstance(h, Notice) and h.code == "file"]
    assert told == ["d/all, d/out and d/sub/out on this machine are links that lead elsewhere, as in the source"]


def test_the_place_that_the_user_names_stays_as_it_is(pair: Pair) -> None:
    (pair.there / "d").mkdir()
    random_file(pair.there / "d" / "f", 5)
    (pair.there / "d").chmod(0o777)
    (pair.here / "out").mkdir(mode=0o700)
    pair.run("%get d/. out")
    assert (pair.here / "out").stat().st_mode & 0o777 == 0o700
    assert (pair.here / "out" / "f").stat().st_size == 5


@pytest.mark.parametrize(
    ("one", "other"), [("Readme", "README"), ("é", unicodedata.normalize("NFD", "é")), ("ß", "SS")]
)
def test_names_that_may_be_one(tmp_path: Path, one: str, other: str) -> None:
    """Where a file system takes them for one, the second would silently take the place of the first."""
    (tmp_path / "from").mkdir()
    for name in (one, other):
        (tmp_path / "from" / name).write_text(name)
    source = os.fspath(tmp_path / "from")

    def get(to: str, folds: bool) -> str:
        return Transfer(Local(), Local(lambda directory: folds), print, lambda: 0.0).run([source], str(tmp_path / to))

    with pytest.raises(errors.TransferFailed, match="two files would both become"):
        get("one", True)
    assert not (tmp_path / "one").exists()
    assert "2 files" in get("other", False)


def test_a_file_system_is_tried(tmp_path: Path) -> None:
    names = {name for name in ("a", "A") if (tmp_path / name).write_text(name)}
    assert folding_names(os.fsencode(tmp_path)) == (len(list(tmp_path.iterdir())) < len(names))
    assert folding_names(os.fsencode(tmp_path / "missing"))


# --- what was asked for

NAMES = st.sampled_from(["a", "b", ".a", "ab", "A", "[a]", "a*", "*", "?", ".", "..", "d", "dd", "é"])
PARTS = st.one_of(NAMES, st.sampled_from(["*", "?", "[ab]", "[!a]*", ".*", "d*", "**", "*.*", "[[]a]"]))
PATTERNS = st.builds(
    lambda head, parts, tail: head + "/".join(parts) + tail,
    st.sampled_from(["", "./", "~/", "../here/"]),
    st.lists(PARTS, min_size=1, max_size=3),
    st.sampled_from(["", "/", "//"]),
)


@settings(
    max_examples=300,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pattern=PATTERNS, made=st.lists(st.tuples(st.booleans(), NAMES, NAMES), max_size=8))
def test_all_that_a_pattern_matches_was_asked_for(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    made: list[tuple[bool, str, str]],
) -> None:
    """By the function's own code, in a real directory."""
    here = tmp_path_factory.mktemp("matches") / "here"
    here.mkdir()
    for inside, directory, name in made:
        path = here / directory / name if inside else here / name
        if {directory, name}.isdisjoint({".", ".."}) and not path.exists() and not (here / directory).is_file():
            path.parent.mkdir(exist_ok=True)
            path.touch()
    monkeypatch.chdir(here)
    shell: Any = SimpleNamespace(pid=os.getpid(), environ={"HOME": str(here)}, secrets=())
    space = wire.load(code())
    try:
        found: list[bytes] = space["matches"](shell, os.fsencode(pattern))
    except OSError:
        return
    assert found
    assert all(matches(os.fsencode(pattern), top) for top in found)


@pytest.mark.parametrize(
    ("pattern", "top"),
    [
        ("results.txt", "/tmp/.bash_login"),
        ("results.txt", "/tmp/results.txt/.bash_login"),
        ("results.txt", "/tmp/results.txt2"),
        ("results.txt", "results.txt/.."),
        ("*", "/tmp/.bash_login"),
        ("*/*", "/tmp/a/.b"),
        ("*/*", "/tmp/.a/b"),
        ("out/*.csv", "/tmp/in/a.csv"),
        ("out/*.csv", "a.csv"),
        ("/tmp/*", "/etc/passwd"),
        ("/tmp/*", "/x/tmp/a"),
        ("/tmp/*", "/tmp/a/b"),
        ("[a-c]", "/tmp/d"),
        (".", "/tmp/x"),
        ("..", "/tmp/."),
        ("d/.", "/tmp/d"),
        ("/", "/tmp"),
        ("~/a", "/tmp/b"),
        ("a", ""),
        ("?", "/tmp/ab"),
        ("*", "/tmp/" + "a" * 256),
    ],
)
def test_what_was_not_asked_for(pattern: str, top: str) -> None:
    assert not matches(pattern.encode(), top.encode())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.clear(), "lacks files that you asked for"),
        (lambda rows: rows.append(rows[-1]), "is listed twice or out of order"),
        (lambda rows: rows.insert(0, rows.pop()), "is listed twice or out of order"),
        (lambda rows: rows[0].__setitem__(0, 1), "was not asked for"),
    ],
)
def test_a_listing_that_cannot_be(pair: Pair, change: Callable[[list[Any]], object], message: str) -> None:
    for name in ("f1", "f2"):
        random_file(pair.there / name, 5)

    def hostile(event: Event, invoke: Invoke) -> Reply:
        reply = invoke()
        change(reply.payload["value"]["entries"])
        return reply

    before = look(pair.here)
    pair.plan = [hostile]
    with pytest.raises(errors.TransferFailed, match=message):
        pair.run("%get f? .")
    assert look(pair.here) == before


@pytest.mark.parametrize(
    "change",
    [
        {"data": far_files.pack(b"123456"), "bytes": 6, "sha256": far_files.checksum(b"123456")},
        {"bytes": 4},
        {"at": 1},
        {"bytes": 0, "data": "", "end": False},
    ],
)
def test_a_piece_that_cannot_be(pair: Pair, change: dict[str, Any]) -> None:
    random_file(pair.there / "f", 5)

    def hostile(event: Event, invoke: Invoke) -> Reply:
        reply = invoke()
        reply.payload["value"]["pieces"][0].update(change)
        return reply

    pair.plan = [passed, hostile]
    with pytest.raises(errors.TransferFailed, match="f came in the wrong pieces; try again"):
        pair.run("%get f")
    assert list(pair.here.iterdir()) == []


def test_a_home_has_no_name_to_ask_for(pair: Pair) -> None:
    with pytest.raises(errors.UsageError, match="name the directory"):
        pair.run("%get ~ .")
