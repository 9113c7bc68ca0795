"""%status: where cells run, and with which settings."""

from ..aws.client_errors import original
from ..aws.target import Target
from ..local.cpu_share import share_of
from ..session import replacement
from ..session.session import Session
from . import fleet_shells
from .arguments import Argument
from .base import Call, Magic
from .report import told


def cpu_share(target: Target) -> dict[str, str]:
    return {"CPU share": share_of(target.emulator.cpu, target.emulator.memory_mb)} if target.local else {}


def run(call: Call) -> str:
    verbose = call.options.verbose
    workspace, settings = call.workspace, call.workspace.settings
    rows = {"target": str(workspace.target), **cpu_share(workspace.target)}
    session = workspace.current
    if session is None:
        rows["session"] = "none yet: the first cell starts one"
    else:
        rows["function"] = f"{session.transport.function} in {session.transport.region}"
        rows["shell"] = "a new one for each cell: this is the 2018 article's function"
    if isinstance(session, Session):
        remote, connection = session.remote, session.connection
        rows["environment"] = remote.environment or "none yet"
        rows["shell"] = (
            f"{remote.shell}; cells so far: {remote.seq}" if remote.shell else "none: the next cell starts one"
        )
        rows["directory"] = remote.cwd or "not known yet"
        if connection.round_trip is not None:
            rows["round trip"] = (
                f"{connection.round_trip * 1000:.1f} ms; output comes at least every {connection.slice:.1f} s"
            )
        if remote.restored:
            rows["restored"] = f"{replacement.count(remote.restored)} of the previous shell"
    bound = settings.bound
    rows["report"] = told(settings)
    rows["time limit"] = f"{settings.seconds:g} s a cell" if settings.seconds else "none"
    rows["output limit"] = f"{bound.bytes:,} bytes or {bound.lines:,} lines a cell" if bound else "none"
    rows["stderr"] = "merged into stdout" if settings.merge else "separate"
    if workspace.warm and workspace.warm_until is not None:
        rows["kept warm"] = f"for {(workspace.warm_until - workspace.clock()) / 60:.0f} more minutes"
    rows["redaction"] = "on" if settings.redact else "OFF: credentials are shown"
    rows["exit codes"] = "fail the cell" if settings.fail else "ignored"
    if isinstance(session, Session) and verbose:
        remote = session.remote
        rows["session"] = f"{remote.name}, epoch {remote.epoch}"
        rows["state restored"] = ", ".join(remote.restored) or "none"
    if verbose:
        error = workspace.last_error
        rows["last error"] = original(error).replace("\n", f"\n{'':15} ") if error else "none"
    if shells := fleet_shells.shells(workspace):
        rows["fleet"] = f"{len(shells):,} shells (%fleet)"
    others = [str(target) for target in workspace.sessions if target.slot is None and target != workspace.target]
    if others:
        rows["other sessions"] = "; ".join(others)
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
