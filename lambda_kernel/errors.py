"""What can go wrong between a cell and its output. Each message says what happened, where, and what to do next."""

from __future__ import annotations

from .report import Report


class KernelError(Exception):
    """The base class. Users see its text."""


class UsageError(KernelError):
    """A wrong magic or setting. Nothing was sent to Lambda."""


class Refused(KernelError):
    """Lambda did not run the function. after: how many seconds to wait before the next request."""

    after = 0.0


class Throttled(Refused):
    """Too many requests at once. Nothing has run, so the request may be sent again.

    limit: whose limit it is, in a few words. quota: perhaps it is the quota of tenants' environments.
    """

    def __init__(self, message: str, after: float = 0, limit: str = "Lambda's limit", quota: bool = False) -> None:
        super().__init__(message)
        self.after, self.limit, self.quota = after, limit, quota


class NotReady(Refused):
    """The function cannot run yet, but soon may. The request may be sent again."""


class CostLimit(Refused):
    """The kernel has spent what `%cost --limit` allows."""


class BadSettings(Refused):
    """The AWS settings of this machine are wrong. Once they are corrected, a new client may send the request again."""


class BadCredentials(BadSettings):
    """There are no credentials, or AWS does not accept them."""


class AccessDenied(BadCredentials):
    """AWS knows the caller, who lacks a permission."""


class Unreachable(Refused):
    """No connection could be made, so nothing has run."""


class WrongTenancy(Refused):
    """The function wants a tenant id and got none, or the other way round."""


class Unanswered(KernelError):
    """No answer came. The function may have run or not."""


class Abandoned(Unanswered):
    """The user interrupted, or the time limit was reached, and no answer came in the time that an answer takes."""


class FunctionFailed(KernelError):
    """The runtime died or raised an exception, so what it ran is over.

    error_type: Lambda's name for it, such as Sandbox.Timedout, Runtime.ExitError or Runtime.OutOfMemory. payload: the
    function's whole answer.
    """

    def __init__(
        self, message: str, error_type: str, request_id: str, report: Report | None, payload: str = ""
    ) -> None:
        super().__init__(message)
        self.error_type, self.request_id, self.report, self.payload = error_type, request_id, report, payload


class KernelspecError(KernelError):
    """A kernelspec cannot be written, found or removed."""


class Interrupted(KernelError):
    """The user interrupted."""


class TooCostly(KernelError):
    """An experiment would cost more than the user has agreed to."""


class TransferFailed(KernelError):
    """A file could not be read or written, on either side."""


class CommandLost(KernelError):
    """A command was started, and its environment or shell is gone."""


class NotOurs(KernelError):
    """The function speaks another protocol: it is another version, or no shell function at all."""


class ShellPerCommand(NotOurs):
    """It is the 2018 article's function, which starts a shell for each command. No command has been sent to it."""
