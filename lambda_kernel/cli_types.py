"""Types for the options of `lambda-kernel`: each turns a text into its value, or says why it cannot. And options that
commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

One = TypeVar("One")


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


def add_place(parser: argparse._ActionsContainer) -> None:
    """Where a function is."""
    parser.add_argument("--region", metavar="R", type=one_word, help="AWS region of the function")
    parser.add_argument("--profile", metavar="P", type=some_text, help="AWS profile whose credentials are used")
    parser.add_argument("--endpoint-url", metavar="U", type=url, help="URL of a Lambda endpoint other than AWS's")
