"""The magics, a module each. A cell's head may hold several `%name` lines and one `%%name`, which takes the rest."""

from . import (
    cost,
    exit_status,
    help,  # noqa: A004
    keep_warm,
    limit,
    output,
    redact,
    report,
    reset,
    status,
    stderr,
    timeout,
    use,
)
from .base import Call, Head, Magic, parse

MAGICS: dict[str, Magic] = {
    module.MAGIC.name: module.MAGIC
    for module in (
        *(help, status, use, reset, timeout, limit, output, stderr),
        *(report, cost, exit_status, redact, keep_warm),
    )
}

__all__ = ["MAGICS", "Call", "Head", "Magic", "parse"]
