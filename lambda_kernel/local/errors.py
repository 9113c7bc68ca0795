"""The engine's errors: those of its start, and those of its HTTP API."""

from __future__ import annotations


class EngineError(Exception):
    """The engine cannot start. The text is one sentence, which says what to do."""


class ApiError(Exception):
    """An error answer of the Lambda API, as botocore's service model names it."""

    def __init__(self, status: int, code: str, message: str, **extra: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra

    def body(self) -> dict[str, str]:
        """Return the JSON members. AWS spells the text `message`, and `Message` in two errors."""
        key = "Message" if self.code in ("ResourceNotFoundException", "ServiceException") else "message"
        return {"Type": "User" if self.status < 500 else "Service", **self.extra, key: self.message}


def throttled(reason: str) -> ApiError:
    """Too many invocations at once: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
    return ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)


def invalid_parameter(message: str) -> ApiError:
    return ApiError(400, "InvalidParameterValueException", message)


def invalid_member(name: str, value: str, rule: str) -> ApiError:
    """A part of a request is not of the form that botocore's service model gives; worded as AWS does."""
    text = f"Value '{value}' at '{name}' failed to satisfy constraint: Member must {rule}"
    return ApiError(400, "ValidationException", f"1 validation error detected: {text}")


def invalid_content(message: str) -> ApiError:
    return ApiError(400, "InvalidRequestContentException", message)


def too_large(message: str) -> ApiError:
    """AWS gives this code (github.com/ASFHyP3/hyp3/issues/2241), and not RequestTooLargeException as in its model."""
    return ApiError(413, "RequestEntityTooLargeException", message)
