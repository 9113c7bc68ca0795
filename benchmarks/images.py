"""The local emulator's start with a container image as the root, and with this machine's files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.support.container_image import build, shell_layer, write_layout

from .endpoint import BareTransport, local_engine
from .figures import OURS, Figure
from .plan import Plan, interleaved

HOST, IMAGE = "host", "image"


def measure(plan: Plan) -> list[Figure]:
    image = build(shell_layer(), environment=["PATH=/opt/python/bin:/bin"], working_directory="/tmp", compress=bytes)
    layout = write_layout(Path(os.environ["HOME"], "layout"), {"1": image})
    begin = time.perf_counter()
    _first_answer("--image", str(layout))
    pulled = time.perf_counter() - begin
    tries: dict[str, Callable[[], float]] = {
        HOST: _first_answer,
        IMAGE: partial(_first_answer, "--image", str(layout)),
    }
    samples = interleaved(tries, plan.rounds(30, 10))
    host = Figure("emulator's start to its first answer, this machine's root", "s", {OURS: samples[HOST]})
    rooted = Figure("  an image's root, unpacked before", "s", {OURS: samples[IMAGE]})
    longer = ((rooted.median(OURS) or 0) / (host.median(OURS) or 1) - 1) * 100
    rooted.judge("at most 10 % longer", longer, 10, unit="%")
    size = len(shell_layer()) / 1e6
    return [host, rooted, Figure(f"  an image of {size:.0f} MB, unpacked on the way", "s", {OURS: [pulled]})]


def _first_answer(*options: str) -> float:
    begin = time.perf_counter()
    with local_engine(*options) as at, closing(BareTransport(at)) as transport:
        transport.invoke({"cmd": "true"})
        return time.perf_counter() - begin
