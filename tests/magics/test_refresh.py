"""How often %top and %%watch refresh."""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.magics.refresh import interval
from lambda_kernel.magics.top import MAGIC
from lambda_kernel.output.live_view import RefreshInterval


@pytest.mark.parametrize(
    ("words", "seconds", "count"),
    [
        ("", 2, None),
        ("-n 5", 5, None),
        ("-c 3", 2, 3),
        ("-c 3 -n 0.5", 0.5, 3),
        ("-n 0", 0.1, None),
        ("-n 9999", 3600, None),
    ],
)
def test_options(words: str, seconds: float, count: int | None) -> None:
    assert interval(MAGIC.read(words.split()), True) == RefreshInterval(seconds, count)


@pytest.mark.parametrize("words", ["-n", "5", "-c 0", "-c x", "-c 1.5", "-n -1", "-n nan", "-n 1e3", "-x 1", "-n 1 2"])
def test_options_that_cannot_be(words: str) -> None:
    with pytest.raises(UsageError):
        MAGIC.read(words.split())


def test_what_nobody_attends_is_drawn_once_unless_it_says_how_often() -> None:
    assert interval(MAGIC.read([]), False).count == 1
    assert interval(MAGIC.read(["-c", "7"]), False).count == 7
