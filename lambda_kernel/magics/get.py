"""%get: files of the environment to this machine."""

from ..files import Local, Transfer, errand
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    """As cp -a has it: the last of several words says where to."""
    if not call.words:
        raise wrong(MAGIC)
    names, to = (call.words[:-1], call.words[-1]) if len(call.words) > 1 else (call.words, ".")
    workspace = call.workspace
    with errand(workspace, call.emit, call.control, call.tally) as environment:
        return Transfer(environment, Local(), call.emit, workspace.clock).run(names, to)


MAGIC = Magic("get", "REMOTE… [LOCAL]", "copy files and directories to this machine; patterns may be used", run)
