"""Types for the options of the deployment commands: each turns a text into its value, or says why it cannot."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from ...aws.target import MEMORY_MB
from .. import parsing
from . import template

NONE = "none"  # takes a setting away
POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+")
LAYER_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:[\w-]+:\d+")
ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+")
KEY_ARN = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+")
SUBNET, GROUP = re.compile(r"subnet-[0-9a-f]{8,17}"), re.compile(r"sg-[0-9a-f]{8,17}")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # Amazon S3 user guide, bucket naming rules
RUNTIME = re.compile(r"python3\.[1-9]\d")
VARIABLE = re.compile(r"[a-zA-Z]\w+", re.ASCII)  # API reference, Environment
# What all services take; CloudFormation wants a value (API reference, Tag; AWS resource groups and tagging).
TAG_KEY, TAG_VALUE = re.compile(r"[\w .:/=+@-]{1,128}"), re.compile(r"[\w .:/=+@-]{1,256}")
# Lambda sets these itself, and refuses them (Lambda developer guide, configuration-envvars).
RESERVED = {
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_ACCESS_KEY"),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
    *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API"),
    *("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
}


def memories(text: str) -> str:
    """Several in their order, so that the same family is the same text."""
    return ",".join(map(str, sorted(parsing.several(parsing.within(*MEMORY_MB))(text))))


def architectures(text: str) -> str:
    return ",".join(sorted(parsing.several(architecture)(text)))


def architecture(text: str) -> str:
    if text not in template.ARCHITECTURES:
        raise argparse.ArgumentTypeError(f"{text!r} is neither {' nor '.join(template.ARCHITECTURES)}")
    return text


def retention(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) in template.RETENTION_DAYS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(map(str, template.RETENTION_DAYS))}")


def runtime(text: str) -> str:
    if not RUNTIME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a Python runtime of 3.10 or newer, such as python3.14")
    return text


def matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    """A text of a pattern, or `none`."""

    def parse(text: str) -> str:
        if text != NONE and not pattern.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r} is neither {what} nor `{NONE}`")
        return text

    return parse


policy = matching(POLICY_ARN, "the ARN of a managed policy")
layer = matching(LAYER_ARN, "the ARN of a layer's version")
role_or_none = matching(ROLE_ARN, "the ARN of a role")
key = matching(KEY_ARN, "the ARN of a KMS key")
subnet = matching(SUBNET, "the id of a subnet, such as subnet-0a1b2c3d,")
group = matching(GROUP, "the id of a security group, such as sg-0a1b2c3d,")
bucket = matching(BUCKET, "the name of an S3 bucket")


def role(text: str) -> str:
    if not ROLE_ARN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the ARN of a role")
    return text


def variable(text: str) -> tuple[str, str] | None:
    """The name and the value. None: none at all."""
    if text == NONE:
        return None
    name, value = _pair(text, "NAME=VALUE")
    if not VARIABLE.fullmatch(name):
        raise argparse.ArgumentTypeError(
            f"{name!r} cannot be a variable's name: use two or more letters, digits and _, and begin with a letter"
        )
    if name in RESERVED:
        raise argparse.ArgumentTypeError(f"Lambda sets {name} itself: choose another name")
    if not value.replace("\n", "").replace("\t", "").isprintable():
        raise argparse.ArgumentTypeError(f"the value of {name} has characters that cannot be printed")
    return name, value


def tag(text: str) -> tuple[str, str] | None:
    """The key and the value. None: none at all."""
    if text == NONE:
        return None
    name, value = _pair(text, "KEY=VALUE")
    if not TAG_KEY.fullmatch(name) or name.lower().startswith("aws:"):
        raise argparse.ArgumentTypeError(
            f"{name!r} cannot be a tag's key: use 1 to 128 letters, digits, blanks and _.:/=+-@, and not aws: first"
        )
    if not TAG_VALUE.fullmatch(value):
        raise argparse.ArgumentTypeError(
            f"{value!r} cannot be a tag's value: use 1 to 256 letters, digits, blanks and _.:/=+-@"
        )
    return name, value


def _pair(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        # The text is not repeated: it may be a secret.
        raise argparse.ArgumentTypeError(f"it has no `=`: write {form}, or `{NONE}`")
    return name, value
