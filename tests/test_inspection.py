"""Shift-Tab, asked of the real function and its bash."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_kernel.inspection import Page
from lambda_kernel.shell_words import BUILTINS, KEYWORDS
from tests.editor import Place
from tests.far import CREDENTIALS


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.far.close()


def test_a_function_with_its_source(place: Place) -> None:
    place.run("zz() { cat <<X\n<b>}\nX\n}")
    assert place.text("true; zz", 7) == "zz: function\nzz () \n{ \n    cat <<X\n<b>}\nX\n\n}\n"
    assert "&lt;b&gt;}" in place.inspect("zz")["data"]["text/html"]
    assert place.text("zz a b | cat", 4).startswith("zz: function")  # of an argument that is nothing, its command
    assert place.text("zz a b | cat", 2).startswith("zz: function")
    assert "path" in place.text("zz a b | cat", 10)


def test_our_own_read_is_the_builtin(place: Place) -> None:
    place.far.run("read x", stdin=True)
    place.inquiry.touch()
    assert place.text("read").startswith("read: builtin")


def test_variables(place: Place) -> None:
    place.run("zz=$'a\\tb'; declare -irx zn=3; za=(1 'b c'); declare zu")
    assert place.text("echo $zz") == "zz: variable\nattributes  none\na\tb\n"
    assert place.text('echo "${zn}', 8) == "zn: variable\nattributes  exported, read only, integer\n3\n"
    assert '([0]="1" [1]="b c")' in place.text("echo ${za[@]}", 8)
    assert "(not set)" in place.text("unset zu")
    assert place.inspect("$nosuch") == {"status": "ok", "found": False, "data": {}, "metadata": {}}
    assert place.text("echo '$zz'", 8).startswith("echo: builtin")


@pytest.mark.parametrize("more", [False, True])
def test_credentials_are_not_shown(place: Place, tmp_path: Path, more: bool) -> None:
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    (tmp_path / "file").write_text(f"key = {secret}\n")
    place.run(f"alias zz='echo {secret}'; f() {{ echo {secret}; }}; copy=$AWS_SECRET_ACCESS_KEY")
    for code in ("$AWS_SECRET_ACCESS_KEY", "$copy", "zz", "f", f"cat {tmp_path}/file", "$AWS_SESSION_TOKEN"):
        found = place.inspect(code, more=more)
        assert found["found"]
        assert not [value for value in CREDENTIALS.values() if value in str(found)]
    assert "[AWS_SECRET_ACCESS_KEY redacted]" in place.text("$copy")


def test_an_alias(place: Place) -> None:
    place.run("alias zz='ls -l'")
    assert place.text("zz /usr", 1) == "zz: alias\nalias zz='ls -l'\n"


def test_the_order_is_bashs(place: Place) -> None:
    place.run("alias cd='echo'")
    assert place.text("cd").startswith("cd: alias")
    place.run("unalias cd")
    place.run("cd() { :; }")
    assert place.text("cd").startswith("cd: function")
    place.run("unset -f cd")
    assert place.text("cd").startswith("cd: builtin\ncd [-L | -P]")
    assert place.text("if").startswith("if: keyword")


@pytest.mark.parametrize("word", [*BUILTINS, *KEYWORDS])
def test_builtins_and_keywords_without_a_shell(place: Place, word: str) -> None:
    code = {"in": "for x in", "]]": "[[ a ]]", "}": "{ a; }"}.get(word, word)
    text = place.text(code)
    if word not in ("in", "]]"):
        assert text.startswith(f"{word}: ")
    assert place.far.transport.events == []


def test_a_program(place: Place, tmp_path: Path) -> None:
    tool = tmp_path / "zz-tool"
    tool.write_text("#!/bin/sh -e\ntouch ran\n")
    tool.chmod(0o755)
    place.run(f"cd {tmp_path}; PATH=$PATH:{tmp_path}")
    text = place.text("sudo zz-tool --help", 8)
    assert re.search(rf"^path +{tool}$", text, re.M)
    assert "script (/bin/sh -e)" in text
    assert "-rwxr-xr-x (0755)" in text
    assert "touch ran" not in text
    assert "touch ran" in place.text("zz-tool", more=True)
    assert "script" in place.text("./zz-tool --option", 12)  # of an option, its command is told
    assert place.text("sleep").count("program (ELF)") == 1
    assert not (tmp_path / "ran").exists()


def test_paths(place: Place, tmp_path: Path) -> None:
    (tmp_path / "a dir").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    place.run(f"cd {tmp_path}; D={tmp_path}")
    assert re.search("^type +directory$", place.text("ls 'a dir"), re.M)
    assert re.search("^type +pipe$", place.text("cat $D/pipe", more=True), re.M)
    assert "broken link" in place.text("cat link")
    assert "loop -> loop" in place.text("cat loop")
    assert "character device" in place.text("cat /dev/null", more=True)
    assert place.text("cat /proc/kmsg", more=True).count("\n") < 9
    assert not place.inspect("./nosuch")["found"]


def test_what_would_have_to_run_is_not_looked_at(place: Place, tmp_path: Path) -> None:
    place.run(f"cd {tmp_path}")
    for code in ("$(touch ran)", "ls $(touch ran)", "`touch ran`", "touch ran", "x;touch ran", "${x:=`touch ran`}"):
        for cursor in range(len(code) + 1):
            place.inspect(code, cursor)
    assert not (tmp_path / "ran").exists()


def test_magics(place: Place) -> None:
    assert place.text("%report full", 3).startswith("%report [off | line | full]: magic\n")
    assert place.text("# a\n%%output f\nls", 8).startswith("%%output FILE: magic\n")
    assert not place.inspect("%nosuch")["found"]


@pytest.mark.parametrize("code", ["", "\0" * 9, "ls \0", "\ud83d", "a" * 200_000, "((" * 500, "😀", "a\0b"])
def test_junk(place: Place, code: str) -> None:
    place.run("true")
    for cursor in (None, 0, len(code) // 2, 10**9, -1):
        assert place.inspect(code, cursor)["status"] == "ok"


def test_a_dead_shell_and_a_running_cell(place: Place) -> None:
    place.run("exit")
    assert not place.inspect("ls /usr")["found"]
    place.busy = True
    assert place.inspect("cd")["found"]


def test_a_page_escapes_what_it_shows() -> None:
    page = Page("<i>", "<b>", {"<k>": "<v>"}, "<script>")
    assert not re.search("<(i|b|k|v|script)>", page.html().replace("<b>&", "").replace("<th>", ""))
