"""A command runs once, whatever the network does with requests: a model with Lambda's choices, copies, delays, losses
and deaths, in which the kernel's and the function's own code runs."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lambda_kernel import errors
from lambda_kernel.aws.usage import Usage
from lambda_kernel.session.cell import Cell, CellEvent, Output
from lambda_kernel.session.context import Context
from lambda_kernel.session.remote_shell import SURE_SECONDS
from tests.support.unreliable_world import Copy, Exchange, World

pytestmark = pytest.mark.timeout(180)
CHOICES = st.integers(0, 5)
LATE = st.sampled_from([0.0, 0.0, 0.005, 0.1, 0.3, 1.0, 6.0, 40.0, 500.0])
SECONDS = st.sampled_from([0.0, 0.01, 0.15, 0.4, 3.0, 12.0])
COPIES = st.builds(Copy, LATE, CHOICES, st.sampled_from([0.0, 0.0, 0.1, 2.0]))


def copied(heard: int | None, late: float) -> st.SearchStrategy[Exchange]:
    """What a proxy does that retries, hedges, or sends all twice: the first answer counts, or that of one of them."""
    return st.builds(lambda one, two: Exchange((Copy(choice=one), Copy(late, two)), heard), CHOICES, CHOICES)


EXCHANGES = st.one_of(
    st.builds(lambda choice: Exchange((Copy(choice=choice),)), CHOICES),
    st.builds(
        lambda copies, broken: Exchange(tuple(copies), None, broken),
        st.lists(COPIES, max_size=3),
        st.sampled_from([None, 0.0, 0.02, 0.3, 10.0]),
    ),
)
MANNERS = st.tuples(st.sampled_from([None, 0, 1]), st.sampled_from([0.0, 0.005, 0.05, 0.1, 0.3]))
PLANS = st.one_of(
    st.lists(EXCHANGES, max_size=12),
    MANNERS.flatmap(lambda manner: st.lists(copied(*manner), min_size=5, max_size=20)),
    MANNERS.flatmap(lambda manner: st.lists(st.one_of(copied(*manner), EXCHANGES), max_size=20)),
)
BOUND_SECONDS = 1500.0  # 900 without an answer are allowed


class Once(RuleBasedStateMachine):
    """With tenant isolation."""

    tenant: ClassVar = True
    plans: ClassVar = PLANS

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @initialize(concurrency=st.sampled_from([1, 2, 50]))
    def begin(self, concurrency: int) -> None:
        self.world = World(self.tenant, concurrency)
        self.session = self.world.session()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.advance(1000)  # what is still under way arrives
            self.check()

    def check(self) -> None:
        assert all(times <= 1 for times in self.world.effects.values()), self.world.effects

    def run(self, seconds: float) -> tuple[str, errors.KernelError | None]:
        """Run the next command; what is reported is true."""
        self.count += 1
        name, begin, out = f"c{self.count}", self.world.now, []

        def emit(cell_event: CellEvent) -> None:
            if isinstance(cell_event, Output):
                out.append(cell_event.data.decode())

        lost = None
        try:
            result = self.session.run(Cell(f"{name} {seconds}"), Context(emit, self.world, Usage()))
        except errors.KernelError as error:
            lost = error
        else:
            whole = f"{name} begins\n{name} ends\n"
            assert result.interrupted or result.exit_code == 0
            assert "".join(out) in ((whole, "") if result.interrupted else (whole,))
            assert self.world.effects[name] == (1 if out else 0)
        if lost is not None:
            assert f"{name} begins\n{name} ends\n".startswith("".join(out))
            assert "nothing was run" not in str(lost) or self.world.effects[name] == 0
        assert self.world.now - begin < BOUND_SECONDS + seconds
        self.world.plans.clear()
        self.world.interrupts_at.clear()
        self.check()
        return name, lost

    @rule(data=st.data(), seconds=SECONDS, interrupts=st.lists(st.sampled_from([0.0, 0.05, 1.0, 20.0]), max_size=2))
    def run_over_a_bad_network(self, data: Any, seconds: float, interrupts: list[float]) -> None:
        self.world.plans = data.draw(self.plans)
        self.world.interrupts_at = [self.world.now + after for after in interrupts]
        self.run(seconds)

    @precondition(lambda self: self.world.quiet and self.world.concurrency > 10)
    @rule(seconds=SECONDS)
    def run_over_a_good_network(self, seconds: float) -> None:
        """Unless its environment has died just now, or extensions keep it busy for long, a command runs."""
        alive = {e.id: e.free_late for e in self.world.environments if e.alive}
        expected = self.session.remote.environment in alive or not self.session.remote.sure
        expected = expected and max(alive.values(), default=0.0) <= (0.05 if self.tenant else 0.0)
        name, lost = self.run(seconds)
        if expected:
            assert lost is None, lost
            assert self.world.effects[name] == 1

    @rule(seconds=st.sampled_from([0.05, 1.0, 10.0, SURE_SECONDS, 400.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(after=st.sampled_from([0.0, 0.02, 0.3, 5.0]), choice=CHOICES)
    def lose_an_environment(self, after: float, choice: int) -> None:
        def lose() -> None:
            if alive := [e for e in self.world.environments if e.alive]:
                alive[choice % len(alive)].alive = False

        self.world.later(after, lose)

    @rule(late=st.sampled_from([0.0, 0.05, 2.0]))
    def have_extensions(self, late: float) -> None:
        """Each environment that there is stays busy for so long after its answers."""
        for environment in self.world.environments:
            environment.free_late = late


class OnceWithoutTenants(Once):
    """Where each request is delivered once at most. One that is copied may then run twice: another environment that
    answers may have been chosen because something else keeps the right one busy, which is not waited for."""

    tenant: ClassVar = False
    plans = st.lists(
        st.builds(
            lambda copies, broken: Exchange(tuple(copies), None, broken),
            st.lists(COPIES, max_size=1),
            st.sampled_from([None, None, 0.0, 0.3, 10.0]),
        ),
        max_size=12,
    )


MANY = settings(
    max_examples=120,
    phases=[Phase.generate],  # to make a failure shorter takes minutes
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOnce, TestOnceWithoutTenants = Once.TestCase, OnceWithoutTenants.TestCase
TestOnce.settings = TestOnceWithoutTenants.settings = MANY
