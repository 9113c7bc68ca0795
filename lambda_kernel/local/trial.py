"""Tries a sandbox with what environments need, to see whether it works on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from .network import first_process
from .users import Users

_PROOF_S = 10
_IMAGE_PROOF_S = 20  # its files may be read for the first time


def passes(
    start: Sequence[str],
    words: Sequence[str],
    with_root: bool,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """start: the command up to bubblewrap, words: what follows; with_root: it waits until its users are known."""
    users = Users() if with_root else None
    command = [*start, "--info-fd", "1", *(users.options if users else []), *words]
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            pass_fds=[users.hold] if users else [],
        ) as process:  # fmt: skip
            assert process.stdout is not None
            first = first_process(process.stdout.read())
            if users is not None:
                users.let_in(first)
            try:
                return process.wait(_PROOF_S) == 0
            finally:
                process.kill()
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        if users is not None:
            users.close()


def run(start: Sequence[str], words: Sequence[str]) -> subprocess.CompletedProcess[bytes] | None:
    """Try it in an image, and return what came of it. None: it could not be started, or did not end."""
    try:
        return subprocess.run(
            [*start, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=_IMAGE_PROOF_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
