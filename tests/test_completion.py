"""Tab, asked of the real function and its bash: what is offered, and that nothing is run to find it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.completion import MOST
from lambda_kernel.function import index
from lambda_kernel.target import Target
from lambda_kernel.transport import Event, Reply
from lambda_kernel.workspace import PING_SECONDS
from tests.editor import Place
from tests.far import CREDENTIALS, wait_until


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.far.close()


@pytest.fixture
def files(tmp_path: Path, place: Place) -> Path:
    place.run(f"cd '{tmp_path}'")
    return tmp_path


def test_names_of_the_shells_own(place: Place) -> None:
    place.run("zz_function() { :; }; alias zz_alias=ls; zz_variable=1; zz-dashed() { :; }")
    assert place.complete("zz") == ["zz-dashed", "zz_function", "zz_alias"]
    assert place.complete("true; echo ${zz") == ["true; echo ${zz_variable}"]
    assert place.complete("echo ${zz}", 9) == ["echo ${zz_variable}"]
    assert place.complete('echo "a $zz_v') == ['echo "a $zz_variable']
    assert place.complete("unset zz_") == ["unset zz_variable", "unset zz_function"]
    assert place.complete("unalias zz") == ["unalias zz_alias"]
    assert place.complete("(( 1 + zz") == ["(( 1 + zz_variable"]
    assert place.complete("echo '$zz") == []


def test_what_is_unset_is_gone(place: Place) -> None:
    place.run("zz_variable=1; zz_function() { :; }")
    assert place.complete("$zz") == ["$zz_variable"]
    place.run("unset zz_variable; unset -f zz_function")
    assert place.complete("$zz") == []
    assert place.complete("zz") == []


def test_a_here_document_in_a_function_makes_no_names(place: Place) -> None:
    place.run(
        "zz_one() { cat <<X\nzz_fake () \n{ \n}\nzz_more\nX\n}; alias zz_alias='a\nalias zz_false=b'; zz_x=$'\\n=1'"
    )
    assert place.complete("zz") == ["zz_one", "zz_alias"]


def test_variables_of_lambda_and_of_bash(place: Place) -> None:
    place.run("unset HOME")
    assert place.complete("echo $HOM") == []
    assert place.complete("echo $LAMBDA_REQ") == ["echo $LAMBDA_REQUEST_ID"]
    assert place.complete("echo $AWS_SECRET") == ["echo $AWS_SECRET_ACCESS_KEY"]
    assert place.complete("echo $BASHP") == ["echo $BASHPID"]


def test_programs_on_the_shells_path(place: Place, tmp_path: Path) -> None:
    for name, mode in (("zz-program", 0o755), ("zz-text", 0o644)):
        (tmp_path / name).touch(mode)
    place.run(f"PATH={tmp_path}:$PATH")
    assert place.complete("ls | zz-") == ["ls | zz-program"]
    (tmp_path / "zz-new").touch(0o755)
    os.utime(tmp_path, ns=(1, 1))  # a file system's clock may be coarse
    assert place.complete("ls | zz-") == ["ls | zz-new", "ls | zz-program"]


def test_builtins_and_keywords(place: Place) -> None:
    place.run("true")
    assert "mapfile" in place.complete("mapf")
    assert "while" in place.complete("whil")
    assert place.complete("echo whil") == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("kill -HU", ["kill -HUP"]),
        ("kill -SIGHU", ["kill -SIGHUP"]),
        ("kill -s HU", ["kill -s HUP"]),
        ("trap 'a b' EX", ["trap 'a b' EXIT"]),
        ("set -euo pipe", ["set -euo pipefail"]),
        ("shopt -s extg", ["shopt -s extglob"]),
        ("[[ -o errt", ["[[ -o errtrace"]),
        ("[[ -e", ["[[ -e", "[[ -ef", "[[ -eq"]),
        ("read -r", ["read -r"]),
        ("unset -", ["unset -f", "unset -n", "unset -v"]),
        ("help mapf", ["help mapfile"]),
        ("for zz i", ["for zz in"]),
        ("builtin mapf", ["builtin mapfile"]),
        ("xargs mapf", []),
        ("\\mapf", ["\\mapfile"]),
        ("'mapf", ["'mapfile"]),
        ("\\whil", []),
        ("exit ", []),
        ("echo $?", []),
        ("echo $#H", []),
    ],
)
def test_words_that_a_command_takes(place: Place, code: str, expected: list[str]) -> None:
    assert place.complete(code) == expected
    assert place.far.transport.events == []


def test_all_signals_are_offered_by_one_name() -> None:
    place = Place()
    reply = place.reply("kill -s ")
    assert "TERM" in reply["matches"]
    assert not [match for match in reply["matches"] if match.startswith("SIG")]


def test_names_where_only_some_can_stand(place: Place) -> None:
    place.run("zz_function() { :; }; alias zz_alias=ls; zz_variable=1")
    for code in ("unset -f zz", "declare -f zz", "export -f zz", "complete -F zz"):
        assert place.complete(code) == [code + "_function"]
    for code in ("unset -v zz", "printf -v zz", "read -r zz", "[[ -v zz", "export -n zz", "getopts x zz"):
        assert place.complete(code) == [code + "_variable"]
    assert place.complete("type zz") == ["type zz_function", "type zz_alias"]
    assert place.complete("trap zz") == ["trap zz_function", "trap zz_alias"]
    assert place.complete("sudo zz") == place.complete("nohup zz") == []
    assert place.complete("\\zz") == ["\\zz_function"]


def test_what_the_cell_defines_itself(place: Place) -> None:
    place.run("true")
    assert place.complete("zz_a=1; for zz_b in 1; do read -r zz_c; echo $zz_") == [
        f"zz_a=1; for zz_b in 1; do read -r zz_c; echo $zz_{letter}" for letter in "abc"
    ]
    assert place.complete("read -r zz_a zz_b <<<x; local -i zz_c; printf -v zz_d x; printf zz_e; echo $zz_") == [
        f"read -r zz_a zz_b <<<x; local -i zz_c; printf -v zz_d x; printf zz_e; echo $zz_{letter}" for letter in "abcd"
    ]
    assert place.complete("zz_a() { :; }\nfunction zz_b { :; }; alias zz_c=ls\nzz_") == [
        f"zz_a() {{ :; }}\nfunction zz_b {{ :; }}; alias zz_c=ls\nzz_{letter}" for letter in "abc"
    ]
    assert place.complete("echo $zz\nzz_later=1", 8) == ["echo $zz_later\nzz_later=1"]
    assert place.complete("zz_a=$zz") == ["zz_a=$zz_a"]
    assert place.complete("echo $zz_=") == []


NAMES = [
    "a b",
    "it's",
    'say "x"',
    "$HOME",
    "`id`",
    "x|id",
    "a;b",
    "ü 😀",
    "#x",
    "~y",
    "a\\b",
    "(z)",
    "*",
    "new\nline",
    "{a,b}",
    "!x",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("opened", ["", '"', "'"])
def test_a_name_is_quoted_so_that_bash_takes_it_as_it_is(place: Place, files: Path, name: str, opened: str) -> None:
    (files / "dir").mkdir()
    (files / "dir" / name).touch()
    [line] = place.complete(f"printf %s {opened}dir/")
    ran = place.far.run(line + opened)
    assert (ran.out, ran.err) == (f"dir/{name}", "")


def test_a_name_that_is_no_utf_8(place: Place, files: Path) -> None:
    (files / os.fsdecode(b"odd-\xff\xe9")).touch()
    [line] = place.complete("printf %s od")
    assert line == "printf %s $'odd-\\377\\351'"
    assert place.far.run(f"[[ -e {line.split()[2]} ]]").exit_code == 0
    assert place.complete("printf %s 'od") == []


def test_paths(place: Place, files: Path) -> None:
    (files / "a dir" / "sub").mkdir(parents=True)
    (files / "a dir" / "file").touch()
    (files / "a dir" / ".hidden").touch()
    (files / "a dir" / "tool").touch(0o755)
    assert place.complete("ls a") == ["ls a\\ dir/"]
    assert place.complete("ls a\\ d") == ["ls a\\ dir/"]
    assert place.complete("ls a\\ dir/s; x", 11) == ["ls a\\ dir/sub/; x"]
    assert place.complete('ls "a dir/f') == ['ls "a dir/file']
    assert place.complete("ls 'a dir'/f") == ["ls 'a dir'/file"]
    assert place.complete("ls a\\ dir/.h") == ["ls a\\ dir/.hidden"]
    assert place.complete("cd a\\ dir/") == ["cd a\\ dir/sub/"]
    assert place.complete("a\\ dir/") == ["a\\ dir/sub/", "a\\ dir/tool"]
    assert place.complete("cat <a\\ dir/fi") == ["cat <a\\ dir/file"]
    assert place.complete("x=a\\ dir/fi") == ["x=a\\ dir/file"]
    assert place.complete("if true\nthen cat 'a dir/fi\nfi", 26) == ["if true\nthen cat 'a dir/file\nfi"]
    assert place.complete(f"echo 😀 {files}/a") == [f"echo 😀 {files}/a\\ dir/"]
    assert place.complete("ls nosuch/") == []


def test_what_stands_before_the_name_is_looked_up_and_stays_as_typed(place: Place, files: Path) -> None:
    (files / "file").touch()
    place.run(f"HOME='{files}' zz=$'\\x2f' D='{files}'")
    for line in ("ls ~/f", "ls $D/f", "ls ${D}/f", 'ls "$D/f', 'ls "$D"/f', "x=~/f", "ls $zz$D/f"):
        assert place.complete(line) == [line + "ile"]
    assert place.complete("ls '$D/f") == []
    assert place.complete("ls '~/f") == []
    assert place.complete("ls $unknown/f") == []
    assert place.complete("ls ~nosuchuser/f") == []
    place.run("cd /; cd -")
    assert place.complete("ls ~+/f") == ["ls ~+/file"]
    place.run("cd /")
    assert place.complete("ls ~-/f") == ["ls ~-/file"]


def test_users(place: Place) -> None:
    place.run("true")
    assert "ls ~root/" in place.complete("ls ~roo")
    assert place.complete("ls ~")[0] == "ls ~/"
    assert "~root/" in place.complete("~roo")
    assert place.complete("ls '~roo") == place.complete("ls \\~roo") == place.complete("ls ~nosuchuser") == []


def test_paths_of_values_and_redirections(place: Place, files: Path) -> None:
    (files / "file").touch()
    for code in ("x=fi", "x=/:fi", "export x=fi", "alias x=fi", "ls --to=fi", "dd if=fi", "exit >fi", "read x <fi"):
        assert place.complete(code) == [code + "le"]
    for code in ("ls 2>>fi", "ls 2> fi", "ls &>fi", ">|fi", "hash -p fi", "[ -f fi", "source fi", "printf %s fi"):
        assert place.complete(code) == [code + "le"]
    for code in ("exit fi", "kill fi", "read fi", "unset fi", "shopt -s fi", "help fil", "read -p fi", "cd fi"):
        assert place.complete(code) == []


def test_a_directory_where_no_command_begins_so(place: Place, files: Path) -> None:
    (files / "zz-dir").mkdir()
    (files / "zz-file").touch()
    assert place.complete("zz") == ["zz-dir/"]
    place.run("zz() { :; }")
    assert place.complete("zz") == ["zz"]


HARMFUL = [
    "ls x|touch ran",
    "$(touch ran)",
    "$(touch ran)/",
    "ls $(touch ran)/",
    "ls `touch ran`/",
    'ls "$(touch ran)/',
    "ls ${x:=$(touch ran)}/",
    "ls ${a[$(touch ran)]}/",
    "ls <(touch ran)/",
    "ls ';touch ran;'/",
    "ls \n touch ran\n",
    "ls x;touch ran;#",
    "touch ran &",
    "(( a[$(touch ran)]",
    "ls $'\\x24(touch ran)'/",
    "cat <<E\n$(touch ran)$",
    "evil ",
    "evil /",
    "x=$(touch ran)",
    "%completion;touch ran",
    "%use $(touch ran)",
]


@pytest.mark.parametrize("code", HARMFUL)
def test_nothing_is_run(place: Place, files: Path, code: str) -> None:
    place.run(
        "evil() { touch ran; }; complete -F evil evil; PROMPT_COMMAND='touch ran'; "
        "trap 'touch ran' DEBUG; trap 'touch ran' ERR"
    )
    [shell] = place.far.environment.shells.values()
    wait_until(lambda: index.reads_from(shell.pid, shell.input_link))  # what the prompt runs is over
    (files / "ran").unlink()
    for cursor in range(len(code) + 1):
        place.reply(code, cursor)
    assert place.calls()
    assert not (files / "ran").exists()


def test_the_shell_does_not_notice(place: Place) -> None:
    place.run("set -- a b; false")
    place.complete("ls /us")
    assert place.far.run("echo $? $#; history").out == "1 2\n"


@pytest.mark.parametrize(
    "code",
    [
        "\0\x01\x7f" * 30,
        "ls \0/",
        "ls \ud83d/",
        "\ud83d",
        "a" * 200_000,
        "'" * 999,
        "((((" * 500,
        "${" * 300,
        "ls " + "../" * 5000,
        "a" * 1_000_000,
        "%put x" + " " * 1_000_000 + "y",
        "%" + " " * 50_000 + "x" * 50_000 + "\n",
        "%report\n" * 100_000,
        "\n" * 1_000_000,
        "read -" * 16_000,
        "read " + "a " * 45_000,
        "read " * 18_000,
        "ls \udcffx/",
        "%put \ud83d/",
    ],
    ids=range(19),
)
def test_junk(place: Place, code: str) -> None:
    place.run("true")
    assert place.reply(code)["status"] == "ok"
    assert place.reply(code, 10**9)["status"] == place.reply(code, -5)["status"] == "ok"


@given(
    st.lists(
        st.sampled_from(
            [
                *("%put ", "%%watch\n", "ls ", "[ ", "trap ", "kill ", "for ", "sudo ", "a="),
                *"\n-~$'\"\\😀\ud83d/;{[(<o ",
            ]
        )
    )
)
def test_wherever_the_cursor_stands_what_is_replaced_is_before_it(parts: list[str]) -> None:
    code, place = "".join(parts), Place()
    for cursor in range(len(code) + 1):
        reply = place.reply(code, cursor)
        assert 0 <= reply["cursor_start"] <= reply["cursor_end"] == cursor
        assert all(isinstance(match, str) and match.encode() for match in reply["matches"])


def test_credentials_are_no_names(place: Place, files: Path) -> None:
    secret = CREDENTIALS["AWS_ACCESS_KEY_ID"]
    (files / f"zq-{secret}").touch()
    place.run(f"alias zq-{secret}=ls")
    assert place.complete("ls zq-") == place.complete("zq-") == []
    place.workspace.settings.redact = False
    assert place.complete("ls zq-") == [f"ls zq-{secret}"]


def test_the_last_known_names_while_a_cell_runs(place: Place) -> None:
    place.run("zz_function() { :; }")
    place.complete("zz")
    place.busy, calls = True, place.calls()
    assert place.complete("zz") == ["zz_function"]
    assert place.complete("mapf") == ["mapfile"]
    assert place.complete("ls /us") == []
    assert place.calls() == calls


def test_no_cold_environment_is_woken(place: Place) -> None:
    place.run("zz_function() { :; }")
    place.complete("zz")
    calls, place.clock = place.calls(), PING_SECONDS + 1
    assert place.complete("zz") == ["zz_function"]
    assert place.calls() == calls
    place.workspace.warm_until = place.clock + 10
    place.complete("zz")
    assert place.calls() == calls + 1


def test_without_a_shell_nothing_is_sent(place: Place) -> None:
    assert place.complete("mapf") == ["mapfile"]
    assert place.complete("$HOM") == ["$HOME"]
    assert place.far.transport.events == []


def test_eager_starts_a_shell(place: Place) -> None:
    place.workspace.settings.eager = True
    place.far.environ["HOME"] = "/usr"
    assert "ls ~/lib/" in place.complete("ls ~/li")
    assert place.far.session.shell is not None


def test_an_answer_that_is_late_is_not_waited_for() -> None:
    gate = threading.Event()

    def slow(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == "call":
            gate.wait(20)
        return invoke()

    place = Place(slow, seconds=0.01)
    try:
        place.run("zz_function() { :; }")
        assert place.complete("mapf") == ["mapfile"]
        assert place.complete("mapf") == ["mapfile"]  # and no second question waits behind the first
        gate.set()
        asyncio.run(settled(place))
        assert place.calls() == 1
        place.busy = True
        assert place.complete("zz") == ["zz_function"]
    finally:
        gate.set()
        place.far.close()


async def settled(place: Place) -> None:
    """The worker has done all that it was given."""
    await place.inquiry._worker.submit(lambda: None, asyncio.get_running_loop())


def test_an_error_of_lambdas_is_no_error_of_tabs() -> None:
    def refuse(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == "call":
            raise errors.Refused("no")
        return invoke()

    place = Place(refuse)
    try:
        place.run("true")
        assert place.complete("mapf") == ["mapfile"]
    finally:
        place.far.close()


def test_another_environment_has_no_answer(place: Place) -> None:
    place.run("zz_function() { :; }")
    place.far.replace()
    assert place.complete("zz") == []


def test_a_dead_shell(place: Place) -> None:
    place.run("exit")
    assert place.complete("ls /us") == []


def test_magics(place: Place) -> None:
    assert place.complete("%rep") == ["%report"]
    assert place.complete("%%out") == ["%%output"]
    assert "%%output" in place.complete("%")
    assert place.complete("# a\n%report full\n%rep") == ["# a\n%report full\n%report"]
    assert place.complete("%report l") == ["%report line"]
    assert place.complete("%reset --c") == ["%reset --cold"]
    assert place.complete("%use example --r") == ["%use example --region"]
    assert place.complete("%nosuch a") == []
    assert place.complete("echo 1\n%rep") == []
    assert place.complete("%%pyt") == ["%%python", "%%python3"]
    assert place.complete("%%fil") == ["%%file"]
    place.workspace.use(Target("sheep"))
    assert place.complete("%use sh") == ["%use sheep", "%use shell"]
    assert place.complete("%use lo") == ["%use local"]


def test_paths_of_magics(place: Place, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far, near = files / "far", files / "near"
    for directory, name in ((far, "a remote"), (near, "a local")):
        directory.mkdir()
        (directory / name).touch()
    place.run(f"cd {far}")
    monkeypatch.chdir(near)
    assert place.complete("%put a") == ["%put a\\ local", "%put a\\ remote"]
    assert place.complete("%get 'a r") == ["%get 'a remote"]
    assert place.complete("%%writefile a") == ["%%writefile a\\ remote"]
    assert place.complete("%%output a") == ["%%output a\\ local"]
    assert place.complete(f"%%output {near}/a") == [f"%%output {near}/a\\ local"]
    assert place.complete("%put $(touch ran)/") == place.complete("%put $HOME/a") == []
    assert place.complete("%report a") == []


def test_what_stands_for_a_command_takes_what_it_takes(place: Place, files: Path) -> None:
    (files / "deep").mkdir()
    (files / "deepest").touch()
    place.run(f"cd {files}")
    assert place.complete("%cd dee") == ["%cd deep/"]
    assert place.complete("# a\n%cd /tmp\n%ls deep") == ["# a\n%cd /tmp\n%ls deep/", "# a\n%cd /tmp\n%ls deepest"]
    assert place.complete("%time mapf") == ["%time mapfile"]
    assert place.complete("%%bash\nmapf") == ["%%bash\nmapfile"]
    assert place.complete("%%python3\nmapf") == []


def test_after_a_magic_comes_shell_text(place: Place) -> None:
    assert place.complete("%%output it's\nmapf") == ["%%output it's\nmapfile"]
    assert place.complete("%%writefile x\nmapf") == []
    assert place.complete("%report full\nmapf") == ["%report full\nmapfile"]
    assert place.complete("%%output x\nmapf") == ["%%output x\nmapfile"]


def test_what_is_sent_has_a_bound(place: Place, files: Path) -> None:
    for number in range(MOST + 100):
        (files / f"file-{number}").touch()
    reply = place.reply("ls file-")
    assert len(reply["matches"]) == MOST
    assert len(reply["metadata"]["_jupyter_types_experimental"]) == MOST
