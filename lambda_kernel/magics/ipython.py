"""Habits from IPython: its magics that stand for commands, `!command` and `name?`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..bash.commands import words
from ..errors import UsageError
from ..session.cell import Cell, Result
from . import writefile
from .base import Call, Command, Magic, looked_up
from .help import about

# In IPython these run a command of the shell (IPython.core.alias and its magics). They take what bash's command takes.
AS_IN_BASH = (
    *("cd", "pwd", "ls", "pushd", "popd", "dirs"),
    *("cat", "cp", "mv", "rm", "mkdir", "rmdir", "less", "more", "man"),
)
PROGRAMS = ("sh", "python", "python3", "perl", "ruby")  # `%%NAME` is short for `%%script NAME`
OF_PYTHON = {"--out", "--err", "--bg", "--proc", "--no-raise-error"}  # they name variables of Python
ONE_WORD = re.compile(r"(?:[^\s'\"\\;&|<>()`#]|\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\([^()]*\))*")
BANG = re.compile(r"^[ \t]*!(?=[A-Za-z_./~])", re.MULTILINE)  # bash has `! command`, and `!!` for its history
QUESTION = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?P<before>\?\??)?(?P<percents>%%?)?(?P<name>[A-Za-z_][\w.+-]*)"
    r"(?(before)|\?\??)[ \t]*\s*\Z"
)
QUIT = re.compile(r"\s*(quit|logout)[ \t]*;?\s*(?:#[^\n]*)?\s*\Z")
MORE = "Shift-Tab explains a word while you type. Most programs list their options with --help."


def line(name: str, bash: Callable[[str], str], usage: str = "[ARGUMENT…]", what: str = "") -> Magic:
    return Magic(name, what or f"run `{name}`, as in IPython", bash=bash, usage=usage)


def same(name: str) -> Magic:
    return line(name, lambda text: f"{name} {text}".rstrip())


def env(text: str) -> str:
    """Show all variables, show one, or set one."""
    found = re.fullmatch(r"(?P<name>[A-Za-z_]\w*)(?:\s*=\s*|\s+(?![;&|<>#]))(?P<value>.*)", text)
    if not found:
        return f"{'printenv' if re.match(r'[A-Za-z_]', text) else 'env'} {text}".rstrip()
    name, value = found["name"], found["value"]
    if not ONE_WORD.fullmatch(value):
        raise UsageError(f"%env {name}: use `export {name}=…`, and quote a value that has blanks")
    return f"export {name}={value}"


def time(text: str) -> str:
    if not text:
        raise UsageError("usage: %time COMMAND, or %%time above the commands: it measures how long they take")
    return f"time {text}"


def take_bash(call: Call, cell: Cell, command: Command) -> Result | None:
    """Without arguments the session's bash runs the cell; with arguments a new bash does, as in IPython."""
    words = call.options.words
    return piped(["bash", *words], call, cell, command) if words else run_code(cell.code, call, cell, command)


def take_script(call: Call, cell: Cell, command: Command) -> Result | None:
    if not call.options.words:
        raise UsageError("usage: %%script PROGRAM [ARGUMENT…]: the program reads the rest of the cell as its input")
    return piped(call.options.words, call, cell, command)


def take_time(call: Call, cell: Cell, command: Command) -> Result | None:
    return run_code(rf"time \builtin eval -- {shlex.quote(cell.code)}", call, cell, command)


def piped(program: list[str], call: Call, cell: Cell, command: Command) -> Result | None:
    """The program reads the cell, as in IPython. bash adds the newline at the end."""
    if unknown := OF_PYTHON.intersection(word.partition("=")[0] for word in call.options.words):
        raise UsageError(f"{min(unknown)} needs IPython, which is not here: use `x=$(…)` to keep what a command prints")
    return run_code(f"{shlex.join(program)} <<<{shlex.quote(cell.code.removesuffix(chr(10)))}", call, cell, command)


def run_code(code: str, call: Call, cell: Cell, command: Command) -> Result | None:
    return command(replace(cell, code=code), call.emit) if cell.code.strip() else None


def program(name: str) -> Magic:
    return Magic(
        name,
        f"run the rest of the cell in a new {name}",
        take=lambda call, cell, command: piped([name, *call.options.words], call, cell, command),
        text=True,
        usage="[ARGUMENT…]",
    )


BASH = Magic("bash", "run the rest of the cell in bash, as without it", take=take_bash, usage="[ARGUMENT…]")
SCRIPT = Magic(
    "script",
    "give the rest of the cell to a program as its input",
    take=take_script,
    text=True,
    usage="PROGRAM [ARGUMENT…]",
)
TIME = Magic("time", "measure how long the rest of the cell takes", take=take_time)
LINES = (
    *map(same, AS_IN_BASH),
    line("ll", lambda text: f"ls -l {text}".rstrip(), "[FILE…]", "run `ls -l`, as in IPython"),
    line("env", env, "[NAME[=VALUE]]", "show the environment's variables, or export one"),
    line("set_env", env, "NAME VALUE", "export a variable"),
    line("time", time, "COMMAND", "measure how long a command takes"),
)
CELLS = (BASH, SCRIPT, *map(program, PROGRAMS), replace(writefile.MAGIC, name="file"))
# By name; a cell magic that is also a line magic has its percent signs in the key.
HABITS: dict[str, Magic] = {magic.name: magic for magic in (*LINES, *CELLS)} | {TIME.called: TIME}


@dataclass(frozen=True)
class Question:
    """A cell that asks what a name is: a magic, or something of bash."""

    magic: Magic | None
    name: str

    def answer(self, columns: int | None = None) -> str:
        return about(self.magic, columns) if self.magic else ""

    @property
    def bash(self) -> str:
        """It only looks the name up."""
        name = shlex.quote(self.name)
        return (
            rf"case $(\builtin type -t -- {name}) in builtin | keyword) \builtin help -- {name} ;; "
            rf"*) \builtin type -a -- {name} ;; esac"
        )


def question(text: str, magics: Mapping[str, Magic]) -> Question | None:
    """`name?`, `name??` or `?name`, if that is the whole cell: elsewhere it is a pattern of bash."""
    found = QUESTION.match(text)
    if not found:
        return None
    percents, name = found["percents"], found["name"]
    magic = looked_up(percents, name, magics) if percents else None
    return None if percents and not magic else Question(magic, name)


def without_bangs(text: str) -> str:
    """Turn `!ls` at the beginning of a line into `ls`."""
    places = {found.end() for found in BANG.finditer(text)}
    for word in reversed(words(text)) if places else ():
        if word.command and word.begin + 1 in places:
            text = text[: word.begin] + text[word.begin + 1 :]
    return text


def leaving(text: str) -> str:
    """`quit` and `logout`, alone in a cell, end the shell as `exit` does. A command named `quit` is run instead."""
    found = QUIT.match(text)
    if not found:
        return text
    return "exit" if found[1] == "logout" else "type quit >/dev/null 2>&1 || exit 0\nquit"
