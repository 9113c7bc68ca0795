"""A fleet's shells: a session for each slot of a function with tenant isolation. Other functions keep no shells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..aws.transport import Transport
from ..aws.usage import Usage
from ..errors import KernelError, ShellPerCommand
from ..experiments.engine import Ahead, Place, Slot
from ..experiments.plan import ITEM
from ..session.article import ArticleSession
from ..session.context import Context
from ..session.held import READ_SECONDS
from ..session.one_shot import OneShot
from ..workspace.leaving import leave_all
from ..workspace.workspace import AnySession, Workspace


@dataclass
class Fleet:
    """slots: where its runs go. stays: whether its shells stay for later. ahead: by slot, what it took to find out what
    kind of function it is."""

    slots: list[Slot]
    stays: bool
    transport: Transport
    ahead: dict[int, Ahead] = field(default_factory=dict)

    def close_connections(self) -> None:
        """The next invocation opens new ones."""
        self.transport.close()


def make(workspace: Workspace, size: int, context: Context) -> Fleet:
    """With tenant isolation each slot is a tenant with a shell. Else each run is one invocation. Raises
    errors.KernelError."""
    if isinstance(workspace.sessions.get(workspace.target.whole), ArticleSession):
        return invocations(workspace, size, ArticleSession)
    isolated = has_tenants(workspace)
    if isolated is None:
        return found_out(workspace, size, context)
    return tenants(workspace, size) if isolated else invocations(workspace, size, OneShot)


def has_tenants(workspace: Workspace) -> bool | None:
    """Whether the current function has tenant isolation. None: that is not known yet."""
    main = workspace.sessions.get(workspace.target.whole)
    if isinstance(main, ArticleSession):
        return False
    of_slots = shells(workspace).values()
    known = [one.remote for one in (main, *of_slots) if one and one.remote and one.remote.environment]
    if known:
        return known[0].tenant
    return False if workspace.target.whole in workspace.one_shot else None


def found_out(workspace: Workspace, size: int, context: Context) -> Fleet:
    """The shell of the first slot finds out what kind of function it is."""
    first, own, begun = shell(workspace, 0), Usage(), workspace.clock()
    try:
        first.reset(replace(context, usage=own))
    except ShellPerCommand:
        context.usage.include(own)
        end(workspace, left=False)
        workspace.meet_article(context.emit)
        return invocations(workspace, size, ArticleSession)
    except KernelError:
        end(workspace, left=False)  # there is no such shell
        raise
    if first.remote and first.remote.tenant:
        made = tenants(workspace, size)
        made.ahead[0] = Ahead(own, workspace.clock() - begun)
        return made
    context.usage.include(own)
    end(workspace)
    workspace.one_shot.add(workspace.target)
    return invocations(workspace, size, OneShot)


def tenants(workspace: Workspace, size: int) -> Fleet:
    sessions = [shell(workspace, slot) for slot in range(size)]
    transport = sessions[0].transport
    return Fleet(slots(workspace, sessions, transport), stays=True, transport=transport)


def invocations(workspace: Workspace, size: int, kind: type[OneShot | ArticleSession]) -> Fleet:
    """Each run is an invocation by itself. All share one transport, which waits for as long as a function may run."""
    transport = workspace.connect(replace(workspace.target, slot=0), READ_SECONDS)
    places = [kind(transport, workspace.clock, caller=workspace.make_caller()) for _ in range(size)]
    return Fleet(slots(workspace, places, transport), stays=False, transport=transport)


def slots(workspace: Workspace, places: Sequence[Place], transport: Transport) -> list[Slot]:
    function, size = workspace.target.function, str(len(places))
    return [
        Slot(place, function, transport.region, {"FLEET_INDEX": str(number), "FLEET_SIZE": size, ITEM: ""})
        for number, place in enumerate(places)
    ]


def shells(workspace: Workspace) -> dict[int, AnySession]:
    """Those of the current function, by slot."""
    whole = workspace.target.whole
    of = {target.slot: one for target, one in workspace.sessions.items() if target.whole == whole}
    return {slot: of[slot] for slot in sorted(slot for slot in of if slot is not None)}


def shell(workspace: Workspace, slot: int) -> AnySession:
    """The one in that slot, made at its first use."""
    return workspace.session_of(replace(workspace.target, slot=slot))


def drop(workspace: Workspace, slots: Iterable[int]) -> None:
    """Have new sessions for these slots next time: a thread is stuck in the present ones. Their shells are ended then,
    by the later epoch."""
    for slot in slots:
        workspace.sessions.pop(replace(workspace.target, slot=slot), None)


def end(workspace: Workspace, *, left: bool = True) -> int:
    """End the current function's fleet. Return how many shells it had. left: whether they can be told to end."""
    ended = shells(workspace)
    workspace.target = workspace.target.whole
    for slot in ended:
        del workspace.sessions[replace(workspace.target, slot=slot)]
    leave_all(ended.values() if left else ())
    for session in ended.values():
        session.transport.close()
    return len(ended)
