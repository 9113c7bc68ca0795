"""What can stand as an argument, and whether our tables are bash's own."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from lambda_kernel.bash.argument_kinds import ANY, COMMANDS, FIXED, NOTHING, VARIABLE, Wanted, fixed, wanted
from lambda_kernel.bash.cursor import CARRIERS, token_at
from lambda_kernel.bash.reference import data, names, options, variables

PROGRAM = Wanted(("command",), "program")
FUNCTION, SIGNAL, OPTION = Wanted(("function",)), Wanted(("signal",)), Wanted(("option",))
EVENT, SET, SHOPT = Wanted(("event", "signal")), Wanted(("set option",)), Wanted(("shopt option",))
TEST = Wanted(("test",))

KINDS = {*COMMANDS, *FIXED, "variable", "option", "next"}
# The cursor is at the end.
ENDS = {
    "": Wanted(COMMANDS, "program"),
    "time ": Wanted(COMMANDS, "program"),
    "sudo ": PROGRAM,
    "exec ": PROGRAM,
    "env A=b ": PROGRAM,
    "find . -exec ": PROGRAM,
    "builtin ": Wanted(("builtin",), "program"),
    "command ": Wanted(("builtin", "command"), "program"),
    "command -v ": Wanted(COMMANDS, "program"),
    "sudo -u ": ANY,
    "ls ": ANY,
    "ls -": Wanted(("option",), "any"),
    "ls -- -": ANY,
    "echo $": VARIABLE,
    "x=": ANY,
    "alias x=": ANY,
    "export X=a:": ANY,
    "read x >": ANY,
    "cd ": Wanted(paths="directory"),
    "cd -": OPTION,
    "unset ": Wanted(("variable", "function")),
    "unset -v ": VARIABLE,
    "unset -f ": FUNCTION,
    "declare ": VARIABLE,
    "declare -gx ": VARIABLE,
    "declare -pf ": FUNCTION,
    "export -f ": FUNCTION,
    "function ": FUNCTION,
    "type -a ": Wanted(COMMANDS),
    "which ": Wanted(("command",)),
    "help ": Wanted(("builtin", "keyword")),
    "enable -n ": Wanted(("builtin",)),
    "alias ": Wanted(("alias",)),
    "read ": VARIABLE,
    "read -r x ": VARIABLE,
    "read -p ": NOTHING,
    "read -rp ": NOTHING,
    "read -p 'x y' ": VARIABLE,
    "read -a ": VARIABLE,
    "read -n1 ": VARIABLE,
    "printf ": ANY,
    "printf -v ": VARIABLE,
    "printf -": OPTION,
    "mapfile -t ": VARIABLE,
    "mapfile -u ": NOTHING,
    "hash -p ": ANY,
    "wait -p ": VARIABLE,
    "wait ": NOTHING,
    "complete -F ": FUNCTION,
    "getopts ": NOTHING,
    "getopts ab ": VARIABLE,
    "getopts ab x ": ANY,
    "for ": VARIABLE,
    "for x ": Wanted(("next",)),
    "for x in ": ANY,
    "case ": ANY,
    "case x ": Wanted(("next",)),
    "kill ": NOTHING,
    "kill -": Wanted(("option", "-signal")),
    "kill -s ": SIGNAL,
    "kill -n ": NOTHING,
    "kill -l ": SIGNAL,
    "kill -HUP ": NOTHING,
    "timeout -s ": SIGNAL,
    "trap ": Wanted(COMMANDS),
    "trap -": OPTION,
    "trap -p ": EVENT,
    "trap 'a b' ": EVENT,
    "trap -- x INT ": EVENT,
    "trap - ": EVENT,
    "set ": ANY,
    "set -o ": SET,
    "set +o ": SET,
    "set -euo ": SET,
    "set -e ": ANY,
    "shopt ": SHOPT,
    "shopt -s extglob ": SHOPT,
    "shopt -so ": SET,
    "shopt -o ": SET,
    "[ -": TEST,
    "[[ a -": TEST,
    "test -v ": VARIABLE,
    "[ -o ": SET,
    "[ ": ANY,
    "[ ! -o ": SET,
    "[ \\( -o ": SET,
    "[ a -o ": ANY,
    "[[ a && -o ": SET,
    "[[ -f ": ANY,
}


@pytest.mark.parametrize("text", ENDS)
def test_what_is_wanted(text: str) -> None:
    assert wanted(token_at(text, len(text))) == ENDS[text]


@pytest.mark.parametrize("command", [*names("builtin"), *names("keyword"), *CARRIERS, "find", "ls"])
def test_every_command_has_an_answer(command: str) -> None:
    for words in ("", "-", "-o ", "a ", "- ", "-- ", "-o a ", "a b c ", "a -o ", "+", "''", "(", "-v -f "):
        text = f"{command} {words}"
        token = token_at(text, len(text))
        assert wanted(token).paths in ("any", "directory", "program", "")
        assert all(kind in KINDS for kind in wanted(token).kinds)


def bash(script: str, *arguments: str) -> str:
    command = ["bash", "--norc", "-c", script, "bash", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def version() -> str:
    return bash("printf %s.%s ${BASH_VERSINFO[@]:0:2}") if shutil.which("bash") else ""


bash_5_2 = pytest.mark.skipif(version() != "5.2", reason="the tables are those of bash 5.2")


def actions(name: str) -> set[str]:
    return set(bash('compgen -A "$1"', name).split())


@bash_5_2
def test_the_names_are_bashs() -> None:
    assert actions("builtin") == set(names("builtin"))
    assert actions("keyword") == set(names("keyword"))
    assert actions("setopt") == set(names("set option"))
    assert actions("shopt") == set(names("shopt option"))
    assert set(data()["names"]["signal"]) == {
        name[3:] for name in actions("signal") if re.fullmatch("SIG(?!RT)[A-Z0-9]+", name)
    }
    assert set(names("event")) == {name for name in actions("signal") if not name.startswith("SIG")}


@bash_5_2
@pytest.mark.parametrize("name", names("builtin"))
def test_the_options_are_bashs(name: str) -> None:
    def letters(usage: str) -> set[str]:
        return {f"-{letter}" for found in re.findall(r"(?<![\w-])-(@|[A-Za-z]+)", usage) for letter in found}

    theirs = letters(bash('help -s -- "$1"', name).partition(": ")[2])
    theirs -= {"-N"} if name in ("dirs", "popd", "pushd") else set()  # a number
    if name == "local":  # its usage says [option]
        theirs = set(options("declare"))
    if name == "kill":  # its usage says -sigspec, and keeps a synonym to itself
        theirs = {"-l", "-L", "-n", "-s"}
    assert set(options(name)) == theirs
    assert letters(names("builtin")[name].partition(": ")[0]) == theirs


def test_signals_have_long_names_too() -> None:
    assert fixed("signal", "")["SIGHUP"] == fixed("signal", "")["HUP"] == fixed("-signal", "")["-HUP"]


@pytest.mark.parametrize("kind", ["event", "set option", "shopt option", "test", "-signal", "builtin", "keyword"])
def test_all_have_a_meaning(kind: str) -> None:
    assert all(re.search(r"\w{2}", text) for text in fixed(kind, "").values())
    assert fixed(kind, "")


def test_variables_and_parameters_have_a_meaning() -> None:
    assert all(re.search(r"\w{2}", text) for kind in ("parameter", "operator") for text in names(kind).values())
    assert set(variables()) == {*names("variable"), *names("first variable")}
    assert not names("variable").keys() & names("first variable").keys()


def test_options_that_are_those_of_another_builtin() -> None:
    assert options("typeset") == options("local") == options("declare")
    assert options("nosuch") == {}
    assert set(data()["options"]) <= set(names("builtin"))
