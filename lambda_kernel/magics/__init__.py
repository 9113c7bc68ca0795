"""The magics. A cell's head may hold several `%name` lines and one `%%name`, which takes the rest of the cell."""

from . import (
    compare,
    cost,
    environment,
    fleet,
    get,
    help,  # noqa: A004
    history,
    keep_warm,
    network,
    output,
    put,
    redact,
    repeat,
    report,
    reset,
    settings,
    status,
    top,
    use,
    watch,
    whoami,
    writefile,
)
from .base import Call, Head, Line, Magic, misplaced, parse
from .ipython import HABITS

# In the order of %help.
GROUPS: dict[str, tuple[Magic, ...]] = {
    "Choose where cells run": (status.MAGIC, use.MAGIC, reset.MAGIC, keep_warm.MAGIC, cost.MAGIC),
    "Change how cells run and what they show": (
        *(settings.TIMEOUT, settings.LIMIT, output.MAGIC, settings.STDERR),
        *(report.MAGIC, settings.EXIT_STATUS, redact.MAGIC),
    ),
    "Look around": (environment.MAGIC, network.MAGIC, whoami.MAGIC, top.MAGIC, watch.MAGIC),
    "Measure and compare": (repeat.MAGIC, fleet.MAGIC, fleet.LIST, compare.MAGIC, repeat.LAST),
    "Copy files, and find help": (
        *(put.MAGIC, get.MAGIC, writefile.MAGIC),
        *(help.MAGIC, history.MAGIC, settings.COMPLETION),
    ),
}
# By name; a cell magic that is also a line magic has its percent signs in the key.
MAGICS: dict[str, Magic] = {magic.name: magic for group in GROUPS.values() for magic in group}
MAGICS |= {fleet.MAGIC.called: fleet.MAGIC, fleet.LIST.name: fleet.LIST}

# With what users of IPython type.
KNOWN: dict[str, Magic] = MAGICS | HABITS

__all__ = ["GROUPS", "KNOWN", "MAGICS", "Call", "Head", "Line", "Magic", "misplaced", "parse"]
