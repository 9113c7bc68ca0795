"""What a new shell has of the one before: the real function, whose environment is replaced."""

from __future__ import annotations

import base64
import json
import os
import re
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.function import index
from lambda_kernel.function.sent.shell_setup import READ_MARK
from lambda_kernel.function.sent.state import COMMANDS, SHARE
from lambda_kernel.function.sent.state_items import ROOM_BYTES, STATE_BYTES
from lambda_kernel.session import replacement
from lambda_kernel.session.remote_shell import shell_code
from tests.support.in_process_session import CREDENTIALS, InProcess, LambdaContext
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")

State = index.load(shell_code())["State"]  # its parts share one namespace there
SECRET = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
# What one cell makes, and what another one shows of it.
KEPT = [
    ("x=5", "echo $x"),
    ("x='a  \"b'\\''c$d`e\\f'", 'echo "$x"'),
    ("x=$'line\\n\\ttab\\x01 \\xff\\xfe ü'", 'printf %s "$x" | od -c'),
    ("x=", "echo ${x-unset}."),
    ("declare x", "declare -p x"),
    ("export x=1", "printenv x"),
    ("a=(1 '2 3' [7]=$'4\\n')", 'declare -p a; echo "${!a[*]}"'),
    ("declare -A m=([k]=v ['a b]\"c']=w [$'\\n']=x)", "declare -p m"),
    ("declare -i n=2", "n+=3; echo $n"),
    ("readonly r=1", "r=2"),
    ("declare -n ref=target; target=here", "echo $ref"),
    ("declare -u up=abc", "up=def; echo $up"),
    ("IFS=:", "v=a:b; echo $v"),
    ("unset PAGER", "echo ${PAGER-unset}"),
    ("f() { echo f \"$1\"; cat <<X\n}\nX\n}", "f 1"),
    ("f-g.h() { echo odd; }; f2() ( echo sub )", "f-g.h; f2"),
    ("f() { echo exported; }; export -f f", "bash -c f"),
    ("alias ll='echo it'\\''s'; alias -- -=echo", "ll me\nalias"),
    ("shopt -s extglob nullglob; shopt -u sourcepath", "shopt extglob nullglob sourcepath"),
    ("set -f; set -u; set -o pipefail", "echo * $-; set -o | grep pipefail; echo ${nope}"),
    ("umask 027", "umask"),
    ("trap 'echo \"it'\\''s usr\"' USR1", "kill -USR1 $$"),
    ("trap 'echo err' ERR", "false"),
    ("cd /usr; cd /", "pwd; cd -"),
    ("ln -sfn /usr /tmp/lambda-kernel-test-link; cd /tmp/lambda-kernel-test-link", "pwd"),
    ("set -e; x=1", "echo $x $-"),
    ("set -x 2>/dev/null; x=1", "echo $-"),
    ("trap 'x=$x.' DEBUG", "echo ok"),
    ("export AWS_REGION=eu-north-1 AWS_PROFILE=p; LAMBDA_X=1", "echo $AWS_REGION $AWS_PROFILE $LAMBDA_X"),
    ("unset AWS_SESSION_TOKEN", "echo ${AWS_SESSION_TOKEN-unset}"),
    ("BASHY=1 BASH_ENV=/dev/null", "echo $BASHY $BASH_ENV"),
    ("set -- a 'b  c' $'d\\n\\xff' . ''", "printf '<%s>' \"$@\" | od -c"),
    ("set -- . . .; set -u; IFS=.", "printf '<%s>' $# \"$@\""),
    ("cd /; pushd /usr >/dev/null; pushd ~ >/dev/null; pushd '/proc/self' >/dev/null", "dirs -l -p"),
    ("complete -F f g; complete -W $'a\nb' h", "complete -p"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "show"), KEPT)
def test_a_new_environment_has_what_the_cells_made(remote: InProcess, make: str, show: str) -> None:
    other = InProcess()
    other.run(make)
    as_it_was = other.run(show)
    other.close()
    remote.run(make)
    remote.replace()
    ran = remote.run(show)
    assert (ran.out, ran.err, ran.exit_code) == (as_it_was.out, as_it_was.err, as_it_was.exit_code)
    assert len(ran.notices) == 1
    assert ran.notices[0].startswith(replacement.SHARED.format(function="fake"))
    assert "Restored: " in ran.notices[0]
    assert "Not restored" not in ran.notices[0]


