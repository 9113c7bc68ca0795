"""Invocations of the function: at a pace that Lambda takes, and no longer than somebody waits for them."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable

from ..aws.transport import Event, Reply, Transport
from ..errors import KernelError
from .cell import Control
from .timing import RateLimiter
from .worker import CallPolicy

HOLD_SECONDS = 1.0  # how long an environment is kept busy so that Lambda has to choose another
HOLDING = "hold"  # the name of the threads that wait for it
# A slice and its round trip are 25 round trips. The environment is frozen for one of them: 4 % of a long command. An
# interrupt cannot overtake a request, so it takes at most a slice and two round trips.
SLICE_ROUND_TRIPS = 24
SLICE_SECONDS = (0.2, 5.0)
GRACE_SECONDS = 1.0  # after an interrupt, an answer may take so much longer than a slice and a round trip
LATE_SECONDS = 0.1  # and any invocation so much longer


class Connection:
    """To one function.

    direct: whether nobody is in between who may send a request twice, such as a proxy. round_trip: the seconds that a
    request is on its way, both ways; reported: whether the last answer came with Lambda's own figures; sent_at: when
    the last request was sent.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Callable[[], float],
        randomness: Callable[[], float],
        call: CallPolicy,
        *,
        direct: bool = False,
    ) -> None:
        self.transport, self.clock, self.randomness, self.direct = transport, clock, randomness, direct
        self.round_trip: float | None = None
        self.reported = True
        self.sent_at = 0.0
        self._call = call
        self._limiter = RateLimiter(clock)

    @property
    def slice(self) -> float:
        """How many seconds the function may wait for a command before it answers."""
        least, most = SLICE_SECONDS
        return min(max(SLICE_ROUND_TRIPS * (self.round_trip or 0), least), most)

    @property
    def usual_seconds(self) -> float:
        """How long an invocation takes at most, as far as is known."""
        return self.slice + (self.round_trip or 0)

    def still_busy(self) -> float:
        """For how many seconds the function may still be at the last request.

        If it is asked before that, Lambda starts another environment, and may prefer that one later.
        """
        return max(self.sent_at + self.usual_seconds + LATE_SECONDS - self.clock(), 0.0)

    def invoke(self, event: Event, control: Control, limit: float = math.inf, *, paced: bool = False) -> Reply:
        """limit: the seconds to wait for an answer; paced: wait until the rate limit has room for it. Raises
        errors.KernelError."""
        return self._invoke(event, control, self.usual_seconds + GRACE_SECONDS, limit, paced)

    def try_for(self, seconds: float, event: Event, control: Control) -> Reply:
        """Invoke, and wait for so many seconds only. Raises errors.KernelError."""
        return self._invoke(event, control, 0.0, seconds, paced=True)

    def _invoke(self, event: Event, control: Control, grace: float, limit: float, paced: bool) -> Reply:
        if paced:
            control.wait(self._limiter.delay())
        self._limiter.count()
        self.sent_at = self.clock()
        return self._call(lambda: self.transport.invoke(event), control, grace, limit)

    def hold(self, event: Event) -> threading.Thread:
        """Keep an environment busy for a moment, so that Lambda chooses another one.

        Lambda also chooses the environment that is held: the event must do no harm to any.
        """
        event = event | {"hold": HOLD_SECONDS}
        holding = threading.Thread(target=self._hold, args=(event,), name=HOLDING, daemon=True)
        holding.start()
        return holding

    def _hold(self, event: Event) -> None:
        with contextlib.suppress(KernelError):
            self.transport.invoke(event)

    def note(self, reply: Reply, inside_ms: float | None) -> None:
        """Learn from a reply. inside_ms: how long the function took; None: it does not say."""
        self.reported = reply.report is not None
        if inside_ms is not None and not (reply.report and reply.report.init_duration_ms):
            self._measure(reply.seconds - inside_ms / 1000)

    def _measure(self, seconds: float) -> None:
        """One reply that was slow by chance does not make the slices long for long."""
        most = seconds if self.round_trip is None else 4 * self.round_trip + 0.05
        seconds = min(max(seconds, 0.0), most)
        self.round_trip = seconds if self.round_trip is None else 0.8 * self.round_trip + 0.2 * seconds
