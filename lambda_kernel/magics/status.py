"""%status: where cells run, and in what."""

from .. import news
from ..failures import original
from ..session import Session
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    if call.words not in ([], ["--verbose"]):
        raise wrong(MAGIC)
    workspace, settings = call.workspace, call.workspace.settings
    rows = {"target": str(workspace.target)}
    session = workspace.sessions.get(workspace.target)
    if session is None:
        rows["session"] = "none yet: the first cell starts it"
    else:
        rows["function"] = f"{session.transport.function} in {session.transport.region}"
        rows["shell"] = "a fresh one for each cell: it is the 2018 article's function"
    if isinstance(session, Session):
        rows["environment"] = session.environment or "none yet"
        rows["shell"] = (
            f"{session.shell}; cells so far: {session.seq}" if session.shell else "none: the next cell starts one"
        )
        rows["directory"] = session.cwd or "not known yet"
        if session.round_trip is not None:
            rows["round trip"] = (
                f"{session.round_trip * 1000:.1f} ms; output comes every {session.slice:.1f} s or sooner"
            )
        if session.restored:
            rows["restored"] = f"{news.count(session.restored)} of the shell before"
    bound = settings.bound
    rows["report"] = settings.report
    rows["time limit"] = f"{settings.seconds:g} s a cell" if settings.seconds else "none"
    rows["output limit"] = f"{bound.bytes:,} bytes or {bound.lines:,} lines a cell" if bound else "none"
    rows["stderr"] = "merged into stdout" if settings.merge else "separate"
    if workspace.warm and workspace.warm_until is not None:
        rows["kept warm"] = f"for another {(workspace.warm_until - workspace.clock()) / 60:.0f} min"
    rows["redaction"] = "on" if settings.redact else "OFF: credentials are shown as they are"
    rows["exit codes"] = "fail the cell" if settings.fail else "ignored"
    if isinstance(session, Session) and call.words:
        rows["session"] = f"{session.name}, epoch {session.epoch}"
        rows["state kept"] = ", ".join(session.restored) or "nothing restored"
    if call.words:
        error = workspace.last_error
        rows["last error"] = original(error).replace("\n", f"\n{'':15} ") if error else "none"
    others = [str(target) for target in workspace.sessions if target != workspace.target]
    if others:
        rows["other sessions"] = "; ".join(others)
    notices = "".join(f"! {notice}\n" for notice in call.workspace.connect.notices())
    return "".join(f"{name:15} {value}\n" for name, value in rows.items()) + notices


MAGIC = Magic("status", "[--verbose]", "where cells run, and in which environment and shell", run)
