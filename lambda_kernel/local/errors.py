"""The engine's errors: what starting it can raise, and what its HTTP API answers."""

from __future__ import annotations


class EngineError(Exception):
    """The engine cannot start; the text is one sentence that names the remedy."""


class ApiError(Exception):
    """An error answer of the Lambda API, as botocore's service model names it."""

    def __init__(self, status: int, code: str, message: str, **extra: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra

    def body(self) -> dict[str, str]:
        """Return the JSON members; AWS spells the text `message`, and `Message` in ResourceNotFoundException."""
        key = "Message" if self.code == "ResourceNotFoundException" else "message"
        return {"Type": "User" if self.status < 500 else "Service", **self.extra, key: self.message}


def throttled(reason: str) -> ApiError:
    """Too many invocations at once: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
    return ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)


def invalid_parameter(message: str) -> ApiError:
    return ApiError(400, "InvalidParameterValueException", message)


def invalid_content(message: str) -> ApiError:
    return ApiError(400, "InvalidRequestContentException", message)
