"""Starts and ends of environments: init, timeout, crash, memory, too many processes, idling."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest

from lambda_kernel.local.quotas import Patience
from tests.support.engine_client import Rig, commands_with
from tests.support.waiting import wait_until


def exit_message(request_id: str, how: str) -> dict[str, str]:
    return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {how}"}


def test_a_cold_start_is_reported_once(rig: Callable[..., Rig]) -> None:
    own = rig()
    assert "Init Duration" in own.invoke({}).report
    assert "Init Duration" not in own.invoke({}).report


def test_an_exception_is_awslambdarics_to_describe(rig: Callable[..., Rig]) -> None:
    own = rig("def handler(event, context):\n    raise ValueError('no: ' + event)\n")
    reply = own.invoke("é")
    assert reply.raw["FunctionError"] == "Unhandled"
    assert reply.value["errorType"] == "ValueError"
    assert reply.value["errorMessage"] == "no: é"
    assert reply.value["requestId"] == reply.request_id
    assert "index.py" in reply.value["stackTrace"][0]
    assert "[ERROR] ValueError: no: é" in reply.log
    assert "Status" not in reply.report


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_an_exception_may_have_a_long_text(rig: Callable[..., Rig], size: int) -> None:
    own = rig("def handler(event, context):\n    raise ValueError('x' * event)\n")
    assert len(own.invoke(size).value["errorMessage"]) == size
    assert "Init Duration" not in own.invoke(1).report
    assert own.invoke(7_000_000).value["errorType"] == "Function.ResponseSizeTooLarge"
    assert own.invoke(1).value["errorMessage"] == "x"


def test_a_timeout_kills_all_and_keeps_tmp(rig: Callable[..., Rig]) -> None:
    own = rig(timeout_s=3)
    code = (
        "open('/tmp/kept', 'w').write('yes'); state['here'] = 1\n"
        "subprocess.Popen(['setsid', 'sleep', '86399'])\n"
        "print('before'); time.sleep(60)"
    )
    reply = own.py(code)
    assert reply.value == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {reply.request_id} Error: Task timed out after 3.00 seconds",
    }
    assert "before\n" in reply.log
    assert "\tDuration: 3000.00 ms\t" in reply.report
    assert reply.report.endswith("\tStatus: timeout")
    assert not commands_with("86399")
    again = own.py("result = [open('/tmp/kept').read() if os.path.exists('/tmp/kept') else None, len(state)]")
    if own.engine.isolation == "bwrap":
        assert again.value == ["yes", 0]
    # A suppressed init: it shows in the duration only.
    assert "Init Duration" not in again.report
    duration = re.search(r"\tDuration: ([\d.]+) ms\t", again.report)
    assert duration is not None
    assert float(duration[1]) > 20


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(127)", "Runtime exited with error: exit status 127"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "Runtime exited with error: signal: segmentation fault"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
    ],
)
def test_a_runtime_that_ends_says_how(lab: Rig, code: str, how: str) -> None:
    reply = lab.py(f"print('last words'); {code}")
    assert reply.value == exit_message(reply.request_id, how)
    assert reply.raw["FunctionError"] == "Unhandled"
    assert "last words\n" in reply.log
    assert reply.report.endswith("\tStatus: error\tError Type: Runtime.ExitError")
    assert lab.invoke({"well": "again"}).value == {"well": "again"}


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_runtime_without_a_sandbox_says_how_it_ends(rig: Callable[..., Rig], code: str, how: str) -> None:
    own = rig(isolation="none")
    reply = own.py(code)
    assert reply.value == exit_message(reply.request_id, how)
    assert own.invoke(1).value == 1


def test_a_long_life_costs_nothing(rig: Callable[..., Rig]) -> None:
    own = rig(tenancy=True, concurrency=1)
    before = 0
    for number in range(12):
        for _ in range(20):
            own.invoke({}, TenantId=f"t{number}")
        own.py("os._exit(1)", TenantId=f"t{number}")
        if number == 4:
            before = len(os.listdir("/proc/self/fd"))
    assert len(os.listdir("/proc/self/fd")) <= before + 5


def test_the_runtimes_end_is_the_end_of_what_it_started(lab: Rig) -> None:
    lab.py("subprocess.Popen(['setsid', 'sleep', '86398']); os._exit(1)")
    assert not commands_with("86398")


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_too_much_memory_kills(rig: Callable[..., Rig], isolation: str) -> None:
    own = rig(isolation=isolation, timeout_s=20)
    reply = own.py("held = []\nwhile True:\n    held.append(bytearray(8 << 20)); time.sleep(0.01)")
    assert reply.value == exit_message(reply.request_id, "Runtime exited with error: signal: killed")
    assert reply.report.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory")
    assert "Max Memory Used: 128 MB" in reply.report
    assert own.invoke(1).value == 1


def test_memory_is_the_sum_over_all_processes_at_once(rig: Callable[..., Rig]) -> None:
    own = rig()
    hog = "import time; held = bytearray(60 << 20); time.sleep(30)"
    reply = own.py(f"hogs = [subprocess.Popen([sys.executable, '-c', {hog!r}]) for _ in range(3)]; time.sleep(30)")
    assert "Runtime.OutOfMemory" in reply.report


def test_memory_shared_by_forks_counts_once(rig: Callable[..., Rig]) -> None:
    own = rig()
    code = (
        "held = bytearray(b'x' * (40 << 20))\n"
        "for _ in range(8):\n    if os.fork() == 0:\n        time.sleep(0.4); os._exit(0)\n"
        "for _ in range(8): os.wait()\nresult = 'alive'"
    )
    assert own.py(code).value == "alive"


def test_max_memory_is_the_most_ever_used(rig: Callable[..., Rig]) -> None:
    own = rig()
    used = [
        int(re.findall(r"Max Memory Used: (\d+) MB", reply.report)[0])
        for reply in (own.py("pass"), own.py("held = bytearray(50 << 20); time.sleep(0.2)"), own.py("pass"))
    ]
    assert used[0] < 40
    assert 50 <= used[1] < 100
    assert used[2] >= used[1]


def test_a_fork_bomb_ends_its_environment_only(rig: Callable[..., Rig]) -> None:
    """Two thousand at most: the environment is killed at 1,024, or may not have more than 742 where that is limited."""
    own = rig(timeout_s=20)
    code = "for _ in range(2000):\n    if os.fork() == 0:\n        time.sleep(60); os._exit(0)\nresult = 'all'"
    reply = own.py(code)
    if "OSError" not in reply.value.get("errorType", "") and "Blocking" not in reply.value.get("errorType", ""):
        assert reply.value == exit_message(reply.request_id, "Runtime exited with error: signal: killed")
    assert own.invoke(1).value == 1


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("import nowhere", "Runtime.ImportModuleError", "Unable to import module 'index': No module named 'nowhere'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index': invalid syntax"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("raise KeyError('at import')", "KeyError", "'at import'"),
    ],
)
def test_a_module_that_cannot_be_loaded_says_why(rig: Callable[..., Rig], source: str, kind: str, message: str) -> None:
    own = rig(source)
    # Of others than a runtime's and a function's errors the log says no more.
    reported = kind if kind.startswith("Runtime.") else "Runtime.Unknown"
    for _ in range(2):
        reply = own.invoke({})
        assert reply.raw["FunctionError"] == "Unhandled"
        assert reply.value["errorType"] == kind
        assert reply.value["errorMessage"].startswith(message)
        assert f"[ERROR] {kind}" in reply.log
        assert reply.report.endswith(f"\tStatus: error\tError Type: {reported}")
        assert re.search(
            rf"\nINIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke\tStatus: error\tError Type: {reported}\n"
            r"START .*\nEND ",
            reply.log,
        )


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import sys; sys.exit(0)", "Runtime exited without providing a reason"),
        ("import sys; sys.exit('oh')", "Runtime exited with error: exit status 1"),
        ("import os; os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_module_that_exits_is_an_exit(rig: Callable[..., Rig], source: str, how: str) -> None:
    reply = rig(source).invoke({})
    assert reply.value == exit_message(reply.request_id, how)
    assert "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n" in reply.log


def test_an_init_that_is_too_long_is_repeated_in_the_invocation(rig: Callable[..., Rig]) -> None:
    source = (
        "import os, time\n"
        "first = not os.path.exists('/tmp/second')\n"
        "open('/tmp/second', 'w').close()\n"
        "time.sleep(3 if first else 0)\n"
        "def handler(event, context): os.remove('/tmp/second'); return 'late'\n"
    )
    own = rig(source, engine={"patience": Patience(init_s=0.5)})
    reply = own.invoke({})
    assert reply.value == "late"
    assert re.match(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: timeout\nSTART ", reply.log)
    assert "\tInit Duration" not in reply.report


def test_an_init_that_never_ends_is_a_timeout(rig: Callable[..., Rig]) -> None:
    own = rig("import time; time.sleep(60)", engine={"patience": Patience(init_s=0.3)}, timeout_s=1)
    reply = own.invoke({})
    assert reply.value["errorType"] == "Sandbox.Timedout"
    assert reply.report.endswith("\tStatus: timeout")


def test_an_idle_environment_expires(rig: Callable[..., Rig]) -> None:
    now = [1000.0]
    own = rig(engine={"clock": lambda: now[0]}, idle_s=600)
    stream = own.py("result = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']").value
    now[0] += 599
    assert "Init Duration" not in own.invoke({}).report
    now[0] += 600
    again = own.py("result = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']")
    assert "Init Duration" in again.report
    assert again.value != stream


def test_an_idle_environment_goes_without_being_asked(rig: Callable[..., Rig]) -> None:
    own = rig(idle_s=0.2)
    own.py("subprocess.Popen(['setsid', 'sleep', '86397'])")
    wait_until(lambda: not commands_with("86397"))


def test_output_and_speed_do_not_wait_for_a_flood(rig: Callable[..., Rig]) -> None:
    own = rig()
    own.py("subprocess.Popen(['bash', '-c', 'while :; do echo flood flood flood; done'])")
    for _ in range(5):
        reply = own.py("time.sleep(0.05); result = 'ok'")
        assert reply.value == "ok"
        assert len(reply.log.encode()) <= 4096
        assert "REPORT" in reply.report


def test_the_variables_of_the_settings_arrive(rig: Callable[..., Rig]) -> None:
    own = rig(environment={"GREETING": "hällo", "TZ": "Europe/Berlin"})
    assert own.py("result = [os.environ['GREETING'], os.environ['TZ']]").value == ["hällo", "Europe/Berlin"]


def test_the_handler_may_have_another_name(rig: Callable[..., Rig]) -> None:
    own = rig("def other(event, context): return context.function_name\n", handler="index.other", function="mine")
    assert own.invoke({}, FunctionName="mine").value == "mine"


def test_closing_leaves_nothing_and_is_repeatable(rig: Callable[..., Rig]) -> None:
    own = rig()
    own.py("subprocess.Popen(['setsid', 'sleep', '86396'])")
    own.engine.close()
    own.engine.close()
    assert not commands_with("86396")
