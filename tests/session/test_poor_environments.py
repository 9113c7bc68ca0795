"""What the user is told where the environment refuses something, and that no exchange goes on without end."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.session import replacement
from tests.support.in_process_session import InProcess
from tests.support.unprivileged_session import apart

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


def test_pipes_by_name_where_proc_shows_no_descriptors_of_the_function() -> None:
    """Nobody may open the descriptors of a process that is not dumpable (proc(5), /proc/PID/fd)."""
    lines = apart(
        """
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
ran = remote.run("echo out; echo err >&2; read x; echo $?; set -o vi; (exit 4)")
print(repr(ran.out), repr(ran.err), ran.exit_code, ran.usage.invocations)
more = remote.run("echo $?; if").out, remote.run("true; nosuch").err
print(*map(repr, more), os.listdir(remote.environment.fifos) != [])
remote.close()
print(os.listdir(remote.environment.fifos))
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
    remote.run("true")
except errors.KernelError as error:
    print(type(error).__name__, error)
print(len(remote.transport.events))
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
    ran = remote.run(f"sleep 100 & echo {number}")
    assert (ran.out, ran.exit_code) == (f"{number}\\n", 0), ran
print(remote.run("jobs | wc -l").out.strip())
remote.close()
"""
    )
    assert lines == ["60"]


AT_THE_LIMIT = """
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
remote.run("true")
shell = remote.environment.shells["test"]
def at_the_limit(invoke):
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    try:
        return invoke()
    finally:
        for fd in taken:
            os.close(fd)
remote.transport.faults = lambda event, invoke: at_the_limit(invoke) if event["op"] == "attach" else invoke()
"""


@pytest.mark.parametrize("blind", [False, True])
def test_a_command_goes_on_where_no_process_can_be_looked_at(blind: bool) -> None:
    lines = apart(
        AT_THE_LIMIT
        + f"shell.blind = {blind}"
        + """
ran = remote.run("sleep 0.7; echo end")
print(ran.out.strip(), ran.exit_code, ran.shell_notices, ran.usage.invocations > 2)
remote.close()
"""
    )
    assert lines == ["end 0 [] True"]


def test_a_shell_and_its_jobs_are_killed_at_the_limit_of_open_files() -> None:
    lines = apart(
        AT_THE_LIMIT
        + """
from lambda_kernel.function import index
remote.run("setsid sleep 99 & sleep 99 &")
mark = f"{index.SHELL_MARK}={shell.id}"
def left():
    return [p for p in index.processes() if mark in index.peek(f"/proc/{p.pid}/environ")]
while len(left()) < 3:  # what execs has no environment for a moment
    pass
at_the_limit(lambda: shell.kill("killed"))
print(left(), shell.ended["cause"])
remote.close()
"""
    )
    assert lines == ["[] killed"]


def test_a_shell_that_always_ends_at_once_is_given_up(remote: InProcess) -> None:
    def end(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        if event["op"] == "hello":
            remote.environment.shells["test"].kill("killed")
        return reply

    remote.transport.faults = end
    with pytest.raises(errors.Refused, match="bash ends as soon as it is started in its environment"):
        remote.run("true")
    assert len(remote.transport.events) < 12


def test_nobody_is_asked_where_it_cannot_be_seen_who_reads(remote: InProcess) -> None:
    remote.run("true")
    shell = remote.environment.shells["test"]
    shell.blind = True  # a kernel without /proc/PID/syscall
    ran = remote.run("read x; echo $?; cat; echo end", stdin=True, lines=["never\n"])
    assert (ran.out, ran.control.questions) == ("1\nend\n", [])
    assert remote.run("sleep 9", interrupts=[1]).exit_code == 130
    remote.session.remote.shell = None
    assert replacement.BLIND in remote.run("true").notices


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
def test_an_answer_that_is_not_of_the_protocol_is_one_sentence(remote: InProcess, change: Callable[[Any], Any]) -> None:
    remote.run("true")

    def fault(event: Event, invoke: Callable[[], Reply]) -> Reply:
        reply = invoke()
        return replace(reply, payload=change(reply.payload)) if event["op"] == "run" else reply

    remote.transport.faults = fault
    with pytest.raises(errors.KernelError, match="never gives: run `lambda-kernel deploy`"):
        remote.run("echo x")
    remote.transport.faults = None
    ran = remote.run("echo on")
    assert ran.out == "on\n"
    assert ran.notices == [replacement.ENDINGS["lost"]]


def test_characters_are_characters_where_the_locale_is_not_there() -> None:
    remote = InProcess(credentials={"LANG": "xx_XX.UTF-8", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""})
    try:
        ran = remote.run('x=äöü; echo "${#x} ${x^^} $LANG"; printf %s "$x" | wc -m; grep -c "^.$" <<<ä')
        assert (ran.out, ran.err) == ("3 ÄÖÜ xx_XX.UTF-8\n3\n1\n", "")
    finally:
        remote.close()
    remote = InProcess(credentials={"LANG": "C.UTF-8", "LC_CTYPE": "C", "LC_ALL": ""})
    try:
        assert remote.run("echo ${LC_ALL-}").out == "\n"
    finally:
        remote.close()


def test_options_are_restored_last(remote: InProcess) -> None:
    remote.run("x=1; f() { :; }; a.b() { :; }; set -a -o posix; trap 'n=$((n+1))' DEBUG; trap 'e=1' ERR")
    remote.replace()
    ran = remote.run("declare -p x n; echo $-")
    assert ran.out.startswith('declare -- x="1"\ndeclare -x n="')
    assert "a" in ran.out.splitlines()[-1]
    assert not any("Not restored" in notice for notice in ran.notices)
    assert remote.run("trap - DEBUG; set +o posix; a.b; declare -F f").out == "f\n"


def test_a_prompt_command_is_restored_and_never_run(remote: InProcess) -> None:
    remote.run("PROMPT_COMMAND='sleep 100'")
    remote.replace()
    ran = remote.run('echo "$PROMPT_COMMAND"')
    assert ran.out == "sleep 100\n"
    ops = [event["op"] for event in remote.transport.events if event["op"] != "attach"]  # which a busy machine needs
    assert ops == ["hello", "run", "run", "hello", "run"]
