"""The names of the functions in a region."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import AccessDenied, KernelError, Refused
from .boto_session import make_session
from .client_errors import mapped_errors
from .error_text import ErrorContext, clean
from .target import Target
from .transport import CONNECT_TIMEOUT

MOST = 10_000
READ_SECONDS = 20.0
TRIES = 2


def function_names(target: Target, keys: tuple[str, str] | None) -> list[str]:
    """Of all functions where a target is. keys: those that are stored for its endpoint. Raises errors.KernelError."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    client = service_client(target, keys)
    where = f" in {target.region}" if target.region else ""
    try:
        pages = client.get_paginator("list_functions").paginate(PaginationConfig={"MaxItems": MOST})
        return [str(function.get("FunctionName")) for page in pages for function in page.get("Functions", ())]
    except KernelError:  # raised by what finds credentials
        raise
    except ClientError as error:
        denied = error.response.get("Error", {}).get("Code") in ("AccessDenied", "AccessDeniedException")
        raise (AccessDenied if denied else Refused)(sentence(where, error)) from error
    # botocore passes on exceptions from reading a bad answer.
    except (BotoCoreError, ResponseParserError, OSError, ValueError, AttributeError, TypeError) as error:
        raise Refused(sentence(where, error)) from error


def sentence(where: str, error: Exception) -> str:
    return (
        f"cannot list the functions{where} ({clean(str(error))}): check the network and the profile, or name each one"
    )


def service_client(target: Target, keys: tuple[str, str] | None, service: Literal["lambda", "iam"] = "lambda") -> Any:
    """For what is no invocation: few tries, and a short wait."""
    from botocore.config import Config

    context = ErrorContext(region=target.region or "", profile=target.profile)
    key, secret = keys or (None, None)
    with mapped_errors(context):
        return make_session(context, target.profile, target.region).client(
            service,
            endpoint_url=target.endpoint_url,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_SECONDS, retries={"total_max_attempts": TRIES}
            ),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
