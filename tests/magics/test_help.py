"""%help, `%NAME --help` and `%NAME?`"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.magics import GROUPS, KNOWN, MAGICS, Magic, parse
from lambda_kernel.magics.help import WIDTH
from lambda_kernel.magics.help_topics import TOPICS
from lambda_kernel.output.terminal import wrapped
from tests.magics.conftest import CellRunner


def test_every_magic_is_listed_on_one_screen(runner: CellRunner) -> None:
    text = runner.run("%help").out
    for magic in MAGICS.values():
        assert f"  {magic.called} " in text
        assert f" {magic.summary}\n" in text
    for name in GROUPS:
        assert f"{name}:\n" in text
    assert max(map(len, text.splitlines())) <= 96
    assert len(text.splitlines()) <= 40
    assert all(name in text for name in TOPICS)
    assert runner.sent == []


@pytest.mark.parametrize("name", MAGICS)
def test_all_ways_to_ask_about_one_give_the_same(runner: CellRunner, name: str) -> None:
    magic, text = MAGICS[name], runner.run(f"%help {name}").out
    assert text.startswith(f"{magic.synopsis}\n    {magic.summary}\n")
    for argument in magic.arguments:
        assert argument.help
        assert f"  {argument.written}" in text
    assert max(map(len, text.splitlines())) <= 90
    called = magic.called
    ways = (
        f"%help {called}",
        f"{called} --help",
        f"{called} -h",
        f"{called} -x --help y\nls",
        f"{called}?",
        f"?{called}",
    )
    assert [runner.run(way).out.startswith(text) for way in ways] == [True] * len(ways)
    assert magic.cell or runner.sent == ["hello", "run"]


@pytest.mark.parametrize("magic", MAGICS.values(), ids=lambda magic: magic.name)
def test_every_example_can_be_typed(magic: Magic) -> None:
    for code, what in magic.examples:
        head = parse(code, KNOWN)
        assert what
        assert magic in [line.magic for line in (*head.lines, *([head.cell] if head.cell else []))]
    assert magic.examples or not magic.arguments


@pytest.mark.parametrize("name", TOPICS)
def test_topics(runner: CellRunner, name: str) -> None:
    text = runner.run(f"%help {name}").out
    assert text == wrapped(TOPICS[name], WIDTH)
    assert text.endswith(".\n") or name == "variables"
    assert max(map(len, text.splitlines())) <= 96
    assert name not in KNOWN
    assert runner.sent == []


@pytest.mark.parametrize("cell", ["%help", "%help jobs", "%help top", "%%watch?", "%environment", "%status"])
def test_a_narrow_console_gets_whole_words(runner: CellRunner, cell: str) -> None:
    wide = runner.run(cell).out
    runner.workspace.columns = 50
    narrow = runner.run(cell).out
    assert narrow.split() == wide.split()
    assert max(map(len, narrow.splitlines()), default=0) <= 50


def test_help_for_what_users_of_ipython_type(runner: CellRunner) -> None:
    assert runner.run("%help cd").out == "%cd [ARGUMENT…]\n    run `cd`, as in IPython\n"
    assert runner.run("%help time").out.startswith("%time COMMAND\n")
    assert runner.run("%help %%time").out == runner.run("%%time --help").out
    assert "%%file [-a] PATH\n" in runner.run("%%file -h\nx").out
    assert runner.sent == []
    assert runner.run("%cat --version").out.startswith("cat (")
    assert runner.run("%%script bash -c 'echo $1' - -h\nx").out == "-h\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%help topp", "there is no magic %topp: did you mean %top"),
        ("%help %%xyzzy", "there is no magic %%xyzzy: %help lists them"),
        ("%help variable", "there is no magic %variable: did you mean %help variables?"),
        (
            "%help 5",
            "%help: NAME takes the name of a magic, or `input`, ",
        ),
        ("%help top now", "%help: 'now' is one word too many; usage"),
    ],
)
def test_help_for_what_is_not_there(runner: CellRunner, line: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        runner.run(line)
    assert str(told.value).startswith(words)
