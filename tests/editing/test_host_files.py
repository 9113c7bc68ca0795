"""What Tab offers before the first environment is there."""

from __future__ import annotations

import os
import sys

import pytest

from lambda_kernel.bash.argument_kinds import wanted
from lambda_kernel.bash.cursor import token_at
from lambda_kernel.editing import host_files
from lambda_kernel.editing.completion import path_query

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")


def found(typed: str) -> dict[str, str]:
    code = f"ls {typed}"
    token = token_at(code, len(code))
    query = path_query(token, wanted(token).paths)
    assert query is not None
    return {one[0]: one[1] for one in host_files.paths(query)}


def test_programs() -> None:
    assert {"bash", "ls", "env"} <= {*host_files.programs()}


def test_what_the_emulators_root_has_from_this_machine() -> None:
    assert found("/us") == {"usr": "directory"}
    assert found("/usr/bi") == {"bin": "directory"}
    assert found("/etc/passw")["passwd"] == "file"
    assert found("/usr/bin/bas")["bash"] == "file"


@pytest.mark.parametrize(
    "typed", ["", "na", "./", "~/", "~roo", "$HOME/", "/tmp/", "/home/", "/usr/../home/", "/work", "/\0"]
)
def test_what_is_the_environments_own_is_not_guessed(typed: str) -> None:
    assert found(typed) == {}


def test_names_in_the_root_are_those_of_an_environment() -> None:
    names = found("/")
    assert {"usr", "tmp", "var", "opt"} <= {*names}
    assert not {*names} & {name for name in os.listdir("/") if name.startswith(("work", "lost", "snap"))}
