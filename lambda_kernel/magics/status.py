"""%status: where cells run, and with which settings."""

from ..aws.client_errors import original
from ..aws.target import Target
from ..local.cpu_share import share_of
from ..session import replacement
from ..session.session import Session
from ..workspace.workspace import AnySession, Workspace
from . import fleet_shells
from .arguments import Argument
from .base import Call, Magic
from .report import told


def cpu_share(target: Target) -> dict[str, str]:
    return {"CPU share": share_of(target.emulator.cpu, target.emulator.memory_mb)} if target.local else {}


def of_session(session: AnySession | None) -> dict[str, str]:
    if session is None:
        return {"session": "none yet: the first cell starts one"}
    rows = {"function": f"{session.transport.function} in {session.transport.region}"}
    if not isinstance(session, Session):
        return rows | {"shell": "a new one for each cell: this is the 2018 article's function"}
    remote, connection = session.remote, session.connection
    rows["shell"] = f"{remote.shell}; cells so far: {remote.seq}" if remote.shell else "none: the next cell starts one"
    rows["environment"] = remote.environment or "none yet"
    rows["directory"] = remote.cwd or "not known yet"
    if connection.round_trip is not None:
        milliseconds = connection.round_trip * 1000
        rows["round trip"] = f"{milliseconds:.1f} ms; output comes at least every {connection.slice:.1f} s"
    if remote.restored:
        rows["restored"] = f"{replacement.count(remote.restored)} of the previous shell"
    return rows


def of_settings(workspace: Workspace) -> dict[str, str]:
    settings, bound, warm = workspace.settings, workspace.settings.bound, {}
    if workspace.warm and workspace.warm_until is not None:
        warm = {"kept warm": f"for {(workspace.warm_until - workspace.clock()) / 60:.0f} more minutes"}
    return {
        "report": told(settings),
        "time limit": f"{settings.seconds:g} s a cell" if settings.seconds else "none",
        "output limit": f"{bound.bytes:,} bytes or {bound.lines:,} lines a cell" if bound else "none",
        "stderr": "merged into stdout" if settings.merge else "separate",
        **warm,
        "redaction": "on" if settings.redact else "OFF: credentials are shown",
        "exit codes": "fail the cell" if settings.fail else "ignored",
    }


def details(workspace: Workspace) -> dict[str, str]:
    """What only --verbose shows."""
    rows, session, error = {}, workspace.current, workspace.last_error
    if isinstance(session, Session):
        rows["session"] = f"{session.remote.name}, epoch {session.remote.epoch}"
        rows["state restored"] = ", ".join(session.remote.restored) or "none"
    return rows | {"last error": original(error).replace("\n", f"\n{'':15} ") if error else "none"}


def of_others(workspace: Workspace) -> dict[str, str]:
    """The shells besides the one that cells run in."""
    rows = {}
    if shells := fleet_shells.shells(workspace):
        rows["fleet"] = f"{len(shells):,} shells (%fleet)"
    others = [str(target) for target in workspace.sessions if target.slot is None and target != workspace.target]
    return rows | ({"other sessions": "; ".join(others)} if others else {})


def run(call: Call) -> str:
    workspace = call.workspace
    rows = {
        "target": str(workspace.target),
        **cpu_share(workspace.target),
        **of_session(workspace.current),
        **of_settings(workspace),
        **(details(workspace) if call.options.verbose else {}),
        **of_others(workspace),
    }
    notices = "".join(f"! {notice}\n" for notice in workspace.connector.notices(workspace.target))
    return "".join(f"{name:15} {value}\n" for name, value in rows.items()) + notices


MAGIC = Magic(
    "status",
    "show where cells run, in which environment and shell, and the settings",
    run,
    (Argument("--verbose", "add the session, what was restored, and the last error in AWS's words"),),
    more="What AWS says may include account ids.",
    examples=(("%status --verbose", "show all that AWS said about the last error"),),
)
