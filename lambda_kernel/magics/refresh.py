"""How often `%top` and `%%watch` refresh what they show."""

from __future__ import annotations

import re

from ..output.live_view import RefreshInterval
from .arguments import Argument

SECONDS = 2.0  # as watch(1)
BOUNDS = (0.1, 3600.0)  # an environment takes at most ten invocations a second (Lambda quotas)


def seconds(word: str) -> float:
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", word):
        raise ValueError("seconds, such as `0.5`")
    least, most = BOUNDS
    return min(max(float(word), least), most)


def count(word: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", word):
        raise ValueError("a whole number from 1 on")
    return int(word)


def interval(seconds: float, count: int | None, interactive: bool) -> RefreshInterval:
    """Without a user who can interrupt, the view is drawn once."""
    return RefreshInterval(seconds, count or (None if interactive else 1))


def refresh(seconds_option: str, count_option: str) -> tuple[Argument, Argument]:
    """top(1) and watch(1) call the same thing by different letters, and so do our magics of these names."""
    every = "the time between two refreshes; the default is 2"
    return (
        Argument(seconds_option, every, "SECONDS", read=seconds, default=SECONDS),
        Argument(count_option, "end after that many refreshes", "COUNT", read=count),
    )
