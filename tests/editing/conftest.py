"""What the tests of Tab and of Shift-Tab share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.editor import Editor


@pytest.fixture
def editor() -> Iterator[Editor]:
    made = Editor()
    yield made
    made.remote.close()
