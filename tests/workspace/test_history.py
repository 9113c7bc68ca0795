"""The history: what is kept of what was run, by whom it is shared, and that it never disturbs."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from lambda_kernel.workspace.history import VERSION, Entry, History, glob
from tests.support.kernel_client import Notebook, notebook

NOW = 1795_000_000.0
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQ=="

SECRETS = (SECRET, TOKEN, "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lambda-kernel" / "history.sqlite"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    made = History(path, lambda: NOW)
    yield made
    made.close()


def texts(entries: list[Entry]) -> list[str]:
    return [entry.text for entry in entries]


def fill(history: History, *lines: str) -> None:
    for number, line in enumerate(lines, 1):
        history.add(number, line)


def test_what_is_added_is_found_by_the_next_kernel(history: History, path: Path) -> None:
    fill(history, "free", "df")
    assert history.tail() == [Entry(1, 1, NOW, "free"), Entry(1, 2, NOW, "df")]
    history.close()
    with closing(History(path, lambda: NOW + 60)) as later:
        later.add(1, "pwd")
        assert later.tail(2) == [Entry(1, 2, NOW, "df"), Entry(2, 1, NOW + 60, "pwd")]
        assert texts(later.tail(0)) == []


def test_closing_saves_what_waits_and_nothing_is_opened_before(history: History, path: Path) -> None:
    assert not path.parent.exists()
    history.close()
    assert not path.parent.exists()
    history.add(1, "free")
    history.close()
    assert texts(history.tail()) == ["free"]


def test_only_the_user_can_read_it(history: History, path: Path) -> None:
    path.parent.mkdir(mode=0o755, parents=True)
    path.touch(0o644)
    fill(history, "free")
    history.save()
    assert {file.name for file in path.parent.iterdir()} >= {"history.sqlite", "history.sqlite-wal"}
    assert {oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()} == {"0o600"}
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


@pytest.mark.parametrize("text", ["", "  \n", " ls", "\tls", "x" * 100_001])
def test_what_is_not_kept(history: History, text: str) -> None:
    fill(history, text)
    assert history.tail() == []


@pytest.mark.parametrize(
    "text", ["\nls", "ls ", "echo 'a\nb'\n", "echo é ☃ 𝄞", "a\x00b", "x" * 100_000, "set" + " -set" * 19_999]
)
def test_what_is_kept_as_it_is(history: History, text: str) -> None:
    fill(history, text)
    assert texts(history.tail()) == [text]


def test_half_a_surrogate_pair_is_kept_as_a_question_mark(history: History) -> None:
    fill(history, "echo \ud800")
    assert texts(history.tail()) == ["echo ?"]


def test_consecutive_duplicates_stand_once(history: History) -> None:
    fill(history, "free", "free", " secret", "free", "df", "free")
    assert [(entry.line, entry.text) for entry in history.tail()] == [(1, "free"), (5, "df"), (6, "free")]


def test_it_is_bounded(path: Path) -> None:
    with closing(History(path, lambda: NOW, entries=3)) as history:
        for number in range(10):
            history.add(number, str(number))
            history.save()
        assert texts(history.tail()) == ["7", "8", "9"]
        fill(history, *"abcdefg")
        assert texts(history.tail()) == ["e", "f", "g"]


@pytest.mark.parametrize(
    "line",
    [
        f"export AWS_SECRET_ACCESS_KEY={SECRET}",
        f"export AWS_SECRET_ACCESS_KEY='{SECRET}' AWS_REGION=eu-west-1",
        f'AWS_SESSION_TOKEN="{TOKEN}" aws s3 ls',
        f"aws configure set aws_secret_access_key {SECRET}",
        f"aws_secret_access_key = {SECRET}",
        f'{{"SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}',
        "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "grep ASIAIOSFODNN7EXAMPLE log",
        f"AWS_LAMBDA_METADATA_TOKEN={TOKEN} x",
        f"set -x AWS_SECRET_ACCESS_KEY {SECRET}; aws configure set profile.dev.aws_session_token {TOKEN} --region x",
        f"aws configure set --profile dev aws_secret_access_key {SECRET}",
    ],
)
def test_aws_credentials_are_not_kept(history: History, path: Path, line: str) -> None:
    fill(history, line)
    [text] = texts(history.tail())
    assert text == re.sub("|".join(map(re.escape, SECRETS)), "[redacted]", line) != line
    history.close()
    assert not [secret for secret in SECRETS if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("export GITHUB_TOKEN=ghp_abcdefghijklmnopqrstuvwxyz0123456789", "export GITHUB_TOKEN=[redacted]"),
        ("echo ghp_abcdefghijklmnopqrstuvwxyz0123456789 | x", "echo [redacted] | x"),
        ("DB_PASSWORD=s3cr3t API_KEY='abcdef1234' x", "DB_PASSWORD=[redacted] API_KEY='[redacted]' x"),
        (
            "true --password=hunter2 && mysql --password hunter2",
            "true --password=[redacted] && mysql --password [redacted]",
        ),
        ('curl -H "Authorization: Bearer abc.def-ghi" x', 'curl -H "Authorization: Bearer [redacted]" x'),
        ("curl -su joe:hunter2 x; curl x --user joe:pw", "curl -su joe:[redacted] x; curl x --user joe:[redacted]"),
        ("git clone https://u:pw123@host/x", "git clone https://u:[redacted]@host/x"),
        (f"echo {SECRET}", "echo [redacted]"),
        (f"export AWS_SECRET_ACCESS_KEY=\\\n{SECRET}; ls", "export AWS_SECRET_ACCESS_KEY=[redacted]; ls"),
        ("DB_PASSWORD=abc\\\ndefgh ls", "DB_PASSWORD=[redacted] ls"),
        ("echo eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "echo [redacted]"),
    ],
)
def test_other_credentials_are_not_kept(history: History, line: str, kept: str) -> None:
    fill(history, line)
    assert texts(history.tail()) == [kept]


@pytest.mark.parametrize(
    "line",
    [
        "export AWS_SECRET_ACCESS_KEY=$(pass show aws/secret-access-key)",
        "echo $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN",
        "unset AWS_SESSION_TOKEN; aws sts get-session-token --duration-seconds 900",
        "env | grep -E 'AWS_(ACCESS|SECRET)'",
        "grep -z AWS_SESSION_TOKEN /proc/self/environ /proc/1/environ",
        "set -- AWS_SESSION_TOKEN; for x in AWS_SESSION_TOKEN aaaaaaaaaaaaaaaaaaaa; do :; done",
        "sha256sum /opt/0123456789abcdef0123456789abcdef",
        "git show 0123456789abcdef0123456789abcdef01234567 --stat",
        'TOKEN=$(cat token); curl -H "Authorization: Bearer $TOKEN" https://example.com:8080/a@b',
        "read -sp Password: password; echo ${#password}",
        "ls \\\n  -l",
        "docker run -u 1000:1000 x; grep password: /etc/nsswitch.conf; echo token=",
        "ls /opt/Python3/site-packages/some/long/Path12",
    ],
)
def test_what_only_speaks_of_credentials_is_kept(history: History, line: str) -> None:
    fill(history, line)
    assert texts(history.tail()) == [line]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ls", ["ls"]),
        ("ls*", ["ls", "ls -l", "ls /tmp"]),
        ("*tmp", ["ls /tmp"]),
        ("ls ??", ["ls -l"]),
        ("LS*", []),
        ("[ -f*", ["[ -f x ]"]),
        ("*[a-z]*", []),
        ("", []),
        ("*a*" * 333 + "b", []),
        ("*" * 5000, []),
        ("\ud800", []),
    ],
)
def test_search(history: History, pattern: str, found: list[str]) -> None:
    fill(history, "ls", "ls -l", "[ -f x ]", "ls /tmp", "a" * 10_000)
    assert texts(history.search(pattern)) == found
    assert history.problem == ""


def test_a_search_may_be_for_the_newest_and_for_each_text_once(history: History) -> None:
    fill(history, "ls", "df", "ls", "free", "df")
    assert [entry.line for entry in history.search("*", 2)] == [4, 5]
    assert [entry.line for entry in history.search("*", unique=True)] == [3, 4, 5]
    assert [entry.line for entry in history.search("?s", 1, unique=True)] == [3]


def test_words_are_found_anywhere_unless_they_hold_a_wildcard() -> None:
    assert [glob(words) for words in ("ls -l", "ls*", "l?")] == ["*ls -l*", "ls*", "l?"]


def test_ranges(history: History, path: Path) -> None:
    fill(history, "a", "b", "c", "d")
    history.save()
    with closing(History(path, lambda: NOW)) as later:
        assert texts(later.range()) == []
        assert texts(later.range(-1)) == ["a", "b", "c", "d"]
        later.add(1, "e")
        assert texts(later.range()) == ["e"]
        assert texts(later.range(-1, 2, 4)) == texts(later.range(1, 2, 4)) == ["b", "c"]
        assert texts(later.range(-2)) == texts(later.range(7)) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"n": "many"},
        {"n": 2**80},
        {"session": -(2**80), "start": "x", "stop": 2**80},
        {"session": None, "start": None, "stop": None, "n": None, "pattern": 5, "unique": "yes"},
        {},
    ],
)
@pytest.mark.parametrize("kind", ["tail", "range", "search", "nonsense", None])
def test_a_request_of_nonsense_gets_what_there_is(history: History, kind: Any, asked: dict[str, Any]) -> None:
    fill(history, "free")
    assert texts(history.find(kind, asked)) in ([], ["free"])
    assert history.problem == ""


def test_clearing_leaves_nothing_in_any_file(history: History, path: Path) -> None:
    fill(history, "curl -u me:hunter2 example", *(f"echo hunter2 {number}" for number in range(500)))
    history.save()
    assert b"hunter2" in b"".join(file.read_bytes() for file in path.parent.iterdir())
    history.clear()
    assert history.tail() == []
    assert b"hunter2" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    history.add(1, "curl -u me:hunter2 example")
    assert len(history.tail()) == 1


PROCESS = """
import sys
from pathlib import Path
from lambda_kernel.workspace.history import History
history = History(Path(sys.argv[1]), lambda: 0.0)
sys.stdin.readline()
for number in range(200):
    history.add(number, f"{sys.argv[2]} {number}")
    history.save()
