"""The log's tail: Lambda's lines to the letter, and the last 4 KB of everything else."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.local.log_tail import LogTail, Report, init_report
from tests.support.engine_client import Rig

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FIGURES = r"\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\tMemory Size: 128 MB\tMax Memory Used: (\d+) MB"


def test_each_line_is_lambdas(rig: Callable[..., Rig]) -> None:
    own = rig()
    cold = own.py("print('one'); print('two', file=sys.stderr); os.system('echo three')")
    lines = [
        rf"START RequestId: ({UUID}) Version: \$LATEST\n",
        r"one\ntwo\nthree\n",
        rf"END RequestId: {UUID}\n",
        rf"REPORT RequestId: {UUID}{FIGURES}\tInit Duration: (\d+\.\d\d) ms\t\n",
    ]
    found = re.fullmatch("".join(lines), cold.log)
    assert found is not None, cold.log
    request_id, duration, billed, memory, init = found.groups()
    assert set(re.findall(UUID, cold.log)) == {request_id} == {cold.request_id}
    assert float(duration) + float(init) <= int(billed) < float(duration) + float(init) + 1
    assert 1 < int(memory) < 60
    warm = own.py("pass")
    assert re.fullmatch(rf"START .*\nEND .*\nREPORT RequestId: {UUID}{FIGURES}\t\n", warm.log), warm.log


def test_the_tail_comes_when_asked_for(lab: Rig) -> None:
    assert "LogResult" not in lab.client.invoke(FunctionName="shell")
    assert "LogResult" not in lab.client.invoke(FunctionName="shell", LogType="None")


@pytest.mark.parametrize("size", [10, 3000, 4096, 5000, 1_000_000])
def test_the_tail_is_the_last_4096_bytes(lab: Rig, size: int) -> None:
    reply = lab.py(f"sys.stdout.write('x' * ({size} - 1) + chr(10))")
    tail = base64.b64decode(reply.raw["LogResult"])
    end = re.search(rb"END RequestId", tail)
    assert end is not None
    written = tail[: end.start()]
    assert len(tail) <= 4096
    if size >= 4096:
        assert len(tail) == 4096
        assert written.strip(b"x") == b"\n"
    else:
        assert written.endswith(b"x" * min(size - 1, 100) + b"\n")


def test_all_that_was_written_before_the_answer_is_there(lab: Rig) -> None:
    for number in range(50):
        assert f"line {number}\n" in lab.py(f"os.write(1, b'line {number}\\n')").log


def test_late_output_belongs_to_the_next_invocation(rig: Callable[..., Rig]) -> None:
    own = rig()
    first = own.py("subprocess.Popen(['bash', '-c', 'sleep 0.15; echo late'])")
    assert "late" not in first.log
    time.sleep(0.3)
    second = own.py("time.sleep(0.3)")
    assert re.match(r"START .*\nlate\nEND ", second.log)
    assert "late" not in own.py("pass").log


def test_what_init_writes_stands_before_the_start(rig: Callable[..., Rig]) -> None:
    own = rig("print('loading')\ndef handler(event, context): print('running')\n")
    assert re.match(r"loading\nSTART .*\nrunning\nEND ", own.invoke({}).log)


def test_bytes_that_are_no_text_are_kept(lab: Rig) -> None:
    reply = lab.py("os.write(1, b'\\xff\\x00\\n')")
    assert b"\xff\x00\n" in base64.b64decode(reply.raw["LogResult"])


@given(st.lists(st.binary(max_size=6000), max_size=8))
def test_the_ring_is_the_end_of_the_stream(pieces: list[bytes]) -> None:
    tail = LogTail()
    tail.start("id", after_init=False)
    for piece in pieces:
        tail.write(piece)
    written = b"START RequestId: id Version: $LATEST\n" + b"".join(pieces)
    report = Report("id", 1.0, 128, 30)
    line_feed = b"" if written.endswith(b"\n") else b"\n"
    expected = (written + line_feed + b"END RequestId: id\n" + report.line())[-4096:]
    assert base64.b64decode(tail.end(report)) == expected
    tail.start("2", after_init=False)
    assert base64.b64decode(tail.end(report)).startswith(b"START RequestId: 2 ")


def test_the_lines_recorded_from_aws() -> None:
    assert Report("r", 3.01, 128, 36, init_ms=110.1).line() == (
        b"REPORT RequestId: r\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
        b"Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n"
    )
    assert Report("r", 2.9, 128, 36).line() == (
        b"REPORT RequestId: r\tDuration: 2.90 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\t"
        b"Max Memory Used: 36 MB\t\n"
    )
    assert (
        Report("r", 133.61, 128, 31, 80.0, "error", "Runtime.ExitError")
        .line()
        .endswith(
            b"\tBilled Duration: 214 ms\tMemory Size: 128 MB\tMax Memory Used: 31 MB\tInit Duration: 80.00 ms\t"
            b"Status: error\tError Type: Runtime.ExitError\n"
        )
    )
    assert init_report(488.22, "invoke", "error", "Runtime.ExitError") == (
        b"INIT_REPORT Init Duration: 488.22 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n"
    )
