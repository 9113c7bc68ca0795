"""What the user is told where the environment refuses something, and that no exchange goes on without end."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors, news
from lambda_kernel.transport import Event, Reply
from tests.apart import apart
from tests.far import Far

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


def test_pipes_by_name_where_proc_shows_no_descriptors_of_the_function() -> None:
    """Nobody may open the descriptors of a process that is not dumpable (proc(5), /proc/PID/fd)."""
    lines = apart(
        """
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
ran = far.run("echo out; echo err >&2; read x; echo $?; set -o vi; (exit 4)")
print(repr(ran.out), repr(ran.err), ran.exit_code, ran.tally.invocations)
print(repr(far.run("echo $?; if").out), repr(far.run("true; nosuch").err), os.listdir(far.environment.fifos) != [])
far.close()
print(os.listdir(far.environment.fifos))
"""
    )
    assert lines == [
        r"'out\n1\n' 'err\n' 4 2",
        r"'' 'bash: line 1: nosuch: command not found\n' True",
        "[]",
    ]


def test_no_room_for_another_process_is_told() -> None:
    lines = apart(
        """
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    far.run("true")
except errors.KernelError as error:
    print(type(error).__name__, error)
print(len(far.transport.events))
"""
    )
    assert lines[0].startswith("CommandLost nothing was run: bash cannot be started: Resource temporarily unavailable")
    assert lines[1] == "1"


def test_a_session_survives_the_limit_of_open_files() -> None:
    """Each cell with a job that runs on keeps its outputs open. The oldest lose theirs."""
    lines = apart(
        """
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
for number in range(60):
    ran = far.run(f"sleep 100 & echo {number}")
    assert (ran.out, ran.exit_code) == (f"{number}\\n", 0), ran
print(far.run("jobs | wc -l").out.strip())
far.close()
"""
    )
    assert lines == ["60"]


def test_a_shell_that_always_ends_at_once_is_given_up(far: Far) -> None:
    def end(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        if event["op"] == "hello":
            far.environment.shells["test"].kill("killed")
        return reply

    far.transport.faults = end
    with pytest.raises(errors.Refused, match="bash ends in its environment as soon as it is started"):
        far.run("true")
    assert len(far.transport.events) < 12


def test_nobody_is_asked_where_it_cannot_be_seen_who_reads(far: Far) -> None:
    far.run("true")
    shell = far.environment.shells["test"]
    shell.blind = True  # a kernel without /proc/PID/syscall
    ran = far.run("read x; echo $?; cat; echo end", stdin=True, lines=["never\n"])
    assert (ran.out, ran.control.questions) == ("1\nend\n", [])
    assert far.run("sleep 9", interrupts=[1]).exit_code == 130
    far.session.shell = None
    assert news.BLIND in far.run("true").notices


def broken(**more: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda payload: payload | more


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: {key: value for key, value in payload.items() if key != "state"},
        lambda payload: {key: value for key, value in payload.items() if key != "environment"},
        lambda payload: {key: value for key, value in payload.items() if key != "chunks"},
        broken(chunks=[["out"]]),
        broken(chunks=[["out", "no base64!"]]),
        broken(chunks=[["out", base64.b64encode(b"x").decode(), 3]]),
        broken(chunks="text"),
        broken(exit=None),
        broken(total="5"),
        broken(ended="exit"),
        broken(ended={"exit": 1}),
        broken(state_after={"digest": 5}),
        broken(cwd=None),
    ],
)
def test_an_answer_that_is_not_of_the_protocol_is_one_sentence(far: Far, change: Callable[[Any], Any]) -> None:
    far.run("true")

    def fault(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        return replace(reply, payload=change(reply.payload)) if event["op"] == "run" else reply

    far.transport.faults = fault
    with pytest.raises(errors.KernelError, match="cannot answer: run `lambda-kernel deploy`"):
        far.run("echo x")
    far.transport.faults = None
    ran = far.run("echo on")
    assert ran.out == "on\n"
    assert ran.notices == [news.ENDINGS["lost"]]


def test_programs_that_a_user_has_deleted_are_there_again(far: Far) -> None:
    far.run("true")
    far.run("rm -rf ${LAMBDA_KERNEL_BIN:=/tmp/.lambda-kernel}/bin; hash -r")
    assert far.run("type -P display free ps | wc -l").out == "3\n"


def test_characters_are_characters_where_the_locale_is_not_there() -> None:
    far = Far(credentials={"LANG": "xx_XX.UTF-8", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""})
    try:
        ran = far.run('x=äöü; echo "${#x} ${x^^} $LANG"; printf %s "$x" | wc -m; grep -c "^.$" <<<ä')
        assert (ran.out, ran.err) == ("3 ÄÖÜ xx_XX.UTF-8\n3\n1\n", "")
    finally:
        far.close()
    far = Far(credentials={"LANG": "C.UTF-8", "LC_CTYPE": "C", "LC_ALL": ""})
    try:
        assert far.run("echo ${LC_ALL-}").out == "\n"
    finally:
        far.close()


def test_options_are_restored_last(far: Far) -> None:
    far.run("x=1; f() { :; }; a.b() { :; }; set -a -o posix; trap 'n=$((n+1))' DEBUG; trap 'e=1' ERR")
    far.replace()
    ran = far.run("declare -p x n; echo $-")
    assert ran.out.startswith('declare -- x="1"\ndeclare -x n="')
    assert "a" in ran.out.splitlines()[-1]
    assert not any("Not restored" in notice for notice in ran.notices)
    assert far.run("trap - DEBUG; set +o posix; a.b; declare -F f").out == "f\n"


def test_a_prompt_command_is_restored_and_never_run(far: Far) -> None:
    far.run("PROMPT_COMMAND='sleep 100'")
    far.replace()
    ran = far.run('echo "$PROMPT_COMMAND"')
    assert (ran.out, ran.tally.invocations) == ("sleep 100\n", 3)
