"""What the function's answers say, and whether they can be believed."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .report import Report
from .transport import Reply

FIELDS: dict[str, type | tuple[type, ...]] = {
    "environment": str,
    "state": str,
    "shell": str,
    "seq": int,
    "ended": (dict, type(None)),
    "at": int,
    "total": int,
    "exit": int,
    "chunks": list,
    "cwd": str,
    "duration_ms": (int, float),
    "memory_mb": int,
    "memory_size_mb": int,
    "reads": dict,
    "restored": (dict, type(None)),
    "state_after": dict,
    "why": str,
}
NEEDED = {
    "idle": ("shell", "seq"),
    "running": ("shell", "seq"),
    "done": ("shell", "seq", "at", "chunks", "cwd", "exit", "total"),
    "called": ("value",),
    "refused": ("why",),
    "unrun": ("ended",),
}
PARTS: dict[str, dict[str, type]] = {
    "ended": {"cause": str, "exit": int},
    "reads": {},
    "restored": {"items": list, "failed": list},
    "state_after": {"digest": str, "packed": str, "left": list, "jobs": list},
}


def well_formed(reply: dict[str, Any]) -> bool:
    """Whether an answer has what its state says that it has, in the types of the protocol."""
    needed = ("environment", "state", *NEEDED.get(str(reply.get("state")), ()))
    if any(name not in reply for name in needed):
        return False
    if any(name in reply and not isinstance(reply[name], kind) for name, kind in FIELDS.items()):
        return False
    if any(not _has(reply[name], fields) for name, fields in PARTS.items() if reply.get(name) is not None):
        return False
    return all(_chunk(chunk) for chunk in reply.get("chunks", ()))


def _has(part: dict[str, Any], fields: dict[str, type]) -> bool:
    return all(isinstance(part.get(name), kind) for name, kind in fields.items())


def _chunk(chunk: Any) -> bool:
    if not isinstance(chunk, list) or len(chunk) != 2 or not all(isinstance(part, str) for part in chunk):
        return False
    try:
        base64.b64decode(chunk[1], validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def nothing_run(reply: dict[str, Any]) -> str:
    return f"nothing was run: {reply['why']}. `%reset --cold` takes a new environment"


def restless(reply: dict[str, Any]) -> str:
    """Of an environment whose shells end before they begin anything."""
    said = (reply.get("ended") or {}).get("said")
    words = f" bash says: `{said}`." if said else ""
    return f"nothing was run: bash ends in its environment as soon as it is started.{words} Try `%reset --cold`"


def measured(reply: Reply) -> Report | None:
    """What the function measured itself, where no log says what Lambda did."""
    told = reply.payload if isinstance(reply.payload, dict) else {}
    if "memory_mb" not in told:
        return None
    return Report(
        reply.request_id,
        told["duration_ms"],
        memory_size_mb=told["memory_size_mb"] or None,
        max_memory_used_mb=told["memory_mb"],
        measured=True,
    )
