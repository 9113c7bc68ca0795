"""The options of `deploy --like`."""

from __future__ import annotations

import argparse

from .. import cli_types
from .problems import DeployError

POLICY, CODE = "policy", "code"
OWN = {"like", "print", "function", "tenant_isolation", "region", "profile", "endpoint_url", "verbose"}
OWN |= {"tools", "no_tools", "dry_run", "yes", "run", "command"}


def add(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a shell with what another function has")
    text = (
        "make a function with the role, network, layers, variables, code and other settings of this one, which is only "
        "read; as FUNCTION:prod, with those of an alias or a version (--function: its name, by default FUNCTION-shell)"
    )
    group.add_argument("--like", metavar="FUNCTION", type=cli_types.one_word, help=text)
    text = "only print the permissions that you need for it (policy), or the shell's file (code)"
    group.add_argument("--print", metavar="WHAT", choices=(POLICY, CODE), help=text)


def check(options: argparse.Namespace) -> None:
    """Refuse options that say what comes from the original. Raises DeployError."""
    for name, value in vars(options).items():
        if name not in OWN and value not in (None, False):
            raise DeployError(
                f"--{name.replace('_', '-')} does not go together with --like, which takes settings from the function: "
                "leave one of them out"
            )
