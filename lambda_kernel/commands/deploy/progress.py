"""Follows an operation of CloudFormation: shows its events, and finds what failed first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .cloud import Cloud, Event
from .problems import DeployError, Interrupted, needed

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 1800.0  # the stack's three resources take a minute or two
# Reasons of resources that CloudFormation cancelled because another one failed.
CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
STARTS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
ENDS = ("_COMPLETE", "_FAILED")
SUCCESS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")
# By words of the reason.
ADVICE = {
    "enanc": "add --no-tenant-isolation",
    "cannot be assumed": "its trust policy has to let lambda.amazonaws.com do sts:AssumeRole, or name another --role",
    "ross-account pass role": "name a role of the function's own account with --role",
    "CodeVerificationFailed": (
        "code in a template cannot be signed; sign the package that --s3-bucket uploads, and name the signed one with "
        "--s3-key"
    ),
    "CreateNetworkInterface": "the role has to allow what AWSLambdaVPCAccessExecutionRole does",
    "ubnet": "name subnets and security groups of one VPC in this region",
    "ecurity group": "name subnets and security groups of one VPC in this region",
}
VERBS = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "IMPORT": "imported"}


class Progress:
    """One operation on a stack."""

    def __init__(self, cloud: Cloud, say: Callable[[str], None], sleep: Callable[[float], None]) -> None:
        self.cloud, self.say, self.sleep = cloud, say, sleep

    def newest(self, stack: str) -> str | None:
        """The newest event, after which those of the next operation begin."""
        event = next(self.cloud.events(stack), None)
        return event.id if event else None

    def follow(self, stack: str, name: str, after: str | None) -> str:
        """Wait for an operation, and return its final status. after: the newest event before it."""
        return self._until_over(stack, name, after, [])

    def join(self, stack: str, name: str) -> str:
        """The same for an operation that is already running. Its earlier events are not shown."""
        past = list(self._operation(stack))[::-1]
        return self._until_over(stack, name, past[-1].id if past else None, past)

    def _operation(self, stack: str) -> Iterator[Event]:
        for event in self.cloud.events(stack):
            yield event
            if event.of_stack and (event.status in STARTS or event.reason == "User Initiated"):
                return

    def _until_over(self, stack: str, name: str, after: str | None, events: list[Event]) -> str:
        waited, status = 0.0, ""
        try:
            while waited < PATIENCE_SECONDS:
                new = self._after(stack, after)
                for event in new:
                    self.say(line(event))
                after = new[-1].id if new else after
                events += new
                # From the events, because the stack's own status may be out of date for a moment.
                status = next((event.status for event in reversed(events) if event.of_stack), "waiting to begin")
                if status.endswith(ENDS):
                    return checked(name, status, events)
                self.sleep(POLL_SECONDS)
                waited += POLL_SECONDS
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted; CloudFormation goes on with the stack {name}: see its state with `lambda-kernel "
                "status`, or run the same command again to wait for it"
            ) from None
        raise DeployError(f"the stack {name} is still {status} after half an hour: look with `lambda-kernel status`")

    def _after(self, stack: str, known: str | None) -> list[Event]:
        """Events after a known one, the oldest first."""
        new = []
        for event in self.cloud.events(stack):
            if event.id == known:
                break
            new.append(event)
        return new[::-1]


def line(event: Event) -> str:
    reason = f"  {event.reason}" if event.reason else ""
    return f"  {event.time.astimezone():%H:%M:%S}  {event.status:<20}  {event.resource} ({event.type}){reason}"


def checked(name: str, status: str, events: list[Event]) -> str:
    """Return the status if it is a success. Raises DeployError with the first failure."""
    first = first_failure(events)
    # A failed creation may be followed by a successful deletion.
    if status in SUCCESS and (status != "DELETE_COMPLETE" or first is None or first.status == "DELETE_FAILED"):
        return status
    if first is None:
        raise DeployError(f"the stack {name} ended as {status} without a reason: see CloudFormation's console")
    verb = VERBS.get(first.status.partition("_")[0], "changed")
    what = f"{first.resource} ({first.type}) could not be {verb}"
    raise DeployError(f"the stack {name} failed: {what}: {advice(first.reason)}")


def first_failure(events: list[Event]) -> Event | None:
    """The event that caused the others; the stack's own only if no resource failed."""
    failed = [event for event in events if event.status.endswith("_FAILED") and not event.reason.startswith(CANCELLED)]
    failed += [event for event in events if event.of_stack and event.status.endswith("ROLLBACK_IN_PROGRESS")]
    return min(failed, key=lambda event: event.of_stack, default=None)


def advice(reason: str) -> str:
    """CloudFormation's reason, and what to do if that is known."""
    reason = reason.rstrip(".") or "no reason was given"
    action = needed(reason)
    if action == "iam:CreateRole":
        return (
            f"{reason}: the caller needs {action}; name a role that exists with --role, or the boundary that your "
            "account asks for with --permissions-boundary"
        )
    if action:
        return f"{reason}: the caller needs {action}"
    if "already exists" in reason:
        return f"{reason}: delete that, or choose another name with --function"
    return next((f"{reason}: {what}" for words, what in ADVICE.items() if words in reason), reason)
