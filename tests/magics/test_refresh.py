"""How often %top and %%watch refresh."""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.magics import top, watch
from lambda_kernel.magics.base import Magic
from lambda_kernel.magics.refresh import interval
from lambda_kernel.output.live_view import RefreshInterval

# Each with its options for the seconds and the count.
BOTH = pytest.mark.parametrize("names", [(watch.MAGIC, "n", "c"), (top.MAGIC, "d", "n")])


@pytest.mark.parametrize(
    ("words", "seconds", "count"),
    [
        ("", 2, None),
        ("-EVERY 5", 5, None),
        ("-TIMES 3", 2, 3),
        ("-TIMES 3 -EVERY 0.5", 0.5, 3),
        ("-EVERY 0", 0.1, None),
        ("-EVERY 9999", 3600, None),
    ],
)
@BOTH
def test_options(words: str, seconds: float, count: int | None, names: tuple[Magic, str, str]) -> None:
    magic, every, times = names
    options = vars(magic.read(words.replace("EVERY", every).replace("TIMES", times).split()))
    assert interval(options[every], options[times], True) == RefreshInterval(seconds, count)


@pytest.mark.parametrize("words", ["-n", "5", "-c 0", "-c x", "-c 1.5", "-n -1", "-n nan", "-n 1e3", "-x 1", "-n 1 2"])
def test_options_that_cannot_be(words: str) -> None:
    with pytest.raises(UsageError):
        watch.MAGIC.read(words.split())


def test_what_nobody_attends_is_drawn_once_unless_it_says_how_often() -> None:
    assert interval(2, None, False).count == 1
    assert interval(2, 7, False).count == 7
