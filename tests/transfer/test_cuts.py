"""Transfers on a bad day: what is lost, changed, interrupted or replaced on the way."""

from __future__ import annotations

import os
import signal

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from tests.support.faults import Invoke, answer_lost, request_lost, throttled, unreachable
from tests.transfer.conftest import PIECE_BYTES, Fault, Pair, look, odd_tree, passed, random_file


@pytest.mark.parametrize("fault", [answer_lost, request_lost, throttled])
@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("word", ["%put", "%get"])
def test_a_cut_at_any_call_is_gone_on_from(pair: Pair, word: str, which: int, fault: Fault) -> None:
    source, sink = (pair.here, pair.there) if word == "%put" else (pair.there, pair.here)
    data = random_file(source / "big", 3 * PIECE_BYTES + 1)
    (source / "z").symlink_to("big")
    pair.plan = [passed] * which + [fault, fault]
    ran = pair.copy(word, "big", ".")
    assert (sink / "big").read_bytes() == data
    assert ran.usage.invocations <= 8
    assert sum("to give up" in notice for notice in ran.notices) == 1
    assert not pair.leftovers()


def test_every_answer_lost_once(pair: Pair) -> None:
    odd_tree(pair.here / "tree")
    data = random_file(pair.here / "tree" / "zz big", 2 * PIECE_BYTES + 1)
    pair.plan = [answer_lost, passed] * 20
    pair.copy("%put", "tree", ".")
    assert look(pair.there / "tree") == look(pair.here / "tree")
    pair.plan = [answer_lost, passed] * 20
    pair.copy("%get", "tree", "back")
    assert look(pair.here / "back") == look(pair.here / "tree")
    assert (pair.here / "back" / "zz big").read_bytes() == data
    assert not pair.leftovers()


def test_a_transfer_under_way_waits_for_the_network(pair: Pair) -> None:
    data = random_file(pair.here / "big", 2 * PIECE_BYTES + 1)
    pair.plan = [passed, passed, unreachable, unreachable]
    pair.copy("%put", "big", ".")
    assert (pair.there / "big").read_bytes() == data


def mangle(field: str) -> Fault:
    """A byte of the data is another one on its way."""

    def other(event: Event, invoke: Invoke) -> Reply:
        for piece in event["arguments"]["pieces"] if field == "request" else []:
            piece["data"] = ("A" if piece["data"][0] != "A" else "B") + piece["data"][1:]
        reply = invoke()
        for piece in reply.payload["value"]["pieces"] if field == "answer" else []:
            piece["data"] = ("A" if piece["data"][0] != "A" else "B") + piece["data"][1:]
        return reply

    return other


@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("word", ["%put", "%get"])
def test_what_was_changed_on_its_way_replaces_nothing(pair: Pair, word: str, which: int) -> None:
    source, sink = (pair.here, pair.there) if word == "%put" else (pair.there, pair.here)
    random_file(source / "big", 2 * PIECE_BYTES)
    (sink / "big").write_text("before")
    pair.plan = [passed] * which + [mangle("request" if word == "%put" else "answer")]
    with pytest.raises(errors.TransferFailed, match="checksum differs"):
        pair.copy(word, "big", ".")
    assert (sink / "big").read_text() == "before"
    assert not pair.leftovers()


@pytest.mark.parametrize("word", ["%put", "%get"])
def test_an_interrupt_between_pieces(pair: Pair, word: str) -> None:
    source, sink = (pair.here, pair.there) if word == "%put" else (pair.there, pair.here)
    random_file(source / "big", 4 * PIECE_BYTES)
    with pytest.raises(errors.Interrupted):
        pair.copy(word, "big", ".", interrupts=(3,))
    assert list(sink.iterdir()) == []
    assert len(pair.calls) <= 4


@pytest.mark.parametrize("word", ["%put", "%get"])
def test_an_interrupt_leaves_directories_as_they_are_at_the_source(pair: Pair, word: str) -> None:
    source, sink = (pair.here, pair.there) if word == "%put" else (pair.there, pair.here)
    (source / "tree").mkdir(mode=0o755)
    random_file(source / "tree" / "big", 4 * PIECE_BYTES)
    with pytest.raises(errors.Interrupted):
        pair.copy(word, "tree", ".", interrupts=(4,))
    assert list(sink.rglob("*")) == [sink / "tree"]
    assert (sink / "tree").stat().st_mode & 0o777 == 0o755


def test_an_interrupt_ends_the_waiting(pair: Pair) -> None:
    random_file(pair.here / "big", 4 * PIECE_BYTES)
    pair.plan = [passed, passed, *[request_lost] * 100]
    with pytest.raises(errors.Interrupted):
        pair.copy("%put", "big", ".", interrupts=(2,))


def test_the_time_limit_holds(pair: Pair) -> None:
    random_file(pair.here / "big", 4 * PIECE_BYTES)

    def late(event: Event, invoke: Invoke) -> Reply:
        pair.sleep(100)
        return invoke()

    pair.plan = [passed, passed, late]
    pair.run("%timeout 90")
    with pytest.raises(errors.TransferFailed, match="the time limit of 90 s: raise it with %timeout"):
        pair.copy("%put", "big", ".")
    assert len(pair.calls) <= 4
    assert not pair.leftovers()


def test_an_environment_that_goes_takes_the_transfer_along(pair: Pair) -> None:
    random_file(pair.here / "big", 4 * PIECE_BYTES)

    def replaced(event: Event, invoke: Invoke) -> Reply:
        pair.remote.replace()
        return invoke()

    pair.plan = [passed, passed, replaced]
    with pytest.raises(errors.CommandLost, match="transfer is lost: Lambda has replaced"):
        pair.copy("%put", "big", ".")
    assert all(event.get("name") != "drop" for event in pair.remote.transport.events)
    pair.plan = [replaced]
    pair.copy("%put", "big", str(pair.there))
    assert look(pair.there)[b"big"] == look(pair.here)[b"big"]


def test_what_came_of_a_lost_environments_file_is_removed(pair: Pair) -> None:
    random_file(pair.there / "big", 4 * PIECE_BYTES)

    def died(event: Event, invoke: Invoke) -> Reply:
        raise errors.FunctionFailed("the function ran out of memory", "Runtime.OutOfMemory", "id", None)

    pair.plan = [passed, passed, died]
    with pytest.raises(errors.CommandLost, match="transfer is lost: the function ran out of memory"):
        pair.copy("%get", "big", ".")
    assert list(pair.here.iterdir()) == []
    assert len(pair.calls) == 2
    pair.remote.replace()
    assert "runtime died" in pair.run("true").notices[0]


def test_a_bash_that_died_is_started_again_first(pair: Pair) -> None:
    random_file(pair.here / "file", 10)
    [shell] = pair.remote.environment.shells.values()
    os.kill(shell.pid, signal.SIGKILL)
    os.waitid(os.P_PID, shell.pid, os.WEXITED | os.WNOWAIT)
    ran = pair.run("%put file x")
    assert "was killed" in ran.notices[0]
    assert (pair.there / "x").exists()
