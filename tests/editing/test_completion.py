"""Tab, asked of the real function and its bash: what is offered, and that nothing is run to find it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel import errors
from lambda_kernel.aws.target import NETWORKS, Target
from lambda_kernel.aws.transport import Event, Reply
from lambda_kernel.editing.completion import MOST
from lambda_kernel.function import index
from lambda_kernel.magics import MAGICS
from lambda_kernel.session.cell import CellEvent, Notice, Waiting
from lambda_kernel.session.remote_shell import shell_code
from lambda_kernel.workspace.workspace import PING_SECONDS
from tests.support.editor import Editor
from tests.support.in_process_session import CREDENTIALS
from tests.support.waiting import wait_until


@pytest.fixture
def files(tmp_path: Path, editor: Editor) -> Path:
    editor.run(f"cd '{tmp_path}'")
    return tmp_path


def test_names_of_the_shells_own(editor: Editor) -> None:
    editor.run("zz_function() { :; }; alias zz_alias=ls; zz_variable=1; zz-dashed() { :; }")
    assert editor.complete("zz") == ["zz-dashed", "zz_function", "zz_alias"]
    assert editor.complete("true; echo ${zz") == ["true; echo ${zz_variable}"]
    assert editor.complete("echo ${zz}", 9) == ["echo ${zz_variable}"]
    assert editor.complete('echo "a $zz_v') == ['echo "a $zz_variable']
    assert editor.complete("unset zz_") == ["unset zz_variable", "unset zz_function"]
    assert editor.complete("unalias zz") == ["unalias zz_alias"]
    assert editor.complete("(( 1 + zz") == ["(( 1 + zz_variable"]
    assert editor.complete("echo '$zz") == []


def test_what_is_unset_is_gone(editor: Editor) -> None:
    editor.run("zz_variable=1; zz_function() { :; }")
    assert editor.complete("$zz") == ["$zz_variable"]
    editor.run("unset zz_variable; unset -f zz_function")
    assert editor.complete("$zz") == []
    assert editor.complete("zz") == []


def test_a_here_document_in_a_function_makes_no_names(editor: Editor) -> None:
    editor.run(
        "zz_one() { cat <<X\nzz_fake () \n{ \n}\nzz_more\nX\n}; alias zz_alias='a\nalias zz_false=b'; zz_x=$'\\n=1'"
    )
    assert editor.complete("zz") == ["zz_one", "zz_alias"]


def test_variables_of_lambda_and_of_bash(editor: Editor) -> None:
    editor.run("unset HOME")
    assert editor.complete("echo $HOM") == []
    assert editor.complete("echo $LAMBDA_REQ") == ["echo $LAMBDA_REQUEST_ID"]
    assert editor.complete("echo $AWS_SECRET") == ["echo $AWS_SECRET_ACCESS_KEY"]
    assert editor.complete("echo $BASHP") == ["echo $BASHPID"]


def test_programs_on_the_shells_path(editor: Editor, tmp_path: Path) -> None:
    for name, mode in (("zz-program", 0o755), ("zz-text", 0o644)):
        (tmp_path / name).touch(mode)
    editor.run(f"PATH={tmp_path}:$PATH")
    assert editor.complete("ls | zz-") == ["ls | zz-program"]
    (tmp_path / "zz-new").touch(0o755)
    os.utime(tmp_path, ns=(1, 1))  # a file system's clock may be coarse
    assert editor.complete("ls | zz-") == ["ls | zz-new", "ls | zz-program"]


def test_builtins_and_keywords(editor: Editor) -> None:
    editor.run("true")
    assert "mapfile" in editor.complete("mapf")
    assert "while" in editor.complete("whil")
    assert editor.complete("echo whil") == []


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
def test_words_that_a_command_takes(editor: Editor, code: str, expected: list[str]) -> None:
    assert editor.complete(code) == expected
    assert editor.remote.transport.events == []


def test_all_signals_are_offered_by_one_name() -> None:
    editor = Editor()
    reply = editor.reply("kill -s ")
    assert "TERM" in reply["matches"]
    assert not [match for match in reply["matches"] if match.startswith("SIG")]


def test_names_where_only_some_can_stand(editor: Editor) -> None:
    editor.run("zz_function() { :; }; alias zz_alias=ls; zz_variable=1")
    for code in ("unset -f zz", "declare -f zz", "export -f zz", "complete -F zz"):
        assert editor.complete(code) == [code + "_function"]
    for code in ("unset -v zz", "printf -v zz", "read -r zz", "[[ -v zz", "export -n zz", "getopts x zz"):
        assert editor.complete(code) == [code + "_variable"]
    assert editor.complete("type zz") == ["type zz_function", "type zz_alias"]
    assert editor.complete("trap zz") == ["trap zz_function", "trap zz_alias"]
    assert editor.complete("sudo zz") == editor.complete("nohup zz") == []
    assert editor.complete("\\zz") == ["\\zz_function"]


def test_what_the_cell_defines_itself(editor: Editor) -> None:
    editor.run("true")
    assert editor.complete("zz_a=1; for zz_b in 1; do read -r zz_c; echo $zz_") == [
        f"zz_a=1; for zz_b in 1; do read -r zz_c; echo $zz_{letter}" for letter in "abc"
    ]
    assert editor.complete("read -r zz_a zz_b <<<x; local -i zz_c; printf -v zz_d x; printf zz_e; echo $zz_") == [
        f"read -r zz_a zz_b <<<x; local -i zz_c; printf -v zz_d x; printf zz_e; echo $zz_{letter}" for letter in "abcd"
    ]
    assert editor.complete("zz_a() { :; }\nfunction zz_b { :; }; alias zz_c=ls\nzz_") == [
        f"zz_a() {{ :; }}\nfunction zz_b {{ :; }}; alias zz_c=ls\nzz_{letter}" for letter in "abc"
    ]
    assert editor.complete("echo $zz\nzz_later=1", 8) == ["echo $zz_later\nzz_later=1"]
    assert editor.complete("zz_a=$zz") == ["zz_a=$zz_a"]
    assert editor.complete("echo $zz_=") == []


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
def test_a_name_is_quoted_so_that_bash_takes_it_as_it_is(editor: Editor, files: Path, name: str, opened: str) -> None:
    (files / "dir").mkdir()
    (files / "dir" / name).touch()
    [line] = editor.complete(f"printf %s {opened}dir/")
    ran = editor.remote.run(line + opened)
    assert (ran.out, ran.err) == (f"dir/{name}", "")


def test_a_name_that_is_no_utf_8(editor: Editor, files: Path) -> None:
    (files / os.fsdecode(b"odd-\xff\xe9")).touch()
    [line] = editor.complete("printf %s od")
    assert line == "printf %s $'odd-\\377\\351'"
    assert editor.remote.run(f"[[ -e {line.split()[2]} ]]").exit_code == 0
    assert editor.complete("printf %s 'od") == []


def test_paths(editor: Editor, files: Path) -> None:
    (files / "a dir" / "sub").mkdir(parents=True)
    (files / "a dir" / "file").touch()
    (files / "a dir" / ".hidden").touch()
    (files / "a dir" / "tool").touch(0o755)
    assert editor.complete("ls a") == ["ls a\\ dir/"]
    assert editor.complete("ls a\\ d") == ["ls a\\ dir/"]
    assert editor.complete("ls a\\ dir/s; x", 11) == ["ls a\\ dir/sub/; x"]
    assert editor.complete('ls "a dir/f') == ['ls "a dir/file']
    assert editor.complete("ls 'a dir'/f") == ["ls 'a dir'/file"]
    assert editor.complete("ls a\\ dir/.h") == ["ls a\\ dir/.hidden"]
    assert editor.complete("cd a\\ dir/") == ["cd a\\ dir/sub/"]
    assert editor.complete("a\\ dir/") == ["a\\ dir/sub/", "a\\ dir/tool"]
    assert editor.complete("cat <a\\ dir/fi") == ["cat <a\\ dir/file"]
    assert editor.complete("x=a\\ dir/fi") == ["x=a\\ dir/file"]
    assert editor.complete("if true\nthen cat 'a dir/fi\nfi", 26) == ["if true\nthen cat 'a dir/file\nfi"]
    assert editor.complete(f"echo 😀 {files}/a") == [f"echo 😀 {files}/a\\ dir/"]
    assert editor.complete("ls nosuch/") == []


def test_what_stands_before_the_name_is_looked_up_and_stays_as_typed(editor: Editor, files: Path) -> None:
    (files / "file").touch()
    editor.run(f"HOME='{files}' zz=$'\\x2f' D='{files}'")
    for line in ("ls ~/f", "ls $D/f", "ls ${D}/f", 'ls "$D/f', 'ls "$D"/f', "x=~/f", "ls $zz$D/f"):
        assert editor.complete(line) == [line + "ile"]
    assert editor.complete("ls '$D/f") == []
    assert editor.complete("ls '~/f") == []
    assert editor.complete("ls $unknown/f") == []
    assert editor.complete("ls ~nosuchuser/f") == []
    editor.run("cd /; cd -")
    assert editor.complete("ls ~+/f") == ["ls ~+/file"]
    editor.run("cd /")
    assert editor.complete("ls ~-/f") == ["ls ~-/file"]


def test_users(editor: Editor) -> None:
    editor.run("true")
    assert "ls ~root/" in editor.complete("ls ~roo")
    assert editor.complete("ls ~")[0] == "ls ~/"
    assert "~root/" in editor.complete("~roo")
    assert editor.complete("ls '~roo") == editor.complete("ls \\~roo") == editor.complete("ls ~nosuchuser") == []


def test_paths_of_values_and_redirections(editor: Editor, files: Path) -> None:
    (files / "file").touch()
    for code in ("x=fi", "x=/:fi", "export x=fi", "alias x=fi", "ls --to=fi", "dd if=fi", "exit >fi", "read x <fi"):
        assert editor.complete(code) == [code + "le"]
    for code in ("ls 2>>fi", "ls 2> fi", "ls &>fi", ">|fi", "hash -p fi", "[ -f fi", "source fi", "printf %s fi"):
        assert editor.complete(code) == [code + "le"]
    for code in ("exit fi", "kill fi", "read fi", "unset fi", "shopt -s fi", "help fil", "read -p fi", "cd fi"):
        assert editor.complete(code) == []


def test_a_directory_where_no_command_begins_so(editor: Editor, files: Path) -> None:
    (files / "zz-dir").mkdir()
    (files / "zz-file").touch()
    assert editor.complete("zz") == ["zz-dir/"]
    editor.run("zz() { :; }")
    assert editor.complete("zz") == ["zz"]


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
def test_nothing_is_run(editor: Editor, files: Path, code: str) -> None:
    editor.run(
        "evil() { touch ran; }; complete -F evil evil; PROMPT_COMMAND='touch ran'; "
        "trap 'touch ran' DEBUG; trap 'touch ran' ERR"
    )
    [shell] = editor.remote.environment.shells.values()
    reads_from = index.load(shell_code())["reads_from"]
    wait_until(lambda: reads_from(shell.pid, shell.bash.input_link))  # what the prompt runs is over
    (files / "ran").unlink()
    for cursor in range(len(code) + 1):
        editor.reply(code, cursor)
    assert editor.calls()
    assert not (files / "ran").exists()


def test_the_shell_does_not_notice(editor: Editor) -> None:
    editor.run("set -- a b; false")
    editor.complete("ls /us")
    assert editor.remote.run("echo $? $#; history").out == "1 2\n"


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
def test_junk(editor: Editor, code: str) -> None:
    editor.run("true")
    assert editor.reply(code)["status"] == "ok"
    assert editor.reply(code, 10**9)["status"] == editor.reply(code, -5)["status"] == "ok"


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
    code, editor = "".join(parts), Editor()
    for cursor in range(len(code) + 1):
        reply = editor.reply(code, cursor)
        assert 0 <= reply["cursor_start"] <= reply["cursor_end"] == cursor
        assert all(isinstance(match, str) and match.encode() for match in reply["matches"])


def test_credentials_are_no_names(editor: Editor, files: Path) -> None:
    secret = CREDENTIALS["AWS_ACCESS_KEY_ID"]
    (files / f"zq-{secret}").touch()
    editor.run(f"alias zq-{secret}=ls")
    assert editor.complete("ls zq-") == editor.complete("zq-") == []
    editor.workspace.settings.redact = False
    assert editor.complete("ls zq-") == [f"ls zq-{secret}"]


def test_the_last_known_names_while_a_cell_runs(editor: Editor) -> None:
    editor.run("zz_function() { :; }")
    editor.complete("zz")
    editor.busy, calls = True, editor.calls()
    assert editor.complete("zz") == ["zz_function"]
    assert editor.complete("mapf") == ["mapfile"]
    assert editor.complete("ls /us") == []
    assert editor.calls() == calls


def test_no_cold_environment_is_woken(editor: Editor) -> None:
    editor.run("zz_function() { :; }")
    editor.complete("zz")
    calls, editor.clock = editor.calls(), PING_SECONDS + 1
    assert editor.complete("zz") == ["zz_function"]
    assert editor.calls() == calls
    editor.workspace.warm_until = editor.clock + 10
    editor.complete("zz")
    assert editor.calls() == calls + 1


def test_without_a_shell_nothing_is_sent(editor: Editor) -> None:
    assert editor.complete("mapf") == ["mapfile"]
    assert editor.complete("$HOM") == ["$HOME"]
    assert editor.remote.transport.events == []


def test_eager_starts_a_shell(editor: Editor) -> None:
    editor.workspace.settings.eager = True
    editor.remote.environ["HOME"] = "/usr"
    assert "ls ~/lib/" in editor.complete("ls ~/li")
    assert editor.remote.session.remote.shell is not None


def test_the_next_cell_hears_what_came_of_it_and_not_of_the_wait(editor: Editor) -> None:
    notice, seen = Notice("This is a new shell.", "shell"), list[CellEvent]()
    with editor.workspace.aside() as context:
        for cell_event in (Waiting("Waiting for an answer."), notice, Waiting("")):
            context.emit(cell_event)
    editor.workspace.enter(seen.append, context.control)
    assert seen == [notice]


def test_an_answer_that_is_late_is_not_waited_for() -> None:
    gate = threading.Event()

    def slow(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == "call":
            gate.wait(20)
        return invoke()

    editor = Editor(slow, seconds=0.01)
    try:
        editor.run("zz_function() { :; }")
        assert editor.complete("mapf") == ["mapfile"]
        assert editor.complete("mapf") == ["mapfile"]  # and no second question waits behind the first
        gate.set()
        asyncio.run(settled(editor))
        assert editor.calls() == 1
        editor.busy = True
        assert editor.complete("zz") == ["zz_function"]
    finally:
        gate.set()
        editor.remote.close()


async def settled(editor: Editor) -> None:
    """The worker has done all that it was given."""
    await editor.shell_query._worker.submit(lambda: None, asyncio.get_running_loop())


def test_an_error_of_lambdas_is_no_error_of_tabs() -> None:
    def refuse(event: Event, invoke: Callable[[], Reply]) -> Reply:
        if event["op"] == "call":
            raise errors.Refused("no")
        return invoke()

    editor = Editor(refuse)
    try:
        editor.run("true")
        assert editor.complete("mapf") == ["mapfile"]
    finally:
        editor.remote.close()


def test_another_environment_has_no_answer(editor: Editor) -> None:
    editor.run("zz_function() { :; }")
    editor.remote.replace()
    assert editor.complete("zz") == []


def test_a_dead_shell(editor: Editor) -> None:
    editor.run("exit")
    assert editor.complete("ls /us") == []


def test_magics(editor: Editor) -> None:
    assert editor.complete("%rep") == ["%report"]
    assert editor.complete("%%out") == ["%%output"]
    assert "%%output" in editor.complete("%")
    assert editor.complete("# a\n%report full\n%rep") == ["# a\n%report full\n%report"]
    assert editor.complete("%report l") == ["%report line"]
    assert editor.complete("%reset --c") == ["%reset --cold"]
    assert editor.complete("%use example --r") == ["%use example --region"]
    assert editor.complete("%nosuch a") == []
    assert editor.complete("echo 1\n%rep") == []
    assert editor.complete("%%pyt") == ["%%python", "%%python3"]
    assert editor.complete("%%fil") == ["%%file"]
    editor.workspace.use(Target("sheep"))
    assert editor.complete("%use sh") == ["%use sheep", "%use shell"]
    assert editor.complete("%use lo") == ["%use local"]


def test_arguments_of_magics(editor: Editor) -> None:
    assert editor.complete("%top -") == ["%top -d", "%top -n", "%top -o", "%top -h", "%top --help"]
    assert editor.complete("%report ") == ["%report off", "%report line", "%report full"]
    assert editor.complete("%report +c") == ["%report +cold-start", "%report +cost"]
    assert editor.complete("%report full -req") == ["%report full -request"]
    assert editor.complete("%top -o m") == ["%top -o memory"]
    assert editor.complete("%timeout n") == ["%timeout none"]
    assert editor.complete("%use local --network ") == [f"%use local --network {name}" for name in NETWORKS]
    assert editor.complete("%use local --region ") == editor.complete("%top -d -") == []
    assert editor.complete("%help to") == ["%help top"]
    assert editor.complete("%help int") == ["%help interrupts"]
    assert editor.complete("%help %%py") == ["%help %%python", "%help %%python3"]
    assert editor.complete("%%python3 -") == []
    for magic in MAGICS.values():
        options = {argument.name for argument in magic.arguments if argument.option}
        offered = {text.removeprefix(f"{magic.called} ") for text in editor.complete(f"{magic.called} -")}
        signed = {word for argument in magic.arguments for word in argument.offers if word.startswith("-")}
        assert offered == options | signed | {"-h", "--help"}


def test_paths_of_magics(editor: Editor, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far, near = files / "far", files / "near"
    for directory, name in ((far, "a remote"), (near, "a local")):
        directory.mkdir()
        (directory / name).touch()
    editor.run(f"cd {far}")
    monkeypatch.chdir(near)
    assert editor.complete("%put a") == ["%put a\\ local", "%put a\\ remote"]
    assert editor.complete("%get 'a r") == ["%get 'a remote"]
    assert editor.complete("%%writefile a") == ["%%writefile a\\ remote"]
    assert editor.complete("%%output a") == ["%%output a\\ local"]
    assert editor.complete(f"%%output {near}/a") == [f"%%output {near}/a\\ local"]
    assert editor.complete("%put $(touch ran)/") == editor.complete("%put $HOME/a") == []
    assert editor.complete("%report a") == []


def test_what_stands_for_a_command_takes_what_it_takes(editor: Editor, files: Path) -> None:
    (files / "deep").mkdir()
    (files / "deepest").touch()
    editor.run(f"cd {files}")
    assert editor.complete("%cd dee") == ["%cd deep/"]
    assert editor.complete("# a\n%cd /tmp\n%ls deep") == ["# a\n%cd /tmp\n%ls deep/", "# a\n%cd /tmp\n%ls deepest"]
    assert editor.complete("%time mapf") == ["%time mapfile"]
    assert editor.complete("%%bash\nmapf") == ["%%bash\nmapfile"]
    assert editor.complete("%%python3\nmapf") == []


def test_after_a_magic_comes_shell_text(editor: Editor) -> None:
    assert editor.complete("%%output it's\nmapf") == ["%%output it's\nmapfile"]
    assert editor.complete("%%writefile x\nmapf") == []
    assert editor.complete("%report full\nmapf") == ["%report full\nmapfile"]
    assert editor.complete("%%output x\nmapf") == ["%%output x\nmapfile"]


def test_what_is_sent_has_a_bound(editor: Editor, files: Path) -> None:
    for number in range(MOST + 100):
        (files / f"file-{number}").touch()
    reply = editor.reply("ls file-")
    assert len(reply["matches"]) == MOST
    assert len(reply["metadata"]["_jupyter_types_experimental"]) == MOST
