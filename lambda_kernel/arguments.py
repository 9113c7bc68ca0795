"""What the options of `lambda-kernel` may be: a text in, its value out, or one sentence on why not."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def within(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if text.isascii() and text.isdecimal() and lowest <= int(text) <= highest:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")

    return parse


def one_word(text: str) -> str:
    if not text or text.split() != [text]:
        raise argparse.ArgumentTypeError(f"{text!r} is empty or has blanks in it")
    return text


def some_text(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def url(text: str) -> str:
    if not one_word(text).startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL that begins with http:// or https://")
    return text
