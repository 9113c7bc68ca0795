"""Who looks for bash's history is told where it is."""

from __future__ import annotations

import pytest

from lambda_kernel.output.history_hint import history_hint
from tests.magics.conftest import CellRunner, runner

__all__ = ["runner"]


@pytest.mark.parametrize(
    "text",
    [
        *("history", "history 20", "history | tail -3", "cd /tmp; history;", "fc -l", "fc -l -5"),
        *("!!", "sudo !!", "!-2", "!42", "!?foo", "rm !$", "!!:p", "x && !!"),
        *("set -H", "set -eH", "set -o histexpand", "set -x -o history", "set -euo pipefail -H"),
    ],
)
def test_a_hint(text: str) -> None:
    assert "%history" in history_hint(text)


@pytest.mark.parametrize(
    "text",
    [
        *("echo history", "history -c", "history -w f", "cat history", "'history'", "fc -s"),
        *(
            "echo hi!",
            "echo 'a !! b'",
            "echo !5",
            "[ ! -f x ]",
            "! true",
            "echo $!",
            "(( !x ))",
            "cat <<E\n!!\nE",
            "# !!",
        ),
        *("set -e", "set +H", "set -- -h", "set -o pipefail", "set"),
    ],
)
def test_no_hint(text: str) -> None:
    assert history_hint(text) == ""


def test_it_stands_before_the_output(runner: CellRunner) -> None:
    ran = runner.run("history; echo out")
    assert ran.cell_events[0] == next(h for h in ran.cell_events if not hasattr(h, "data"))
    assert ran.notices == [history_hint("history")]
    assert ran.out == "out\n"
