"""The arguments of a magic. They are declared once: parsing, synopsis, help, Tab and Shift-Tab read the declaration."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from ..errors import UsageError

HELP = ("-h", "--help")
OPTION = re.compile(r"--?[^\W\d][^\s=]*(?:=.*)?", re.DOTALL)  # `-1` and `-` are words

NO_VALUE = "expected one argument"  # in argparse's words
UNITS = {"s": 1, "m": 60, "h": 3600}  # seconds
LONGEST_SPAN = 24 * 3600.0  # seconds

Kind = Literal["local path", "remote path", "target", "magic"]


@dataclass(frozen=True)
class Argument:
    """An option if its name begins with a dash, else a word. The value is an attribute of Call.options.

    metavar: stands for the value. An option with neither metavar nor choices is a flag.
    choices: words that are typed as they are, with their meanings.
    read: makes the value of any other word; raises ValueError with the words that it takes.
    nargs: of a word, as in argparse. default: the value if it is not given. kinds: what else Tab offers. signed: its
    words may begin with a dash, so the magic has no options. offers: words of `read` that Tab offers once one is
    begun.
    """

    name: str
    help: str
    metavar: str = ""
    choices: Mapping[str, object] = field(default_factory=dict)
    read: Callable[[str], object] = str
    nargs: Literal["?", "+", "*"] | None = None
    default: object = None
    kinds: tuple[Kind, ...] = ()
    signed: bool = False
    offers: tuple[str, ...] = ()

    @property
    def option(self) -> bool:
        return self.name.startswith("-")

    @property
    def value(self) -> str:
        return ("|" if self.option else " | ").join([*([self.metavar] if self.metavar else []), *self.choices])

    @property
    def written(self) -> str:
        return f"{self.name} {self.value}".rstrip() if self.option else self.value

    @property
    def synopsis(self) -> str:
        return f"[{self.written}]" if self.option or self.nargs in ("?", "*") else self.written

    def meaning(self, text: str) -> object:
        """Raises UsageError."""
        if text in self.choices:
            return self.choices[text]
        takes = [listed([f"`{word}`" for word in self.choices])] if self.choices else []
        try:
            if self.metavar:
                return self.read(text)
        except ValueError as error:
            takes.insert(0, str(error))
        name = self.name if self.option else self.metavar if self.metavar.isalpha() else "it"
        raise UsageError(f"{name} takes {', or '.join(takes)}, not {text!r}")


def listed(texts: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def same(*words: str) -> dict[str, object]:
    """Choices that mean themselves."""
    return {word: word for word in words}


def nonempty(text: str) -> str:
    if not text:
        raise ValueError("a word that is not empty")
    return text


def time_span(text: str) -> float:
    """Seconds."""
    found = re.fullmatch(r"(\d{1,6})([smh])", text)
    if not found or not 0 < (seconds := float(found[1]) * UNITS[found[2]]) <= LONGEST_SPAN:
        raise ValueError("a time such as `90s`, `5m` or `2h`, up to `24h`")
    return seconds


def whole_number(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError("a whole number")
    return int(text)


def asks_help(words: Sequence[str]) -> bool:
    return any(word in HELP for word in before_dashes(words))


def before_dashes(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


class Parser(argparse.ArgumentParser):
    """Reads a magic's words. It never exits.

    argparse reads the options. Words are dealt out here: argparse takes none after an option (`%get a -f b`), and its
    intermixed mode forgets a `--` that comes first (Python 3.10 to 3.13).
    """

    def __init__(self, called: str, arguments: Sequence[Argument], hints: Mapping[str, str]) -> None:
        super().__init__(called, add_help=False, allow_abbrev=False)
        self._hints = hints
        self._words = [argument for argument in arguments if not argument.option]
        self._options = {
            self.add_argument(argument.name, action="store" if argument.value else "store_true").dest: argument
            for argument in arguments
            if argument.option
        }

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Raises UsageError without the usage, which the magic knows."""
        before = before_dashes(words)
        options, rest = self.parse_known_args(before)
        for word in () if any(word.signed for word in self._words) else filter(OPTION.fullmatch, rest):
            raise UsageError(self._unknown(word.partition("=")[0]))
        for name, option in self._options.items():
            text = getattr(options, name)
            if option.value:
                setattr(options, name, option.default if text is None else option.meaning(text))
        self._deal([*rest, *words[len(before) + 1 :]], options)
        return options

    def _deal(self, words: list[str], options: argparse.Namespace) -> None:
        for argument in self._words:
            several = argument.nargs in ("+", "*")
            count = len(words) if several else 1
            taken, words = [argument.meaning(word) for word in words[:count]], words[count:]
            if not taken and argument.nargs not in ("?", "*"):
                raise UsageError(f"{argument.value} is missing")
            setattr(options, argument.name, taken if several else taken[0] if taken else argument.default)
        if words:
            below = " (commands go on the lines below)" if self.prog.startswith("%%") else ""
            raise UsageError(f"{words[0]!r} is one word too many{below}")

    def _unknown(self, name: str) -> str:
        if name in self._hints:
            return f"there is no option {name}: {self._hints[name]}"
        near = difflib.get_close_matches(name, [*(option.name for option in self._options.values()), *HELP], 1)
        hint = f"did you mean {near[0]}?" if near else "`--` before it makes it a word" if self._words else ""
        return f"there is no option {name}" + (f" ({hint})" if hint else "")

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        name, _, why = message.partition(": ")
        option = next((one for one in self._options.values() if one.name == name), None)
        raise UsageError(f"{name} needs {option.value}" if option and why == NO_VALUE else message)
