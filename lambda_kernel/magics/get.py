"""%get: files of the environment to this machine."""

from .. import errors
from ..transfer import Local, Overwriting, RemoteSide, Transfer, open_remote_side
from .arguments import Argument, nonempty
from .base import Call, Magic


def run(call: Call) -> str:
    """As in `cp -a`, the last of several words is the destination."""
    force, paths = call.options.f, call.options.paths
    *names, to = paths if len(paths) > 1 else (*paths, ".")
    if any(name.rstrip("/") == "~" for name in names):
        raise errors.UsageError("%get cannot copy `~` itself: name the directory, or use `~/.` for what is in it")
    workspace, local = call.workspace, Local()
    with open_remote_side(workspace, call.context) as environment:
        overwriting = Overwriting(local, lambda what: force or agreed(call, environment, what))
        return Transfer(environment, local, call.emit, workspace.clock, overwriting).run(names, to)


def agreed(call: Call, environment: RemoteSide, what: str) -> bool:
    """Ask the user whether to replace it. Raises errors.KernelError."""
    if not call.interactive:
        raise errors.TransferFailed(f"nothing was copied, because it would replace {what}: use `%get -f …` to replace")
    return environment.agrees(f"replace {what}? [y/N] ")


MAGIC = Magic(
    "get",
    "copy files and directories to this machine",
    run,
    (
        Argument("-f", "replace files without asking"),
        Argument(
            "paths",
            "what is copied, and where to; with one word, to the notebook's directory",
            "REMOTE… [LOCAL]",
            read=nonempty,
            nargs="+",
            kinds=("local path", "remote path"),
        ),
    ),
    more=(
        "The last of several words is the destination. Patterns such as `*.log` work. It asks before it replaces a "
        "file. If nobody can answer, it copies nothing. It takes only names that match what you typed. It follows no "
        "symbolic link on this machine except the destination itself."
    ),
    examples=(
        ("%get /etc/os-release", "copy a file to the notebook's directory"),
        ("%get -f '/tmp/*.log' logs", "copy all logs, also over older ones"),
    ),
)
