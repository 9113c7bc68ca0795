"""What a new shell has of the one before: the real function, whose environment is replaced."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel import news
from lambda_kernel.function import index
from lambda_kernel.function.state import COMMANDS, STATE_BYTES, State
from tests.far import CREDENTIALS, Context, Far, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc")

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
]  # fmt: skip


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.close()


@pytest.mark.parametrize(("make", "show"), KEPT)
def test_a_new_environment_has_what_the_cells_made(far: Far, make: str, show: str) -> None:
    other = Far()
    other.run(make)
    as_it_was = other.run(show)
    other.close()
    far.run(make)
    far.replace()
    ran = far.run(show)
    assert (ran.out, ran.err, ran.exit_code) == (as_it_was.out, as_it_was.err, as_it_was.exit_code)
    assert len(ran.notices) == 1
    assert ran.notices[0].startswith(news.REPLACED)
    assert "Restored: " in ran.notices[0]
    assert "Not restored" not in ran.notices[0]


def test_it_is_restored_again_and_again(far: Far) -> None:
    far.run("x=1; cd /usr")
    for _ in range(3):
        far.replace()
        assert far.run("echo $x $PWD; x=$((x + 1))").out.endswith(" /usr\n")
    assert far.run("echo $x").out == "4\n"
    assert far.session.restored
    assert 'directory "/usr"' in far.session.restored


def test_what_cannot_be_restored_is_named(far: Far, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    far.run(f"cd {gone}; token={SECRET}; big=$(printf %{STATE_BYTES}s x); ok=1; sleep 100 & sleep 200 &")
    gone.rmdir()
    far.replace()
    [notice] = far.run("echo $ok ${token-none} ${#big}; pwd").notices
    assert f'Not restored: directory "{gone}"' in notice
    assert "variable token (it holds a credential)" in notice
    assert "variable big (it is too large)" in notice
    assert "Background jobs that are gone: sleep 100, sleep 200." in notice
    assert SECRET not in far.session.snapshot.packed if far.session.snapshot else False


def test_the_environments_own_variables_are_the_new_ones(far: Far) -> None:
    far.run("export AWS_SESSION_TOKEN=mine LAMBDA_X=mine; x=1")
    far.replace()
    assert far.run("echo ${LAMBDA_X-unset} ${AWS_SESSION_TOKEN:0:4} $x").out == "unset IQoJ 1\n"


@pytest.mark.parametrize("end", ["exit 0", "exec true", "set -e; false"])
def test_after_a_deliberate_end_nothing_is_restored(far: Far, end: str) -> None:
    far.run("x=1")
    far.run(end)
    assert far.run("echo ${x-clean}").out == "clean\n"


def test_after_reset_nothing_is_restored(far: Far) -> None:
    ran = far.run("x=1")
    far.session.reset(ran.happenings.append, ran.control, ran.tally)
    assert far.run("echo ${x-clean}").out == "clean\n"
    far.replace()
    assert far.run("echo ${x-clean}").out == "clean\n"


def test_bash_dies_alone_between_two_cells(far: Far) -> None:
    far.run("x=1; (sleep 0.1; kill -9 $$) &")
    shell = far.environment.shells["test"]
    wait_until(lambda: not Path(f"/proc/{shell.pid}/fd/0").exists())
    ran = far.run("echo $x")
    assert ran.out == "1\n"
    assert ran.notices[0].startswith(news.ENDINGS["signal"])


def test_a_state_that_kills_the_shell_is_left_out(far: Far) -> None:
    items = [["variable", "x", "x=1"], ["function", "f", "exit 3"], ["variable", "y", "y=2"]]
    packed = base64.b64encode(zlib.compress(json.dumps([items, []]).encode())).decode()
    event = {**far.session.hello(0), "restore": packed}
    reply = far.environment.answer(event, Context())
    assert reply["state"] == "idle"
    assert reply["ended"] is None
    assert reply["restored"]["items"] == []
    assert reply["restored"]["failed"] == ["variable x", "function f", "variable y"]
    assert far.run("echo works").out == "works\n"


def test_a_snapshot_comes_when_it_has_changed(far: Far) -> None:
    far.run("true")
    before = far.session.snapshot
    far.run("echo $RANDOM $SECONDS; true")
    assert far.session.snapshot is before
    far.run("x=1")
    assert far.session.snapshot is not before
    assert len(far.session.snapshot.packed if far.session.snapshot else "") < 1000


def test_asking_for_the_state_changes_nothing(far: Far) -> None:
    far.run("RANDOM=42; a=$RANDOM; RANDOM=42; trap 'traced=$((traced + 1))' DEBUG")
    assert far.run("[[ $RANDOM = $a ]] && echo same; echo $?").out == "same\n0\n"
    assert far.run("false").exit_code == 1
    assert far.run("echo $?").out == "1\n"


def test_environments_that_alternate_are_explained(far: Far) -> None:
    far.run("x=first")
    first, far.environment = far.environment, index.Environment(far.environ)
    assert far.run("echo $x; x=second").notices[0].startswith(news.REPLACED)
    second, far.environment = far.environment, first
    ran = far.run("echo $x")
    assert ran.out == "second\n"
    assert "something else uses `fake` at the same time" in ran.notices[0]
    assert "tenant isolation" in ran.notices[0]
    far.environment = second
    far.run("true")
    assert [len(environment.shells) for environment in (first, second)] == [1, 1]
    far.environment = first
    far.close()
    far.environment = second


def answer(settings: str, functions: str, names: str, jobs: str, number: int) -> bytes:
    return b"\0\1" + "\0".join([settings, functions, names, jobs, str(number), ".", ""]).encode()


def test_an_answer_of_bashs_byte_by_byte_and_cut() -> None:
    state = State()
    empty = answer("umask 0022\n", "", "", "", 0)
    assert [state.feed(empty[at : at + 1], {}) for at in range(len(empty))] == [None] * (len(empty) - 1) + [0]
    whole = answer('declare -- x="1"\n', "f () \n{ \n    :\n}\n", "declare -f f\n", "[1]+  Running   sleep 9 &\n", 7)
    for cut in range(len(whole)):
        state.feed(whole[:cut], {})
        assert state.feed(whole, {}) == 7
        names = [name for name, _ in state.unpack(state.packed)]
        assert {"variable x", "function f"} <= set(names)
        assert state.jobs == ["sleep 9 &"]


def test_bash_is_asked_without_a_process_of_its_own() -> None:
    assert len(COMMANDS) == 10
    assert "$(" not in State().question("/p", 1)
