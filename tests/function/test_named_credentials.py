"""A user's own keys, of which only names and looks are known: not in what a notebook shows. Harmless text stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_kernel.function import index
from lambda_kernel.session.cell import Bound
from lambda_kernel.session.remote_shell import shell_code
from tests.support.in_process_session import InProcess

LOOKS = index.load(shell_code())["looks"](())
KEY = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEBYaDH0nRvYH/9kTr+Lx2s" * 5 + "=="
LINE = "MIIEpAIBAAKCAQEA7bq0yEQZ1234567890abcdefghijklmnopqrstuvwxyzABCD"
BODY = "\n".join([LINE] * 4 + ["AwEAAQ=="])
SECRET_FORMS = [
    f"aws_secret_access_key = {KEY}",
    f"aws_secret_access_key={KEY}\naws_session_token={TOKEN}",
    f"AWS_SECRET_ACCESS_KEY={KEY}",
    f"AWS_SECRET_ACCESS_KEY={KEY}\0AWS_REGION=eu-west-1\0",
    f'declare -x AWS_SECRET_ACCESS_KEY="{KEY}"',
    f"export AWS_SESSION_TOKEN='{TOKEN}'",
    f"set -gx AWS_SECRET_ACCESS_KEY {KEY};",
    f"setenv AWS_SECRET_ACCESS_KEY {KEY}",
    f"aws configure set aws_secret_access_key {KEY} --profile dev",
    f'{{"Credentials": {{"SecretAccessKey": "{KEY}", "SessionToken": "{TOKEN}"}}}}',
    f'{{\\"SecretAccessKey\\":\\"{KEY}\\"}}',
    f"{{'SecretAccessKey': '{KEY}', 'SessionToken': b'{TOKEN}'}}",
    f"  SecretAccessKey: {KEY}\n  SessionToken: {TOKEN}",
    f"<SecretAccessKey>{KEY}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>",
    f"||  SecretAccessKey |  {KEY}  ||\n||  SessionToken    |  {TOKEN}  ||",
    f"CREDENTIALS\tASIAIOSFODNN7EXAMPLE\t2026-11-29T12:00:00+00:00\t{KEY}\t{TOKEN}",
    f"ACCESSKEY\tAKIAIOSFODNN7EXAMPLE\t2026-11-29T12:00:00+00:00\t{KEY}\tActive\tjoe",
    f"Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,{KEY}",
    f"Secret access key: {KEY}",
    f"secretAccessKey:{KEY} sessionToken:{TOKEN}",
    f'secret_access_key => "{KEY}"',
    f"os.environ['AWS_SECRET_ACCESS_KEY'] = '{KEY}'",
    f"x-amz-security-token: {TOKEN}",
    f"https://x.s3.amazonaws.com/a?X-Amz-Security-Token={TOKEN.replace('/', '%2f').replace('=', '%3D')}&X-Amz-Date=1",
    f"SessionToken=eyJhbGciOiJIUzI1NiJ9.{TOKEN}.sig-nature_1",
    f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}\n-----END OPENSSH PRIVATE KEY-----".replace("\n", "\r\n"),
    (
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,A0B1\n\n"
        f"{BODY}\n-----END EC PRIVATE KEY-----"
    ),
    f'"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n"'.replace("\n", "\\n"),
    f"key: |\n  -----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----".replace("\n", "\n  "),
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{BODY}\n-----END PGP PRIVATE KEY BLOCK-----",
    f"-----BEGIN PRIVATE KEY-----\n{LINE}\n{LINE}\n",  # and head cut it off
]
HARMLESS = [
    KEY,
    "0123456789abcdef0123456789abcdef01234567 a commit",
    "secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY=$(cat key) AWS_SESSION_TOKEN=${TOKEN:-none}",
    "const sessionToken = getSessionTokenFromTheCache()",
    "aws_secret_access_key = <your-secret-access-key>",
    "aws_secret_access_key = your-secret-access-key",
    "aws_secret_access_key = ****************EKEY",
    "AWS Secret Access Key [None]: ",
    "AWS_SECRET_ACCESS_KEY=abcdefghijkl123",
    "The session token is 16characterslong1 and more",
    '"SessionToken": {"shape": "tokenType"}, "SecretAccessKey": {"shape": "accessKeySecretType"}',
    "[AWS_SECRET_ACCESS_KEY redacted]",
    "AKIAIOSFODNN7EXAMPLE Active 2026-11-29T12:00:00+00:00",
    f"AKIAIOSFODNN7EXAMPLE/20261129/eu-west-1/s3/aws4_request {KEY}",
    "-----BEGIN PUBLIC KEY-----\n" + BODY + "\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\n" + BODY + "\n-----END CERTIFICATE-----",
    "grep -r 'BEGIN RSA PRIVATE KEY' ~\n",
    "-----BEGIN PRIVATE KEY-----\nnothing\n",
    "token=1234567890abcdef secret=1234567890abcdef",
]


def hidden(shown: bytes) -> bool:
    parts = (KEY[:16], KEY[-16:], TOKEN[:16], TOKEN[-18:-2], LINE[:16], LINE[-16:], "AwEAAQ")
    return not any(part.encode() in shown for part in parts)


@pytest.mark.parametrize("text", SECRET_FORMS)
def test_a_value_beside_its_name(text: str) -> None:
    shown = index.redact(f"before {text}\nafter\n".encode(), LOOKS)
    assert hidden(shown)
    assert shown.startswith(b"before ")
    assert shown.endswith(b"after\n")
    assert b" redacted]" in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert index.redact(text.encode(), LOOKS) == text.encode()
    assert index.redact(f"{text}\nafter\n".encode(), LOOKS) == f"{text}\nafter\n".encode()


texts = st.lists(
    st.sampled_from([*SECRET_FORMS, *HARMLESS, "\n", "\x1b[01;31m\x1b[K", "-----", "= ", " secret_access_key "]),
    max_size=4,
)


@settings(max_examples=60)
@given(texts, st.lists(st.integers(0, 90), max_size=60))
def test_it_is_the_same_however_the_stream_is_cut(parts: list[str], sizes: list[int]) -> None:
    data = rest = "".join(parts).encode()
    redactor = index.Redactor(LOOKS)
    shown = []
    for size in sizes:
        shown.append(redactor.feed(rest[:size]))
        rest = rest[size:]
        assert len(redactor.held) < 400
    shown += [redactor.feed(rest), redactor.feed(b"", last=True)]
    assert b"".join(shown) == index.redact(data, LOOKS)


@pytest.mark.parametrize("text", SECRET_FORMS)
def test_byte_by_byte(text: str) -> None:
    data = f"before {text}\nafter\n".encode()
    redactor = index.Redactor(LOOKS)
    shown = b"".join(redactor.feed(data[at : at + 1]) for at in range(len(data))) + redactor.feed(b"", last=True)
    assert shown == index.redact(data, LOOKS)


@pytest.mark.parametrize("colour", ["\x1b[01;31m\x1b[K{}\x1b[m\x1b[K"])
@pytest.mark.parametrize("word", ["secret", "access_key", KEY[10:20]])
def test_where_grep_has_put_colours_in(colour: str, word: str) -> None:
    text = f"aws_secret_access_key = {KEY}\n".replace(word, colour.format(word))
    assert hidden(index.redact(text.encode(), LOOKS))


def test_a_prompt_is_not_held_back() -> None:
    redactor = index.Redactor(LOOKS)
    for prompt in (b"AWS Secret Access Key [None]: ", b"aws_secret_access_key = ", b"Session token: ", b"50%"):
        assert redactor.feed(prompt) + redactor.rest() == prompt


def test_both_sides_of_the_limits() -> None:
    for text, shown in (
        ("SessionToken=a1bcdefghijklmn", b"SessionToken=a1bcdefghijklmn"),
        ("SessionToken=a1bcdefghijklmno", b"SessionToken=[session token redacted]"),
        (f"SecretAccessKey={'aB' * 19}a", f"SecretAccessKey={'aB' * 19}a".encode()),
        (f"SecretAccessKey={'aB' * 20}", b"SecretAccessKey=[secret key redacted]"),
        (f"AKIAIOSFODNN7EXAMPLE {KEY[:39]}", f"AKIAIOSFODNN7EXAMPLE {KEY[:39]}".encode()),
        (f"AKIAIOSFODNN7EXAMPLE {KEY}", b"AKIAIOSFODNN7EXAMPLE [secret key redacted]"),
    ):
        assert index.redact(text.encode(), LOOKS) == shown


@pytest.mark.parametrize("redact", [True, False])
def test_a_cell_shows_none_and_the_switch_shows_them(remote: InProcess, redact: bool) -> None:
    files = f"cat <<'E'\n[default]\naws_secret_access_key = {KEY}\n{SECRET_FORMS[25]}\nE"
    ran = remote.run(
        f"{files}\nexport AWS_SECRET_ACCESS_KEY={KEY}; env; set -x; : $AWS_SECRET_ACCESS_KEY; exec 5>&2; env >&2",
        redact=redact,
    )
    remote.run("unset AWS_SECRET_ACCESS_KEY; set +x")
    named = ran.out + "".join(line for line in ran.err.splitlines() if "=" in line)
    assert hidden(named.encode()) == redact
    assert ("-----BEGIN RSA PRIVATE KEY-----\n[private key redacted]\n-----END" in ran.out) == redact


def test_the_end_of_a_long_output_that_begins_within_a_key(remote: InProcess) -> None:
    """Its first line is in the middle of a key, whose beginning is left out."""
    key = "\n".join([LINE] * 150)
    ran = remote.run(
        f"seq 3000; echo '-----BEGIN PRIVATE KEY-----'; cat <<'E'\n{key}\nE\necho '-----END PRIVATE KEY-----'",
        bound=Bound(8_000, 800),
    )
    assert ran.gaps
    assert ran.out.endswith("-----END PRIVATE KEY-----\n")
    assert LINE[:16] not in ran.out


def test_a_snapshot_holds_none(remote: InProcess) -> None:
    remote.run(f"mine='aws_secret_access_key = {KEY}'; f() {{ export AWS_SECRET_ACCESS_KEY={KEY}; }}; other=1")
    snapshot = remote.session.remote.snapshot
    assert snapshot is not None
    assert {left.split(" (")[0] for left in snapshot["left"]} == {"variable mine", "function f"}
