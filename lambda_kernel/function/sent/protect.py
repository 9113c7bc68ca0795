"""Tells a shell which variables' values it must not show. The kernel sends this file along with a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def protect(shell: Any, chosen: Mapping[str, bool]) -> dict[str, Any]:
    """chosen: by name, what is protected besides the rule (True), or not (False). The answer has no values."""
    own = shell.protect(chosen)
    return {"protected": own.protected, "weak": own.weak, "unknown": own.unknown}
