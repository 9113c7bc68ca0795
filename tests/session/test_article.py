"""The 2018 article's function as a target: found out before anything is sent, one invocation a cell, never two."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.client_errors import function_failed
from lambda_kernel.aws.error_text import LONGEST_TIMEOUT_S, ErrorContext
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import BotoTransport, Event, Reply, Transport, make_client
from lambda_kernel.report import Report
from lambda_kernel.session.article import CUT, FAILED, NO_INPUT, UNLOGGED, ArticleSession
from lambda_kernel.session.cell import Cell, Control, Result
from lambda_kernel.session.held import ABANDONED
from lambda_kernel.session.worker import Worker, inline
from tests.support.in_process_session import CREDENTIALS, Interrupts, Ran, fresh
from tests.support.node_logs import ID, Command, json_log, text_log
from tests.support.scripted_endpoint import Answer, endpoint
from tests.support.silent_connector import RunsCells

ACCEPTED = {"statusCode": 200}
COMMAND_MISSING = {
    "errorType": "TypeError",
    "errorMessage": 'The "command" argument must be of type string. Received undefined',
    "trace": ['TypeError [ERR_INVALID_ARG_TYPE]: The "command" argument must be of type string. Received undefined'],
}


class Clock:
    """Time passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


class Scripted:
    """A Transport that does what it is told to, call by call."""

    function, region = "shell", "eu-west-1"

    def __init__(self, *calls: Callable[[Event], Reply]) -> None:
        self.calls = list(calls)
        self.events: list[Event] = []

    def invoke(self, event: Event) -> Reply:
        self.events.append(event)
        return self.calls.pop(0)(event)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...


def logged(stdout: str, stderr: str | None = None, last: int = 0) -> Callable[[Event], Reply]:
    def call(event: Event) -> Reply:
        log = text_log(Command(event["cmd"], stdout, stderr)).encode()
        return Reply(ACCEPTED, ID, 0.1, Report(ID, 2.9, 3, 128, 36), log[-last:])

    return call


def failing(error: errors.KernelError) -> Callable[[Event], Reply]:
    def call(event: Event) -> Reply:
        raise error

    return call


def run(transport: Transport, code: str = "free", control: Control | None = None, **options: Any) -> Ran:
    clock = Clock()
    ran = fresh(control if isinstance(control, Interrupts) else Interrupts(sleep=clock.wait))
    caller = options.pop("caller", inline)
    session = options.pop("session", None) or ArticleSession(transport, clock, lambda: 0.5, caller)
    cell = Cell(code, **options)
    ran.result = session.run(cell, replace(ran.context, control=control or ran.control))
    return ran


def test_a_cell_is_one_invocation() -> None:
    transport = Scripted(logged("a\nb\n"))
    ran = run(transport, "echo a\necho b")
    assert (ran.out, ran.err, ran.exit_code, ran.notices) == ("a\nb\n", "", 0, [])
    assert transport.events == [{"cmd": f"{NO_INPUT}echo a\necho b"}]
    assert (ran.usage.invocations, ran.usage.first_ids) == (1, [ID])
    assert ran.usage.totals
    assert ran.usage.totals.billed_duration_ms == 3


def test_a_failure_is_told_without_an_exit_code() -> None:
    ran = run(Scripted(logged("a\n", "b\n")))
    assert (ran.out, ran.err, ran.exit_code, ran.notices) == ("a\n", "b\n", 1, [FAILED])


def test_a_cut_is_told() -> None:
    ran = run(Scripted(logged("".join(f"{n}\n" for n in range(3000)), last=4096)))
    assert ran.notices == [CUT]
    assert ran.out.endswith("\n2998\n2999\n")
    assert len(ran.out) > 3000


@pytest.mark.parametrize("log", [b"", text_log(Command("x", "")).split("\n")[0].encode() + b"\n"])
def test_a_log_without_output_is_told(log: bytes) -> None:
    assert run(Scripted(lambda event: Reply(ACCEPTED, ID, 0.1, None, log))).notices == [UNLOGGED]


