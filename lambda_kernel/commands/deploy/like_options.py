"""The options of `deploy --like`."""

from __future__ import annotations

import argparse

from .. import parsing
from .problems import DeployError

POLICY, CODE = "policy", "code"
OWN = {"like", "print", "function", "tenant_isolation", "region", "profile", "endpoint_url", "verbose"}
OWN |= {"tools", "no_tools", "dry_run", "yes", "run", "command"}


def add(parser: argparse.ArgumentParser) -> None:
    text = "make FUNCTION-shell, with what FUNCTION (or FUNCTION:alias) has"
    parser.add_argument("--like", metavar="FUNCTION", type=parsing.one_word, help=text)
    text = "with --like: only print the policy that you need, or the code"
    parser.add_argument("--print", metavar="WHAT", choices=(POLICY, CODE), help=text)


def check(options: argparse.Namespace) -> None:
    """Refuse options that say what comes from the original. Raises DeployError."""
    for name, value in vars(options).items():
        if name not in OWN and value not in (None, False):
            raise DeployError(
                f"--{name.replace('_', '-')} does not go together with --like, which takes settings from the function: "
                "leave one of them out"
            )
