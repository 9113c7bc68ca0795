"""The kernel on a Lambda endpoint that is not its own: found by the usual settings, without tenant isolation."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.support.engine_process import environ_for, local_engine
from tests.support.kernel_client import Notebook, notebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")


@pytest.fixture(scope="module")
def engine() -> Iterator[dict[str, str]]:
    with local_engine("--memory", "256") as made:
        yield made


@pytest.fixture(scope="module")
def book(engine: dict[str, str]) -> Iterator[Notebook]:
    with notebook(env={**environ_for(engine), "LAMBDA_KERNEL_FUNCTION": "shell"}) as made:
        yield made


def test_a_function_named_in_the_environment(book: Notebook) -> None:
    shown = book.run("echo $AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    assert shown.out == "256\n"
    assert shown.figures["memory_size_mb"] == 256
    assert "shell" in book.run("%status").out


def test_a_cold_start_where_lambda_chooses_the_environment(book: Notebook) -> None:
    before = book.run("x=1; touch /tmp/file").figures["environment_id"]
    shown = book.run("%reset --cold")
    assert "cold start" in shown.report
    after = book.run("echo ${x-gone}; ls /tmp/file")
    assert after.out == "gone\n"
    assert after.figures["environment_id"] != before
    assert not after.err.startswith("[")
    assert after.notices == []


def test_two_sessions_side_by_side(book: Notebook, engine: dict[str, str]) -> None:
    book.run("where=endpoint")
    assert book.run("%use local\necho ${where-unset}; where=local").out.endswith("unset\n")
    assert book.run("%use shell").error is None
    url = engine["endpoint_url"]
    assert book.run(f"%use shell --endpoint-url {url} --region local\necho ${{where-unset}}").out.endswith("unset\n")
    assert book.run("%use local\necho $where").out.endswith("local\n")
    book.run("%use shell")


def test_wrong_credentials_are_told(engine: dict[str, str]) -> None:
    wrong = {**environ_for(engine), "LAMBDA_KERNEL_FUNCTION": "shell", "AWS_SECRET_ACCESS_KEY": "wrong"}
    with notebook(env=wrong) as made:
        shown = made.run("true")
        assert shown.error is not None
        assert "does not accept the credentials" in shown.error[1]
        assert made.run("%use local\necho fine").out.endswith("fine\n")


def test_a_function_that_is_not_there(engine: dict[str, str]) -> None:
    with notebook("--LambdaKernel.function=nosuch", env=environ_for(engine)) as made:
        shown = made.run("true")
        assert shown.error == ("Refused", shown.error[1] if shown.error else "")
        assert "no function named `nosuch` in the local emulator: name another one with %use" in shown.error[1]
