"""A picture of a plot, for what draws no specifications: GitHub, nbconvert, a copy by mail."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ...session.cell import Control
from .plot import Spec, on_paper

SECONDS = 30.0  # it takes one, on a busy machine some
COMMAND = (sys.executable, "-m", "lambda_kernel.output.plots.draw")
# The directory that the package is in: `-m` looks for modules in the working directory first, where others' may lie.
PLACE = Path(__file__).parents[3]


def available() -> bool:
    return importlib.util.find_spec("vl_convert") is not None


def png(spec: Spec, control: Control, seconds: float = SECONDS, command: Sequence[str] = COMMAND) -> bytes | None:
    """None: it could not be drawn in that time, or before an interrupt."""
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=none, cwd=PLACE, start_new_session=True)
    except OSError:  # too many processes or files: a cell does not fail because of a picture
        return None
    with process:
        drawn = answer(process, json.dumps(on_paper(spec)).encode(), control, seconds)
    return drawn if process.returncode == 0 and drawn else None


def answer(process: subprocess.Popen[bytes], text: bytes, control: Control, seconds: float) -> bytes:
    """What it writes until it ends, or is ended: when the time is over, or by an interrupt."""
    done, written = threading.Event(), bytearray()

    def talk() -> None:
        written.extend(process.communicate(text)[0])
        done.set()
        control.wake()

    thread = threading.Thread(target=talk)
    thread.start()
    control.wait(seconds, done.is_set)
    process.kill()  # nothing, once it has ended
    thread.join()
    return bytes(written)
