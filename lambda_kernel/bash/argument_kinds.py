"""What a word of a command may be, according to the command and the words before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .cursor import CARRIERS, Token
from .reference import names, options

# Kinds of names that every bash has, with the same meanings.
FIXED = ("keyword", "builtin", "signal", "-signal", "event", "test", "set option", "shopt option")
COMMANDS = ("function", "alias", "keyword", "builtin", "command")


@dataclass(frozen=True)
class Wanted:
    """kinds: of names; paths: any, directory or program, and "" for none."""

    kinds: tuple[str, ...] = ()
    paths: str = ""


ANY, NOTHING, VARIABLE = Wanted(paths="any"), Wanted(), Wanted(("variable",))
SIGNAL = Wanted(("signal",))
# What stands behind the name of an option's value in a usage; other values are free text.
VALUES = {
    "ARRAY": VARIABLE,
    "NAME": VARIABLE,
    "FILE": ANY,
    "PATH": ANY,
    "SIGNAL": SIGNAL,
    "OPTION": Wanted(("set option",)),
    "FUNCTION": Wanted(("function",)),
    "COMMAND": Wanted(("function", "builtin", "command")),
}
ARGUMENTS = {
    **dict.fromkeys(("read", "mapfile", "readarray", "let"), VARIABLE),
    **dict.fromkeys(("cd", "pushd", "rmdir", "mkdir"), Wanted(paths="directory")),
    **dict.fromkeys(("alias", "unalias"), Wanted(("alias",))),
    **dict.fromkeys(("which", "hash", "man", "whatis", "whereis", "complete", "compopt"), Wanted(("command",))),
    **dict.fromkeys(("bg", "fg", "jobs", "wait", "disown", "popd", "dirs", "break", "continue", "exit"), NOTHING),
    **dict.fromkeys(("return", "shift", "umask", "ulimit", "times", "caller", "logout", "bind", "compgen"), NOTHING),
    **dict.fromkeys(("suspend", "fc", "pwd"), NOTHING),
    "function": Wanted(("function",)),
    "type": Wanted(COMMANDS),
    "help": Wanted(("builtin", "keyword")),
    "enable": Wanted(("builtin",)),
}
RUN = {"time": COMMANDS, "eval": COMMANDS, "builtin": ("builtin",), "command": ("builtin", "command")}
NEXT = {"for": ("in", "do"), "select": ("in", "do"), "case": ("in",)}


def wanted(token: Token) -> Wanted:
    if token.kind != "argument":
        return VARIABLE if token.kind == "variable" else Wanted(run(token), "program")
    if token.value:
        return ANY
    if token.typed.startswith("-") and "--" not in token.words:
        return option(token)
    return value(token) or operand(token)


def run(token: Token) -> tuple[str, ...]:
    """What can follow a command that runs another command."""
    if token.command == "command" and letters(token) & {"v", "V"}:
        return COMMANDS
    carried = token.command in CARRIERS or token.command == "find"
    return RUN.get(token.command, ("command",)) if carried else COMMANDS


def option(token: Token) -> Wanted:
    if token.command in ("[", "[[", "test"):
        return Wanted(("test",))
    if token.command in ("kill", "pkill", "killall"):
        return Wanted(("option", "-signal"))
    return Wanted(("option",), "" if token.command in names("builtin") else "any")


def value(token: Token) -> Wanted | None:
    """What can follow an option that takes a value."""
    last = token.words[-1] if token.words else ""
    if token.command == "timeout" and last == "-s":
        return SIGNAL
    if token.command in ("[", "[[", "test"):
        return tested(token, last)
    if not re.fullmatch(r"[-+][A-Za-z]+", last):
        return None
    name = re.match(r"([A-Z]+):", options(token.command).get("-" + last[-1], ""))
    return VALUES.get(name[1], NOTHING) if name else None


def tested(token: Token, last: str) -> Wanted | None:
    if last in ("-v", "-R"):
        return VARIABLE
    # Between two expressions of `[` it is "or".
    unary = token.command == "[[" or token.words[-2:-1] in ((), ("!",), ("\\(",))
    return VALUES["OPTION"] if last == "-o" and unary else None


def operand(token: Token) -> Wanted:
    special = SPECIAL.get(token.command)
    return special(token, len(operands(token))) if special else ARGUMENTS.get(token.command, ANY)


def looped(token: Token, count: int) -> Wanted:
    first = ANY if token.command == "case" else VARIABLE
    return (first, Wanted(("next",)))[count] if count < 2 else ANY


def got(token: Token, count: int) -> Wanted:
    return (NOTHING, VARIABLE)[count] if count < 2 else ANY


def killed(token: Token, count: int) -> Wanted:
    return SIGNAL if letters(token) & {"l", "L"} else NOTHING


def optional(token: Token, count: int) -> Wanted:
    return VALUES["OPTION"] if "o" in letters(token) else Wanted(("shopt option",))


def declared(token: Token, count: int) -> Wanted:
    given = letters(token)
    if given & {"f", "F"}:
        return Wanted(("function",))
    return Wanted(("variable", "function")) if token.command == "unset" and not given & {"v", "n"} else VARIABLE


def trapped(token: Token, count: int) -> Wanted:
    """First a command, then its arguments."""
    return Wanted(("event", "signal")) if count or letters(token) & {"l", "p"} else Wanted(COMMANDS)


SPECIAL: dict[str, Callable[[Token, int], Wanted]] = {
    **dict.fromkeys(("declare", "typeset", "export", "readonly", "local", "unset"), declared),
    **dict.fromkeys(("for", "select", "case"), looped),
    "trap": trapped,
    "shopt": optional,
    "kill": killed,
    "getopts": got,
}


def operands(token: Token) -> list[str]:
    return [word for word in token.words if word == "-" or not word.startswith("-")]


def letters(token: Token) -> set[str]:
    """What the options before it say."""
    return {letter for word in token.words if re.fullmatch(r"[-+][A-Za-z]+", word) for letter in word[1:]}


def fixed(kind: str, command: str) -> Mapping[str, str]:
    """The names of a kind that every bash has, with their meanings."""
    if kind == "option":
        return options(command)
    if kind == "next":
        return {name: names("keyword")[name] for name in NEXT.get(command, ())}
    return names(kind) if kind in FIXED else {}
