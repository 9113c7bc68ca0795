"""%use: another function for the cells that follow."""

import argparse
from typing import NoReturn

from ..target import named
from .base import Call, Magic, wrong


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise wrong(MAGIC)


def run(call: Call) -> str:
    parser = Parser(add_help=False, exit_on_error=False)
    parser.add_argument("function")
    for option in ("--region", "--profile", "--endpoint-url"):
        parser.add_argument(option)
    try:
        chosen = parser.parse_args(call.words)
    except argparse.ArgumentError as error:
        raise wrong(MAGIC) from error
    workspace = call.workspace
    workspace.use(named(chosen.function, chosen.region, chosen.profile, chosen.endpoint_url))
    known = "its session goes on" if workspace.target in workspace.sessions else "the next cell starts a session"
    return f"Cells now run on {workspace.target}: {known}.\n"


MAGIC = Magic(
    "use",
    "NAME [--region R] [--profile P] [--endpoint-url U]",
    "run cells on another function; `%use local` goes back to the local engine",
    run,
)
