"""The whole kernel against a third party's Lambda: our function as deployed, and the 2018 article's as published."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.session.article import CUT
from lambda_kernel.session.held import ABANDONED
from tests.support.kernel_client import Notebook, notebook
from tests.support.ministack import REGION, client, deploy, ministack

# As published, but for the runtime: nodejs6.10 is long gone, and nodejs24.x takes no handler with a callback.
ARTICLE = (Path(__file__).parents[1] / "article" / "template.yaml").read_text().replace("nodejs6.10", "nodejs22.x")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the function looks into /proc")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


@pytest.fixture(scope="module")
def stack() -> Iterator[str]:
    """The article's function is called shell, as its template says."""
    with ministack() as url:
        deploy(url, "--function", "ours", "--memory", "256")
        formation = client(url, "cloudformation")
        formation.create_stack(StackName="article", TemplateBody=ARTICLE, Capabilities=["CAPABILITY_IAM"])
        formation.get_waiter("stack_create_complete").wait(StackName="article", WaiterConfig={"Delay": 1})
        yield url


def options(stack: str, function: str) -> list[str]:
    names = {"function": function, "region": REGION, "endpoint_url": stack}
    return [f"--LambdaKernel.{name}={value}" for name, value in names.items()]


@pytest.fixture(scope="module")
def book(stack: str) -> Iterator[Notebook]:
    with notebook(*options(stack, "ours")) as made:
        yield made


@pytest.fixture(scope="module")
def article(stack: str) -> Iterator[Notebook]:
    with notebook(*options(stack, "shell")) as made:
        yield made


def test_state_stays_between_cells(book: Notebook) -> None:
    assert book.run("cd /tmp; x=5; f() { echo f$x; }").error is None
    shown = book.run("pwd; f; echo $AWS_LAMBDA_FUNCTION_NAME $AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    assert shown.out == "/tmp\nf5\nours 256\n"
    assert shown.figures["function"] == "ours"
    assert shown.figures["region"] == REGION
    assert shown.figures["invocations"] == 1


def test_output_comes_while_the_command_runs(book: Notebook) -> None:
    """The second half waits for the first half to have been seen: for the interrupt that its message leads to."""
    request = book.start(
        "trap 'echo seen; trap - INT; exit_loop=1' INT; echo begun; until [ $exit_loop ]; do sleep 0.05; done"
    )
    shown = book.collect(request, interrupt_at="stream")
    assert shown.out.startswith("begun\n")


def test_stderr_and_a_failing_command(book: Notebook) -> None:
    shown = book.run("echo out; echo err >&2; (exit 3)")
    assert (shown.out, shown.err, shown.error) == ("out\n", "err\n", ("ExitCode", "3"))


def test_an_interrupt(book: Notebook) -> None:
    book.run("x=kept")
    shown = book.collect(book.start("echo asleep; sleep 30"), interrupt_at="stream")
    assert shown.error == ("KeyboardInterrupt", "")
    assert shown.figures["invocations"] > 1
    assert book.run("echo $x").out == "kept\n"


def test_status(book: Notebook, stack: str) -> None:
    book.run("true")
    rows = book.run("%status").out
    assert f"ours, {REGION}, {stack}" in rows
    assert f"ours in {REGION}" in rows


def test_a_new_environment(book: Notebook) -> None:
    """It takes a tenant's id, and has no tenants."""
    before = book.run("true").figures["environment_id"]
    assert book.run("%reset --cold").figures["environment_id"] != before
    shown = book.run("%%fleet 3\necho $FLEET_SIZE; sleep 0.5")
    assert shown.out == "3\n"
    assert "3 of 3 runs in 3 environments" in str(shown.displays)
    figures = shown.reply["metadata"]["lambda"]
    assert figures["measured_by"] == "function"
    assert figures["duration_ms"] >= 1_500


def test_large_output(book: Notebook) -> None:
    book.run("%limit none")
    shown = book.run("seq -w 428571")
    assert len(shown.out) == 2_999_997
    assert shown.out == "".join(f"{number:06}\n" for number in range(1, 428_572))
    book.run("%limit 1M")


def test_to_the_local_engine_and_back(book: Notebook, stack: str) -> None:
    book.run("where=ministack")
    assert book.run("%use local\necho ${where-local}; where=engine").out.endswith("local\n")
    back = f"%use ours --region {REGION} --endpoint-url {stack}"
    assert book.run(f"{back}\necho $where").out.endswith("ministack\n")


@needs_node
def test_the_articles_function(stack: str) -> None:
    """In a kernel of its own: that it is the article's is told once."""
    with notebook(*options(stack, "shell")) as article:
        first, second = article.run("echo a; echo 'b c'\nx=5"), article.run('printf %s "${x-fresh}"')
    assert (first.out, second.out) == ("a\nb c\n", "fresh")
    assert "`shell` is the 2018 article's function." in first.noticed
    assert (second.err, second.notices) == ("", [])
    assert (first.figures["invocations"], second.figures["invocations"]) == (2, 1)
    assert second.error is None


@needs_node
def test_the_articles_function_with_odd_commands(article: Notebook) -> None:
    """The event in its log has each of Node's quotes, line breaks and characters beyond ASCII."""
    for text in ("it's", 'it"s', "`it's`", "$\\t", "é😀\u2028", "x" * 80, "a" * 40 + "\n" + "b" * 40):
        assert article.run(f"cat <<'END'\n{text}\nEND").out == f"{text}\n"


@needs_node
def test_the_articles_function_reads_no_input(article: Notebook) -> None:
    assert article.run("cat; echo end").out == "end\n"


@needs_node
def test_the_articles_function_is_cut_at_4_kb(article: Notebook, tmp_path: Path) -> None:
    shown = article.run("seq 2000")
    assert shown.out.endswith("\n1999\n2000\n")
    assert CUT in shown.noticed
    assert CUT in article.run(f"%%output {tmp_path / 'all'}\nseq 2000").noticed
    assert (tmp_path / "all").read_text() == shown.out


@needs_node
def test_an_interrupt_of_the_articles_function(article: Notebook) -> None:
    article.run("true")  # so that the connection is there
    shown = article.collect(article.start("%report line\nsleep 2"), interrupt_at="stream")
    assert shown.error == ("KeyboardInterrupt", "")
    assert article.run("echo next").out == "next\n"


@needs_node
def test_a_time_limit_on_the_articles_function(article: Notebook) -> None:
    article.run("%timeout 1")
    shown = article.run("sleep 4")
    assert shown.error
    assert shown.error[0] == "CellTimeout"
    assert ABANDONED in shown.noticed
    article.run("%timeout none")
    assert article.run("echo next").out == "next\n"


@needs_node
def test_credentials_in_the_articles_function(article: Notebook) -> None:
    secret = "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    assert article.run(f"echo {secret}").out == "AWS_SECRET_ACCESS_KEY=[AWS_SECRET_ACCESS_KEY redacted]\n"
    assert "nothing to reset" in article.run("%reset").error[1]  # type: ignore[index]


@needs_node
def test_from_the_articles_function_to_ours_and_back(article: Notebook, stack: str) -> None:
    where = f"--region {REGION} --endpoint-url {stack}"
    assert article.run(f"%use ours {where}\nx=5").error is None
    assert article.run(f"%use shell {where}\necho ${{x-none}}").out.endswith("none\n")
    assert article.run(f"%use ours {where}\necho $x").out.endswith("5\n")
    article.run(f"%use shell {where}")
