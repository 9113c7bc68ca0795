"""%help"""

from __future__ import annotations

from lambda_kernel.magics import MAGICS
from tests.magics.conftest import Desk


def test_every_magic_is_listed_with_its_usage(desk: Desk) -> None:
    text = desk.run("%help").out
    for magic in MAGICS.values():
        assert f"{magic.synopsis}\n" in text
        assert magic.summary in text
    assert max(map(len, text.splitlines())) <= 96
    assert desk.sent == []