def test_json() -> None:
    ran = run(Scripted(lambda event: Reply(ACCEPTED, ID, 0.1, None, json_log(Command(event["cmd"], "x", "")).encode())))
    assert (ran.out, ran.exit_code) == ("x", 1)


def test_what_has_not_run_is_sent_again() -> None:
    throttled, waking = errors.Throttled("too many at once", after=2), errors.NotReady("it wakes up")
    transport = Scripted(failing(throttled), failing(waking), logged("x"))
    ran = run(transport)
    assert ran.out == "x"
    assert len(transport.events) == 3
    assert ran.notices == ["Throttled, retrying: too many at once. Interrupt to give up."]


def test_it_is_not_sent_for_ever() -> None:
    transport = Scripted(*[failing(errors.Throttled("throttled"))] * 1000)
    with pytest.raises(errors.Throttled):
        run(transport)
    assert 5 < len(transport.events) < 50


@pytest.mark.parametrize(
    "error",
    [
        errors.Unanswered("no answer from Lambda"),
        errors.FunctionFailed("the function's timeout ended", "Sandbox.Timedout", ID, Report(ID, 60_000.0, 60_000)),
    ],
)
def test_what_may_have_run_is_not_sent_again(error: errors.KernelError) -> None:
    transport = Scripted(failing(error), logged("twice"))
    with pytest.raises(errors.CommandLost, match=f"not run again: {error}"):
        run(transport)
    assert len(transport.events) == 1


@pytest.mark.parametrize("error", [errors.Refused("access denied"), errors.Unreachable("cannot reach Lambda")])
def test_a_refusal_is_final(error: errors.KernelError) -> None:
    transport = Scripted(failing(error), logged("twice"))
    with pytest.raises(type(error)):
        run(transport)
    assert len(transport.events) == 1


def test_an_interrupt_before_it_is_sent() -> None:
    transport = Scripted(logged("x"))
    assert run(transport, control=Interrupts(after=[0])).result == Result(130, interrupted=True)
    assert transport.events == []


def test_an_interrupt_while_it_is_throttled() -> None:
    control = Interrupts(after=[1])

    def throttled(event: Event) -> Reply:
        control.answers += 1
        raise errors.Throttled("throttled")

    transport = Scripted(throttled, logged("x"))
    assert run(transport, control=control).result == Result(130, interrupted=True)
    assert len(transport.events) == 1


@pytest.fixture
def never() -> Iterator[Callable[[Event], Reply]]:
    """A function that does not answer before the test is over."""
    over = threading.Event()

    def call(event: Event) -> Reply:
        over.wait(30)
        raise errors.Unanswered("over")

    yield call
    over.set()


def test_an_interrupt_gives_up_waiting(never: Callable[[Event], Reply]) -> None:
    control = Interrupts(after=[1])
    transport = Scripted(never, logged("next"))
    control.sleep = lambda seconds: setattr(control, "answers", len(transport.events))  # once it has been sent
    session = ArticleSession(transport, Clock(), caller=Worker())
    ran = run(transport, control=control, session=session)
    assert (ran.result, ran.notices) == (Result(130, interrupted=True), [ABANDONED])
    assert ran.usage.invocations == 1
    assert run(transport, session=session).out == "next"


def test_a_time_limit_does_so_too(never: Callable[[Event], Reply]) -> None:
    ran = run(Scripted(never), seconds=5, caller=Worker(itertools.count(0, 10).__next__))
    assert (ran.result, ran.notices) == (Result(130, timed_out=True), [ABANDONED])


KEY, SECRET, TOKEN = CREDENTIALS.values()


