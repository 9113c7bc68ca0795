"""Files through a real kernel process and the real local emulator."""

from __future__ import annotations

import random
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kernel_client import Notebook, notebook

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("here")


@pytest.fixture(scope="module")
def book(here: Path) -> Iterator[Notebook]:
    with notebook(cwd=here) as made:
        yield made


def test_twenty_megabytes_there_and_back(book: Notebook, here: Path) -> None:
    data = random.Random(5).randbytes(20_000_000)
    (here / "big").write_bytes(data)
    (here / "big").chmod(0o705)
    put = book.run("%put big /tmp/there\nstat -c '%a %s' /tmp/there; sha256sum </tmp/there >/tmp/sum")
    assert put.out.endswith("705 20000000\n")
    assert put.error is None
    got = book.run("%get /tmp/there back")
    assert (here / "back").read_bytes() == data
    assert stat.S_IMODE((here / "back").stat().st_mode) == 0o705
    assert re.search(r"1 file: 20\.0 MB in [\d.]+ s, [\d.]+ MB/s, to back on this machine", got.out)
    figures = got.reply["metadata"]["lambda"]
    assert figures["invocations"] == 8
    assert figures["billed_duration_ms"] > 0
    assert figures["environment_id"] == put.reply["metadata"]["lambda"]["environment_id"]


def test_a_directory_there_and_back(book: Notebook, here: Path) -> None:
    (here / "tree" / "sub dir").mkdir(parents=True)
    (here / "tree" / "sub dir" / "f").write_text("text")
    (here / "tree" / "link").symlink_to("sub dir/f")
    assert book.run("cd /tmp\n").error is None
    shown = book.run("%put tree\ncat tree/link; ls -l tree/link")
    assert "text" in shown.out
    assert "tree/link -> sub dir/f\n" in shown.out
    book.run("%get tree copy")
    assert (here / "copy" / "link").read_text() == "text"


def test_a_script_by_writefile(book: Notebook) -> None:
    assert "bytes written to /tmp/s.sh in the environment" in book.run("%%writefile /tmp/s.sh\necho from $0").out
    assert book.run("bash /tmp/s.sh").out == "from /tmp/s.sh\n"
    assert book.run("%%writefile -a /tmp/s.sh\necho more").error is None
    assert book.run("bash /tmp/s.sh").out == "from /tmp/s.sh\nmore\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%put missing", "cannot read missing on this machine: no such file"),
        ("%get /tmp/closed", "cannot read /tmp/closed in the environment: Permission denied"),
        ("%get /tmp/shut", "cannot read /tmp/shut in the environment: Permission denied"),
        ("%get /tmp/shut/f", "cannot read /tmp/shut/f in the environment: (no such file|Permission denied)"),
        ("%put big /usr", "cannot write /usr/big in the environment: (Permission denied|Read-only file system)"),
    ],
)
def test_what_cannot_be(book: Notebook, here: Path, text: str, message: str) -> None:
    (here / "big").write_bytes(b"x")
    book.run("echo x >/tmp/closed; mkdir -p /tmp/shut; chmod 0 /tmp/closed /tmp/shut")
    shown = book.run(text)
    assert shown.error
    assert shown.error[0] == "TransferFailed"
    assert re.match(message, shown.error[1])


def test_the_front_end_is_asked_before_a_file_is_replaced(book: Notebook, here: Path) -> None:
    (here / "mine").write_text("mine")
    book.run("cd /tmp; echo theirs >mine")
    for answer, text in (("", "mine"), ("n", "mine"), ("y", "theirs\n")):
        request = book.start("%get mine", allow_stdin=True)
        question = book.client.get_stdin_msg(timeout=20)
        assert question["content"] == {"prompt": "replace mine on this machine? [y/N] ", "password": False}
        book.client.input(answer)
        assert book.collect(request).error is None
        assert (here / "mine").read_text() == text


def test_a_command_of_the_same_cell_may_ask_as_well(book: Notebook, here: Path) -> None:
    (here / "mine").write_text("mine")
    book.run("cd /tmp; echo theirs >mine")
    request = book.start("%get mine\nread -p 'And? ' x; echo got $x", allow_stdin=True)
    prompts = []
    for answer in ("y", "more"):
        prompts.append(book.client.get_stdin_msg(timeout=20)["content"]["prompt"])
        book.client.input(answer)
    assert book.collect(request).out.endswith("got more\n")
    assert prompts == ["replace mine on this machine? [y/N] ", "And? "]


def test_where_no_question_can_be_asked_nothing_is_replaced(book: Notebook, here: Path) -> None:
    (here / "mine").write_text("mine")
    book.run("cd /tmp; echo theirs >mine")
    shown = book.run("%get mine\necho not reached")
    assert shown.error == (
        "TransferFailed",
        "nothing was copied, because it would replace mine on this machine: use `%get -f …` to replace",
    )
    assert (shown.out, (here / "mine").read_text()) == ("", "mine")
    assert book.run("%get -f mine").error is None
    assert (here / "mine").read_text() == "theirs\n"


def test_an_interrupt_at_the_question_keeps_all(book: Notebook, here: Path) -> None:
    (here / "mine").write_text("mine")
    book.run("cd /tmp; echo theirs >mine")
    request = book.start("%get mine", allow_stdin=True)
    book.client.get_stdin_msg(timeout=20)
    book.manager.interrupt_kernel()
    shown = book.collect(request)
    assert shown.error == ("KeyboardInterrupt", "the transfer was interrupted")
    assert (here / "mine").read_text() == "mine"
    assert book.run("echo next").out == "next\n"


def test_an_interrupt_leaves_nothing_behind(book: Notebook, here: Path) -> None:
    with (here / "huge").open("wb") as file:
        file.truncate(300_000_000)
    book.run("mkdir -p /tmp/d; cd /tmp/d")
    shown = book.collect(book.start("%put huge"), interrupt_at="display_data")
    assert shown.error == ("KeyboardInterrupt", "the transfer was interrupted")
    assert book.run("ls -A").out == ""
    (here / "huge").unlink()
