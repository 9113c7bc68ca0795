"""Whether a role's policies allow actions, by IAM's policy simulator, asked with the user's own credentials."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..errors import KernelError, Refused, UsageError
from .error_text import clean
from .function_list import service_client
from .target import Target

ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[\w+=,.@-]+)/.+")


def decisions(target: Target, arn: str, actions: Sequence[str], keys: tuple[str, str] | None = None) -> dict[str, str]:
    """By action: allowed, explicitDeny or implicitDeny. arn: of the role's session. Raises errors.KernelError."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    assumed = ASSUMED.fullmatch(arn)
    if not assumed:
        raise UsageError("only a role's policies can be simulated, and this is none")
    try:
        client = service_client(target, keys, "iam")
        return simulated(client, role_of(client, assumed), actions)
    except KernelError:  # raised by what finds credentials
        raise
    # botocore passes on exceptions from reading a bad answer.
    except (BotoCoreError, ClientError, ResponseParserError, OSError, ValueError, LookupError, TypeError) as error:
        why = clean(str(error))
        raise Refused(
            f"the policy simulator cannot be asked ({why}): it takes iam:GetRole and iam:SimulatePrincipalPolicy of "
            "your own credentials"
        ) from error


def role_of(client: Any, assumed: re.Match[str]) -> str:
    """The role's ARN. A session's ARN leaves out the role's path, which only IAM knows."""
    return str(client.get_role(RoleName=assumed["role"])["Role"]["Arn"])


def simulated(client: Any, role: str, actions: Sequence[str]) -> dict[str, str]:
    pages = client.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=role, ActionNames=[*actions])
    found = (result for page in pages for result in page.get("EvaluationResults", ()))
    return {str(result.get("EvalActionName")): str(result.get("EvalDecision")) for result in found}
