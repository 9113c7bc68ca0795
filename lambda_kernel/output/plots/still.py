"""A picture of a plot, for what draws no specifications: GitHub, nbconvert, a copy by mail."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...session.cell import never
from ...untrusted import visible

SECONDS = 30.0  # it takes one, on a busy machine some
TICK_SECONDS = 0.1
WHY_CHARACTERS = 200
FAILED = "what draws it has failed, perhaps for lack of memory"
COMMAND = (sys.executable, "-m", "lambda_kernel.output.plots.draw")
# The directory that the package is in: `-m` looks for modules in the working directory first, where others' may lie.
PLACE = Path(__file__).parents[3]


class NotDrawn(Exception):
    """Says why there is no picture."""


def available() -> bool:
    return importlib.util.find_spec("vl_convert") is not None


def png(
    spec: Any, stopped: Callable[[], bool] = never, seconds: float = SECONDS, command: Sequence[str] = COMMAND
) -> bytes:
    """stopped: whether the picture is not wanted any longer. Raises NotDrawn."""
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=none, cwd=PLACE, start_new_session=True)
    except OSError as error:  # too many processes or files: a cell does not fail because of a picture
        raise NotDrawn(f"it could not be drawn: {error.strerror}") from error
    with process:
        written, over = answer(process, json.dumps(spec).encode(), stopped, seconds)
    if process.returncode == 0 and written:
        return written
    if over:
        raise NotDrawn("drawing it was interrupted" if stopped() else f"it takes more than {seconds:g} s to draw")
    raise NotDrawn(visible(written.decode(errors="replace"), WHY_CHARACTERS) or FAILED)


def answer(
    process: subprocess.Popen[bytes], text: bytes, stopped: Callable[[], bool], seconds: float
) -> tuple[bytes, bool]:
    """What it has written until its end, and whether it was ended: when the time was over, or by a stop."""
    done, written = threading.Event(), bytearray()

    def talk() -> None:
        written.extend(process.communicate(text)[0])
        done.set()

    thread = threading.Thread(target=talk)
    thread.start()
    ticks = int(seconds / TICK_SECONDS) + 1
    try:
        any(done.wait(min(TICK_SECONDS, seconds)) or stopped() for _ in range(ticks))
        return bytes(written), not done.is_set()
    finally:
        process.kill()  # nothing, once it has ended
        thread.join()
