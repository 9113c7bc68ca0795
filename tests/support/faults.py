"""What may become of an invocation: each takes its event, and what invokes the function."""

from __future__ import annotations

from collections.abc import Callable

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply

Invoke = Callable[[], Reply]


def answer_lost(event: Event, invoke: Invoke) -> Reply:
    invoke()
    raise errors.Unanswered("the connection to Lambda broke")


def request_lost(event: Event, invoke: Invoke) -> Reply:
    raise errors.Unanswered("the connection to Lambda broke")


def throttled(event: Event, invoke: Invoke) -> Reply:
    raise errors.Throttled("Lambda throttled `fake`")


def unreachable(event: Event, invoke: Invoke) -> Reply:
    raise errors.Unreachable("cannot reach Lambda")
