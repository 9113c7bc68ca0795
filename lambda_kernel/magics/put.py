"""%put: files of this machine into the environment."""

from ..files import Local, Transfer, errand
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    """As cp -a has it: the last of several words says where to."""
    if not call.words or "" in call.words:
        raise wrong(MAGIC)
    names, to = (call.words[:-1], call.words[-1]) if len(call.words) > 1 else (call.words, ".")
    workspace = call.workspace
    with errand(workspace, call.emit, call.control, call.tally) as environment:
        return Transfer(Local(), environment, call.emit, workspace.clock).run(names, to)


MAGIC = Magic("put", "LOCAL… [REMOTE]", "copy files and directories into the environment; patterns may be used", run)
