"""Hints at messages that do not say that Lambda's environment is the cause."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lambda_kernel.aws.target import LOCAL, Target
from lambda_kernel.aws.transport import BotoTransport, Transport
from lambda_kernel.aws.usage import Usage
from lambda_kernel.function.sent import programs
from lambda_kernel.local import LocalEngine
from lambda_kernel.output import hints
from lambda_kernel.output.hints import DEV_FD, Hints, missing
from lambda_kernel.session.article import ArticleSession
from lambda_kernel.session.cell import CellEvent, Notice, Output
from tests.support.in_process_session import InProcess
from tests.support.proxied_session import client_of, shell_engine
from tests.support.silent_connector import RunsCells

ERROR = b"bash: /dev/fd/63: No such file or directory\n"


class Sandbox(RunsCells):
    """Cells on a local emulator, where they are isolated."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        super().__init__(LOCAL)

    def __call__(self, target: Target, read_timeout: float = 0) -> Transport:
        at = self.engine.start()
        return BotoTransport(at.function, at.region, client_of(at), "hints")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    if sys.platform != "linux":
        pytest.skip("needs Linux: the local emulator does")
    with shell_engine(tenancy=True) as engine:
        engine.start()
        if engine.isolation != "bwrap":
            pytest.skip("needs bubblewrap")
        sandbox = Sandbox(engine)
        yield sandbox
        sandbox.workspace.session().leave()


def told(*outputs: tuple[str, bytes], merge: bool = False) -> list[str]:
    """The hints at this output."""
    cell_events: list[CellEvent] = []
    found = Hints()
    read = found.reading(cell_events.append, merge)
    for stream, data in outputs:
        read(Output(stream, data))
    found.give(cell_events.append, ArticleSession(InProcess().transport, lambda: 0.0), Usage())
    assert [(h.stream, h.data) for h in cell_events if isinstance(h, Output)] == list(outputs), "all is passed on"
    return [h.text for h in cell_events if isinstance(h, Notice)]


@pytest.mark.parametrize("at", range(1, len(ERROR)))
def test_a_message_in_two_pieces_is_one_hint(at: int) -> None:
    pieces = (("stderr", ERROR[:at]), ("stderr", ERROR[at:]), ("stderr", ERROR))
    assert told(*pieces) == [DEV_FD]


def test_only_errors_are_read() -> None:
    assert told(("stdout", ERROR)) == []
    assert told(("stdout", ERROR), merge=True) == [DEV_FD]
    assert told(("stderr", b"free: command not found\nbash: fre: command not found\n/dev/fd/3\n")) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("diff <(echo 1) <(echo 1)", "diff: /dev/fd/63: No such file or directory"),
        ("mapfile -t x < <(seq 3)", "bash: /dev/fd/63: No such file or directory"),
        ("while read -r x; do :; done < <(seq 3)", "bash: /dev/fd/63: No such file or directory"),
        ("seq 3 | tee >(cat)", "tee: /dev/fd/63: No such file or directory"),
        ("python3 -c 'import sys; open(sys.argv[1])' <(:)", "No such file or directory: '/dev/fd/63'"),
    ],
)
def test_process_substitution_fails_as_on_lambda_and_one_hint_says_why(sandbox: Sandbox, code: str, said: str) -> None:
    ran = sandbox.run(code)
    assert said in ran.err
    assert ran.notices == [DEV_FD]


def test_what_the_hint_advises_works(sandbox: Sandbox) -> None:
    code = 'mapfile -t x <<<"$(seq 3)"; echo ${#x[@]}; seq 3 >/tmp/x; wc -l </tmp/x; cat /dev/stdin <<<in'
    ran = sandbox.run(code)
    assert (ran.out, ran.err, ran.notices) == ("3\n3\nin\n", "", [])


def test_what_lambda_kernel_brings_needs_no_dev_fd(sandbox: Sandbox) -> None:
    """By its path: the commands of this machine come first."""
    ran = sandbox.run(
        f"cd {hints.BIN}; ./free | (read; read -r _ total used _; echo $((total > 0 && used > 0)))\n"
        'grep -c "^Mem: *$(sed -n "s/^MemTotal: *\\([0-9]*\\).*/\\1/p" /proc/meminfo) " <<<"$(./free)"\n'
        './ps aux | grep -c ":[0-9][0-9] /var/lang/bin/[p]ython"\n'
        "./which bash | wc -l; [[ $(./display --type text/csv <<<1) ]]"
    )
    assert (ran.out, ran.err, ran.exit_code, ran.notices) == ("1\n1\n1\n1\n", "", 0, [])


def test_each_hint_once_a_cell_of_many_runs(sandbox: Sandbox) -> None:
    ran = sandbox.run("%%watch -n 0.1 -c 2\ncat <(echo 1)")
    assert ran.notices == [DEV_FD]
    assert sandbox.run("cat <(echo 1)").notices == [DEV_FD]


@pytest.mark.skipif(shutil.which("display") is not None, reason="a display of this machine's own is found instead")
def test_a_program_of_ours_that_is_not_there_says_why(sandbox: Sandbox) -> None:
    begins = "lambda-kernel installs `display` in /tmp/.lambda-kernel/bin. "
    no_path = sandbox.run("PATH=/usr/bin:/bin; display")
    assert no_path.notices == [begins + hints.NOT_ON_PATH.format(directory=hints.BIN)]
    removed = sandbox.run(f"PATH+=:{hints.BIN}; rm -r {hints.BIN}; display")
    assert removed.notices == [begins + hints.DELETED]
    assert sandbox.run("%reset\necho '{}' | display").exit_code == 0
    unwritable = sandbox.run(f"rm -r {hints.BIN}; chmod 555 /tmp/.lambda-kernel; display; free; true")
    assert unwritable.notices[0] == begins + hints.NOT_WRITTEN.format(error="Permission denied")


def test_programs_that_a_user_has_deleted_are_there_again(sandbox: Sandbox) -> None:
    sandbox.run("true")
    sandbox.run(f"rm -rf {hints.BIN}; hash -r")
    assert sandbox.run("type -P display free ps | wc -l").out == "3\n"


def test_hints_of_an_environment_that_does_not_answer() -> None:
    assert missing("free", None).endswith("Make room there, then run `%reset`.")


def test_a_directory_that_cannot_be_written(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("")
    assert programs.look(None, f"{tmp_path}/bin", "free") == {"there": False, "error": None}
    assert programs.look(None, f"{tmp_path}/file/bin", "free") == {"there": False, "error": "Not a directory"}
    (tmp_path / "bin" / "free").touch(0o755)
    assert programs.look(None, f"{tmp_path}/bin", "free") == {"there": True, "error": None}
