from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.images.cache import Cache
from tests.support.registry import Registry, serve_registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serve_registry() as serving:
        yield serving


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")
