"""%get: files of the environment to this machine."""

from .. import errors
from ..files import Errand, Local, Overwriting, Transfer, errand
from .base import Call, Magic, wrong


def run(call: Call) -> str:
    """As cp -a has it: the last of several words says where to."""
    force = call.words[:1] == ["-f"]
    words = call.words[1:] if force else call.words
    if not words or "" in words:
        raise wrong(MAGIC)
    names, to = (words[:-1], words[-1]) if len(words) > 1 else (words, ".")
    workspace, local = call.workspace, Local()
    with errand(workspace, call.emit, call.control, call.tally) as environment:
        overwriting = Overwriting(local, lambda what: force or agreed(call, environment, what))
        return Transfer(environment, local, call.emit, workspace.clock, overwriting).run(names, to)


def agreed(call: Call, environment: Errand, what: str) -> bool:
    """Whether the user, who is asked, lets it be replaced. Raises errors.KernelError."""
    if not call.attended:
        raise errors.TransferFailed(f"nothing was copied, since it would replace {what}: `%get -f …` does")
    return environment.agrees(f"replace {what}? [y/N] ")


MAGIC = Magic(
    "get",
    "[-f] REMOTE… [LOCAL]",
    "copy files and directories to this machine; patterns may be used; -f: replace without asking",
    run,
)
