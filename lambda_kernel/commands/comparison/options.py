"""The options of `lambda-kernel compare`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from .. import parsing

Run = Callable[[argparse.Namespace], int]


def add_command(commands: parsing.Commands, run: Run) -> None:
    text = (
        "Run a notebook on several targets, one after the other, and report what differs: outputs, times, memory, cost "
        "and the environments. The notebook itself stays as it is."
    )
    parser = commands.add_parser("compare", help="run a notebook on several targets", description=text)
    parser.set_defaults(run=run)
    parser.add_argument("notebook", metavar="NOTEBOOK", type=parsing.some_text, help="the notebook's file")
    text = (
        "a target: shell, shell:alias, shell@eu-west-1, local, local:512, local:IMAGE, or a pattern such as 'shell-*'"
    )
    parser.add_argument("--on", metavar="TARGET", action="append", required=True, type=parsing.one_word, help=text)
    text = "directory for the report and the executed copies (default: NOTEBOOK-compared)"
    parser.add_argument("--out", metavar="DIR", type=parsing.some_text, help=text)
    text = "treat what matches as the same everywhere (repeatable)"
    parser.add_argument("--ignore", metavar="REGEX", action="append", default=[], type=_pattern, help=text)
    group = parser.add_argument_group("the functions, where the target does not say it")
    group.add_argument("--region", metavar="R", type=parsing.one_word, help="AWS region")
    group.add_argument("--profile", metavar="P", type=parsing.some_text, help="AWS profile whose credentials are used")
    group.add_argument("--endpoint-url", metavar="U", type=parsing.url, help="URL of an endpoint other than AWS's")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(parsing.some_text(text))
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from error
