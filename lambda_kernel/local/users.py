"""Two users in one sandbox: a root, to whom its files and its first process belong, and Lambda's user.

Linux lets only root say who is who in a user namespace: user_namespaces(7). Without root there is one user, and what is
not his belongs to nobody.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from .runtime_files import GID, UID

# The user who owns nothing on this machine.
_NOBODY = 65534


class Users:
    """Holds a sandbox that starts until its users are known."""

    def __init__(self) -> None:
        self.hold, self._release = os.pipe2(os.O_CLOEXEC)
        self._open = {self.hold, self._release}

    @property
    def options(self) -> list[str]:
        return ["--userns-block-fd", str(self.hold)]

    def started(self) -> None:
        """The sandbox has its end of the pipe."""
        self._close(self.hold)

    def let_in(self, first: int | None) -> None:
        """Map the users and let the sandbox go on: its root is this machine's, its user is nobody here."""
        with contextlib.suppress(OSError):
            for name, inside in (("uid_map", UID), ("gid_map", GID)):
                Path(f"/proc/{first}/{name}").write_text(f"0 0 1\n{inside} {_NOBODY} 1\n")
        self._close(self._release)

    def close(self) -> None:
        for descriptor in tuple(self._open):
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)

    def own(self, log: int) -> None:
        """Let the user open /dev/stderr, which leads to this pipe."""
        os.fchown(log, _NOBODY, _NOBODY)


def possible(needed: Iterable[Path]) -> bool:
    """Return whether there can be two users: nobody has to be able to read what the function needs."""
    return os.geteuid() == 0 and all(map(_is_public, needed))


def _is_public(path: Path) -> bool:
    mode = path.stat().st_mode
    needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return mode & needed == needed
