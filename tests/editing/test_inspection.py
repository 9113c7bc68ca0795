"""Shift-Tab, asked of the real function and its bash."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.bash.reference import names
from lambda_kernel.editing.inspection import Page
from lambda_kernel.function.sent.introspect import HEAD_BYTES
from tests.support.editor import Editor
from tests.support.in_process_session import CREDENTIALS


def test_a_function_with_its_source(editor: Editor) -> None:
    editor.run("zz() { cat <<X\n<b>}\nX\n}")
    assert editor.text("true; zz", 7) == "zz: function\nzz () \n{ \n    cat <<X\n<b>}\nX\n\n}\n"
    assert "&lt;b&gt;}" in editor.inspect("zz")["data"]["text/html"]
    assert editor.text("zz a b | cat", 4).startswith("zz: function")  # of an argument that is nothing, its command
    assert editor.text("zz a b | cat", 2).startswith("zz: function")
    assert "path" in editor.text("zz a b | cat", 10)


def test_our_own_read_is_the_builtin(editor: Editor) -> None:
    editor.remote.run("read x", stdin=True)
    editor.shell_query.touch()
    assert editor.text("read").startswith("read: builtin")


def test_variables(editor: Editor) -> None:
    editor.run("zz=$'a\\tb'; declare -irx zn=3; za=(1 'b c'); declare zu")
    assert editor.text("echo $zz") == "zz: variable\nattributes  none\na\tb\n"
    assert editor.text('echo "${zn}', 8) == "zn: variable\nattributes  exported, read only, integer\n3\n"
    assert '([0]="1" [1]="b c")' in editor.text("echo ${za[@]}", 8)
    assert "(not set)" in editor.text("unset zu")
    assert editor.inspect("$nosuch") == {"status": "ok", "found": False, "data": {}, "metadata": {}}
    assert editor.text("echo '$zz'", 8).startswith("echo: builtin")


@pytest.mark.parametrize("more", [False, True])
def test_credentials_are_not_shown(editor: Editor, tmp_path: Path, more: bool) -> None:
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    (tmp_path / "file").write_text(f"key = {secret}\n")
    editor.run(f"alias zz='echo {secret}'; f() {{ echo {secret}; }}; copy=$AWS_SECRET_ACCESS_KEY")
    for code in ("$AWS_SECRET_ACCESS_KEY", "$copy", "zz", "f", f"cat {tmp_path}/file", "$AWS_SESSION_TOKEN"):
        found = editor.inspect(code, more=more)
        assert found["found"]
        assert not [value for value in CREDENTIALS.values() if value in str(found)]
    assert "[AWS_SECRET_ACCESS_KEY redacted]" in editor.text("$copy")


def test_a_user_s_own_keys_are_not_shown(editor: Editor, tmp_path: Path) -> None:
    own = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
    (tmp_path / "file").write_text(f"[default]\naws_secret_access_key = {own}\n")
    editor.run(f"AWS_SECRET_ACCESS_KEY={own}; f() {{ SecretAccessKey={own}; }}; bare={own}")
    for code in ("$AWS_SECRET_ACCESS_KEY", "f", f"cat {tmp_path}/file"):
        assert own not in str(editor.inspect(code, len(code), more=True))
    assert "[secret key redacted]" in editor.text("$AWS_SECRET_ACCESS_KEY")
    assert own in editor.text("$bare")  # nothing tells that it is one


def test_an_alias(editor: Editor) -> None:
    editor.run("alias zz='ls -l'")
    assert editor.text("zz /usr", 1) == "zz: alias\nalias zz='ls -l'\n"


def test_the_order_is_bashs(editor: Editor) -> None:
    editor.run("alias cd='echo'")
    assert editor.text("cd").startswith("cd: alias")
    editor.run("unalias cd")
    editor.run("cd() { :; }")
    assert editor.text("cd").startswith("cd: function")
    editor.run("unset -f cd")
    assert editor.text("cd").startswith("cd: builtin\ncd [-L | -P]")
    assert editor.text("if").startswith("if: keyword")


@pytest.mark.parametrize("word", [*names("builtin"), *names("keyword")])
def test_builtins_and_keywords_without_a_shell(editor: Editor, word: str) -> None:
    code = {"in": "for x in", "]]": "[[ a ]]", "}": "{ a; }"}.get(word, word)
    text = editor.text(code)
    if word not in ("in", "]]"):
        assert text.startswith(f"{word}: ")
    assert editor.remote.transport.events == []


def test_a_program(editor: Editor, tmp_path: Path) -> None:
    tool = tmp_path / "zz-tool"
    tool.write_text("#!/bin/sh -e\ntouch ran\n")
    tool.chmod(0o755)
    editor.run(f"cd {tmp_path}; PATH=$PATH:{tmp_path}")
    text = editor.text("sudo zz-tool --help", 8)
    assert re.search(rf"^path +{tool}$", text, re.M)
    assert "script (/bin/sh -e)" in text
    assert "-rwxr-xr-x (0755)" in text
    assert "touch ran" not in text
    assert "touch ran" in editor.text("zz-tool", more=True)
    assert "script" in editor.text("./zz-tool --option", 12)  # of an option, its command is told
    assert editor.text("sleep").count("program (ELF)") == 1
    assert not (tmp_path / "ran").exists()


def test_paths(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "a dir").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    editor.run(f"cd {tmp_path}; D={tmp_path}")
    assert re.search("^type +directory$", editor.text("ls 'a dir"), re.M)
    assert re.search("^type +pipe$", editor.text("cat $D/pipe", more=True), re.M)
    assert "broken link" in editor.text("cat link")
    assert "loop -> loop" in editor.text("cat loop")
    assert "character device" in editor.text("cat /dev/null", more=True)
    assert editor.text("cat /proc/kmsg", more=True).count("\n") < 9
    assert not editor.inspect("./nosuch")["found"]


def test_a_directory_with_its_first_names(editor: Editor, tmp_path: Path) -> None:
    for name in ("b <x>", "a", "c-" + CREDENTIALS["AWS_ACCESS_KEY_ID"]):
        (tmp_path / name).touch()
    (tmp_path / "d").mkdir()
    editor.run("true")
    assert editor.text(f"ls {tmp_path}", more=True).endswith("UTC\na\nb <x>\nd/\n")
    assert editor.text(f"ls {tmp_path}").endswith("UTC\n")


def test_what_would_have_to_run_is_not_looked_at(editor: Editor, tmp_path: Path) -> None:
    editor.run(f"cd {tmp_path}")
    for code in ("$(touch ran)", "ls $(touch ran)", "`touch ran`", "touch ran", "x;touch ran", "${x:=`touch ran`}"):
        for cursor in range(len(code) + 1):
            editor.inspect(code, cursor)
    assert not (tmp_path / "ran").exists()


def test_magics(editor: Editor) -> None:
    assert editor.text("%report full", 3).startswith("%report [+PART… | -PART… | off | line | full]: magic\n")
    assert editor.text("# a\n%%output f\nls", 8).startswith("%%output FILE: magic\n")
    assert editor.text("%%time\nls", 3).startswith("%%time: magic\n")
    assert editor.text("%time ls", 3).startswith("%time COMMAND: magic\n")
    assert not editor.inspect("%nosuch")["found"]
    facts = "-d SECONDS                 the time between two refreshes; the default is 2\n-n COUNT  "
    assert facts in editor.text("%top", 3)
    assert '<td style="text-align: left">end after that many refreshes</td>' in str(editor.inspect("%top", 3)["data"])
    assert "Each refresh is an invocation." in editor.text("%top -n ", 8)


@pytest.mark.parametrize(
    "code",
    [
        *(
            "",
            "\0" * 9,
            "ls \0",
            "\ud83d",
            "a" * 200_000,
            "((" * 500,
            "😀",
            "a\0b",
            "a" * 1_000_000,
            "%a" + " " * 99_999,
        ),
        *("$" * 999, "((" + "a" * 99_000 + ";", "|" * 99_000, "$\udcff", "ls \udcff\r\n"),
    ],
    ids=range(15),
)
def test_junk(editor: Editor, code: str) -> None:
    editor.run("true")
    for cursor in (None, 0, len(code) // 2, 10**9, -1):
        assert editor.inspect(code, cursor)["status"] == "ok"


@given(st.lists(st.sampled_from([*"a ~/\\'\"$`(){}[]<>|&;#=!?*-\n\r\0é😀\ud83d", "<<E\n", "%put ", "%%watch\n", "cd"])))
def test_wherever_the_cursor_stands_there_is_an_answer(parts: list[str]) -> None:
    code, editor = "".join(parts), Editor()
    for cursor in range(len(code) + 1):
        found = editor.inspect(code, cursor)
        assert found["found"] is bool(found["data"])


def test_a_dead_shell_and_a_running_cell(editor: Editor) -> None:
    editor.run("exit")
    assert not editor.inspect("ls /usr")["found"]
    editor.busy = True
    assert editor.inspect("cd")["found"]


def test_a_page_escapes_what_it_shows() -> None:
    page = Page("<i>", "<b>", {"<k>": "<v>"}, "<script>", "<script>")
    assert not re.search("<(i|b|k|v|script)>", page.html().replace("<b>&", "").replace("<th>", ""))


def test_the_shells_own_text_is_escaped(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "<script>x").write_text("#!<script>\n<script>")
    editor.run(f"cd {tmp_path}; f() {{ echo '<script>'; }}; v='<script>'; alias a='<script>'")
    for code in ("f", "$v", "a", "cat '<script>x", "cat '<script>x'"):
        shown = editor.inspect(code, more=True)["data"]
        assert "<script>" in shown["text/plain"]
        assert "<script>" not in shown["text/html"]
        assert "&lt;script&gt;" in shown["text/html"]


# The bar is the cursor.
OF_BASHS = {
    "echo $?|": "$?: parameter\nexit status",
    "echo $|?": "$?: parameter\nexit status",
    "echo |$?": "$?: parameter\nexit status",
    'echo "$@|"': "$@: parameter\n",
    "echo ${1|}": "$1: parameter\nargument 1 ",
    "echo $#|": "$#: parameter\nnumber of the arguments",
    "echo $$|": "$$: parameter\nprocess id",
    "echo $!|": "$!: parameter\nprocess id of the last background",
    "echo $RAN|DOM": "RANDOM: variable\nanother number",
    "unset PIPE|STATUS": "PIPESTATUS: variable\nthe exit status of each",
    "kill -HU|P 1": "-HUP: signal\nthe terminal is gone: 1",
    "kill -s SIGT|ERM 1": "SIGTERM: signal\nplease end: 15",
    "trap x EX|IT": "EXIT: event\nwhen the shell ends",
    "set -euo pipe|fail": "pipefail: set option\na pipeline fails",
    "shopt -s |extglob": "extglob: shopt option\npatterns",
    "read -r| x": "-r: option of read\nbackslashes stay",
    "[ |-f x ]": "-f: test\n-f FILE: is a regular file",
    "[[ a -nt| b ]]": "-nt: test\nA -nt B:",
    "|[[ a ]]": "[[: keyword\n[[ EXPRESSION ]]",
    "|{ a; }": "{: keyword\n{ COMMANDS; }",
    "fo|r x in y": "for: keyword\nfor NAME [in WORD",
    "for x i|n y": "in: keyword\nin WORD",
    "help i|f": "if: keyword\n",
    "type c|d": "cd: builtin\n",
}


@pytest.mark.parametrize("text", OF_BASHS)
def test_what_bash_itself_means(editor: Editor, text: str) -> None:
    code, cursor = text.replace("|", ""), text.index("|")
    assert editor.text(code, cursor).startswith(OF_BASHS[text])
    assert editor.remote.transport.events == []


def test_operators(editor: Editor) -> None:
    code = "ls | grep x 2>&1 >>y && cat <<<z"
    for before, operator in (("ls ", "|"), ("ls |", "|"), ("ls | grep x 2>", ">&"), ("ls | grep x 2>&1 ", ">>")):
        assert editor.text(code, len(before)).startswith(f"{operator}: operator\n{operator} ")
    assert editor.text(code, code.index("&&") + 1).startswith("&&: operator")
    for operator in ("<(", ">("):
        assert "fails in AWS Lambda, which has no /dev/fd" in editor.text(f"cat {operator}ls)", 5)
    assert editor.text("echo 'a | b'", 8).startswith("echo: builtin")
    assert editor.text('echo "a | b"', 8).startswith("echo: builtin")
    assert editor.text("[[ a < b ]]", 5).startswith("[[: keyword")
    assert not editor.inspect("# a | b", 4)["found"]


def test_a_builtins_options_stand_below_it(editor: Editor) -> None:
    assert re.search("^-r  backslashes stay as they are$", editor.text("read x", 2), re.M)
    assert "<td" in editor.inspect("read x", 2)["data"]["text/html"]


def test_a_variables_meaning_stands_with_its_value(editor: Editor) -> None:
    editor.run("HOME=/x; set -- a")
    assert editor.text("$HOME") == "HOME: variable\nwhere `~` and `cd` go\nattributes  exported\n/x\n"
    assert editor.text("$LAMBDA_DEADLINE_MS").startswith("LAMBDA_DEADLINE_MS: variable\nwhen this invocation times out")


def test_a_credential_that_the_limit_cuts(editor: Editor, tmp_path: Path) -> None:
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    editor.run(f"cd {tmp_path}")
    for begin in (HEAD_BYTES - len(secret) // 2, HEAD_BYTES - len(secret), HEAD_BYTES - 1, 0):
        (tmp_path / "one-line").write_text("#!" + "x" * (begin - 2) + secret + "y" * HEAD_BYTES)
        text = editor.text("cat one-line", more=True)
        assert "xxxx" in text or not begin
        assert secret[: len(secret) // 2] not in text
    (tmp_path / "short").write_text(f"it ends as a key begins: {secret[:1]}")
    assert editor.text("cat short", more=True).endswith(f"begins: {secret[:1]}\n")


def test_the_body_of_a_file_is_no_shell_text(editor: Editor) -> None:
    assert not editor.inspect("%%writefile x\ncd")["found"]
    assert editor.text("%%output it's\ncd").startswith("cd: builtin")
