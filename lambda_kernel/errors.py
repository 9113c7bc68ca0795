"""What can go wrong between a cell and its output: each message says what, where and what to do next."""

from __future__ import annotations

from .report import Report


class KernelError(Exception):
    """The base: its text is one that users see."""


class UsageError(KernelError):
    """A magic or a setting that cannot be; nothing was sent to Lambda."""


class Refused(KernelError):
    """Lambda did not run the function at all. after: the seconds that it wants to be left alone for."""

    after = 0.0


class Throttled(Refused):
    """Refused for now: too many at once. Nothing has run, so it may be sent again."""

    def __init__(self, message: str, after: float = 0) -> None:
        super().__init__(message)
        self.after = after


class NotReady(Refused):
    """The function cannot run yet, and soon may: it can be sent again."""


class BadSettings(Refused):
    """The AWS settings of this machine do not do. Once they are mended it can be sent again, by a new client."""


class BadCredentials(BadSettings):
    """There are none, or AWS does not take them."""


class AccessDenied(BadCredentials):
    """AWS knows the caller, who may not do it: another one may."""


class Unreachable(Refused):
    """No connection could be made, so that nothing has run."""


class WrongTenancy(Refused):
    """The function wants a tenant id and got none, or the other way round."""


class Unanswered(KernelError):
    """No answer came: the function may have run or not."""


class Abandoned(Unanswered):
    """The user interrupted, or the time was up, and no answer came for as long as one takes."""


class FunctionFailed(KernelError):
    """The runtime died or raised: what it ran is over.

    error_type is Lambda's, such as Sandbox.Timedout, Runtime.ExitError or Runtime.OutOfMemory; payload is what the
    function answered in full.
    """

    def __init__(
        self, message: str, error_type: str, request_id: str, report: Report | None, payload: str = ""
    ) -> None:
        super().__init__(message)
        self.error_type, self.request_id, self.report, self.payload = error_type, request_id, report, payload


class Interrupted(KernelError):
    """The user stopped what was under way."""


class TransferFailed(KernelError):
    """A file could not be read or written, on this side or on the other."""


class CommandLost(KernelError):
    """A command that was started, and whose environment or shell is gone."""


class NotOurs(KernelError):
    """The function answers in another protocol: it is no shell function, or another version of it."""


class ShellPerCommand(NotOurs):
    """It is the 2018 article's function, which has a shell for each command. No command has been sent to it."""
