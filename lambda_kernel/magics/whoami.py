"""%whoami: the role that the environment has, and what it may do."""

from __future__ import annotations

import functools
import re
import uuid
from argparse import Namespace
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..aws.endpoints import service_host
from ..aws.error_text import mask
from ..aws.usage import Key
from ..function.sent import caller_identity, system
from ..output import live_view
from ..output.environment_table import some, table
from ..session.cell import Shown
from ..untrusted import maybe, record, shown
from .arguments import Argument
from .base import Call, Magic

KEY = "lambda_identity"
SECONDS = 3.0  # how long STS may take
MOST = 50
LOCAL = "none: the local emulator's credentials are made up"
ANSWERS = {"allowed": "yes", "explicitDeny": "no: a policy denies it", "implicitDeny": "no: no policy allows it"}
TEXT = maybe(shown(2_100))
NAMES = ("region", "function", "version", "runtime", "python", "handler", "arn", "error")
IDENTITY = record(dict.fromkeys(NAMES, TEXT))
ACTION = re.compile(r"[a-z0-9-]{1,64}:[A-Za-z*]{1,100}")


def action(word: str) -> str:
    if not ACTION.fullmatch(word):
        raise ValueError("an action such as `s3:GetObject`")
    return word


def run(call: Call, url: str | None = None) -> str:
    """url: STS's, in place of the region's own."""
    workspace = call.workspace
    session = workspace.enter(call.emit, call.control)
    region, local = session.transport.region, workspace.target.local
    question = ("caller_identity", IDENTITY)
    facts = live_view.ask(
        session,
        question,
        call.context,
        modules=(system, caller_identity),
        url=url or f"https://{service_host('sts', region)}/",
        region=region,
        seconds=SECONDS,
        ask=not local,
    )
    arn, actions = facts["arn"], call.options.actions
    told = decisions(call, arn, actions) if arn and actions else {}
    found = {name: value if value is None else mask(value) for name, value in facts.items()} | {"allows": told}
    call.emit(Shown(uuid.uuid4().hex, table({"": rows(found, local, actions)}), {KEY: found}))
    return ""


def decisions(call: Call, arn: str, actions: list[str]) -> dict[str, str]:
    """Raises errors.KernelError."""
    workspace = call.workspace
    ask = functools.partial(workspace.connector.decisions, workspace.target, arn, actions)
    return call.within_limit(ask, "the policy simulator was asked")


def rows(facts: Mapping[str, Any], local: bool, actions: list[str]) -> dict[str, str]:
    role = LOCAL if local else facts["arn"] or f"not known: {facts['error']}"
    shown = {
        "role": role,
        "region": facts["region"] or "not known",
        "function": some(facts["function"], facts["version"]),
        "runtime": some(facts["runtime"], f"Python {facts['python']}"),
        "handler": facts["handler"] or "not known",
    }
    missing = "not known: there is no role" if local else "not known: the simulator gave no answer"
    asked = missing if facts["arn"] or local else "not known: neither is the role"
    return shown | {name: ANSWERS.get(facts["allows"].get(name, ""), asked) for name in actions}


def check(options: Namespace) -> str:
    if options.actions and not options.allows:
        return "ACTION needs --allows before it"
    if options.allows and not options.actions:
        return "--allows needs an ACTION, such as s3:GetObject"
    return f"it takes {MOST} actions at most" if len(options.actions) > MOST else ""


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "arn": Key("string", "of the role's session; the account is masked"),
        "error": Key("string", "why the role is not known"),
        "region": Key("string", "AWS_REGION"),
        "function": Key("string", "AWS_LAMBDA_FUNCTION_NAME"),
        "version": Key("string", "AWS_LAMBDA_FUNCTION_VERSION"),
        "runtime": Key("string", "AWS_EXECUTION_ENV"),
        "python": Key("string", "version of the runtime's Python"),
        "handler": Key("string", "_HANDLER"),
        "allows": Key("object", "by action: `allowed`, `explicitDeny` or `implicitDeny`"),
    }
)

MAGIC = Magic(
    "whoami",
    "show the function's role, region, runtime and handler, and what it may do",
    run,
    (
        Argument("--allows", "ask IAM's policy simulator whether the role may do these actions, on any resource"),
        Argument("actions", "an action, such as `s3:GetObject`", "ACTION…", read=action, nargs="*"),
    ),
    check=check,
    more=(
        "The environment asks STS, which needs no permission; in a VPC it needs a way to STS. The account's number is "
        "masked. --allows asks with your own credentials, which need iam:GetRole and iam:SimulatePrincipalPolicy. The "
        "simulator knows the role's policies and its boundary, but no policies of resources, and no conditions."
    ),
    examples=(("%whoami --allows s3:GetObject sqs:SendMessage", "see what the role may do"),),
)
