"""%redact"""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from tests.far import CREDENTIALS
from tests.magics.conftest import Desk


def test_off_and_on(desk: Desk) -> None:
    show = "echo $AWS_SECRET_ACCESS_KEY"
    assert desk.run(show).out == "[AWS_SECRET_ACCESS_KEY redacted]\n"
    assert "mind where it goes" in desk.run("%redact off").out
    assert desk.run(show).out == CREDENTIALS["AWS_SECRET_ACCESS_KEY"] + "\n"
    assert desk.run(f"%redact on\n{show}").out.endswith("redacted]\n")


def test_another_word(desk: Desk) -> None:
    with pytest.raises(UsageError, match="usage"):
        desk.run("%redact maybe")
