"""Which commands are for a stack of ours, and which for a shell that `deploy --like` makes."""

from __future__ import annotations

import argparse

from . import command
from .cloud import Clients, make_clients
from .console import Console
from .like import command as like
from .like.cloud import Functions
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
    clients = _clients(options)

    def shells() -> str:
        return "" if options.stack else like.table(Functions(clients), options.function)

    command.show_status(options, console, clients, others=shells)


def delete(options: argparse.Namespace, console: Console) -> None:
    clients = _clients(options)
    if options.function and not options.stack:
        functions = Functions(clients)
        try:
            shell = like.find(functions, options.function)
        except DeployError:  # such as a permission that a stack's deletion does not need
            shell = None
        if shell:
            like.delete(options, console, functions, shell)
            return
    command.delete(options, console, clients)


def _clients(options: argparse.Namespace) -> Clients:
    """For the whole command: other clients would ask for another MFA code."""
    return make_clients(options.region, options.profile, options.endpoint_url)


COMMANDS = {"deploy": deploy, "status": show_status, "delete": delete}
