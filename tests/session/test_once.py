"""A command runs once, whatever the network does with requests: a model with Lambda's choices, copies, delays, losses
and deaths, in which the kernel's and the function's own code runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import ClassVar

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
SECONDS = st.sampled_from([0.0, 0.01, 0.15, 0.4, 3.0, 12.0])
LATE = (0.0, 0.0, 0.005, 0.1, 0.3, 1.0, 6.0, 40.0, 500.0)
# Hypothesis draws one seed for a plan: to draw each number of it took ten times as long as to run the command.
SEEDS = st.randoms(use_true_random=True)


def choice(chance: Random) -> int:
    return chance.randrange(6)


def copy(chance: Random) -> Copy:
    return Copy(chance.choice(LATE), choice(chance), chance.choice((0.0, 0.0, 0.1, 2.0)))


def exchange(
    chance: Random, copies: int = 3, broken: Sequence[float | None] = (None, 0.0, 0.02, 0.3, 10.0)
) -> Exchange:
    some = [copy(chance) for _ in range(chance.randint(0, copies))]
    return Exchange(tuple(some), None, chance.choice(broken))


def plain(chance: Random) -> Exchange:
    return Exchange((Copy(choice=choice(chance)),))


def any_exchange(chance: Random) -> Exchange:
    return chance.choice((plain, exchange))(chance)


def proxied(chance: Random) -> Callable[[Random], Exchange]:
    """What a proxy does that retries, hedges, or sends all twice: the first answer counts, or that of one of them."""
    heard, late = chance.choice((None, 0, 1)), chance.choice((0.0, 0.005, 0.05, 0.1, 0.3))
    return lambda chance: Exchange((Copy(choice=choice(chance)), Copy(late, choice(chance))), heard)


def bad_network(chance: Random) -> list[Exchange]:
    kind, manner = chance.randrange(3), proxied(chance)
    if kind == 0:
        return [any_exchange(chance) for _ in range(chance.randint(0, 12))]
    if kind == 1:
        return [manner(chance) for _ in range(chance.randint(5, 20))]
    return [chance.choice((manner, any_exchange))(chance) for _ in range(chance.randint(0, 20))]


def without_copies(chance: Random) -> list[Exchange]:
    return [exchange(chance, 1, (None, None, 0.0, 0.3, 10.0)) for _ in range(chance.randint(0, 12))]


BOUND_SECONDS = 1500.0  # 900 without an answer are allowed


class Once(RuleBasedStateMachine):
    """With tenant isolation."""

    tenant: ClassVar = True
    plans = staticmethod(bad_network)

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

    @rule(chance=SEEDS, seconds=SECONDS, interrupts=st.lists(st.sampled_from([0.0, 0.05, 1.0, 20.0]), max_size=2))
    def run_over_a_bad_network(self, chance: Random, seconds: float, interrupts: list[float]) -> None:
        self.world.plans = self.plans(chance)
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
    plans = staticmethod(without_copies)


MANY = settings(
    max_examples=80,
    phases=[Phase.generate],  # to make a failure shorter takes minutes
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOnce, TestOnceWithoutTenants = Once.TestCase, OnceWithoutTenants.TestCase
TestOnce.settings = TestOnceWithoutTenants.settings = MANY
