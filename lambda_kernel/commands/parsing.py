"""The options of `lambda-kernel`: what is said about wrong ones, types of values, and options that commands share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    # What add_subparsers returns: it has no public name, and takes no type while the program runs.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

One = TypeVar("One")

# What argparse says and writes (Python 3.10 to 3.14).
UNKNOWN_COMMAND = re.compile(r"argument COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", re.DOTALL)
WORD = re.compile(r"[a-z][\w-]*")
OPTION = re.compile(r"--[a-z][\w-]*")
OPTIONS = re.compile(r"(?: \[-(?:[^\[\]]|\[[^\[\]]*\])*\])+")  # that may be left out
COLOURS = re.compile(r"\x1b\[[\d;]*m")


def within(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if text.isascii() and text.isdecimal() and lowest <= int(text) <= highest:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")

    return parse


def several(parse: Callable[[str], One]) -> Callable[[str], list[One]]:
    """Values with commas between. Each may stand there once."""

    def parse_all(text: str) -> list[One]:
        found = [parse(part.strip()) for part in text.split(",")]
        for value in found:
            if found.count(value) > 1:
                raise argparse.ArgumentTypeError(f"{text!r} names {value} twice")
        return found

    return parse_all


def one_word(text: str) -> str:
    if not text or text.split() != [text]:
        raise argparse.ArgumentTypeError(f"{text!r} is empty or contains blanks")
    return text


def some_text(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the value is empty")
    return text


def url(text: str) -> str:
    if not one_word(text).startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL that begins with http:// or https://")
    return text


def add_function_location(parser: argparse._ActionsContainer) -> None:
    """Where a function is."""
    parser.add_argument("--region", metavar="R", type=one_word, help="AWS region of the function")
    parser.add_argument("--profile", metavar="P", type=some_text, help="AWS profile whose credentials are used")
    parser.add_argument("--endpoint-url", metavar="U", type=url, help="URL of a Lambda endpoint other than AWS's")


def add_profile_for_images(parser: argparse.ArgumentParser) -> None:
    text = "AWS profile that may pull the image from Amazon ECR"
    parser.add_argument("--profile", metavar="P", type=some_text, help=text)


class Command(argparse.ArgumentParser):
    """Says first what is wrong, then how the command is written, in a line each."""

    def error(self, message: str) -> NoReturn:
        if found := UNKNOWN_COMMAND.match(message):
            message = f"there is no command {found[1]}{meant(found[1], WORD.findall(found[2]))}"
        why = f"{self.prog}: {message.removeprefix('argument ')}"
        self.exit(2, f"{why}\n{short(self.format_usage())}   (all: {self.prog} --help)\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The base class leaves it to the main parser to complain, which does not know the command's options."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(self._unknown(rest[0].partition("=")[0]))
        return found, rest

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"{word!r} is one word too many"
        return f"there is no option {word}{meant(word, OPTION.findall(self.format_usage()))}"


def meant(word: str, known: Sequence[str]) -> str:
    import difflib  # a kernel's start does not need it

    near = difflib.get_close_matches(word, known, 1)
    return f": did you mean {near[0]}?" if near else ""


def short(usage: str) -> str:
    """In one line, without the options that may be left out."""
    line = " ".join(COLOURS.sub("", usage).split())
    return OPTIONS.sub("", OPTIONS.sub(" [OPTION…]", line, count=1))
