"""The magics, a module each. A cell's head may hold several `%name` lines and one `%%name`, which takes the rest."""

from . import (
    completion,
    cost,
    environment,
    exit_status,
    get,
    help,  # noqa: A004
    history,
    keep_warm,
    limit,
    output,
    put,
    redact,
    report,
    reset,
    status,
    stderr,
    timeout,
    top,
    use,
    watch,
    writefile,
)
from .base import Call, Head, Line, Magic, misplaced, parse
from .ipython import HABITS

MAGICS: dict[str, Magic] = {
    module.MAGIC.name: module.MAGIC
    for module in (
        *(help, status, use, reset, timeout, limit, output, stderr),
        *(report, cost, exit_status, redact, keep_warm, history, completion),
        *(put, get, writefile),
        *(environment, top, watch),
    )
}

# And what users of IPython type.
KNOWN: dict[str, Magic] = MAGICS | HABITS

__all__ = ["KNOWN", "MAGICS", "Call", "Head", "Line", "Magic", "misplaced", "parse"]
