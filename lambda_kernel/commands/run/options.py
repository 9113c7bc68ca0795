"""The options of `lambda-kernel run`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ...aws.target import FUNCTION_VARIABLE
from .. import parsing

LONGEST_S = 604_800  # a week
ABOUT = (
    "Run shell text on a function, without a notebook: -c TEXT, a FILE, or standard input. The command's exit code "
    "becomes this one's."
)
CODES = "Exit codes of its own: 2 wrong usage, 124 time limit, 125 lambda-kernel or Lambda failed, 130 interrupted."


def add_command(commands: parsing.Commands, name: str, run: Callable[[argparse.Namespace], int]) -> None:
    parser = commands.add_parser(name, help="run shell text, for scripts and CI", description=ABOUT, epilog=CODES)
    parser.set_defaults(run=run)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("-c", dest="text", metavar="TEXT", help="the shell text")
    text = "a file of shell text; -, or no FILE and no -c: standard input"
    source.add_argument("file", metavar="FILE", nargs="?", type=parsing.some_text, help=text)
    text = "a function, such as shell, shell:live, shell@eu-north-1 or local:512 (default: what "
    text += f"{FUNCTION_VARIABLE} says, else local, the local emulator)"
    parser.add_argument("--on", metavar="TARGET", type=parsing.some_text, help=text)
    parsing.add_function_location(parser)
    text = "interrupt the command after so many seconds"
    parser.add_argument("--timeout", metavar="S", type=parsing.within(1, LONGEST_S), help=text)
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON, on stderr")
