"""Python with the local emulator, run by an ordinary user, whom nothing is delegated to."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "65534"
# What the user has to read may lie below directories that only root may enter: in a mount namespace of its own, other
# directories stand in their place, with nothing else in them.
STAGE = """
set -e
mount -t tmpfs -o mode=755 none /mnt
for path in $PATHS; do mkdir -p "/mnt$path"; mount --rbind "$path" "/mnt$path"; done
for path in $CLOSED; do mount -t tmpfs -o mode=1777 none "$path"; done
for path in $PATHS; do mkdir -p "$path"; mount --rbind "/mnt$path" "$path"; done
umount -R -l /mnt
exec setpriv --reuid="$0" --regid="$0" --clear-groups "$@"
"""


def unprivileged(script: str) -> list[str]:
    """The lines that a script prints."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"]
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    if os.getuid() == 0:
        tools = [shutil.which(name) for name in ("unshare", "setpriv")]
        if None in tools or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
            pytest.skip("needs a mount namespace for root")
        paths = {ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
        paths = {path for path in paths if not any(path != other and path.is_relative_to(other) for other in paths)}
        closed = {Path("/tmp"), *filter(None, map(_closed, paths))}
        environment |= {"PATHS": " ".join(map(str, paths)), "CLOSED": " ".join(map(str, closed))}
        command = ["unshare", "-m", "sh", "-c", STAGE, NOBODY, *command]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment, cwd="/")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def _closed(path: Path) -> Path | None:
    """The first directory on the way that others may not enter."""
    return next((above for above in reversed(path.parents) if not above.stat().st_mode & stat.S_IXOTH), None)
