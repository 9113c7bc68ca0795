"""No option of bash's, and no variable, function or trap of the user's, keeps later cells from running."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process_session import InProcess

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")


def listed(command: str) -> list[str]:
    """The first words of what bash lists."""
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return [line.split()[0] for line in ran.stdout.splitlines()]


SET = [name for name in listed("set -o") if name != "onecmd"]  # which ends the shell by design
SHOPT = listed("shopt")


@pytest.fixture(scope="module")
def remote() -> Iterator[InProcess]:
    remote = InProcess()
    yield remote
    remote.close()


def alive(remote: InProcess) -> None:
    """The shell runs cells, is the same as before, and has its input."""
    ran = remote.run("echo alive $mark; read x <<<text; echo $x")
    assert (ran.out, ran.exit_code, ran.notices) == ("alive kept\ntext\n", 0, [])


@pytest.mark.parametrize("name", SET)
def test_an_option_of_set_on_and_off(remote: InProcess, name: str) -> None:
    remote.run("mark=kept")
    for text in (f"set -o {name}", f"set +o {name}", f"set +o {name}; set -o {name}; set +o {name}; echo"):
        ran = remote.run(text)
        assert (ran.exit_code, ran.result.ended) == (0, None)
        alive(remote)
    remote.run('set +o errexit; eval "$kept_options"')


@pytest.mark.parametrize("name", SHOPT)
def test_an_option_of_shopt_on_and_off(remote: InProcess, name: str) -> None:
    remote.run("mark=kept")
    before = remote.run(f"shopt -p {name}").out.strip()
    for text in (f"shopt -s {name}", f"shopt -u {name}", before):
        assert remote.run(text).result.ended is None
        alive(remote)


@pytest.mark.parametrize("name", ["vi", "emacs"])
@pytest.mark.parametrize(
    "text",
    [
        "{on}",
        "{off}",
        "{on}\n{off}\necho end",
        "f() {{ {on}; {off}; }}; f; f",
        "eval '{on}'; eval '{off}'",
        "echo '{on}; {off}' >$TMPDIR/options; . $TMPDIR/options",
        "for i in 1 2; do {on}; {off}; done",
        "trap '{on}' USR1; kill -USR1 $$; trap - USR1",
        "({on}; {off}); x=$({on})",
    ],
)
def test_line_editing_leaves_the_shells_input_alone(remote: InProcess, name: str, text: str) -> None:
    """bash 5.2 dies of it in eval, or reads from elsewhere (set_edit_mode in its set.def)."""
    remote.run("mark=kept; sleep 100 &")
    ran = remote.run(text.format(on=f"set -o {name}", off=f"set +o {name}"))
    assert (ran.exit_code, ran.result.ended) == (0, None)
    alive(remote)
    assert "sleep 100" in remote.run("jobs; kill %%; wait 2>/dev/null").out


def test_options_are_restored_by_the_usual_idioms(remote: InProcess) -> None:
    remote.run("mark=kept")
    before = remote.run("echo $-; set +o; shopt -p").out
    for text in (
        'old=$(set +o); set -eu; true; eval "$old"',
        'old=$(shopt -po); set -f; eval "$old"',
        'old=$(shopt -p); shopt -s nullglob dotglob; eval "$old"; unset old',
    ):
        assert remote.run(text).exit_code == 0
        alive(remote)
    assert remote.run("echo $-; set +o; shopt -p").out == before


ODDITIES = {
    "ifs": "IFS=0123456789",
    "ifs-unset": "unset IFS",
    "aliases": "alias printf=false builtin=false eval=false export=false for=false",
    # Not `printf() …`: where printf is an alias of false, that makes a function `false` that calls itself.
    "functions": "; ".join(f"function {name} {{ false; }}" for name in ("printf", "eval", "export", "read", "jobs")),
    "strict": "set -euo pipefail",
    "quiet": "set -f -C -H; shopt -s nullglob failglob nocasematch nocaseglob extglob",
    "trace": "set -xv 2>/dev/null",
    "debug": "debugged=0; trap 'debugged=$((debugged + 1))' DEBUG",
    "error": "trap 'echo E' ERR",
    "functrace": "x= y=; set -T; trap 'x=$x' DEBUG; trap 'y=$y' RETURN",
    "posix": "set -o posix",
    "keywords": "set -k",
    "export-all": "set -a",
    "locale": "export LC_ALL=C LANG=xx_XX.UTF-8",
    "prompts": "PS1='$(echo prompt)' PS0='$(echo zero)' PS4='$(echo four)' PROMPT_COMMAND='sleep 100'",
    "unset": "unset HOME PATH PWD OLDPWD TMPDIR LINENO RANDOM SECONDS",
    "integer": "declare -i LAMBDA_REQUEST_ID; readonly LAMBDA_DEADLINE_MS; declare -a LAMBDA_TENANT_ID 2>/dev/null",
}


@pytest.mark.parametrize(
    "names", [*itertools.combinations(ODDITIES, 1), *itertools.combinations(ODDITIES, 2)], ids="+".join
)
def test_cells_run_under_every_two_oddities(names: tuple[str, ...]) -> None:
    remote = InProcess()
    try:
        remote.run("\n".join(ODDITIES[name] for name in names))
        for number in (101, 202):
            ran = remote.run(f'echo "$((n = {number}))"')
            assert ran.out == f"{number}\n"
            assert (ran.exit_code, ran.result.ended) == (0, None)
            assert ran.usage.invocations <= 3
        remote.run("(exit 7) || true; false | true || true")
        assert remote.run('\\builtin echo "$?"').out == "0\n"
    finally:
        remote.close()