def test_it_is_restored_again_and_again(remote: InProcess) -> None:
    remote.run("x=1; cd /usr")
    for _ in range(3):
        remote.replace()
        assert remote.run("echo $x $PWD; x=$((x + 1))").out.endswith(" /usr\n")
    assert remote.run("echo $x").out == "4\n"
    assert remote.session.remote.restored
    assert 'directory "/usr"' in remote.session.remote.restored


def test_what_cannot_be_restored_is_named(remote: InProcess, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    remote.run(f"cd {gone}; token={SECRET}; big=$(printf %{STATE_BYTES}s x); ok=1; sleep 100 & sleep 200 &")
    gone.rmdir()
    remote.replace()
    [notice] = remote.run("echo $ok ${token-none} ${#big}; pwd").notices
    assert f'Not restored: directory "{gone}"' in notice
    assert "variable token (it holds a credential)" in notice
    assert "variable big (it is too large)" in notice
    assert "Background jobs that were lost: sleep 100, sleep 200." in notice
    assert SECRET not in remote.session.remote.snapshot["packed"] if remote.session.remote.snapshot else False


def unpacked(remote: InProcess) -> list[str]:
    shell = remote.environment.shells["test"]
    return [name for name, _ in shell.state.unpack(shell.state.packed)]


def test_what_is_open_is_named(remote: InProcess) -> None:
    remote.run("exec 5</dev/null 17>/dev/null; TMOUT=9; BASH_XTRACEFD=5; ulimit -S -c 0; ulimit -S -n 100")
    remote.replace()
    [notice] = remote.run("true").notices
    assert set(re.findall(r"descriptor (\d+) \(what it was open on is gone\)", notice)) == {"5", "17"}
    assert "variable TMOUT (it ends an idle shell)" in notice
    assert "variable BASH_XTRACEFD (its descriptor is gone)" in notice
    assert "limit Max open files (`ulimit` sets it)" in notice


def test_of_thousands_that_are_not_restored_a_dozen_are_named(remote: InProcess) -> None:
    big = "x" * 100
    remote.run(f'for ((i = 0; i < 3000; i++)); do eval "f$i() {{ echo {big}; }}"; done')
    remote.run("true")  # with which comes what took longer than a slice
    remote.replace()
    [notice] = remote.run("true").notices
    assert re.search(r"\(it is too large\), and [0-9]{3,4} more\.", notice)
    assert notice.count("too large") == 12
    assert replacement.few([str(number) for number in range(13)])[-1] == "and 1 more"


def test_the_environments_own_variables_are_the_new_ones(remote: InProcess) -> None:
    remote.run("export AWS_SESSION_TOKEN=mine x=1")
    remote.replace()
    ran = remote.run("echo ${AWS_SESSION_TOKEN:0:4} $x $LAMBDA_REQUEST_ID")
    assert ran.out == f"IQoJ 1 {LambdaContext.aws_request_id}\n"
    assert "Not restored: variable AWS_SESSION_TOKEN (it holds a credential)." in ran.notices[0]
    assert "mine" not in str(unpacked(remote))


@pytest.mark.parametrize("end", ["exit 0", "exec true", "set -e; false"])
def test_after_a_deliberate_end_nothing_is_restored(remote: InProcess, end: str) -> None:
    remote.run("x=1")
    remote.run(end)
    assert remote.run("echo ${x-clean}").out == "clean\n"


def test_after_reset_nothing_is_restored(remote: InProcess) -> None:
    ran = remote.run("x=1")
    remote.session.reset(ran.context)
    assert remote.run("echo ${x-clean}").out == "clean\n"
    remote.replace()
    assert remote.run("echo ${x-clean}").out == "clean\n"


def test_bash_dies_alone_between_two_cells(remote: InProcess, tmp_path: Path) -> None:
    remote.run(f"x=1; (until [ -e {tmp_path}/now ]; do sleep 0.01; done; kill -9 $$) &")
    (tmp_path / "now").touch()
    shell = remote.environment.shells["test"]
    wait_until(lambda: not Path(f"/proc/{shell.pid}/fd/0").exists())
    ran = remote.run("echo $x")
    assert ran.out == "1\n"
    assert ran.notices[0].startswith(replacement.ENDINGS["signal"])


def test_a_state_that_kills_the_shell_is_left_out(remote: InProcess) -> None:
    items = [["variable", "x", "x=1"], ["function", "f", "exit 3"], ["variable", "y", "y=2"]]
    packed = base64.b64encode(zlib.compress(json.dumps([items, []]).encode())).decode()
    event = {**remote.session.remote.hello(0), "restore": packed}
    reply = remote.environment.answer(event, LambdaContext())
    assert reply["state"] == "idle"
    assert reply["ended"] is None
    assert reply["restored"]["items"] == []
    assert reply["restored"]["failed"] == ["variable x", "function f", "variable y"]
    assert remote.run("echo works").out == "works\n"


def test_a_snapshot_comes_when_it_has_changed(remote: InProcess) -> None:
    remote.run("true")
    before = remote.session.remote.snapshot
    remote.run("echo $RANDOM $SECONDS; true")
    assert remote.session.remote.snapshot is before
    remote.run("x=1")
    assert remote.session.remote.snapshot is not before
    assert len(remote.session.remote.snapshot["packed"] if remote.session.remote.snapshot else "") < 1000


def test_asking_for_the_state_changes_nothing(remote: InProcess) -> None:
    remote.run("RANDOM=42; a=$RANDOM; RANDOM=42; trap 'traced=$((traced + 1))' DEBUG")
    assert remote.run("[[ $RANDOM = $a ]] && echo same; echo $?").out == "same\n0\n"
    assert remote.run("false").exit_code == 1
    assert remote.run("echo $?").out == "1\n"


def test_environments_that_alternate_are_explained(remote: InProcess) -> None:
    remote.run("x=first")
    first, remote.environment = remote.environment, index.Environment(remote.environ)
    assert remote.run("echo $x; x=second").notices[0].startswith(replacement.SHARED.format(function="fake"))
    second, remote.environment = remote.environment, first
    ran = remote.run("echo $x")
    assert ran.out == "second\n"
    assert "Something else uses `fake` at the same time" in ran.notices[0]
    assert "tenant isolation" in ran.notices[0]
    remote.environment = second
    remote.run("true")
    assert [len(environment.shells) for environment in (first, second)] == [1, 1]
    remote.environment = first
    remote.close()
    remote.environment = second


def answer(
    *,
    settings: str = "",
    variables: str = "",
    functions: str = "",
    names: str = "",
    jobs: str = "",
    parameters: tuple[str, ...] = (),
    number: int = 0,
    seconds: float = 0.0,
) -> bytes:
    """As bash gives it, at second 100. Its process is this one."""
    words = [f"{100 + seconds:.6f}", str(len(parameters)), *parameters, "/proc/self/fd/none", ":", str(number), ".", ""]
    return b"\0\1" + "\0".join([f"100.000000\n{settings}", variables, functions, names + jobs, *words]).encode()


def harmless(text: bytes) -> bool:
    return False


def test_an_answer_of_bashs_byte_by_byte_and_cut() -> None:
    state = State()
    empty = answer(settings="umask 0022\n")
    assert [state.feed(empty[at : at + 1], harmless) for at in range(len(empty))] == [None] * (len(empty) - 1) + [0]
    whole = answer(
        variables='declare -- x="1"\n',
        functions="f () \n{ \n    :\n}\n",
        names="declare -f f\n",
        jobs="[1]+  Running   sleep 9 &\n",
        parameters=(".", "", "7", "."),
        number=7,
    )
    for cut in range(len(whole)):
        state.feed(whole[:cut], harmless)
        assert state.feed(whole, harmless) == 7
        names = [name for name, _ in state.unpack(state.packed)]
        assert {"variable x", "function f"} <= set(names)
        assert state.jobs == ["sleep 9 &"]


def fed(state: Any, data: bytes, size: int) -> int | None:
    """In pieces of so many bytes. What is kept in the meantime is bounded."""
    number = None
    for at in range(0, len(data), size):
        number = state.feed(data[at : at + size], harmless)
        assert len(state.rest) < size + 2 * ROOM_BYTES
    return number


def names_of(state: Any) -> list[str]:
    return [name for name, _ in state.unpack(state.packed)]


NASTY = [
    '"' + "a" * 3_000_000 + '"',
    '"' + r"\"" * 2_000_000 + '"',
    '"' + "\\\\" * 2_000_000 + '"',
    '"' + "'" * 3_000_000 + '"',
    '"' + "\n" * 3_000_000 + '"',
    '"' + 'line\ndeclare -- wrong=\\"1\\"\n' * 100_000 + '"',
    "$'" + r"\'\n\\\"" * 500_000 + "'",
    "$'" + '"' * 3_000_000 + "'",
    "(" + " ".join(f'[{n}]="{n}"' for n in range(200_000)) + ")",
    '(["a\nb"]=$\'' + '\\n"' * 1_000_000 + '\' [c]="d")',
]


@pytest.mark.parametrize("value", NASTY, ids=[value[:12].encode("unicode_escape").decode() for value in NASTY])
@pytest.mark.parametrize("size", [262_145, 1_048_576])
def test_a_value_of_megabytes_is_cut_out_wherever_its_pieces_end(value: str, size: int) -> None:
    state = State()
    state.feed(answer(), harmless)
    variables = f'declare -- before="1"\ndeclare -x big={value}\ndeclare -- "after"\ndeclare -- after="it\'s \\"2\\""\n'
    assert fed(state, answer(variables=variables, number=3), size) == 3
    assert names_of(state) == ["variable after", "variable before"]
    assert state.left == ["variable big (it is too large)"]
    assert len(state.printed[0]) < 2 * ROOM_BYTES


def test_variables_and_functions_without_end_are_bounded() -> None:
    state = State()
    state.feed(answer(), harmless)
    variables = "".join(f'declare -- v{n}="{n:090}"\n' for n in range(30_000))
    variables += 'declare -r SHELLOPTS="braceexpand:noglob"\ndeclare -x PWD="/usr"\n'
    functions = "".join(f"f{n} () \n{{ \n    : {n:090}\n}}\n" for n in range(30_000))
    names = "".join(f"declare -f f{n}\n" for n in range(30_000))
    assert fed(state, answer(variables=variables, functions=functions, names=names, number=1), 1_048_576) == 1
    kept = names_of(state)
    assert 1_000 < len(kept) < 3_000
    assert {"option set -o noglob", 'directory "/usr"'} <= set(kept)
    assert state.left[12:] == [f"and {60_003 - len(kept) - 12} more"]
    assert sum(map(len, state.printed)) < 4 * ROOM_BYTES


def test_bash_is_asked_again_when_what_it_cost_is_long_ago() -> None:
    now = [0.0]
    state = State(lambda: now[0])
    state.cost = state.worked = 0.0
    assert state.question("/p", 1)
    spent = sum(os.times()[:2])  # of this process, which stands for bash
    state.feed(answer(seconds=0.001), harmless)
    assert state.question("/p", 2)
    state.feed(answer(seconds=600), harmless)  # frozen for most of it: it has not worked for so long
    assert 0 < state.not_before <= SHARE * max(1.1 * spent + 1, (1.1 * spent + 1) ** 2)
    assert state.question("/p", 3) == ""
    assert state.question("/p", 0)
    now[0] = state.not_before
    assert state.question("/p", 3)


def test_a_state_that_is_not_asked_for_is_told_to_be_older(remote: InProcess) -> None:
    remote.run("x=1; true", execution_count=1)
    remote.run("y=1", execution_count=2)
    remote.environment.shells["test"].state.not_before = 1e12
    remote.run("x=2; z=3", execution_count=3)
    remote.replace()
    ran = remote.run("echo $x $y ${z-unset}", execution_count=4)
    assert ran.out == "1 1 unset\n"
    assert "The state is the one after cell 2" in ran.notices[0]
    remote.replace()
    [notice] = remote.run("true", execution_count=5).notices
    assert "The state is that" not in notice


def test_a_shell_with_thousands_of_variables_is_not_asked_after_each_cell(remote: InProcess) -> None:
    remote.run("for ((i = 0; i < 8000; i++)); do declare v$i=1; done", execution_count=1)
    for label in (2, 3, 4):
        assert remote.run("true", execution_count=label).exit_code == 0
    assert remote.environment.shells["test"].state.not_before > time.time()
    assert remote.session.remote.saved_after in (1, 2)
    assert remote.session.remote.snapshot
    remote.replace()
    ran = remote.run("echo $v1 $v7999")
    assert ran.out.startswith("1 ")
    assert "The state is the one after cell" in ran.notices[0]


def test_a_state_that_comes_after_the_answer_comes_with_the_next(remote: InProcess) -> None:
    remote.run("x=1")
    shell = remote.environment.shells["test"]
    event = {
        **remote.session.remote.event("run"),
        **remote.session.remote.here(),
        "seq": 2,
        "had": 0,
        "wait": 5,
        "bound": None,
    }
    event |= {
        "redact": True,
        "code": "x=2",
        "have": remote.session.remote.snapshot and remote.session.remote.snapshot["digest"],
    }
    assert "state_after" in remote.answer(event, LambdaContext())
    packed = shell.state.packed
    shell.state.not_before = 1e12  # the next cell is not asked for its own state
    reply = remote.answer({**event, "seq": 3, "code": "true"}, LambdaContext())
    assert reply["state_after"]["packed"] == packed
    assert (reply["dumped"], reply["seq"]) == (2, 3)


@pytest.mark.parametrize(
    ("code", "wraps"),
    [
        ("read -p 'Name? ' x", True),
        ("read -rsp 'Key: '", True),
        ("while read -r -u 3 -p x; do :; done", True),
        ("read -r \\\n  -s x", True),
        ("read $options x", True),
        (". ./script", True),
        ("true; source script", True),
        ('eval "$text"', True),
        ("read x", False),
        ("while read -r line; do cp -p $line .; done <list", False),
        ("IFS=, read -ra words <<<$line", False),
        ("ls ./x; ./read.me", False),
        ("bread -p", False),
    ],
)
def test_read_is_only_wrapped_where_it_may_have_a_prompt(code: str, wraps: bool) -> None:
    state = index.load(shell_code())["State"]()
    state.feed(answer(), harmless)
    assert (READ_MARK in state.prelude(code, "/in", "/marks")) is wraps
    assert state.prelude("true", "/in", "/marks") == ("\\builtin unset -f read\n" if wraps else "")
    assert state.prelude("true", "/in", "/marks") == ""


@pytest.mark.parametrize(
    ("made", "wraps"),
    [
        ({"settings": "alias ask='read -p x'\n"}, True),
        ({"functions": "f () \n{ \n    read -s x\n}\n", "names": "declare -f f\n"}, True),
        ({"functions": "f () \n{ \n    read x\n}\n", "names": "declare -f f\n"}, False),
        ({"functions": "read () \n{ \n    . x\n}\n", "names": "declare -f read\n"}, False),
    ],
)
def test_read_is_wrapped_for_what_cells_before_have_made(made: dict[str, str], wraps: bool) -> None:
    state = index.load(shell_code())["State"]()
    state.feed(answer(), harmless)
    state.feed(answer(**made), harmless)  # type: ignore[arg-type]
    assert (READ_MARK in state.prelude("f", "/in", "/marks")) is wraps


TRAPS = {"text": "trap 'echo x' CHLD", "unknown": ". /tmp/x", "set": "trap -- 'echo x' SIGCHLD\n"}


@pytest.mark.parametrize("function", ["", "f () \n{ \n    trap 'echo x' CHLD\n}\n"])
@pytest.mark.parametrize("trap", ["", TRAPS["set"]])
@pytest.mark.parametrize("text", ["true", TRAPS["text"], TRAPS["unknown"], None])
def test_no_trap_can_print_into_the_state(text: str | None, trap: str, function: str) -> None:
    state = index.load(shell_code())["State"]()
    state.feed(answer(settings=trap, functions=function), harmless)
    together = text == "true" and not trap and not function
    assert state.question("/p", 1, text).count(">|/p") == (2 if together else 13)
    state.not_before = 1e12
    assert state.question("/p", 2, "true") == ""
    state.not_before = 0.0
    assert state.question("/p", 3, "true").count(">|/p") == (2 if together else 13)
    state.feed(answer(), harmless)
    assert state.question("/p", 4, "true").count(">|/p") == 2


def test_bash_is_asked_without_a_process_of_its_own() -> None:
    assert sum(map(len, COMMANDS)) == 9
    assert "$(" not in State().question("/p", 1)


def test_only_of_a_tenants_environment_it_is_known_that_lambda_has_ended_it() -> None:
    def why(own: bool) -> str | None:
        return replacement.why(True, False, False, None, "f", own=own)

    assert why(True) == replacement.REPLACED
    assert "or chose another: something else uses" in (why(False) or "")
