"""Which commands are for a stack of ours, and which for a shell that `deploy --like` makes."""

from __future__ import annotations

import argparse

from . import command
from .console import Console
from .like import command as like
from .problems import DeployError


def run(options: argparse.Namespace) -> int:
    """Run the named command, and return its exit code."""
    return command.guarded(options, COMMANDS.get(options.command, command.COMMANDS[options.command]))


def deploy(options: argparse.Namespace, console: Console) -> None:
    if options.like:
        like.deploy(options, console)
    elif options.print:
        raise DeployError("--print needs --like FUNCTION")
    else:
        command.deploy(options, console)


def show_status(options: argparse.Namespace, console: Console) -> None:
    shells = "" if options.stack else like.table(like.connect(options), options.function)
    command.show_status(options, console, others=shells)


def delete(options: argparse.Namespace, console: Console) -> None:
    if options.function and not options.stack:
        functions = like.connect(options)
        try:
            shell = like.find(functions, options.function)
        except DeployError:  # such as a permission that a stack's deletion does not need
            shell = None
        if shell:
            like.delete(options, console, functions, shell)
            return
    command.delete(options, console)


COMMANDS = {"deploy": deploy, "status": show_status, "delete": delete}
