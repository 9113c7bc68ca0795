"""The function's own secrets: which variables hold one, and that none is shown, however it is written or cut."""

from __future__ import annotations

import itertools
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_kernel.function import index
from lambda_kernel.session.cell import Bound
from lambda_kernel.session.remote_shell import shell_code
from tests.function.test_redaction import read
from tests.support.in_process_session import CREDENTIALS, InProcess

SENT = index.load(shell_code())
protection, is_secret, looks = (SENT[name] for name in ("protection", "is_secret", "looks"))
NASTY = "p4$$w\"or'd\\ &<é>%41"
OWN = {
    "DB_PASSWORD": NASTY,
    "API_KEY": "k-12345-abcdef",
    "SHORT_PASSWORD": "1234567",
    "DATABASE_URL": "postgres://app:s3cr3t%40word@db.internal:5432/app?sslmode=require",
    "PRIMARY_KEY": "customer_id",
    "PIN_TOKEN": "12345678",
    "PEM_SECRET": "line one of it\nline two of it\n",
}
HIDDEN = [NASTY, "k-12345-abcdef", "s3cr3t%40word", "s3cr3t@word", "12345678", OWN["PEM_SECRET"].strip()]


@pytest.fixture
def remote() -> Iterator[InProcess]:
    made = InProcess(credentials={**CREDENTIALS, **OWN})
    yield made
    made.close()


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD", "DB_PASSWORD", "dbPassword", "DbPassword2", "DB_PASSWORD_OLD", "MYSQL_PWD"),
        *("API_KEY", "apiKey", "APIKey", "APIKEY", "STRIPE_SECRET_KEY", "KEY", "ENCRYPTION_KEY_1", "A_LICENSE_KEY"),
        *("TOKEN", "GITHUB_TOKEN", "githubToken", "SLACK_TOKENS", "SENTRY_DSN", "CLIENT_SECRET", "secret"),
        *("REDIS_CONNECTION_STRING", "SSH_PRIVATE_KEY", "JWT", "a-token", "db.password", "DB_PASS", "PGPASSWORD"),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PRIMARY_KEY", "FOREIGN_KEY", "PUBLIC_KEY", "publicKey", "STRIPE_PUBLISHABLE_KEY", "S3_KEY", "CACHE_KEY"),
        *("KEYBOARD", "MONKEY", "KEYNOTE", "COMPASS", "TOKENIZER", "SECRETARY", "PASSWORDLESS", "keyboardLayout"),
        *("KEY_ID", "KMS_KEY_ARN", "KMS_KEY", "SECRET_ARN", "DB_SECRET_NAME", "TOKEN_URL", "TOKEN_TTL", "TOKEN_FILE"),
        *("PASSWORD_MIN_LENGTH", "TOKEN_TYPE", "KEY_PREFIX", "SORT_KEY", "apiKeyId", "PWD", "OLDPWD", "PASS_COUNT"),
        *("HOME", "PATH", "_HANDLER", "TABLE", "", "_", "9", "é", "CONNECTION", "STRING"),
    ],
)  # fmt: skip
def test_names_of_none(name: str) -> None:
    assert not is_secret(name)


def test_no_variable_of_lambda_itself_is_one() -> None:
    ours = (
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_EXECUTION_ENV",
        "AWS_XRAY_DAEMON_ADDRESS",
        "_X_AMZN_TRACE_ID",
        "LD_LIBRARY_PATH",
    )
    found = protection({**dict.fromkeys(ours, "value of it"), **CREDENTIALS}, {})
    assert found == ([], [], [], ())


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ("postgres://app:word@db/x", True), ("amqps://:word@q", True), ("a=1 https://u:p@h/ b", True),
        ("postgres://app@db/x", False), ("https://host:8080/x", False), ("https://host/a:b@c", False),
        ("mailto:me@there.example", False), ("redis://h:6379?x=a@b", False),
    ],
)  # fmt: skip
def test_urls_with_a_password(value: str, held: bool) -> None:
    assert [name for name, _ in protection({"ANY": value}, {}).protected] == ["ANY"] * held


