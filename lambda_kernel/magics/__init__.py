"""The magics, a module each. A cell's head may hold several `%name` lines and one `%%name`, which takes the rest."""

from . import exit_status, help, limit, output, redact, report, reset, status, timeout, use  # noqa: A004
from .base import Call, Head, Magic, parse

MAGICS: dict[str, Magic] = {
    module.MAGIC.name: module.MAGIC
    for module in (help, status, use, reset, timeout, limit, output, report, exit_status, redact)
}

__all__ = ["MAGICS", "Call", "Head", "Magic", "parse"]
