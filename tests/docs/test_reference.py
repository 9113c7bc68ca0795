"""docs/reference/: made from the code, and as new as the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import lambda_kernel
from lambda_kernel.aws.usage import Usage
from lambda_kernel.cli import build_parser
from lambda_kernel.function import index as wire
from lambda_kernel.kernel.kernel import LambdaKernel
from lambda_kernel.magics import KNOWN, environment
from lambda_kernel.magics.help_topics import TOPICS, VARIABLES
from lambda_kernel.output import display
from lambda_kernel.session.cell import NOTICES, NoticeCode, Shown
from lambda_kernel.session.remote_shell import RemoteShell
from scripts.reference import DIRECTORY, commands, pages
from tests.magics.conftest import CellRunner
from tests.support.in_process_session import LambdaContext

BY_HAND = {"cells.md"}
PACKAGE = Path(lambda_kernel.__file__).parent


@pytest.mark.parametrize("name", pages())
def test_it_is_as_new_as_the_code(name: str) -> None:
    assert (DIRECTORY / name).read_text("utf-8") == pages()[name], "run `python -m scripts.reference`"


def test_nothing_else_is_there() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == {*pages(), *BY_HAND}


def test_it_names_all_magics_commands_and_settings() -> None:
    made = pages()
    assert [magic.called for magic in KNOWN.values() if f"`{magic.called}" not in made["magics.md"]] == []
    assert [
        name for name in commands(build_parser()) if f"## `lambda-kernel {name}`" not in made["command-line.md"]
    ] == []
    traits = LambdaKernel.class_own_traits(config=True)
    assert [name for name in traits if f"`c.LambdaKernel.{name}`" not in made["configuration.md"]] == []


def test_every_option_has_a_meaning() -> None:
    rows = [line for line in pages()["command-line.md"].splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_figures_of_a_cell_are_those_that_are_described() -> None:
    assert list(display.metadata(Usage(), 1, 0, "shell", "local")["lambda"].keys() ^ display.KEYS.keys()) == []


def test_the_facts_of_an_environment_are_those_that_are_described() -> None:
    runner = CellRunner()
    try:
        [shown] = [one for one in runner.run("%environment").cell_events if isinstance(one, Shown)]
    finally:
        runner.close()
    assert list(shown.metadata[environment.KEY].keys() ^ environment.KEYS.keys()) == []


def test_the_codes_of_notices_are_those_that_are_described() -> None:
    assert set(NOTICES) == set(get_args(NoticeCode))


def test_a_cell_has_the_variables_that_are_described() -> None:
    assert list(VARIABLES) == [*wire.facts(LambdaContext(), {}), *RemoteShell("name", "shell", 1, lambda: 0.0).facts()]
    assert [name for name in VARIABLES if name not in TOPICS["variables"]] == []


def test_every_variable_of_ours_is_named() -> None:
    texts = (path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".py", ".sh"))
    names = {name for text in texts for name in re.findall(r"\bLAMBDA_KERNEL_[A-Z]+\b", text)}
    assert {"LAMBDA_KERNEL_FUNCTION", "LAMBDA_KERNEL_SHELL"} <= names
    assert [name for name in names if f"`{name}`" not in pages()["configuration.md"]] == []
