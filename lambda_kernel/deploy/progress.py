"""Following CloudFormation while it works: events as they come, and what failed first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .cloud import Cloud, Event
from .problems import DeployError, Interrupted, needed

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 1800.0  # the stack's three resources take a minute or two
# What CloudFormation says of resources that it gave up because another one had failed.
CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
STARTS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
ENDS = ("_COMPLETE", "_FAILED")
SUCCESS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")
VERBS = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "IMPORT": "imported"}


class Progress:
    """One operation on one stack. sleep is an argument, so that tests need not wait."""

    def __init__(self, cloud: Cloud, say: Callable[[str], None], sleep: Callable[[float], None]) -> None:
        self.cloud, self.say, self.sleep = cloud, say, sleep

    def newest(self, stack: str) -> str | None:
        """The event after which an operation's own begin."""
        event = next(self.cloud.events(stack), None)
        return event.id if event else None

    def follow(self, stack: str, name: str, after: str | None) -> str:
        """The status in which an operation that was begun ended; after: the newest event before it."""
        return self._until_over(stack, name, after, [])

    def join(self, stack: str, name: str) -> str:
        """The same for one that is under way; what it did before is looked at, not shown."""
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
                # Not the stack's own status, which may for a moment still be the one from before.
                status = next((event.status for event in reversed(events) if event.of_stack), "waiting to begin")
                if status.endswith(ENDS):
                    return checked(name, status, events)
                self.sleep(POLL_SECONDS)
                waited += POLL_SECONDS
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted; CloudFormation goes on with the stack {name} by itself: `lambda-kernel status` shows "
                "how far it is, and the same command run again waits for it"
            ) from None
        raise DeployError(f"the stack {name} is still {status} after half an hour: look with `lambda-kernel status`")

    def _after(self, stack: str, known: str | None) -> list[Event]:
        """What is newer than a known event, the oldest first."""
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
    """The status, if it is what was asked for. Raises DeployError for the first thing that failed."""
    first = first_failure(events)
    # A creation that failed may be followed by a deletion that did not.
    if status in SUCCESS and (status != "DELETE_COMPLETE" or first is None or first.status == "DELETE_FAILED"):
        return status
    if first is None:
        raise DeployError(f"the stack {name} ended as {status}, and CloudFormation gives no reason: see its console")
    verb = VERBS.get(first.status.partition("_")[0], "changed")
    what = f"{first.resource} ({first.type}) could not be {verb}"
    raise DeployError(f"the stack {name} failed: {what}: {advice(first.reason)}")


def first_failure(events: list[Event]) -> Event | None:
    """The event that all the others follow from; the stack's own only where no resource failed."""
    failed = [event for event in events if event.status.endswith("_FAILED") and not event.reason.startswith(CANCELLED)]
    failed += [event for event in events if event.of_stack and event.status.endswith("ROLLBACK_IN_PROGRESS")]
    return min(failed, key=lambda event: event.of_stack, default=None)


def advice(reason: str) -> str:
    """CloudFormation's reason, and what to do where that is known."""
    reason = reason.rstrip(".") or "no reason is given"
    action = needed(reason)
    if action:
        return f"{reason}: the caller needs {action}"
    if "already exists" in reason:
        return f"{reason}: delete that, or choose another name with --function"
    if "enanc" in reason:
        return f"{reason}: --no-tenant-isolation does without"
    return reason