history.close()
print(history.problem)
"""


def test_several_kernels_write_at_once(path: Path) -> None:
    """From the very first moment: both find no database, and make it."""
    command = [sys.executable, "-c", PROCESS, str(path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, name], **pipes) for name in ("one", "two")]
    for process in processes:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    assert [process.communicate()[0] for process in processes] == ["\n", "\n"]
    with closing(History(path, lambda: NOW)) as history:
        found = history.tail()
        assert sorted(texts(found)) == sorted(f"{name} {number}" for name in ("one", "two") for number in range(200))
        assert {entry.session for entry in found} == {1, 2}
        assert texts(history.range(-1)) in ([f"{name} {number}" for number in range(200)] for name in ("one", "two"))


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(8192))


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE inputs (x)")


def cut_in_the_middle(path: Path) -> None:
    with closing(History(path, lambda: NOW)) as history:
        fill(history, *(f"{number} " + "x" * 1000 for number in range(100)))
    os.truncate(path, 9000)


def a_directory(path: Path) -> None:
    path.mkdir()


def in_the_way(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


@pytest.mark.parametrize("spoil", [garbage, newer, foreign, cut_in_the_middle, a_directory, in_the_way])
def test_a_database_that_cannot_be_used_turns_it_off(spoil: Any, history: History, path: Path) -> None:
    path.parent.mkdir(parents=True)
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    fill(history, "free")
    assert history.tail() == history.search("*") == history.range() == []
    history.save()
    history.clear()
    history.close()
    assert str(path.parent) in history.problem
    assert "\n" not in history.problem
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_turns_it_off(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    history = History(tmp_path / "lambda-kernel" / "history.sqlite", lambda: NOW)
    fill(history, "free")
    assert history.tail() == []
    assert history.problem.endswith("Permission denied")
    tmp_path.chmod(0o700)


def test_a_lock_passes(history: History, path: Path) -> None:
    """It takes the second that a transaction of another kernel's may last."""
    fill(history, "before")
    history.save()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        history.add(2, "meanwhile")
        assert not history.clear()
        assert history.problem == ""
        other.execute("ROLLBACK")
    assert texts(history.tail()) == ["before", "meanwhile"]


