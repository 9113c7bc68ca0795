"""Finds out why a program that lambda-kernel installs is missing. The kernel sends this file along, so it needs the
standard library only."""

from __future__ import annotations

import os
import tempfile
from typing import Any


def look(shell: Any, directory: str, program: str) -> dict[str, Any]:
    """Whether the file is there. error: why the directory cannot be written, in the system's words."""
    if os.access(os.path.join(directory, program), os.X_OK):
        return {"there": True, "error": None}
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"x")
    except OSError as error:
        return {"there": False, "error": error.strerror}
    return {"there": False, "error": None}
