"""What botocore and Lambda say when it goes wrong, as our errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from . import errors
from .report import Report


def function_failed(payload: Any, request_id: str, report: Report | None) -> errors.FunctionFailed:
    told = payload if isinstance(payload, dict) else {"errorMessage": str(payload)}
    message = str(told.get("errorMessage", ""))
    error_type = str(told.get("errorType", ""))
    if report and report.error_type == "Runtime.OutOfMemory":
        size = f" of {report.memory_size_mb} MB" if report.memory_size_mb else ""
        text, error_type = f"the function ran out of its memory{size}", report.error_type
    elif error_type == "Sandbox.Timedout" or "Task timed out" in message:  # older Lambda gives no type
        text, error_type = "the function's timeout ended the execution environment's processes", "Sandbox.Timedout"
    elif error_type == "Runtime.ExitError":
        text = f"the function's runtime died ({message.partition('Error: ')[2] or message})"
    else:
        text = f"the function failed: {error_type}: {message}"
    return errors.FunctionFailed(text, error_type, request_id, report)


@contextlib.contextmanager
def mapped_errors(function: str, region: str) -> Iterator[None]:
    """botocore's errors as ours."""
    from botocore import exceptions as boto

    where = f" in {region}" if region else ""
    try:
        yield
    except boto.ClientError as error:
        raise client_error(error, function, where) from error
    except boto.ProfileNotFound as error:
        raise errors.Refused(f"{error}: name another with --profile, or run `aws configure`") from error
    except boto.NoRegionError as error:
        raise errors.Refused("no AWS region is set: name one with --region, or set AWS_REGION") from error
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.TokenRetrievalError) as error:
        raise errors.Refused(f"no AWS credentials ({error}): run `aws configure`, or `aws sso login`") from error
    except (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError) as error:
        raise errors.Unreachable(f"cannot reach Lambda{where}: {error}: check the network and the endpoint") from error
    except (boto.HTTPClientError, boto.ConnectionError) as error:
        raise errors.Unanswered(f"no answer from Lambda{where}: {error}") from error
    except boto.BotoCoreError as error:
        raise errors.Refused(f"the AWS settings cannot be used: {error}") from error
    except OSError as error:
        raise errors.Unanswered(f"the connection to Lambda{where} broke: {error}") from error


def client_error(error: Any, function: str, where: str) -> errors.KernelError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "TooManyRequestsException" or status == 429:
        reason = error.response.get("Reason") or message
        return errors.Throttled(f"Lambda throttled `{function}`{where}: {reason}")
    if code == "InvalidParameterValueException" and "tenan" in message.lower():
        return errors.WrongTenancy(message)
    if code == "ResourceNotFoundException":
        text = f"no function named `{function}`{where}: name another with %use, or deploy one"
    elif code == "AccessDeniedException":
        text = f"access denied{where}: the caller needs lambda:InvokeFunction on `{function}` ({message})"
    elif code.startswith("ExpiredToken"):
        text = f"the AWS credentials have expired: renew them (`aws sso login`, say) and run the cell again ({message})"
    elif code in ("UnrecognizedClientException", "InvalidSignatureException"):
        text = f"AWS does not accept the credentials: {message}: check the profile and the clock"
    else:
        text = f"Lambda refused `{function}`{where}: {code}: {message}"
    # A server's error may come after the function ran; a client's never does.
    return errors.Unanswered(text) if status >= 500 else errors.Refused(text)