def test_what_waits_for_a_lock_is_bounded(history: History) -> None:
    fill(history, *map(str, range(5000)))
    assert len(history.tail()) == 1000
    history.add(5001, "and on")
    assert len(history.tail()) == 1001


def test_a_python_without_sqlite_has_none(path: Path) -> None:
    code = PROCESS.replace("import sys\n", "import sys; sys.modules['sqlite3'] = None\n")
    command = [sys.executable, "-c", code, str(path), "x"]
    ran = subprocess.run(command, input="\n", capture_output=True, text=True, check=True)
    assert "sqlite3" in ran.stdout


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the local emulator does")


def ask(client: BlockingKernelClient, kind: str, **asked: Any) -> list[list[Any]]:
    reply = client.history(hist_access_type=kind, reply=True, timeout=30, **asked)
    assert reply["content"]["status"] == "ok"
    found: list[list[Any]] = reply["content"]["history"]
    return found


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(env={**os.environ, "JUPYTER_DATA_DIR": str(tmp_path)}) as made:
        yield made


@needs_linux
def test_a_kernel_remembers_over_its_restart(kernel: Notebook, tmp_path: Path) -> None:
    for code in ("echo one", " echo hidden", "echo two", "%report off", "exit 3"):
        kernel.run(code)
    kernel.run("echo silent", silent=True)
    kernel.run("echo unstored", store_history=False)
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=30)
    kernel.run("echo three")
    told = [[1, 1, "echo one"], [1, 3, "echo two"], [1, 4, "%report off"], [1, 5, "exit 3"], [2, 1, "echo three"]]
    # The console says more than the protocol knows (jupyter_console 6.6.3).
    assert ask(kernel.client, "tail", n=1000, search_raw=True, rangestr=None) == told
    assert ask(kernel.client, "tail", n=1, output=True) == [[2, 1, ["echo three", None]]]
    assert ask(kernel.client, "range", session=-1, start=3, stop=5) == told[1:3]
    assert ask(kernel.client, "search", pattern="echo t*", n=1) == [told[-1]]
    assert "echo two" in kernel.run("%history 3 'echo *'").out
    assert (tmp_path / "lambda-kernel" / "history.sqlite").is_file()


