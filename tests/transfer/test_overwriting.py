"""%get where something is already: what is asked, and what cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_kernel import errors
from lambda_kernel.session.cell import InputRequest
from lambda_kernel.transfer.overwriting import some
from tests.support.in_process_session import Interrupts
from tests.transfer.conftest import Pair, look, passed, random_file
from tests.transfer.test_refusals import as_user

YES = ("y\n",)


def tree(root: Path, *names: str, text: str = "new") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", " YES \n"])
def test_a_yes_replaces(pair: Pair, answer: str) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")
    ran = pair.run("%get f", lines=(answer,))
    assert ran.control.questions == [InputRequest("replace f on this machine? [y/N] ")]
    assert (pair.here / "f").read_text() == "new"


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n", "y y\n", "f\n"])
def test_whatever_else_keeps_it(pair: Pair, answer: str) -> None:
    tree(pair.there, "f", "g")
    tree(pair.here, "f", text="old")
    before = look(pair.here)
    ran = pair.run("%get f g .", lines=(answer,))
    assert ran.out == "nothing was copied: f on this machine is kept\n"
    assert look(pair.here) == before
    assert len(pair.calls) == 1  # only asked what there is


def test_there_is_one_question_for_all(pair: Pair) -> None:
    tree(pair.there, *"abcde", "d1/x", "d1/sub/y", "d1/z")
    tree(pair.here, "b", "d", "d1/x", "d1/sub/y", "d1/other", text="old")
    ran = pair.run("%get a b c d e d1 .", lines=("n\n",))
    assert ran.control.questions == [InputRequest("replace b, d and 2 more on this machine? [y/N] ")]
    assert ran.out == "nothing was copied: b, d and 2 more on this machine are kept\n"
    ran = pair.run("%get a b c d e d1 .", lines=YES)
    assert len(ran.control.questions) == 1
    texts = {str(path.relative_to(pair.here)): path.read_text() for path in pair.here.rglob("*") if path.is_file()}
    assert texts == dict.fromkeys([*"abcde", "d1/x", "d1/sub/y", "d1/z"], "new") | {"d1/other": "old"}


def test_what_is_new_is_not_asked_about(pair: Pair) -> None:
    tree(pair.there, "d/x", "d/sub/y", "f")
    tree(pair.here, "d/z", "d/sub/w", text="old")
    ran = pair.run("%get d f .", lines=())
    assert ran.control.questions == []
    assert (pair.here / "d" / "sub" / "y").read_text() == "new"
    assert (pair.here / "d" / "sub" / "w").read_text() == "old"


@pytest.mark.parametrize("lines", [None, ()])
def test_with_f_nothing_is_asked(pair: Pair, lines: tuple[str, ...] | None) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")
    ran = pair.run("%get -f f", lines=lines)
    assert (ran.control.questions, (pair.here / "f").read_text()) == ([], "new")


def test_where_nobody_can_be_asked_nothing_is_copied(pair: Pair) -> None:
    tree(pair.there, "f", "g", "h")
    tree(pair.here, "f", "h", text="old")
    before = look(pair.here)
    message = "nothing was copied, because it would replace f and h on this machine: use `%get -f …` to replace"
    with pytest.raises(errors.TransferFailed, match=message):
        pair.run("%get f g h .")
    assert look(pair.here) == before
    assert len(pair.calls) == 1


class Impatient(Interrupts):
    """Interrupts at the question."""

    stopped = 0

    def request_input(self, question: InputRequest, seconds: float) -> str | None:
        self.questions.append(question)
        self.stopped = 1
        return None

    @property
    def interrupts(self) -> int:
        return self.stopped


def test_an_interrupt_at_the_question(pair: Pair) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")
    control = Impatient()
    with pytest.raises(errors.Interrupted):
        pair.run_with(control, "%get f")
    assert len(control.questions) == 1
    assert (pair.here / "f").read_text() == "old"
    assert pair.run("echo next").out == "next\n"


def test_a_user_who_thinks_is_waited_for_as_long_as_the_cell_may_take(pair: Pair) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")

    class Slow(Interrupts):
        def request_input(self, question: InputRequest, seconds: float) -> str | None:
            pair.sleep(seconds)
            return super().request_input(question, seconds)

    control = Slow(lines=(None, None, "y\n"))
    pair.run_with(control, "%get f")
    assert control.questions == [InputRequest("replace f on this machine? [y/N] ")] * 3  # shown once by a ThreadControl
    assert (pair.here / "f").read_text() == "new"
    pair.run("%timeout 90")
    with pytest.raises(errors.TransferFailed, match="the time limit of 90 s"):
        pair.run_with(Slow(lines=[None] * 9), "%get f")


def test_thinking_is_no_part_of_the_figures(pair: Pair) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")

    class Slow(Interrupts):
        def request_input(self, question: InputRequest, seconds: float) -> str | None:
            pair.sleep(50)
            return "y\n"

    assert " in 50." not in pair.run_with(Slow(), "%get f").out


def test_a_transfer_that_was_interrupted_and_is_run_again(pair: Pair) -> None:
    """What was half there had another name, and is gone."""
    random_file(pair.there / "big", 6_000_001)
    with pytest.raises(errors.Interrupted):
        pair.run("%get big", interrupts=(3,))
    ran = pair.run("%get big", lines=())
    assert ran.control.questions == []
    assert (pair.here / "big").stat().st_size == 6_000_001


def test_an_environment_replaced_while_the_user_thinks(pair: Pair) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")

    class Late(Interrupts):
        def request_input(self, question: InputRequest, seconds: float) -> str | None:
            pair.remote.replace()
            return "y\n"

    with pytest.raises(errors.CommandLost, match="transfer is lost: Lambda has replaced"):
        pair.run_with(Late(sleep=pair.sleep), "%get f")
    assert (pair.here / "f").read_text() == "old"
    assert not pair.leftovers()


def test_a_link_is_followed_where_the_user_names_it(pair: Pair) -> None:
    tree(pair.there, "f")
    tree(pair.here, "kept", text="old")
    (pair.here / "link").symlink_to("kept")
    ran = pair.run("%get f link", lines=YES)
    assert ran.control.questions == [InputRequest("replace kept on this machine? [y/N] ")]
    assert ((pair.here / "kept").read_text(), (pair.here / "link").is_symlink()) == ("new", True)


@pytest.mark.parametrize("text", ["%get f", "%get f .", "%get -f [f] ../here"])
def test_a_link_that_stands_in_the_directory_is_replaced(pair: Pair, text: str) -> None:
    """It is the far side that chooses among the names that match, and a link leads out of the directory."""
    tree(pair.there, "f")
    tree(pair.here, "kept", text="old")
    (pair.here / "f").symlink_to("kept")
    ran = pair.run(text, lines=YES)
    assert ran.control.questions == ([] if "-f" in text else [InputRequest("replace f on this machine? [y/N] ")])
    assert [(pair.here / name).read_text() for name in ("f", "kept")] == ["new", "old"]
    assert not (pair.here / "f").is_symlink()


@pytest.mark.parametrize("leads", ["nowhere", "link"])
def test_a_link_that_leads_nowhere_is_replaced(pair: Pair, leads: str) -> None:
    tree(pair.there, "f")
    (pair.here / "link").symlink_to(leads)
    if leads == "link":
        with pytest.raises(errors.TransferFailed, match="cannot look at link on this machine: Too many levels"):
            pair.run("%get f link", lines=YES)
        return
    pair.run("%get f link", lines=YES)
    assert [path.name for path in pair.here.iterdir()] == ["link"]
    assert (pair.here / "link").read_text() == "new"


def test_below_a_directory_the_link_itself_is_replaced(pair: Pair) -> None:
    """Written through, one file of those that come would change another, or one far away."""
    tree(pair.there, "d/a", text="a's")
    tree(pair.there, "d/b", text="b's")
    tree(pair.here, "d/b", "far", text="old")
    (pair.here / "d" / "a").symlink_to("../far")
    ran = pair.run("%get d", lines=YES)
    assert ran.control.questions == [InputRequest("replace d/a and d/b on this machine? [y/N] ")]
    assert not (pair.here / "d" / "a").is_symlink()
    assert [(pair.here / name).read_text() for name in ("d/a", "d/b", "far")] == ["a's", "b's", "old"]
    (pair.there / "far").write_text("there")
    (pair.there / "d" / "a").unlink()
    (pair.there / "d" / "a").symlink_to("../far")
    pair.run("%put d")  # so it is on the other side
    assert [(pair.there / name).read_text() for name in ("d/a", "d/b", "far")] == ["a's", "b's", "there"]


def test_a_link_that_comes_replaces_a_file(pair: Pair) -> None:
    tree(pair.there, "d/f")
    (pair.there / "d" / "link").symlink_to("f")
    tree(pair.here, "d/link", text="old")
    ran = pair.run("%get d", lines=YES)
    assert ran.control.questions == [InputRequest("replace d/link on this machine? [y/N] ")]
    assert os.readlink(pair.here / "d" / "link") == "f"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize("force", ["", "-f "])
@pytest.mark.parametrize(
    ("name", "put", "message"),
    [
        ("d/x", Path.mkdir, "cannot write d/x on this machine: Is a directory"),
        ("d/x", fifo, "cannot write d/x on this machine: it is not a regular file"),
        ("d/sub", Path.touch, "cannot write d/sub on this machine: File exists"),
        ("d/sub", link_to(".."), "cannot write d/sub on this machine: File exists"),
        ("d/link", Path.mkdir, "cannot write d/link on this machine: Is a directory"),
        ("f", fifo, "cannot write f on this machine: it is not a regular file"),
    ],
)
def test_what_cannot_be_replaced_is_known_before_anything_is_asked_or_copied(
    pair: Pair, name: str, put: Callable[[Path], None], message: str, force: str
) -> None:
    tree(pair.there, "a", "d/x", "d/sub/y", "f")
    (pair.there / "d" / "link").symlink_to("x")
    tree(pair.here, "a", text="old")
    (pair.here / name).parent.mkdir(exist_ok=True)
    put(pair.here / name)
    before = look(pair.here)
    with pytest.raises(errors.TransferFailed, match=message):
        pair.run(f"%get {force}a d f {'../here' if name == 'f' else '.'}", lines=())
    assert look(pair.here) == before
    assert len(pair.calls) == 1


@as_user
@pytest.mark.parametrize("force", ["", "-f "])
@pytest.mark.parametrize("what", ["f", "."])
def test_what_may_not_be_written_is_not_asked_about(pair: Pair, what: str, force: str) -> None:
    tree(pair.there, "f")
    tree(pair.here, "f", text="old")
    (pair.here / what).chmod(0o500 if what == "." else 0o400)
    with pytest.raises(errors.TransferFailed, match="cannot write f on this machine: Permission denied"):
        pair.run(f"%get {force}f", lines=())
    assert (pair.here / "f").read_text() == "old"


def test_odd_names_stay_on_the_questions_line(pair: Pair) -> None:
    name = os.fsdecode(b"a\nb\xff\x1b[31m")
    tree(pair.there, name)
    tree(pair.here, name, text="old")
    ran = pair.run("%get a*", lines=YES)
    assert ran.control.questions == [InputRequest("replace a\\nb\\\\xff\\x1b[31m on this machine? [y/N] ")]
    assert (pair.here / name).read_text() == "new"


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "a"), (2, "a and b"), (3, "a, b and c"), (4, "a, b and 2 more"), (5, "a, b and 3 more")],
)
def test_some_of_many_names(count: int, text: str) -> None:
    assert some(list("abcde")[:count]) == text


def test_put_replaces_as_cp_does(pair: Pair) -> None:
    tree(pair.here, "f")
    tree(pair.there, "f", text="old")
    ran = pair.run("%put f", lines=())
    assert (ran.control.questions, (pair.there / "f").read_text()) == ([], "new")


def test_words(pair: Pair) -> None:
    with pytest.raises(errors.UsageError, match=r"usage: %get \[-f\]"):
        pair.run("%get -f")
    tree(pair.there, "-f")
    pair.plan = [passed]
    pair.run("%get ./-f")
    assert (pair.here / "-f").read_text() == "new"
