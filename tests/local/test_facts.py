"""What is known of Lambda, fact by fact, held against a running emulator.

Each fact has a source, and a check: what a command prints inside, what the log of an invocation says, what the caller
gets, what the API refuses, which test looks closer, or which row of docs/explanation/local-emulator.md says that the
emulator differs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambda_kernel.local import LocalEngine, Settings
from tests.local.facts_inside import INSIDE
from tests.local.facts_outside import OUTSIDE
from tests.support.engine_client import HANDLER, Reply, Rig
from tests.support.facts import TIMEOUT_S, Answered, Differs, Elsewhere, Fact, Logged, Refused, Seen

FACTS = OUTSIDE + INSIDE
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "local-emulator.md"
# Differences that come of the machine, and not of what Lambda is.
OF_THE_MACHINE = {
    "CPUs, `free`", "time of a cold start", "network", "memory limit", "after a restart of the kernel", "price",
}  # fmt: skip
BROKEN = "raise KeyError('at import')\n"
ROOT = os.geteuid() == 0


@dataclass(frozen=True)
class World:
    """A running emulator, what commands print in it, and what invocations left."""

    rig: Rig
    printed: Mapping[str, str]
    replies: Mapping[str, Reply]


@pytest.fixture(scope="module")
def world(lab: Rig, session: boto3.Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if lab.engine.isolation != "bwrap":
        pytest.skip("bubblewrap does not work on this machine")
    codes = tmp_path_factory.mktemp("facts")
    engines = [LocalEngine(Settings(_code(codes, source), timeout_s=TIMEOUT_S)) for source in (HANDLER, BROKEN)]
    working, broken = (Rig(engine, session) for engine in engines)
    commands = {fact.check.command for fact in FACTS if isinstance(fact.check, Seen)}
    run = "subprocess.run(['bash', '-c', text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout"
    seen = lab.py(f"result = {{text: {run} for text in {sorted(commands)!r}}}")
    assert not seen.failed, seen.value
    yield World(lab, seen.value, tell(working, broken))
    for engine in engines:
        engine.close()


def _code(directory: Path, source: str) -> Path:
    code = directory / str(len(list(directory.iterdir())))
    code.mkdir()
    (code / "index.py").write_text(source)
    return code


def tell(working: Rig, broken: Rig) -> dict[str, Reply]:
    """Invoke in an order that makes each what it is called."""
    return {
        "cold": working.invoke({}),
        "warm": working.invoke({}),
        "timeout": working.py("time.sleep(60)"),
        "after the timeout": working.invoke({}),
        "crash": working.py("os._exit(127)"),
        "broken": broken.invoke({}),
    }


def looks_like(pattern: str, request_id: str, text: str) -> bool:
    return re.fullmatch(pattern.replace("ID", request_id).replace("MS", r"\d+\.\d\d ms"), text) is not None


def what_is_wrong(fact: Fact, world: World) -> str:
    """Return what was found instead, or nothing. An Elsewhere and a Differs are looked at by other tests."""
    check = fact.check
    if isinstance(check, Seen):
        expected = check.pattern if ROOT or check.without_root is None else check.without_root
        printed = world.printed[check.command]
        return "" if re.fullmatch(expected, printed) else printed
    if isinstance(check, Logged):
        reply = world.replies[check.invocation]
        return "" if looks_like(check.pattern, reply.request_id, reply.log) else reply.log
    if isinstance(check, Answered):
        reply = world.replies[check.invocation]
        expected_items = json.loads(json.dumps(dict(check.payload)).replace("ID", reply.request_id)).items()
        return "" if expected_items <= reply.value.items() else str(reply.value)
    if isinstance(check, Refused):
        with pytest.raises(ClientError) as caught:
            world.rig.client.invoke(**{"FunctionName": "shell", **check.parameters})
        response: Any = caught.value.response
        status, told = response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]
        right = (status, told["Code"]) == (check.status, check.code) and re.fullmatch(check.message, told["Message"])
        return "" if right else f"{status} {told}"
    return ""


def test_the_emulator_is_as_lambda_is(world: World) -> None:
    wrong = {fact.says: found for fact in FACTS if (found := what_is_wrong(fact, world))}
    assert wrong == {}


def test_the_other_tests_are_there() -> None:
    for fact in FACTS:
        if isinstance(fact.check, Elsewhere):
            source = (Path(__file__).parent / fact.check.file).read_text()
            assert f"\ndef {fact.check.test}(" in source, fact.says


def test_each_difference_is_named() -> None:
    """And each row of the page's table is a fact's, or of the machine."""
    rows = set(re.findall(r"^\| ([^|]+) \| ", PAGE.read_text(), re.MULTILINE))
    named = {fact.check.row for fact in FACTS if isinstance(fact.check, Differs)}
    assert named <= rows
    assert rows - named <= OF_THE_MACHINE


def test_each_fact_has_a_source_and_is_told_once() -> None:
    assert all(fact.source for fact in FACTS)
    assert len({fact.says for fact in FACTS}) == len(FACTS)
