"""docs/how-to/deploy-in-a-company.md names every permission that the commands need."""

from __future__ import annotations

import re
from pathlib import Path

import lambda_kernel

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "deploy-in-a-company.md"
DEPLOY = Path(lambda_kernel.__file__).parent / "deploy"
ACTION = re.compile(r"\"(cloudformation|lambda|logs):([A-Z]\w+)\"")


def test_the_table_has_every_action_that_is_called() -> None:
    called = {found for path in DEPLOY.rglob("*.py") for found in ACTION.findall(path.read_text("utf-8"))}
    assert len(called) > 15
    rows = {line.split("`")[1]: line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")}
    assert [f"{service}:{name}" for service, name in called if not re.search(rf"\b{name}\b", rows[service])] == []
