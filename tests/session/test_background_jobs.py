"""Background jobs that print without end: the cell's own output is shown whole all the same, theirs up to a bound."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.function.sent.jobs import background_lists
from lambda_kernel.session.cell import Bound
from tests.support.in_process_session import CREDENTIALS, UNTIL_READ, InProcess, Ran

BOUND = Bound(80_000, 800)
FLOODS = ["yes", "(yes)", "while :; do echo y; done", "{ sleep 0.01; yes; }", "true && yes | cat"]


@pytest.mark.parametrize("to", ["", " >&2"])
@pytest.mark.parametrize(
    "cell",
    [
        "{} & echo IMPORTANT{}",
        "{} &\necho IMPORTANT{}",
        "{} & sleep 0.3; echo IMPORTANT{}",
        "for i in 1 2; do {} & done; sleep 0.3; echo IMPORTANT{}",
        "{} & sleep 0.3; /bin/echo IMPORTANT{}",
        "if true; then {} & sleep 0.3; fi; (echo IMPORTANT{})",
    ],
)
def test_the_cell_s_own_output_is_shown_whatever_its_jobs_print(remote: InProcess, cell: str, to: str) -> None:
    flood = FLOODS[len(cell) % len(FLOODS)]
    ran = remote.run(cell.format(f"{{ {flood}; }}{to}", to), bound=BOUND)
    own = ran.err if to else ran.out
    assert own.count("IMPORTANT\n") == 1
    assert ran.exit_code == 0
    assert len(ran.out + ran.err) < BOUND.bytes // 2 + 2_000


@pytest.mark.parametrize("to", ["", " >&2"])
def test_a_job_of_an_earlier_cell_does_not_push_the_output_out(remote: InProcess, to: str) -> None:
    remote.run(f"yes{to} &", bound=BOUND)
    ran = remote.run(f"seq 500{to}; sleep 0.3; echo IMPORTANT{to}", bound=BOUND)
    assert (ran.err if to else ran.out).split("\n") == [*map(str, range(1, 501)), "IMPORTANT", ""]
    assert 0 < len(ran.text("stdout", job=True)) <= BOUND.bytes // 2
    assert [gap.jobs for gap in ran.gaps] == [True]


def test_both_bounds_are_their_own(remote: InProcess) -> None:
    """A cell that prints too much loses its middle, and no more than that, to its own output."""
    ran = remote.run("seq 100000; yes & sleep 0.2; seq 100000; echo IMPORTANT", bound=BOUND)
    assert ran.out.startswith("1\n2\n3\n")
    assert ran.out.endswith("99999\n100000\nIMPORTANT\n")
    assert [gap.jobs for gap in ran.gaps] == [True, False]


@pytest.mark.parametrize("lines", [800, 801])
def test_both_sides_of_a_job_s_bound(remote: InProcess, lines: int) -> None:
    ran = remote.run(f"seq {lines} & wait", bound=Bound(80_000, 1600))
    shown = ran.out.split()
    assert [gap.lines for gap in ran.gaps] == [1] * (lines - 800)
    assert len(shown) == 800
    assert shown[-1] == str(lines)


def test_what_a_job_prints_before_the_cell_goes_on_stands_before_it(remote: InProcess) -> None:
    for _ in range(20):
        ran = remote.run("echo 1; { echo 2; } & wait; echo 3; { echo 4; } & wait; echo 5")
        assert ran.out == "1\n2\n3\n4\n5\n"


def test_what_a_job_prints_stands_behind_what_it_found(remote: InProcess) -> None:
    for _ in range(10):
        ran = remote.run("for i in {1..50}; do echo a$i; { echo b$i; } & wait; done; echo c")
        assert ran.out == "".join(f"a{i}\nb{i}\n" for i in range(1, 51)) + "c\n"


@pytest.mark.parametrize("bound", [Bound(80_000, 800), None])
def test_nothing_of_a_job_is_lost_when_its_cell_ends(remote: InProcess, bound: Bound | None, tmp_path: Path) -> None:
    """What has no room below the cell is shown below the next one."""
    remote.run(f"cd {tmp_path}; mkfifo go; {{ read <go; seq 500; }} &")
    ran = [remote.run("echo >go", bound=bound), remote.run("wait", bound=None)]
    shown = "".join(one.text("stdout", job=True) for one in ran).split()
    assert len(shown) + sum(gap.lines for one in ran for gap in one.gaps) == 500
    assert shown == sorted(shown, key=int)
    assert shown[-1] == "500"


def test_a_character_is_not_cut_between_two_pipes(remote: InProcess) -> None:
    ran = remote.run(
        "for i in {1..2000}; do echo ééééééééé; done & for i in {1..500}; do echo ☃☃☃; done; wait", bound=None
    )
    assert "\ufffd" not in ran.out
    assert (ran.out.count("é"), ran.out.count("☃")) == (18_000, 1_500)


@pytest.mark.parametrize("merge", [True, False])
def test_both_streams_of_a_job(remote: InProcess, merge: bool) -> None:
    ran = remote.run("{ echo out; echo err >&2; } & wait; echo end >&2", merge=merge)
    assert (ran.out, ran.err) == (("out\nerr\nend\n", "") if merge else ("out\n", "err\nend\n"))


@pytest.mark.parametrize(
    ("cell", "out"),
    [
        ("false; true & echo $? $!; wait", r"0 \d+"),
        ("echo x >/dev/null & echo $LINENO\nwait; echo $LINENO", r"1\n2"),
        ("f() { true & }; f; declare -f f", r"f \(\) \n\{ \n    true &\n\}"),
        ("{ true & echo in; } >/tmp/$$.out; cat /tmp/$$.out; echo out; rm /tmp/$$.out", r"in\nout"),
        ("x=$(true & echo in); echo $x", r"in"),
        ("(true & echo in); echo out", r"in\nout"),
        ("exec 5>&1; true & echo in >&5; exec 5>&-", r"in"),
        ("exec >/tmp/$$.out; true & echo in; cat /tmp/$$.out >&2; rm /tmp/$$.out", r""),
        ("(exit 3) & (exit $?) & wait $!; echo $?", r"0"),
        ("set -e; true & echo in; set +e", r"in"),
        ("sleep 9 & jobs -p | wc -l; kill -0 $! && echo there; kill $!", r"1\nthere"),
        ("exec() { echo mine; }; true & echo in; unset -f exec", r"(mine\n)*in"),
    ],
)
def test_nothing_else_changes(remote: InProcess, cell: str, out: str) -> None:
    ran = remote.run(cell)
    assert re.fullmatch(out, ran.out.rstrip("\n"), re.DOTALL), (ran.out, ran.err)


@pytest.mark.parametrize(
    "cell",
    [
        "set -x; true & wait; set +x",
        "set -v\ntrue & wait\nset +v",
        "true & ( wait ))",
        "true & trap 'echo $BASH_COMMAND' DEBUG; wait; trap - DEBUG",
    ],
)
def test_nobody_sees_how(remote: InProcess, cell: str) -> None:
    ran = remote.run(cell)
    assert "exec" not in ran.out + ran.err
    assert "/proc" not in ran.out + ran.err


LISTS = {
    "yes &\necho x": ["yes &"],
    "a && b & c": ["a && b &"],
    "a &&\n b & c": ["a &&\n b &"],
    "a | b |& c & d": ["a | b |& c &"],
    "a & b & c": ["a &", "b &"],
    "for i in 1 2; do a & done; b": ["a &"],
    "for ((i=0;i<3;i++)); do x & done": ["x &"],
    "while :; do a; done & b": ["while :; do a; done &"],
    "if a; then b & fi": ["b &"],
    "case $x in a) b & ;; (c|d) e & ;; esac": ["b &", "e &"],
    "(a >&2) & b": ["(a >&2) &"],
    "{ a; b; } >f 2>&1 & c": ["{ a; b; } >f 2>&1 &"],
    "a=1 b & c": ["a=1 b &"],
    "! a & b": ["! a &"],
    "x=$(a & b); y & z": ["y &"],
    "cat <<E & echo\na & b\nE\nls": ["cat <<E &"],
    "echo 'a & b' & \"c & d\" &": ["echo 'a & b' &", '"c & d" &'],
    "echo a\\& b & c": ["echo a\\& b &"],
    "((x & 1)) && y & z": ["((x & 1)) && y &"],
    "arr=(a b); x &": ["x &"],
    "echo ${x//&/y} & z": ["echo ${x//&/y} &"],
    "[[ a && b ]] & x": ["[[ a && b ]] &"],
    "a &>/dev/null & b": ["a &>/dev/null &"],
    "# b & c\nd &": ["d &"],
    "diff <(a &) <(b) & c": ["diff <(a &) <(b) &"],
    "select x in a b; do c & done": ["c &"],
    # In a function they would show; what looks at what was before would see it; and what is not understood stays.
    "f() { x & }; f": [],
    "function f { x & }; y &": ["y &"],
    "false; echo $? & y": [],
    "a & echo $_": [],
    "a | b; echo ${PIPESTATUS[@]} & c": [],
    "coproc a & b": [],
    "a & )": [],
    "a & 'b": [],
    "a & cat <<E": [],
    "echo a && b || c; d 2>&1 | e >&2; f &> g; case x in y) z ;& esac": [],
}


@pytest.mark.parametrize("text", LISTS)
def test_where_jobs_are_started(text: str) -> None:
    assert [text[start:end] for start, end in background_lists(text)] == LISTS[text]


def test_what_is_put_around_them_is_understood_by_bash() -> None:
    for text in LISTS:
        marked = text
        for start, end in reversed(background_lists(text)):
            marked = (
                f"{marked[:start]}if [[ a ]]; then b; fi; {marked[start:end]} if [[ a ]]; then b; fi;{marked[end:]}"
            )
        told = [
            subprocess.run(["bash", "-n", "-c", one], capture_output=True, check=False).returncode
            for one in (text, marked)
        ]
        assert told[0] == told[1], marked


def in_one_exchange(event: Event, invoke: Callable[[], Reply]) -> Reply:
    """No answer falls into the middle of a cell, so that none lets out what is held back."""
    if event["op"] == "run":
        event["wait"] = 30
    return invoke()


def pieces(ran: Ran) -> list[str]:
    return [output.data.decode() for output in ran.outputs]


def test_what_another_writer_prints_does_not_stand_within_a_word(remote: InProcess, tmp_path: Path) -> None:
    """A word may end as a credential begins."""
    remote.transport.faults = in_one_exchange
    word = "mine" + CREDENTIALS["AWS_ACCESS_KEY_ID"][:3]
    go, gone = tmp_path / "go", tmp_path / "gone"
    job = f"until [ -e {go} ]; do sleep 0.01; done; echo of a job; printf {word}; {UNTIL_READ}; touch {gone}; sleep 99"
    remote.run(f"({job}) &")
    ran = remote.run(f"printf {word}; {UNTIL_READ}; touch {go}; until [ -e {gone} ]; do sleep 0.01; done; echo end")
    assert pieces(ran) == [word, f"of a job\n{word}", "end\n"]
    ran = remote.run(f"printf {word}; {UNTIL_READ}; echo error >&2; {UNTIL_READ}; echo end")
    assert pieces(ran) == [word, "error\n", "end\n"]


def test_what_may_be_a_credential_is_held_back_whoever_prints(remote: InProcess) -> None:
    remote.transport.faults = in_one_exchange
    key = CREDENTIALS["AWS_ACCESS_KEY_ID"]
    letters = "; ".join(f"printf {letter}; {UNTIL_READ}; echo error >&2; {UNTIL_READ}" for letter in key)
    ran = remote.run(f"{letters}; echo")
    assert ran.out == f"{key[:3]}[AWS_ACCESS_KEY_ID redacted]\n"
    assert ran.err.count("error\n") == len(key)
