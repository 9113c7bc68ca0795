"""The kernel as `lambda-kernel install` leaves it, for programs that Jupyter's users run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lambda_kernel.cli import main
from lambda_kernel.function import index


def surroundings(root: Path) -> dict[str, str]:
    """An environment in which Jupyter finds the kernel of this checkout, and nothing else of anyone's."""
    assert main(["install", "--prefix", str(root)]) == 0
    home = root / "home"
    home.mkdir()
    return {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_PATH": str(root / "share" / "jupyter"),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }


def left_over(mark: str) -> list[int]:
    """The processes that were started with this in their environment."""
    return [process.pid for process in index.processes() if mark in index.peek(f"/proc/{process.pid}/environ")]
