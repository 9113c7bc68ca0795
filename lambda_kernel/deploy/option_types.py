"""Types for the options of the deployment commands: each turns a text into its value, or says why it cannot."""

from __future__ import annotations

import argparse
import re

from .. import cli_types
from . import template

POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+")
LAYER_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:[\w-]+:\d+")


def memories(text: str) -> str:
    """Several in their order, so that the same family is the same text."""
    return ",".join(map(str, sorted(cli_types.several(cli_types.within(128, 10240))(text))))


def architectures(text: str) -> str:
    return ",".join(sorted(cli_types.several(architecture)(text)))


def architecture(text: str) -> str:
    if text not in template.ARCHITECTURES:
        raise argparse.ArgumentTypeError(f"{text!r} is neither {' nor '.join(template.ARCHITECTURES)}")
    return text


def policy(text: str) -> str:
    if text != "none" and not POLICY_ARN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither the ARN of a managed policy nor `none`")
    return text


def layer(text: str) -> str:
    if text != "none" and not LAYER_ARN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither the ARN of a layer's version nor `none`")
    return text


def retention(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) in template.RETENTION_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(map(str, template.RETENTION_DAYS))}")