@pytest.mark.parametrize(
    "form",
    [
        "AWS_ACCESS_KEY_ID={0}\nAWS_SECRET_ACCESS_KEY={1}\nAWS_SESSION_TOKEN={2}\n",
        "declare -x AWS_SESSION_TOKEN=\"{2}\"\nexport AWS_SECRET_ACCESS_KEY='{1}'\n{0}\n",
        '{{"AWS_SECRET_ACCESS_KEY": "{1}", "AWS_SESSION_TOKEN":"{2}", "id": "{0}"}}',
        "{1}\nAWS_SECRET_ACCESS_KEY={1} AWS_SESSION_TOKEN: {2}; {2}",
        "AWS_SESSION_TOKEN=\nAWS_SECRET_ACCESS_KEY={1}",
    ],
)
@pytest.mark.parametrize("stderr", [False, True])
def test_credentials_are_replaced(form: str, stderr: bool) -> None:
    text = form.format(KEY, SECRET, TOKEN)
    ran = run(Scripted(logged("" if stderr else text, text if stderr else None)))
    shown = ran.err if stderr else ran.out
    assert not any(secret in shown for secret in CREDENTIALS.values())
    assert "redacted]" in shown
    assert run(Scripted(logged(text)), redact=False).out == text


def test_a_credential_is_known_from_then_on() -> None:
    transport = Scripted(logged(f"AWS_SECRET_ACCESS_KEY={SECRET}\n"), logged(f"{SECRET}\n"))
    session = ArticleSession(transport, Clock())
    run(transport, session=session)
    assert run(transport, session=session).out == "[AWS_SECRET_ACCESS_KEY redacted]\n"


def test_what_a_cut_leaves_of_a_credential_is_replaced() -> None:
    rest = "\nHOME=/tmp\n" * 10
    tail = text_log(Command("env", f"AWS_SESSION_TOKEN={TOKEN}{rest}"))
    cut = tail.index(TOKEN) + 50
    ran = run(Scripted(lambda event: Reply(ACCEPTED, ID, 0.1, None, tail[cut:].encode())))
    assert ran.out == f"[redacted: it may be a credential's end]{rest}"


def test_harmless_text_stays() -> None:
    text = "AWS_REGION=eu-west-1\nAWS_SESSION_TOKEN=\nAWS_LAMBDA_FUNCTION_NAME=shell-of-the-article\nASIA and AKIA\n"
    assert run(Scripted(logged(text))).out == text


@pytest.mark.parametrize("cold", [False, True])
def test_there_is_nothing_to_reset(cold: bool) -> None:
    ran = fresh()
    with pytest.raises(errors.UsageError, match="nothing to reset: `shell` has no session"):
        ArticleSession(Scripted(), Clock()).reset(ran.context, cold)


class CellRunner(RunsCells):
    """A workspace whose one target is an endpoint that answers as told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.timeouts: list[float] = []
        super().__init__(Target("shell", "eu-west-1"))

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        self.timeouts.append(read_timeout)
        client = make_client(target.region, endpoint_url=self.url)
        return BotoTransport(target.function, "eu-west-1", client, "tenant")


def unhandled(payload: object) -> Answer:
    return Answer(200, payload, {"X-Amz-Function-Error": "Unhandled"})


def test_it_is_found_out_before_a_cell_is_sent() -> None:
    log = text_log(Command(f"{NO_INPUT}free", "Mem: 1\n"))
    with endpoint(unhandled(COMMAND_MISSING), Answer.report(log, ACCEPTED)) as told:
        runner = CellRunner(told.url)
        first, second = runner.run("free"), runner.run("free")
        assert "a new one for each cell" in runner.run("%status --verbose").out
    assert (first.out, second.out) == ("Mem: 1\n", "Mem: 1\n")
    [notice] = first.notices
    assert notice.startswith("`shell` is the 2018 article's function.")
    assert second.notices == []
    assert (first.usage.invocations, second.usage.invocations) == (2, 1)
    assert runner.timeouts[-1] > LONGEST_TIMEOUT_S


def test_runs_of_it_are_one_invocation_each() -> None:
    """Also where an experiment is the first to ask."""
    log = Answer.report(text_log(Command(f"{NO_INPUT}free", "Mem: 1\n")), ACCEPTED)
    with endpoint(unhandled(COMMAND_MISSING), log, log, unhandled(COMMAND_MISSING)) as told:
        runner = CellRunner(told.url)
        ran = runner.run("%%repeat 2\nfree")
        with pytest.raises(errors.UsageError, match="another environment cannot be asked for"):
            runner.run("%%repeat 2 --cold\nfree")
        with pytest.raises(errors.UsageError, match="another environment cannot be asked for"):
            CellRunner(told.url).run("%%repeat 2 --cold")
    assert ran.out == "Mem: 1\n"
    assert len(told.requests) == 4
    assert ran.notices[0].startswith("`shell` is the 2018 article's function.")
    assert ran.notices[1:] == ["runs 1-2: 2 of 2"]


class Everywhere(RunsCells):
    """The article's function in as many environments as are asked for, with the real sh."""

    def __init__(self) -> None:
        super().__init__(Target("shell", "eu-west-1"))
        self.sent: list[Event] = []
        self.function, self.region = "shell", "eu-west-1"

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        return self

    def invoke(self, event: Event) -> Reply:
        self.sent.append(event)
        if "cmd" not in event:
            raise function_failed(COMMAND_MISSING, ID, None, ErrorContext("shell"), b"")
        ran = subprocess.run(["sh", "-c", event["cmd"]], capture_output=True, text=True, check=False)
        return logged(ran.stdout, ran.stderr if ran.returncode else None)(event)

    def renew(self) -> bool:
        return False

    def close(self) -> None: ...


