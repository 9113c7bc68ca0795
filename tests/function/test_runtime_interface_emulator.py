"""Our function under AWS's Runtime Interface Emulator: another runtime's state machine than the local emulator's."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.transport import BotoTransport, make_client
from lambda_kernel.session.cell import Cell, Output, ThreadControl
from lambda_kernel.session.context import Context
from lambda_kernel.session.replacement import RESTARTED
from lambda_kernel.session.session import Session
from tests.support.in_process_session import Ran, fresh
from tests.support.runtime_interface_emulator import NAMES, binary, emulated

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in NAMES, reason="the emulator is made for Linux"
)
TIMEOUT_S = 3


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, outer_environ: dict[str, str]) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("rie")
    try:
        program = binary(outer_environ, directory)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).splitlines()
        pytest.skip(f"the emulator cannot be had: {said[-1]}")
    with emulated(program, TIMEOUT_S) as made:
        yield made


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    client = make_client("us-east-1", endpoint_url=url, credentials=("testing", "testing"))
    made = Session(BotoTransport("function", "us-east-1", client, "tenant"), time.monotonic)
    yield made
    made.leave()
    client.close()


def run(session: Session, code: str) -> Ran:
    ran = fresh()
    ran.result = session.run(Cell(code), ran.context)
    return ran


def test_state_stays_between_cells(session: Session) -> None:
    run(session, "cd /; x=5; f() { echo f$x; }")
    ran = run(session, "pwd; f; echo err >&2; (exit 3)")
    assert (ran.out, ran.err, ran.exit_code) == ("/\nf5\n", "err\n", 3)
    assert ran.usage.invocations == 1


def test_a_command_outlasts_the_functions_timeout(session: Session) -> None:
    ran = run(session, "for i in 1 2 3 4 5; do echo $i; sleep 0.7; done")
    assert ran.out == "1\n2\n3\n4\n5\n"
    assert ran.exit_code == 0
    assert ran.usage.invocations > 2


def test_an_interrupt(session: Session) -> None:
    control = ThreadControl()
    ran = fresh()

    def emit(cell_event: object) -> None:
        if isinstance(cell_event, Output):
            control.interrupt()

    ran.result = session.run(Cell("x=kept; echo asleep; sleep 30"), Context(emit, control, ran.usage))
    assert ran.result.interrupted
    assert run(session, "echo $x").out == "kept\n"


def test_large_output(session: Session) -> None:
    ran = fresh()
    ran.result = session.run(Cell("seq -w 428571", bound=None), ran.context)
    assert len(ran.out) == 2_999_997


def test_the_timeout_of_an_invocation(session: Session) -> None:
    """The emulator tells it as bare text. What runs on a hung runtime is lost, and its shell."""
    run(session, "x=kept")
    hung = session.remote.event("hello") | {"hold": TIMEOUT_S + 30}
    with pytest.raises(errors.FunctionFailed) as caught:
        session.transport.invoke(hung)
    assert caught.value.error_type == "Sandbox.Timedout"
    session.remote.crash()
    ran = run(session, "echo ${x-gone}")
    assert ran.out == "kept\n"
    assert ran.notices == [f"{RESTARTED} Restored: 1 variable."]


def test_the_articles_contract(session: Session) -> None:
    payload = session.transport.invoke({"cmd": "echo out; echo err >&2; exit 3"}).payload
    assert payload == {"statusCode": 200, "stdout": "out\n", "stderr": "err\n", "exitCode": 3}
