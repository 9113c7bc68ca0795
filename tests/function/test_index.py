"""The function's parts that hold bytes, and its protocol, without a kernel's side."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.function import index
from lambda_kernel.function.source import function_code
from lambda_kernel.session.remote_shell import shell_code
from tests.support.in_process_session import InProcess, LambdaContext
from tests.support.waiting import wait_until


@given(
    st.lists(st.tuples(st.sampled_from(["out", "err"]), st.binary(max_size=40) | st.just(b"a\n" * 9)), max_size=30),
    st.integers(8, 200),
    st.integers(8, 40),
)
def test_a_bounded_log_keeps_head_and_tail_and_counts_the_rest(
    puts: list[tuple[str, bytes]], size: int, lines: int
) -> None:
    bound = (size - size // 8, lines - lines // 8, size // 8, lines // 8)
    log = index.Log(bound)
    for stream, data in puts:
        log.put(stream, data)
    log.finish()
    chunks = [(stream, base64.b64decode(data)) for stream, data in log.read(1 << 30)]
    kept = b"".join(data for stream, data in chunks if stream != "gap")
    gap = [json.loads(data) for stream, data in chunks if stream == "gap"]
    everything = b"".join(data for _, data in puts)
    dropped = gap[0]["bytes"] if gap else 0
    assert len(kept) <= size
    assert kept.count(b"\n") <= lines
    assert len(kept) + dropped == len(everything)
    if len(everything) <= size and everything.count(b"\n") <= lines and not gap:
        assert kept == everything
    if gap:
        assert gap[0]["lines"] == everything.count(b"\n") - kept.count(b"\n")
        head = next(data for stream, data in chunks)
        assert everything.startswith(head)


@pytest.mark.parametrize("streams", [("out", "err"), ("out", "out"), ("job 7", "job 123456")])
@pytest.mark.parametrize("bound", [None, (10**9, 10**9, 10**6, 10**6)])
def test_small_chunks_neither_pile_up_nor_swell_an_answer(streams: tuple[str, str], bound: index.Bound) -> None:
    log, written, answers = index.Log(bound), 0, []
    while written < 60_000:
        while log.held() < index.UNSENT_BYTES and written < 60_000:
            log.put(streams[written % 2], b"\n")
            written += 1
        assert len(log.chunks) * 150 < 2 * index.UNSENT_BYTES
        answers.append(log.read(index.ANSWER_BYTES))
        log.acknowledge(log.start + sum(len(base64.b64decode(data)) for _, data in answers[-1]))
    assert len(answers) < 10
    assert max(len(json.dumps(answer)) for answer in answers) < 1_000_000


def test_a_line_of_stderr_without_end_is_not_held_back_for_ever() -> None:
    """Nor is it searched for its newline again and again from its beginning."""
    cell = index.load(shell_code())["Cell"](1, index.CellOptions(), (), lambda: index.Pipe(None))
    held = []
    for _ in range(100):
        os.write(cell.outputs["err"].write, b"x" * 5_000)
        cell.fetch("err")
        held.append(len(cell.lines["err"]))
    assert 5_000 <= max(held) < 2 * index.LINE_BYTES
    cell.over(0)
    assert cell.log.end == 500_000
    for pipe in cell.outputs.values():
        pipe.close()


def test_small_chunks_of_one_stream_become_one() -> None:
    log = index.Log((10, 10, 100_000, 100_000))
    for _ in range(200_000):
        log.put("out", b"x")
    log.finish()
    assert len(log.chunks) < 100
    assert sum(len(base64.b64decode(data)) for stream, data in log.read(1 << 30) if stream == "out") == 100_010


@pytest.mark.parametrize("first", ["las", "last\n"])
def test_what_is_put_in_breaks_no_line(first: str) -> None:
    """It stands before what has not been read, if a whole line has been read before."""
    log = index.Log(None)
    log.put(index.OUT, first.encode())
    log.read(1000)
    log.put(index.OUT, b"t")
    log.insert(index.NOTE, b"note\n")
    shown = [(stream, base64.b64decode(data)) for stream, data in log.read(1000)]
    whole = [(index.OUT, b"last"), (index.NOTE, b"note\n")]
    assert shown == whole if first == "las" else [(index.OUT, b"last\n"), (index.NOTE, b"note\n"), (index.OUT, b"t")]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_a_log_is_read_from_any_byte_and_freed_behind_it(puts: list[bytes], limits: list[int]) -> None:
    log = index.Log(None)
    for data in puts:
        log.put("out", data)
    log.finish()
    got = b""
    for limit in limits:
        log.acknowledge(len(got))
        assert log.start == len(got)
        got += b"".join(base64.b64decode(data) for _, data in log.read(limit))
    log.acknowledge(len(got))
    assert got == b"".join(puts)[: len(got)]
    assert sum(len(data) for _, data in log.chunks) == log.end - len(got)


class Wire:
    """Requests as they stand on the wire."""

    def __init__(self, remote: InProcess) -> None:
        self.remote = remote
        self.about = self.ask("hello")

    def ask(self, op: str, **more: Any) -> dict[str, Any]:
        event = {"protocol": index.PROTOCOL, "op": op, "session": "s", "epoch": 1, "code": shell_code(), **more}
        return self.remote.answer(json.loads(json.dumps(event)), LambdaContext())

    def cell(self, op: str, seq: int, **more: Any) -> dict[str, Any]:
        ours = {"environment": self.about["environment"], "shell": self.about["shell"], "had": 0, "wait": 5}
        return self.ask(op, **{**ours, "seq": seq, "bound": None, "redact": True, **more})


def test_nothing_runs_twice(remote: InProcess, tmp_path: Path) -> None:
    wire, code = Wire(remote), f"echo ran >>{tmp_path}/log"
    assert wire.cell("attach", 1)["state"] == "unseen"
    assert wire.cell("run", 1, code=code)["state"] == "done"
    assert wire.cell("run", 1, code=code)["state"] == "done"
    assert wire.cell("attach", 1)["state"] == "done"
    assert wire.cell("run", 2, code=code)["state"] == "done"
    assert wire.cell("run", 1, code=code)["state"] == "gone"
    assert wire.cell("run", 4, code=code)["state"] == "unseen"
    assert (tmp_path / "log").read_text() == "ran\nran\n"


def test_nothing_runs_where_it_was_not_expected(remote: InProcess, tmp_path: Path) -> None:
    wire, code = Wire(remote), f"echo ran >>{tmp_path}/log"
    assert wire.cell("run", 1, code=code, environment="other")["state"] == "elsewhere"
    assert wire.cell("run", 1, code=code, shell="other")["state"] == "elsewhere"
    assert wire.cell("run", 1, code=code, session="other")["state"] == "elsewhere"
    assert not (tmp_path / "log").exists()


def test_a_newer_epoch_kills_what_the_older_one_started(remote: InProcess) -> None:
    wire = Wire(remote)
    wire.cell("run", 1, code="sleep 50", wait=0.1)
    pid = remote.environment.shells["s"].pid
    newer = wire.ask("hello", epoch=2)
    assert newer["shell"] != wire.about["shell"]
    assert not any(process.session == pid for process in index.processes())
    assert wire.cell("attach", 1)["state"] == "stale"
    assert wire.ask("hello")["state"] == "stale"


def test_hello_finds_the_shell_again(remote: InProcess) -> None:
    wire = Wire(remote)
    wire.cell("run", 1, code="true")
    again = wire.ask("hello")
    assert (again["shell"], again["seq"], again["state"]) == (wire.about["shell"], 1, "idle")


def test_a_signal_repeated_is_not_a_second_one(remote: InProcess) -> None:
    wire = Wire(remote)
    wire.cell("run", 1, code="trap 'echo caught' INT; while :; do :; done", wait=0.2)
    first = wire.cell("attach", 1, signals=[[1, "INT"]], wait=0.3)
    again = wire.cell("attach", 1, had=first["at"], signals=[[1, "INT"]], wait=0.3)
    text = b"".join(base64.b64decode(data) for _, data in again["chunks"]).decode()
    assert text.split() == ["caught"]
    assert wire.cell("attach", 1, signals=[[1, "INT"], [2, "KILL"]])["ended"]["cause"] == "killed"


def test_the_oldest_session_goes_first(remote: InProcess) -> None:
    wire = Wire(remote)
    shells = [wire.ask("hello", session=f"s{n}") for n in range(5)]
    assert len(remote.environment.shells) == index.SESSIONS
    assert "s0" not in remote.environment.shells
    assert shells[0]["environment"] == shells[4]["environment"]


def test_another_protocol_is_answered_with_ours(remote: InProcess) -> None:
    reply = remote.answer({"protocol": 99, "op": "hello", "session": "s", "epoch": 1}, LambdaContext())
    assert (reply["protocol"], reply["state"]) == (index.PROTOCOL, "protocol")


def test_pipes_by_name_where_proc_is_not_readable(remote: InProcess, tmp_path: Path) -> None:
    remote.environment.fifos = str(tmp_path)
    ran = remote.run("echo out; echo err >&2; read x; echo $?; sleep 0.05 &")
    assert (ran.out, ran.input_ended) == ("out\n1\n", True)
    assert "err\n" in ran.err
    remote.run("wait")
    remote.run("true")
    remote.close()
    assert list(tmp_path.iterdir()) == []


class TestTheArticlesContract:
    def test_output_in_reply_and_log(self, capfd: pytest.CaptureFixture[str]) -> None:
        reply = index.handler({"cmd": "echo hi; echo 'it''s' >&2; exit 3"}, LambdaContext())
        assert reply == {"statusCode": 200, "stdout": "hi\n", "stderr": "its\n", "exitCode": 3}
        event, out, err = (part.strip() for part in capfd.readouterr().out.split(LambdaContext.aws_request_id)[1:])
        assert event.startswith("{ cmd: ")
        assert out.startswith("hi\n")
        assert err.startswith("its")

    def test_each_command_is_a_fresh_shell(self) -> None:
        index.handler({"cmd": "x=1; cd /"}, LambdaContext())
        assert index.handler({"cmd": "echo ${x-unset}"}, LambdaContext())["stdout"] == "unset\n"

    def test_killed_at_its_deadline(self) -> None:
        reply = index.handler({"cmd": "echo before; sleep 60 & sleep 50"}, LambdaContext(0.8))
        assert (reply["stdout"], reply["exitCode"]) == ("before\n", 124)

    def test_a_background_process_does_not_outlive_it(self) -> None:
        index.handler({"cmd": "sleep 61 & echo $!"}, LambdaContext(0.7))
        wait_until(lambda: not any("sleep\x0061" in index.peek(f"/proc/{p.pid}/cmdline") for p in index.processes()))

    def test_much_output_keeps_below_lambdas_limit(self, capfd: pytest.CaptureFixture[str]) -> None:
        reply = index.handler({"cmd": "yes | head -c 5000000 & head -c 5000000 /dev/zero >&2; wait"}, LambdaContext(3))
        assert len(json.dumps(reply)) < 6_291_556
        assert reply["stdout"].startswith("y\ny\n")

    def test_a_signal_is_128_and_its_number(self) -> None:
        assert index.handler({"cmd": "kill -9 $$"}, LambdaContext())["exitCode"] == 137


@pytest.mark.parametrize(
    ("command", "first", "words"),
    [
        ("free", r"\s+total\s+used\s+free\s+shared\s+buff/cache\s+available", "Mem: Swap:"),
        ("free -h", r"\s+total\s+used", "Gi"),
        ("ps", r"\s+PID TTY\s+TIME CMD", "bash"),
        ("ps aux", r"USER\s+PID %CPU %MEM\s+VSZ\s+RSS TTY\s+STAT START\s+TIME COMMAND", "bash"),
        ("ps -ef", r"UID\s+PID\s+PPID STIME\s+TTY\s+TIME CMD", "bash"),
        ("which bash", r"/\S*/bash", ""),
    ],
)
def test_stand_ins_for_what_the_runtime_lacks(remote: InProcess, command: str, first: str, words: str) -> None:
    remote.run(f"PATH={index.PRIVATE}/bin:$PATH")
    ran = remote.run(f"sh -c '{command}'; echo {command} | xargs sh -c '\"$@\"' x >/dev/null")
    assert ran.err == ""
    assert re.match(first, ran.out)
    assert all(word in ran.out for word in words.split())


def test_which_says_what_it_does_not_find(remote: InProcess) -> None:
    remote.run(f"PATH={index.PRIVATE}/bin:$PATH")
    assert remote.run("which nosuch bash").exit_code == 1


def test_the_function_is_one_file_below_the_limit_of_an_inline_template() -> None:
    # CloudFormation takes a template body of 51,200 bytes in a request.
    assert len(function_code().encode()) < 48_000


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("127.0.0.1:9001", "127.0.0.1:9001"),  # Lambda's own
        ("127.0.0.1:39973/" + "Xq-7_" * 3, "127.0.0.1:39973/" + "Xq-7_" * 3),
        ("127.0.0.1:39973/" + "Xq-7_" * 8, "127.0.0.1:39973/[secret path redacted]"),
    ],
)
def test_only_a_secret_path_of_the_runtime_api_is_redacted(
    monkeypatch: pytest.MonkeyPatch, address: str, shown: str
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", address)
    with contextlib.closing(InProcess()) as remote:
        assert remote.run("echo $AWS_LAMBDA_RUNTIME_API; echo 127.0.0.1:39973/ >&2").out == f"{shown}\n"


def test_a_job_that_ends_before_its_signal(remote: InProcess) -> None:
    """An exception would cost the cell: Lambda answers with the error in place of the reply."""
    remote.run("true")
    shell = remote.environment.shells["test"]
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    shell.front.signal([index.Process(ended.pid, "S", shell.pid, ended.pid, ended.pid, 1)], signal.SIGINT)


REFUSING = """
class Refusing(Shell):
    def start(self, seq, *rest):
        if seq:
            raise OSError(12, "Cannot allocate memory")
        super().start(seq, *rest)


