"""%put: files of this machine into the environment."""

from ..transfer import Local, Transfer, open_remote_side
from .arguments import Argument, nonempty
from .base import Call, Magic


def run(call: Call) -> str:
    """As in `cp -a`, the last of several words is the destination."""
    *names, to = call.options.paths if len(call.options.paths) > 1 else (*call.options.paths, ".")
    workspace = call.workspace
    with open_remote_side(workspace, call.context) as environment:
        return Transfer(Local(), environment, call.emit, workspace.clock).run(names, to)


MAGIC = Magic(
    "put",
    "copy files and directories into the environment",
    run,
    (
        Argument(
            "paths",
            "what is copied, and where to; with one word, to the shell's working directory",
            "LOCAL… [REMOTE]",
            read=nonempty,
            nargs="+",
            kinds=("local path", "remote path"),
        ),
    ),
    more=(
        "The last of several words is the destination. Patterns such as `*.py` work. Modes and times are kept. An "
        "existing file is replaced only when the new one is complete and its checksum is right."
    ),
    examples=(("%put *.py /tmp/app/", "copy scripts from the notebook's directory"),),
)
