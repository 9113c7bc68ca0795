"""Fixtures: engines on a real socket, called with boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambda_kernel.local import LocalEngine, Settings
from tests.support.engine_client import HANDLER, Rig


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    return boto3.Session()


@pytest.fixture(scope="session")
def lab_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    code = tmp_path_factory.mktemp("lab")
    # As a function's files have to be on Lambda.
    code.chmod(0o755)
    (code / "index.py").write_text(HANDLER)
    return code


@pytest.fixture(scope="session")
def lab(lab_code: Path, session: boto3.Session) -> Iterator[Rig]:
    """One engine for all tests that leave it as they found it."""
    with LocalEngine(Settings(lab_code, timeout_s=20)) as engine:
        yield Rig(engine, session)


@pytest.fixture
def rig(lab_code: Path, session: boto3.Session, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Make engines of one's own; `source` is the function's module, the rest are settings."""
    engines: list[LocalEngine] = []

    def make(source: str | None = None, engine: dict[str, Any] | None = None, **settings: Any) -> Rig:
        code = lab_code
        if source is not None:
            code = tmp_path / f"code{len(engines)}"
            code.mkdir()
            (code / "index.py").write_text(source)
        engines.append(LocalEngine(Settings(code, **settings), **(engine or {})))
        return Rig(engines[-1], session)

    yield make
    for started in engines:
        started.close()