@needs_linux
def test_it_answers_while_a_cell_runs_and_a_killed_kernel_has_remembered(kernel: Notebook) -> None:
    request = kernel.start("echo running; sleep 100")
    while kernel.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    assert [entry[2] for entry in ask(kernel.client, "tail", n=10)] == ["echo running; sleep 100"]
    kernel.manager.interrupt_kernel()
    assert kernel.collect(request).error == ("KeyboardInterrupt", "")
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=30)
    assert [entry[2] for entry in ask(kernel.client, "tail", n=10)] == ["echo running; sleep 100"]


@needs_linux
def test_a_broken_database_disturbs_no_cell(kernel: Notebook, tmp_path: Path) -> None:
    (tmp_path / "lambda-kernel").mkdir()
    garbage(tmp_path / "lambda-kernel" / "history.sqlite")
    shown = kernel.run("echo one")
    assert (shown.out, shown.err, shown.error) == ("one\n", "", None)
    assert ask(kernel.client, "tail", n=10) == []
    assert "The history is off" in kernel.run("%history").out
    assert kernel.run("echo two").out == "two\n"


@needs_linux
def test_a_directory_that_vanishes_disturbs_no_cell(kernel: Notebook, tmp_path: Path) -> None:
    kernel.run("echo one")
    shutil.rmtree(tmp_path / "lambda-kernel")
    assert kernel.run("echo two").out == "two\n"
    assert kernel.run("%history").error is None
