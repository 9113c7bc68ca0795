"""Output of any size from a function of 128 MB: exact where all of it is wanted, bounded where it is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from lambda_kernel.local.quotas import RESPONSE_BYTES
from lambda_kernel.session.cell import Bound, CellEvent, Output
from tests.support.in_process_session import Interrupts, Ran
from tests.support.proxied_session import ProxiedSession, proxied_session

MEGABYTE = 1_000_000
MOST_MB = 48  # of 128; the function itself takes about 15, and keeps at most 4 MB of output


@pytest.fixture
def remote() -> Iterator[ProxiedSession]:
    """With an environment of its own: Lambda reports the most memory that all its invocations have used."""
    with proxied_session(memory_mb=128) as made:
        yield made


def fill(remote: ProxiedSession, megabytes: int) -> None:
    remote.run(f"head -c {megabytes * MEGABYTE} /dev/urandom >/tmp/data")


def joined(ran: Ran, stream: str) -> bytes:
    return b"".join(output.data for output in ran.outputs if output.stream == stream)


def most_mb(ran: Ran) -> int:
    assert ran.usage.totals is not None
    return int(ran.usage.totals.max_memory_used_mb or 0)


def test_50_mb_of_any_bytes_arrive_as_they_are(remote: ProxiedSession) -> None:
    fill(remote, 50)
    digest = remote.run("sha256sum </tmp/data").out.split()[0]
    ran = remote.run("cat /tmp/data", bound=None, redact=False)
    data = joined(ran, "stdout")
    assert len(data) == 50 * MEGABYTE
    assert hashlib.sha256(data).hexdigest() == digest
    assert (ran.exit_code, ran.gaps, ran.notices) == (0, [], [])
    assert ran.usage.invocations > 10
    assert max(len(exchange.response) for exchange in remote.proxy.exchanges) < RESPONSE_BYTES / 2
    assert most_mb(ran) < MOST_MB


def test_both_streams_at_once_arrive_as_they_are(remote: ProxiedSession) -> None:
    """A line of stderr is kept together, and one without an end must not be kept for ever."""
    fill(remote, 16)
    digests = remote.run("head -c 8000000 /tmp/data | sha256sum; tail -c 8000000 /tmp/data | sha256sum").out.split()
    ran = remote.run("(head -c 8000000 /tmp/data & tail -c 8000000 /tmp/data >&2; wait)", bound=None, redact=False)
    found = [hashlib.sha256(joined(ran, stream)).hexdigest() for stream in ("stdout", "stderr")]
    assert found == [digests[0], digests[2]]
    assert most_mb(ran) < MOST_MB


def test_lines_of_both_streams_in_turns_arrive_as_they_are(remote: ProxiedSession) -> None:
    """Each of them is a chunk of one byte, which takes much more than that in memory and in an answer."""
    before = len(remote.proxy.exchanges)
    ran = remote.run("for ((i = 0; i < 60000; i++)); do echo; echo >&2; done", bound=None)
    assert (ran.out, ran.err) == ("\n" * 60_000, "\n" * 60_000)
    assert max(len(exchange.response) for exchange in list(remote.proxy.exchanges)[before:]) < RESPONSE_BYTES / 2
    assert most_mb(ran) < MOST_MB


def test_the_writer_waits_while_nobody_fetches(remote: ProxiedSession) -> None:
    """How far it was is seen after an interrupt: no further ahead than what the function and the pipes hold."""
    fill(remote, 1)
    fetched = [0]
    control = Interrupts([1], sleep=remote.wait)

    def see(cell_event: CellEvent) -> None:
        if isinstance(cell_event, Output) and cell_event.stream == "stdout":
            fetched[0] += len(cell_event.data)
            control.answers = int(fetched[0] > 5 * MEGABYTE)

    code = "for i in {1..50}; do head -c 1000000 /tmp/data; echo $i >/tmp/progress; done"
    ran = remote.run(code, bound=None, see=see, control=control)
    assert ran.result.interrupted
    written = int(remote.run("cat /tmp/progress").out) * MEGABYTE
    assert 5 * MEGABYTE < fetched[0] <= 50 * MEGABYTE
    assert written < fetched[0] + 2 * MEGABYTE
    assert written < 20 * MEGABYTE


def test_what_is_shown_has_a_head_a_tail_and_a_count(remote: ProxiedSession) -> None:
    ran = remote.run("yes | head -n 5000000; echo end", bound=Bound(100_000, 1_000))
    [gap] = ran.gaps
    shown = joined(ran, "stdout")
    assert len(shown) + gap.bytes == 10_000_000 + 4
    assert shown.count(b"\n") + gap.lines == 5_000_001
    assert len(shown) <= 100_000
    assert shown.count(b"\n") <= 1_000
    assert shown.startswith(b"y\n")
    assert shown.endswith(b"y\nend\n")
    assert ran.usage.invocations < 60
    assert most_mb(ran) < MOST_MB


def test_one_line_without_end_has_a_head_a_tail_and_a_count(remote: ProxiedSession) -> None:
    ran = remote.run("printf first; head -c 30000000 /dev/zero | tr '\\0' x; printf last", bound=Bound(100_000, 1_000))
    [gap] = ran.gaps
    shown = joined(ran, "stdout")
    assert len(shown) + gap.bytes == 30_000_009
    assert (gap.lines, shown[:6], shown[-5:]) == (0, b"firstx", b"xlast")
    assert most_mb(ran) < MOST_MB


def test_what_nobody_waits_for_is_dropped_in_the_function(remote: ProxiedSession) -> None:
    """`yes` runs on until the user has had enough: next to nothing of it is fetched."""
    control = Interrupts([2], sleep=remote.wait)
    control_wait = iter(range(100))

    def see(_: CellEvent) -> None:
        control.answers = next(control_wait)

    ran = remote.run(
        "yes & sleep 0.5; kill $!; wait; echo >&2 over", bound=Bound(10_000, 1_000), see=see, control=control
    )
    assert sum(len(exchange.response) for exchange in list(remote.proxy.exchanges)[-ran.usage.invocations :]) < 100_000
    assert len(joined(ran, "stdout")) <= 10_000
    assert ran.gaps[0].bytes > 100_000


@pytest.mark.parametrize("bound", [Bound(), None], ids=["shown", "into a file"])
def test_control_characters_and_broken_text_pass_as_they_are(remote: ProxiedSession, bound: Bound | None) -> None:
    text = r"10\r20\r100\n\033[1;31mred\033[0m\b\a\0\n\xff\xfe\xc3(\xed\xa0\x80\xf0\x9f\x98 \xf0\x9f\x98\x80\n"
    ran = remote.run(f"printf '{text}'; printf '{text}' >&2", bound=bound)
    wanted = b"10\r20\r100\n\x1b[1;31mred\x1b[0m\b\a\0\n\xff\xfe\xc3(\xed\xa0\x80\xf0\x9f\x98 \xf0\x9f\x98\x80\n"
    assert (joined(ran, "stdout"), joined(ran, "stderr")) == (wanted, wanted)


def test_a_character_is_whole_though_answers_are_cut_anywhere(remote: ProxiedSession) -> None:
    """The session hands on bytes, and loses none where one answer ends: 3 bytes a character, 1.5 MB an answer."""
    ran = remote.run("for i in {1..5}; do printf '€%.0s' {1..200000}; done", bound=None)
    assert joined(ran, "stdout").decode() == "€" * 1_000_000


def test_afterwards_the_shell_works_as_before(remote: ProxiedSession) -> None:
    remote.run("seq 1000000", bound=Bound(100_000, 1_000))
    ran = remote.run("echo small; jobs")
    assert (ran.out, ran.notices, ran.usage.invocations) == ("small\n", [], 1)


def test_a_variable_of_20_mb_costs_neither_the_shell_nor_its_state(remote: ProxiedSession) -> None:
    """What the function takes of it is seen in the most memory that its process has had, which is bash's parent."""
    remote.run("x=$(head -c 20000000 /dev/zero | tr '\\0' a); y=kept")
    ran = remote.run(
        "echo ${#x} $y; unset x; while read -r name most unit; do [[ $name = VmHWM: ]] && echo $most; done "
        "</proc/$PPID/status"
    )
    size, kept, most_kb = ran.out.split()
    assert (size, kept, ran.notices) == ("20000000", "kept", [])
    assert int(most_kb) < MOST_MB * 1024
