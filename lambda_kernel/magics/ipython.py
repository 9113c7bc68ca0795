"""What users of IPython type: its magics that stand for commands, `!command` and `name?`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..cell import Cell, Result
from ..errors import UsageError
from ..shell_commands import words
from . import writefile
from .base import Call, Command, Magic, looked_up

# IPython has these as commands of the shell's (IPython.core.alias and its magics); each takes what bash's takes.
AS_IN_BASH = (
    *("cd", "pwd", "ls", "pushd", "popd", "dirs"),
    *("cat", "cp", "mv", "rm", "mkdir", "rmdir", "less", "more", "man"),
)
PROGRAMS = ("sh", "python", "python3", "perl", "ruby")  # `%%NAME` is short for `%%script NAME`
OF_PYTHON = {"--out", "--err", "--bg", "--proc", "--no-raise-error"}  # they name variables of Python's
ONE_WORD = re.compile(r"(?:[^\s'\"\\;&|<>()`#]|\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\([^()]*\))*")
BANG = re.compile(r"^[ \t]*!(?=[A-Za-z_./~])", re.MULTILINE)  # `! command` is bash's own, and `!!` its history's
QUESTION = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?P<before>\?\??)?(?P<percents>%%?)?(?P<name>[A-Za-z_][\w.+-]*)"
    r"(?(before)|\?\??)[ \t]*\s*\Z"
)
QUIT = re.compile(r"\s*(quit|logout)[ \t]*;?\s*(?:#[^\n]*)?\s*\Z")
MORE = "Shift-Tab tells what a word is while you type. Programs tell their options themselves, mostly with --help."


def nothing(call: Call) -> str:
    """It is a command's to do."""
    return ""


def line(name: str, bash: Callable[[str], str], usage: str = "[ARGUMENT…]", what: str = "") -> Magic:
    return Magic(name, usage, what or f"IPython's way to run bash's `{name}`", nothing, bash=bash)


def same(name: str) -> Magic:
    return line(name, lambda text: f"{name} {text}".rstrip())


def env(text: str) -> str:
    """To show all variables, to show one, or to set one."""
    found = re.fullmatch(r"(?P<name>[A-Za-z_]\w*)(?:\s*=\s*|\s+(?![;&|<>#]))(?P<value>.*)", text)
    if not found:
        return f"{'printenv' if re.match(r'[A-Za-z_]', text) else 'env'} {text}".rstrip()
    name, value = found["name"], found["value"]
    if not ONE_WORD.fullmatch(value):
        raise UsageError(f"%env {name}: in bash that is `export {name}=…`, with the value quoted where it has blanks")
    return f"export {name}={value}"


def time(text: str) -> str:
    if not text:
        raise UsageError("usage: %time COMMAND, or %%time above the commands: it tells how long they take")
    return f"time {text}"


def take_bash(call: Call, cell: Cell, command: Command) -> Result | None:
    """A cell is bash's anyway. With arguments it is a bash of its own, as in IPython."""
    return piped(["bash", *call.words], call, cell, command) if call.words else told(cell.code, call, cell, command)


def take_script(call: Call, cell: Cell, command: Command) -> Result | None:
    if not call.words:
        raise UsageError("usage: %%script PROGRAM [ARGUMENT…]: the program gets the rest of the cell as its input")
    return piped(call.words, call, cell, command)


def take_time(call: Call, cell: Cell, command: Command) -> Result | None:
    if call.words:
        raise UsageError("usage: %%time above the commands, or %time COMMAND: it tells how long they take")
    return told(rf"time \builtin eval -- {shlex.quote(cell.code)}", call, cell, command)


def piped(program: list[str], call: Call, cell: Cell, command: Command) -> Result | None:
    """The program reads the cell, as IPython has it; the newline at its end is bash's."""
    if unknown := OF_PYTHON.intersection(word.partition("=")[0] for word in call.words):
        raise UsageError(f"{min(unknown)} is IPython's and needs Python: in bash `x=$(…)` keeps what a command prints")
    return told(f"{shlex.join(program)} <<<{shlex.quote(cell.code.removesuffix(chr(10)))}", call, cell, command)


def told(code: str, call: Call, cell: Cell, command: Command) -> Result | None:
    return command(replace(cell, code=code), call.emit) if cell.code.strip() else None


def program(name: str) -> Magic:
    return Magic(
        name,
        "[ARGUMENT…]",
        f"run the rest of the cell in a {name} of its own",
        nothing,
        cell=True,
        take=lambda call, cell, command: piped([name, *call.words], call, cell, command),
        text=True,
    )


BASH = Magic("bash", "[ARGUMENT…]", "run the rest of the cell, as without it", nothing, cell=True, take=take_bash)
SCRIPT = Magic(
    "script",
    "PROGRAM [ARGUMENT…]",
    "run the rest of the cell in a program of its own, which reads it",
    nothing,
    cell=True,
    take=take_script,
    text=True,
)
TIME = Magic("time", "", "tell how long the rest of the cell takes", nothing, cell=True, take=take_time)
LINES = (
    *map(same, AS_IN_BASH),
    line("ll", lambda text: f"ls -l {text}".rstrip(), "[FILE…]", "IPython's way to run `ls -l`"),
    line("env", env, "[NAME[=VALUE]]", "show the variables of the environment, or export one"),
    line("set_env", env, "NAME VALUE", "export a variable"),
    line("time", time, "COMMAND", "tell how long a command takes"),
)
CELLS = (BASH, SCRIPT, *map(program, PROGRAMS), replace(writefile.MAGIC, name="file"))
# By name; a cell's that is also a line's, with its percent signs.
HABITS: dict[str, Magic] = {magic.name: magic for magic in (*LINES, *CELLS)} | {TIME.called: TIME}


@dataclass(frozen=True)
class Question:
    """A cell that asks what a name is: a magic, or what bash would take it for."""

    magic: Magic | None
    name: str

    @property
    def answer(self) -> str:
        return f"{self.magic.synopsis}\n    {self.magic.summary}\n" if self.magic else ""

    @property
    def bash(self) -> str:
        """Nothing of that name is run."""
        name = shlex.quote(self.name)
        return (
            rf"case $(\builtin type -t -- {name}) in builtin | keyword) \builtin help -- {name} ;; "
            rf"*) \builtin type -a -- {name} ;; esac"
        )


def question(text: str, magics: Mapping[str, Magic]) -> Question | None:
    """`name?`, `name??` or `?name`, where that is the whole cell: elsewhere bash takes it for a pattern."""
    found = QUESTION.match(text)
    if not found:
        return None
    percents, name = found["percents"], found["name"]
    magic = looked_up(percents, name, magics) if percents else None
    return None if percents and not magic else Question(magic, name)


def without_bangs(text: str) -> str:
    """`!ls` at the beginning of a line is `ls`."""
    places = {found.end() for found in BANG.finditer(text)}
    for word in reversed(words(text)) if places else ():
        if word.command and word.begin + 1 in places:
            text = text[: word.begin] + text[word.begin + 1 :]
    return text


def leaving(text: str) -> str:
    """`quit` and `logout`, alone in a cell, end the shell as `exit` does; a command of that name is run."""
    found = QUIT.match(text)
    if not found:
        return text
    return "exit" if found[1] == "logout" else "type quit >/dev/null 2>&1 || exit 0\nquit"