def test_a_fleet_of_it_is_one_shell_a_run() -> None:
    runner = Everywhere()
    ran = runner.run("%%fleet 3\nx=$FLEET_INDEX\necho $FLEET_SIZE; test $x != 1 || ls /no/such/place")
    assert ran.notices[0].startswith("`shell` is the 2018 article's function.")
    assert "runs 0,2: 2 of 3" in ran.notices
    assert "run 1, exit code 1, stderr" in ran.notices
    assert ran.out == "3\n3\n"
    assert len(runner.sent) == 4
    mapped = runner.run('%%fleet 2 --map -\necho "[$FLEET_ITEM]"\n--\na  \'b\nc')
    assert mapped.out == "[a  'b]\n[c]\n"
    assert runner.run("%fleet").out.startswith("No fleet")
    assert len(runner.sent) == 6


def test_it_is_compared_by_one_invocation_a_run() -> None:
    log = Answer.report(text_log(Command(f"{NO_INPUT}free", "Mem: 1\n")), ACCEPTED)
    with endpoint(unhandled(COMMAND_MISSING), *[log] * 4) as told:
        ran = CellRunner(told.url).run("%%compare shell shell --runs 2 --warmup 0\nfree")
    assert len(told.requests) == 5
    assert ran.notices[0].startswith("`shell` is the 2018 article's function.")
    assert ran.notices[1:] == ["stdout on shell, and the same on shell"]


@pytest.mark.parametrize(
    "answer",
    [
        unhandled({"errorType": "KeyError", "errorMessage": "'x'", "stackTrace": []}),
        unhandled({"errorType": "TypeError", "errorMessage": "Cannot read properties of undefined (reading 'x')"}),
        Answer(200, ACCEPTED),
        Answer(200, "hello"),
        Answer(200, b"not JSON"),
        Answer(200, None),
    ],
    ids=lambda answer: json.dumps(str(answer.body)),
)
def test_another_function_gets_no_cell(answer: Answer) -> None:
    with endpoint(answer) as told, pytest.raises(errors.NotOurs, match="`shell` is not a shell function") as caught:
        CellRunner(told.url).run("free")
    assert not isinstance(caught.value, errors.ShellPerCommand)
    assert len(told.requests) == 1


def test_a_runtime_that_dies_is_not_taken_for_another_function() -> None:
    died = {"errorType": "Runtime.ExitError", "errorMessage": "RequestId: x Error: Runtime exited"}
    with endpoint(unhandled(died)) as told, pytest.raises(errors.FunctionFailed):
        CellRunner(told.url).run("free")
