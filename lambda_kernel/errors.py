"""What can go wrong between a cell and its output: each message says what, where and what to do next."""

from __future__ import annotations

from .report import Report


class KernelError(Exception):
    """The base: its text is one that users see."""


class UsageError(KernelError):
    """A magic or a setting that cannot be; nothing was sent to Lambda."""


class Refused(KernelError):
    """Lambda did not run the function at all."""


class Throttled(Refused):
    """Refused for now: too many at once. Nothing has run, so it may be sent again."""


class Unreachable(Refused):
    """No connection could be made, so that nothing has run."""


class WrongTenancy(Refused):
    """The function wants a tenant id and got none, or the other way round."""


class Unanswered(KernelError):
    """No answer came: the function may have run or not."""


class FunctionFailed(KernelError):
    """The runtime died or raised: what it ran is over.

    error_type is Lambda's, such as Sandbox.Timedout, Runtime.ExitError or Runtime.OutOfMemory.
    """

    def __init__(self, message: str, error_type: str, request_id: str, report: Report | None) -> None:
        super().__init__(message)
        self.error_type, self.request_id, self.report = error_type, request_id, report


class CommandLost(KernelError):
    """A command that was started, and whose environment or shell is gone."""


class NotOurs(KernelError):
    """The function answers in another protocol: it is no shell function, or another version of it."""
