"""Views that are drawn again and again: when, what has changed, and what stands on a terminal."""

from __future__ import annotations

import pytest

from lambda_kernel.errors import UsageError
from lambda_kernel.function.sent.display import CLEAR, END, START, pieces
from lambda_kernel.output import display
from lambda_kernel.output.live_view import (
    NOT_SHOWN,
    RefreshInterval,
    ask,
    data,
    marked,
    plain_lines,
    rounds,
    spark,
)
from lambda_kernel.session.article import ArticleSession
from lambda_kernel.session.cell import ThreadControl
from tests.support.in_process_session import InProcess, Interrupts, fresh


class Clock:
    """Time goes on by waiting, and by what is done between."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds


def test_rounds_begin_at_an_even_pace() -> None:
    clock = Clock()
    for _ in rounds(RefreshInterval(2, 4), Interrupts(sleep=clock.sleep), clock):
        clock.now += 0.5
    assert clock.waits == [1.5, 1.5, 1.5]


def test_rounds_that_take_longer_than_their_pace_follow_at_once_and_do_not_hurry_later() -> None:
    clock, lasting = Clock(), [5, 0.5, 0.5]
    for number, _ in rounds(RefreshInterval(2, 3), Interrupts(sleep=clock.sleep), clock):
        clock.now += lasting[number - 1]
    assert clock.waits == [0, 1.5]


def test_an_interrupt_while_a_round_waits_for_its_answer_ends_them_at_once() -> None:
    control, clock = ThreadControl(), Clock()
    for _ in rounds(RefreshInterval(3600, None), control, clock):
        control.interrupt()
        control.wait(3600)
    assert not control.interrupted


def test_rounds_end_by_an_interrupt() -> None:
    control = Interrupts(after=[2])
    seen = []
    for number, _ in rounds(RefreshInterval(2, None), control, Clock()):
        seen.append(number)
        control.answers += 1
    assert seen == [1, 2]


def test_the_time_limit_shortens_the_last_wait_and_is_the_end() -> None:
    clock = Clock()
    seen = list(rounds(RefreshInterval(6, 5), Interrupts(sleep=clock.sleep), clock, limit=10))
    assert clock.waits == [6, 4]
    assert seen == [(1, 10), (2, 4)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", ["a", "b"]),
        ("10%\r20%\r30%", ["30%"]),
        ("dos\r\nline", ["dos", "line"]),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b(By", ["red xy"]),
        ("a\tb\0\x07\b", ["a       b"]),
        ("", [""]),
        ("cut \x1b[3", ["cut "]),
        ("\x9b1mC1\x1b", ["1mC1"]),
    ],
)
def test_what_a_terminal_would_leave(text: str, lines: list[str]) -> None:
    assert plain_lines(text) == lines


def changed(before: list[str] | None, now: list[str]) -> list[str]:
    """With brackets around what is marked."""
    return ["".join(f"[{text}]" if style else text for style, text in line) for line in marked(before, now)]


def test_differences_stand_where_they_are() -> None:
    assert changed(None, ["a"]) == ["a"]
    assert changed(["free 120 MB", "same"], ["free 98 MB", "same"]) == ["free [98 MB]", "same"]
    assert changed(["free 120 MB"], ["free 121 MB"]) == ["free 12[1] MB"]
    assert changed(["a"], ["ab", "new"]) == ["a[b]", "[new]"]
    assert changed(["a", "gone"], ["a"]) == ["a"]
    assert changed(["", "x"], ["", ""]) == ["", ""]


def test_marks_on_a_terminal_and_in_a_notebook() -> None:
    shown = data(marked(["1 <b>"], ["2 <b>"]))
    assert shown["text/plain"] == "\x1b[7m2\x1b[0m <b>"
    assert "var(--jp-" in shown["text/html"]
    assert shown["text/html"].endswith("2</span> &lt;b&gt;</pre>")


def test_a_terminals_screen_is_written_over() -> None:
    shown = display.on_screen({"text/plain": "a\nb", "text/html": "<b>"})
    assert shown == {"text/plain": "\x1b[H\x1b[?7l\x1b[Ka\n\x1b[Kb\x1b[?7h\n\x1b[J", "text/html": "<b>"}


def test_sparklines() -> None:
    assert spark([0, 50, 100], 100) == "▁▅█"
    assert spark([0, 0]) == "▁▁"
    assert spark([1, 2, 4]) == "▃▅█"
    assert spark([-5, 300], 100) == "▁█"
    assert spark([]) == ""


def test_the_articles_function_cannot_be_looked_into() -> None:
    with pytest.raises(UsageError, match="%use"):
        ask(
            ArticleSession(InProcess().transport, lambda: 0.0),
            ("report", dict),
            fresh().context,
        )


def test_a_display_in_a_view_is_told_once() -> None:
    drawn = "".join(pieces('{"data": "%s"}' % ("A" * 9000), "0123456789ab", "0a0a0a0a"))
    assert plain_lines(f"a{drawn}b") == [f"a{NOT_SHOWN}b"]


@pytest.mark.parametrize("clear", [f"{START}ab;01234567;0.{CLEAR}{END}", "\x1b[H\x1b[2J\x1b[3J", "\x1b[H\x1b[J"])
def test_what_was_cleared_is_gone(clear: str) -> None:
    assert plain_lines(f"a\n{clear}b\n{clear}c\nd") == ["c", "d"]