def test_both_sides_of_the_shortest_length() -> None:
    found = protection(
        {"A_TOKEN": "1234567", "B_TOKEN": "12345678", "C_TOKEN": " 1234567\n", "D_TOKEN": "", "E": "x" * 9}, {}
    )
    assert found.protected == [("B_TOKEN", "name")]
    assert found.weak == [("A_TOKEN", "short"), ("C_TOKEN", "short")]


def test_what_the_user_chooses() -> None:
    environ = {"A_TOKEN": "x" * 9, "PLAIN": "y" * 9, "OTHER": "z" * 9, "AWS_SESSION_TOKEN": "w" * 20}
    found = protection(environ, {"A_TOKEN": False, "PLAIN": True, "NOT_THERE": True, "AWS_SESSION_TOKEN": True})
    assert (found.protected, found.unknown) == ([("PLAIN", "chosen")], ["NOT_THERE"])


def test_a_value_that_stands_in_what_replaces_others_is_named_as_weak() -> None:
    found = protection({"A_SECRET_WORD": "redacted", "B_SECRET": "A_SECRET_WORD", "C_SECRET": "B_SECRET"}, {})
    assert found.protected == []
    assert [name for name, why in found.weak if why == "word"] == ["A_SECRET_WORD", "B_SECRET", "C_SECRET"]


def filtering(rows: tuple[tuple[bytes, bytes], ...]) -> index.Redactor:
    values = index.secrets(CREDENTIALS)
    return index.Redactor(values + looks(values, {}, rows))