Shell = Refusing
"""


class TestEveryAnswer:
    """Of the real function, to each request."""

    def test_is_one_of_the_table_and_all_of_the_table_are_given(self, remote: InProcess) -> None:
        seen: dict[str, set[str]] = {op: set() for op in index.ANSWERS}
        answer = remote.answer

        def noting(event: dict[str, Any], context: Any) -> dict[str, Any]:
            reply = answer(event, context)
            assert reply.keys() >= {*index.ANSWERS[event["op"]][reply["state"]]}
            seen[event["op"]].add(reply["state"])
            return reply

        remote.answer = noting  # type: ignore[method-assign]
        for work in (self.cells, self.one_that_never_began, self.takeovers, self.refusals):
            work(remote)
        assert seen == {op: {*states} for op, states in index.ANSWERS.items()}

    @staticmethod
    def cells(remote: InProcess) -> None:
        wire = Wire(remote)
        wire.cell("attach", 1)
        for op, code in (("run", "sleep 50"), ("attach", "")):
            wire.cell(op, 1, code=code, command=1, wait=0)
        wire.ask("hello")
        for op in ("run", "attach"):
            wire.cell(op, 1, code="", command=2)
            wire.cell(op, 1, code="", command=1, environment="another")
        wire.cell("attach", 1, command=1, signals=[(1, "INT")])
        for op in ("run", "attach"):
            wire.cell(op, 2, code="true", command=3)
            wire.cell(op, 1, code="", command=1)
        for environment in ("another", wire.about["environment"]):
            call = {"code": "def look(shell):\n    return 1", "name": "look", "arguments": {}}
            wire.cell("call", 2, environment=environment, **call)
        wire.ask("close")

    @staticmethod
    def one_that_never_began(remote: InProcess) -> None:
        wire = Wire(remote)
        pid = remote.environment.shells["s"].pid
        os.kill(pid, signal.SIGSTOP)
        assert wire.cell("run", 1, code="true", wait=0)["state"] == "running"
        os.kill(pid, signal.SIGKILL)
        for op in ("run", "attach"):
            assert wire.cell(op, 1, code="true")["state"] == "unrun"
        wire.ask("close")

    @staticmethod
    def takeovers(remote: InProcess) -> None:
        wire = Wire(remote)
        wire.ask("hello", epoch=2)
        for op in index.ANSWERS:
            assert wire.cell(op, 1, code="true")["state"] == "stale"
        wire.ask("close", epoch=2)

    @staticmethod
    def refusals(remote: InProcess) -> None:
        wire = Wire(remote)
        for error in ("FileNotFoundError", "PermissionError(13, 'Permission denied')"):
            wire.ask("hello", epoch=2, code=f"def Shell(*about):\n    raise {error}")
        wire.about = wire.ask("hello", epoch=3, code=shell_code() + REFUSING)
        assert wire.cell("run", 1, epoch=3, code="true")["state"] == "refused"
