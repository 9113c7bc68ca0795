"""Bytes to stream text, and the line of the report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.aws.usage import Usage
from lambda_kernel.output import display
from lambda_kernel.report import Report
from lambda_kernel.session.cell import CellEvent, InputEnded, Notice, Output, Truncated

LAST = Report("id", 6.91, 7, 128, 82)


def shown(*cell_events: CellEvent) -> list[tuple[str, str]]:
    sent: list[tuple[str, str]] = []
    streams = display.Streams(lambda *text: sent.append(text), notify=lambda told: sent.append((told.code, told.text)))
    for cell_event in cell_events:
        streams.show(cell_event)
    streams.finish()
    return sent


@given(st.text(max_size=60), st.lists(st.integers(1, 5), max_size=100))
def test_text_is_the_same_wherever_its_bytes_are_cut(text: str, sizes: list[int]) -> None:
    data, outputs = text.encode(), []
    for size in [*sizes, len(data) + 1]:
        outputs.append(Output("stdout", data[:size]))
        data = data[size:]
    assert "".join(text for _, text in shown(*outputs)) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_shown(data: bytes) -> None:
    assert "".join(text for _, text in shown(Output("stdout", data))) == data.decode("utf-8", "replace")


def test_the_streams_are_decoded_apart() -> None:
    assert shown(Output("stdout", b"\xe2\x98"), Output("stderr", b"e"), Output("stdout", b"\x83")) == [
        ("stderr", "e"),
        ("stdout", "☃"),
    ]


def test_a_background_job_is_named_once_on_a_line_of_its_own() -> None:
    sent = shown(
        Output("stdout", b"a"), Output("stdout", b"x\n", 7), Output("stdout", b"y\n", 7), Output("stdout", b"b")
    )
    assert sent == [
        ("stdout", "a"),
        ("job", "[a background job of cell 7]"),
        *(("stdout", "x\n"), ("stdout", "y\n")),
        ("job", "[this cell]"),
        ("stdout", "b"),
    ]
    assert shown(Output("stdout", b"x", 0))[0] == ("job", "[a background job of an earlier cell]")


def test_jobs_that_write_in_between_too_often_have_to_wait_and_lose_nothing() -> None:
    """JupyterLab hides the report behind a click when there are more than 50 outputs above it."""
    cell_events = []
    for n in range(99):
        cell_events += [Output("stdout", b"c%d\n" % n), Output("stdout", b"j%d\n" % n, 7 + n % 2)]
    sent = shown(*cell_events)
    assert len(sent) < 250
    assert sum(code == "job" for code, _ in sent) < 25
    text = [text for code, text in sent if code == "stdout"]
    assert [line for line in text if line[0] == "c"] == [f"c{n}\n" for n in range(99)]
    for job in (0, 1):
        assert [line for line in text if line[0] == "j" and int(line[1:]) % 2 == job] == [
            f"j{n}\n" for n in range(job, 99, 2)
        ]
    assert [text for code, text in sent if code == "job"][-3:] == [
        f"[{display.HELD_BACK}]",
        *("[a background job of cell 7]", "[a background job of cell 8]"),
    ]


def test_what_is_left_out_is_counted_beside_the_output() -> None:
    sent = shown(Output("stdout", b"a\xe2\x98"), Truncated(7_262_688, 3_631_344), Output("stdout", b"b"))
    assert [name for name, _ in sent] == ["stdout", "stdout", "truncated", "stdout"]
    assert "".join(text for name, text in sent if name == "stdout") == "a\ufffdb"
    assert sent[2][1].startswith("3,631,344 lines, 7.3 MB left out: ")


def test_hints_and_notices_are_no_output_of_the_command() -> None:
    sent = shown(InputEnded(), Notice("so it is", "retry"))
    assert [name for name, _ in sent] == ["input-ended", "retry"]


def test_a_notice_stands_where_it_happened_and_cuts_no_character() -> None:
    parts = (Output("stdout", b"1\n\xe2\x98"), Notice("now", "job"), Output("stderr", b"2"), Output("stdout", b"\x83"))
    assert shown(*parts) == [("stdout", "1\n"), ("job", "now"), ("stderr", "2"), ("stdout", "☃")]


@pytest.mark.parametrize(("exit_code", "text"), [(3, "exit code 3"), (137, "exit code 137 (SIGKILL)")])
def test_a_failure_by_a_signal_is_named(exit_code: int, text: str) -> None:
    assert display.failure(exit_code) == text


def usage(*reports: Report) -> Usage:
    made = Usage()
    for number, report in enumerate(reports):
        made.add(f"id-{number}", report)
    return made


@pytest.mark.parametrize(
    ("region", "machine", "cost"),
    [
        # Billed 7 ms at 128 MB, by the price of a GB-second, and a request.
        ("us-east-1", "x86_64", 0.007 * 0.125 * 0.0000166667 + 0.0000002),
        ("us-east-1", "aarch64", 0.007 * 0.125 * 0.0000133334 + 0.0000002),
        ("mars-west-1", "x86_64", None),
        ("us-east-1", "riscv64", None),
        ("local", "x86_64", None),
    ],
)
def test_the_metadata_and_its_cost(region: str, machine: str, cost: float | None) -> None:
    made = usage(LAST)
    made.machine = machine
    shown = display.metadata(made, 12.5, 3, "shell", region)["lambda"]
    assert (shown["function"], shown["region"], shown["wall_ms"], shown["exit_code"]) == ("shell", region, 12.5, 3)
    assert shown["cost_usd"] == (None if cost is None else pytest.approx(cost))


def test_of_many_request_ids_the_first_and_the_last_ten_are_kept() -> None:
    made = usage(*[LAST] * 100)
    ids = made.metadata()["request_ids"]
    assert ids == [f"id-{n}" for n in [*range(10), *range(90, 100)]]
    assert made.metadata()["invocations"] == 100


def test_an_error_is_red_on_a_terminal_only() -> None:
    assert display.error("no " * 40, terminal=True) == f"\x1b[31m{'no ' * 40}\x1b[0m"
    assert display.error("exit code 1", terminal=False) == "exit code 1"


def test_an_error_has_no_word_and_no_command_broken() -> None:
    command = "`lambda-kernel install --name another --function another-function --region eu-north-1`"
    text = f"the first-line\n\n  {'word ' * 20}ends: run {command} {'x' * 80}"
    shown = display.error(text, terminal=False)
    assert shown.split() == text.split()
    assert shown.startswith("the first-line\n\n  word word")
    assert command in shown.split("\n")
    assert all(len(line) <= display.COLUMNS for line in shown.split("\n") if "`" not in line and "x" * 80 not in line)