# Few letters, so that values overlap each other, themselves, the credentials and what stands between them.
LETTERS = st.one_of(st.sampled_from("ab"), st.sampled_from("abc%41\x1b[m é"), st.sampled_from("AMPLEKEY/"))
VALUES = st.text(LETTERS, min_size=8, max_size=24).filter(lambda text: len(text.strip()) >= 8)
NAMES = st.sampled_from(["A_PASSWORD", "B_TOKEN", "cKey", "D_SECRET"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[dict[str, str], bytes]:
    environ = draw(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
    parts: list[bytes] = []
    for _ in range(draw(st.integers(0, 6))):
        value = draw(st.sampled_from([*environ.values(), *CREDENTIALS.values()]))
        part = value[draw(st.integers(0, 3)) :] if draw(st.booleans()) else value
        ways = [part, json.dumps(part), repr(part), urllib.parse.quote(part), "\x1b[m".join(part)]
        parts += [draw(st.sampled_from(ways)).encode(), draw(st.sampled_from([b"", b"\n", b"a", b"\x1b[m", b"%"]))]
    return environ, b"".join(parts)


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    ends = [0, *(min(end, len(data)) for end in itertools.accumulate(sizes)), len(data)]
    return (data[start:end] for start, end in itertools.pairwise(ends))


@settings(max_examples=30)
@given(streams(), st.lists(st.integers(0, 20), max_size=30))
def test_no_value_is_shown_however_the_stream_is_cut(made: tuple[dict[str, str], bytes], sizes: list[int]) -> None:
    environ, data = made
    rows = protection(environ, {}).rows
    redactor = filtering(rows)
    shown = b"".join(redactor.feed(part) for part in cut(data, sizes)) + redactor.feed(b"", last=True)
    for value, _ in rows:
        assert value not in shown
        assert b"%" in value or b"\x1b" in value or value not in bytes(byte for byte, _, _ in read(shown))
    assert shown == filtering(rows).feed(data, last=True)


@given(st.binary(max_size=300), st.lists(st.integers(0, 40), max_size=30))
def test_other_bytes_stay_as_they_are(data: bytes, sizes: list[int]) -> None:
    redactor = filtering(protection(OWN, {}).rows)
    assert b"".join(map(redactor.feed, cut(data, sizes))) + redactor.feed(b"", last=True) == data


@pytest.mark.parametrize("size", [8, 9, 10, 11, 12, 40])
def test_whole_values_only_and_wherever_they_stand(size: int) -> None:
    value = "Qx7-Zw9_Rt5.Kp3+"[:size] + "y" * (size - 16)
    rows = protection({"A_TOKEN": value}, {}).rows
    for offset in range(9):
        before = b"-" * offset
        assert filtering(rows).feed(before + value.encode(), last=True) == before + b"[A_TOKEN redacted]"
        assert filtering(rows).feed(before + value[1:].encode(), last=True) == before + value[1:].encode()


@pytest.mark.parametrize(
    "command",
    [
        "env", "printenv DB_PASSWORD", "set", "export -p", "declare -p", 'printf "%q\\n" "$DB_PASSWORD" "$PEM_SECRET"',
        'echo "${DB_PASSWORD@Q} ${PEM_SECRET@Q} ${DB_PASSWORD@E}"', "env | cut -c1-4000", 'echo "$PEM_SECRET"',
        'python3 -c "import os; print(os.environ)"', 'python3 -c "import os; print(dict(os.environb))"',
        'python3 -c "import json, os; print(json.dumps(dict(os.environ)))"', "env >&2", "set -x; : $API_KEY",
        'python3 -c "import os, urllib.parse as u; print(u.quote(os.environ[\'DB_PASSWORD\']))"', "ls $DATABASE_URL",
        "env | grep --color=always -E 'k-|s3|4'", "cat /proc/self/environ", "tr '\\0' '\\n' </proc/$$/environ",
    ],
)  # fmt: skip
def test_no_way_to_show_the_variables_shows_a_value(remote: InProcess, command: str) -> None:
    ran = remote.run(command)
    text = ran.out + ran.err
    assert "redacted]" in text
    written = {form for value in HIDDEN for form in (value, json.dumps(value)[1:-1], repr(value)[1:-1])}
    assert [form for form in written if form in text] == []


def test_harmless_and_short_ones_are_shown(remote: InProcess) -> None:
    assert remote.run('echo "$PRIMARY_KEY $SHORT_PASSWORD"').out == "customer_id 1234567\n"
    assert remote.run("echo k-12345-abcde").out == "k-12345-abcde\n"


def test_off_shows_all(remote: InProcess) -> None:
    assert remote.run("echo $API_KEY", redact=False).out == "k-12345-abcdef\n"


def test_the_tail_of_a_long_output(remote: InProcess) -> None:
    ran = remote.run("for i in {1..3000}; do echo $API_KEY $PIN_TOKEN; done", bound=Bound(20_000, 1_000))
    assert ran.gaps
    assert not any(value in ran.out for value in HIDDEN)


def test_a_copy_is_not_in_the_state_that_another_shell_gets(remote: InProcess) -> None:
    remote.run("mine=$API_KEY other=1")
    assert "k-12345" not in repr(remote.session.remote.snapshot)
    remote.replace()
    ran = remote.run("echo [$mine] $other $API_KEY")
    assert ran.out == "[] 1 [API_KEY redacted]\n"
    [notice] = ran.shell_notices
    assert "variable mine (" in notice
    assert "API_KEY" not in notice


def test_a_job_of_an_earlier_cell(remote: InProcess, tmp_path: Path) -> None:
    remote.run(f"cd {tmp_path}; mkfifo go; {{ read <go; echo $PRIMARY_KEY; }} &")
    remote.session.remote.chosen = {"PRIMARY_KEY": True}
    ran = [remote.run("echo >go; wait"), remote.run(":")]
    assert "".join(one.text("stdout", job=True) for one in ran) == "[PRIMARY_KEY redacted]\n"


def test_the_choice_holds_in_another_environment_and_costs_one_invocation(remote: InProcess) -> None:
    remote.run(":")
    remote.session.remote.chosen = {"PRIMARY_KEY": True, "API_KEY": False}
    show = "echo $PRIMARY_KEY $API_KEY"
    shown = "[PRIMARY_KEY redacted] k-12345-abcdef\n"
    assert [remote.run(show).out, remote.run(show).out] == [shown, shown]
    assert [event["op"] for event in remote.transport.events] == ["hello", "run", "call", "run", "run"]
    remote.replace()
    assert remote.run(show).out == shown
    assert [event["op"] for event in remote.transport.events][5:] == ["run", "hello", "run"]


def test_a_choice_before_the_first_cell(remote: InProcess) -> None:
    remote.session.remote.chosen = {"PRIMARY_KEY": True}
    assert remote.run("echo $PRIMARY_KEY").out == "[PRIMARY_KEY redacted]\n"
    assert [event["op"] for event in remote.transport.events] == ["hello", "run"]
