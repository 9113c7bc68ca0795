"""Which run goes next, and where: to free slots, and no more at once than Lambda takes.

What Lambda throttles has not begun. It goes back to the end of the queue, and waits there for its turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..errors import Throttled
from .plan import Plan, Run

RETRY_SECONDS = (1.0, 10.0)  # how long to wait before more is tried, from the first time on
# How long the experiment waits while none of its runs goes on: new environments of tenants cannot be had by waiting.
PATIENCE_SECONDS = 60.0


class Schedule:
    """Its caller holds a lock.

    running: how many runs go on; allowed: how many may, as far as is known; None: as many as are planned.
    """

    def __init__(self, plan: Plan, slots: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pending = deque(plan.runs)
        self._free = deque(range(slots))  # the one that was used last comes first
        self._ready: dict[int, float] = {}  # by slot: when it may be tried again
        self._delay, self._grow_at, self._step = RETRY_SECONDS[0], 0.0, 1
        self._probes = True  # whether runs have begun of which it is not known that Lambda takes them
        self._moved = clock()
        self.running = 0
        self._busy_at, self._most = 0, 0  # how many went on when Lambda throttled last, and the most since then
        self.allowed: int | None = None
        self.refusal: Throttled | None = None  # the last one
        self.begun = False  # whether any run has been made

    @property
    def pending(self) -> int:
        return len(self._pending)

    def next(self) -> tuple[Run, int] | float:
        """A run and its slot, or for how many seconds there is none. Infinite: until another run is over."""
        now = self._clock()
        if self.allowed is not None and self.running >= self.allowed:
            if now < self._grow_at:
                return self._grow_at - now
            self._grow(now)
        for run in self._pending:
            slot = self._slot(run, now)
            if slot is not None:
                self._pending.remove(run)
                self._free.remove(slot)
                self.running += 1
                self._most = max(self._most, self.running)
                return run, slot
        return min((at - now for at in self._ready.values() if at > now), default=float("inf"))

    def _slot(self, run: Run, now: float) -> int | None:
        wanted = self._free if run.slot is None else [run.slot] if run.slot in self._free else []
        return next((slot for slot in wanted if self._ready.get(slot, 0.0) <= now), None)

    def _grow(self, now: float) -> None:
        """Try one more, then two, then four, until Lambda throttles again: what kept it busy may have ended."""
        self.allowed, self._grow_at = self.running + self._step, now + self._delay
        self._step *= 2
        self._probes = True

    def over(self, slot: int) -> None:
        """The run was made."""
        self._release(slot)
        self._free.appendleft(slot)
        self._moved, self.begun = self._clock(), True
        self._delay = max(self._delay / 2, RETRY_SECONDS[0])

    def _release(self, slot: int) -> None:
        self.running -= 1
        self._ready.pop(slot, None)

    def put_back(self, run: Run, slot: int) -> None:
        """The run was not made."""
        self._release(slot)
        self._free.append(slot)
        self._pending.append(run)

    def throttled(self, run: Run, slot: int, error: Throttled) -> None:
        """Lambda did not take it. A quota of environments concerns its slot alone."""
        self.put_back(run, slot)
        self.refusal = error
        now = self._clock()
        if error.quota:
            self._ready[slot] = now + max(self._delay, error.after)
            self._wait_longer()
            return
        if self._probes or now >= self._grow_at:  # the others that were begun together with it tell nothing more
            self._grow_at = now + self._delay
            self._probes = False
            self._wait_longer()
        self._grow_at = max(self._grow_at, now + error.after)
        self.allowed, self._step = self.running, 1
        self._busy_at, self._most = self.running, self.running

    def _wait_longer(self) -> None:
        self._delay = min(self._delay * 2, RETRY_SECONDS[1])

    @property
    def limit(self) -> str:
        """How much Lambda takes at once, and why. It is known when a run is over: by then all others have tried. If it
        has taken more since, other invocations were in the way."""
        error = self.refusal
        if not error or (self.running and not self.begun):
            return ""
        if error.quota or not self._most:
            return f"no more at once: {error.limit}"
        passed = self._most > self._busy_at
        told = "no more at once for a while" if passed else f"{self._busy_at:,} at a time"
        return f"{told}: {error.limit}"

    @property
    def hopeless(self) -> bool:
        """Whether waiting has brought nothing for so long that it is given up."""
        if self.running or not self.refusal or (self.begun and not self.refusal.quota):
            return False
        return self._clock() - self._moved > PATIENCE_SECONDS
