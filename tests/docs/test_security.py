"""The proofs that the security page names exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"


def test_every_test_that_is_named_as_a_proof_exists() -> None:
    named = set(re.findall(r"test_\w+\.py", PAGE.read_text("utf-8")))
    assert named
    assert named <= {path.name for path in TESTS.rglob("test_*.py")}
