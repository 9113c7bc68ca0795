"""Where a session's region comes from, and profiles whose role wants an MFA code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pexpect
import pytest

from lambda_kernel import errors
from lambda_kernel.aws import boto_session
from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.error_text import ErrorContext
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import BotoTransport
from lambda_kernel.commands.deploy import cloud
from lambda_kernel.commands.deploy.problems import DeployError
from tests.aws.test_renewed_credentials import FINE, given, refused
from tests.support.fake_aws import no_other
from tests.support.scripted_endpoint import Answer, Endpoint, endpoint

MFA = "arn:aws:iam::123456789012:mfa/me"
ROLE = "role_arn = arn:aws:iam::123456789012:role/dev\nsource_profile = base"
CONFIG = f"""[profile base]
aws_access_key_id = USER
aws_secret_access_key = secret
[profile dev]
{ROLE}
mfa_serial = {MFA}
[profile plain]
{ROLE}
region = eu-north-1
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    file = tmp_path / "config"
    file.write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    return file


class TestRegion:
    @pytest.mark.parametrize(
        ("region", "environ", "expected"),
        [
            ("eu-west-1", {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-1"),
            (None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-2"),
            (None, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
            (None, {"AWS_REGION": "eu-west-2"}, "eu-west-2"),
            (None, {}, "eu-north-1"),
        ],
    )
    def test_of_a_kernel_and_of_the_commands(
        self,
        config: Path,
        monkeypatch: pytest.MonkeyPatch,
        region: str | None,
        environ: dict[str, str],
        expected: str,
    ) -> None:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert Connector("me")(Target("shell", region, "plain", "http://127.0.0.1:1")).region == expected
        assert cloud.make_clients(region, "plain", "http://127.0.0.1:1").region == expected


def key_of(session: boto3.Session) -> str:
    found = session.get_credentials()
    assert found is not None
    return str(found.get_frozen_credentials().access_key)


def reach(at: Endpoint, profile: str = "dev") -> BotoTransport:
    to = Connector("me")(Target("shell", "eu-west-1", profile, at.url))
    assert isinstance(to, BotoTransport)
    to.tenancy = False
    return to


class TestMfa:
    def test_a_kernel_cannot_ask_and_says_what_to_do(self, config: Path) -> None:
        with endpoint(FINE) as at:
            with pytest.raises(errors.BadCredentials) as caught:
                reach(at).invoke({})
            assert at.requests == []
        assert str(caught.value) == (
            "the profile of `shell` in eu-west-1 needs an MFA code, and there is no terminal to ask for it: "
            "run `aws sts get-caller-identity --profile dev` in a terminal, which keeps the session for about an hour, "
            "and try again"
        )

    def test_the_session_that_a_terminal_got_is_used_at_once(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By a kernel that has asked for one before; its files are where the AWS CLI keeps them, and nobody else's."""
        with endpoint(given("ROLE")) as sts, endpoint(FINE, FINE) as at:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
            kernel = reach(at)
            with pytest.raises(errors.BadCredentials):
                kernel.invoke({})
            prompts: list[str] = []

            def prompted(text: str) -> str:
                prompts.append(text)
                return "123456"

            session = boto_session.make_session(ErrorContext(), "dev", "eu-west-1", prompter=prompted)
            assert key_of(session) == "ROLE"
            kernel.invoke({})
            reach(at).invoke({})
        assert prompts == [f"Enter MFA code for {MFA}: "]
        assert len(sts.requests) == 1
        assert all("Credential=ROLE/" in request["authorization"] for request in at.requests)
        [kept] = (config.parent / ".aws" / "cli" / "cache").iterdir()
        assert kept.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("junk", ["", "[]", '{"Credentials": 5}', "\0"])
    def test_a_file_of_the_cli_that_cannot_be_used(
        self, config: Path, monkeypatch: pytest.MonkeyPatch, junk: str
    ) -> None:
        with endpoint(given("FIRST"), given("SECOND")) as sts:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
            for key in ("FIRST", "SECOND"):
                session = boto_session.make_session(ErrorContext(), "dev", "eu-west-1", prompter=lambda _: "123456")
                assert key_of(session) == key
                [kept] = (config.parent / ".aws" / "cli" / "cache").iterdir()
                kept.write_text(junk)

    def test_a_home_that_cannot_be_written_to(self, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (config.parent / ".aws").write_text("no directory")
        with endpoint(given("ROLE")) as sts:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
            session = boto_session.make_session(ErrorContext(), "dev", "eu-west-1", prompter=lambda _: "123456")
            assert key_of(session) == "ROLE"

    def test_roles_without_mfa_are_kept_in_memory_only(self, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config.write_text(CONFIG.replace(f"mfa_serial = {MFA}\n", ""))
        with endpoint(given("ROLE")) as sts, endpoint(FINE) as at:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
            reach(at).invoke({})
        assert not (config.parent / ".aws").exists()

    def test_a_wrong_code_is_no_matter_of_what_was_asked_for(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = refused(403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
        with endpoint(wrong) as sts, endpoint() as at:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
            session = boto_session.make_session(ErrorContext(), "dev", "eu-west-1", prompter=lambda _: "123456")
            formation = session.client("cloudformation", endpoint_url=at.url)
            clients = cloud.Clients(formation, formation, formation, "eu-west-1", no_other)
            with pytest.raises(errors.BadCredentials, match=r"cannot get AWS credentials .*MultiFactor.*check the pro"):
                cloud.Cloud(clients).stack("lambda-kernel-shell")

    def test_a_code_that_is_none(self, config: Path) -> None:
        with endpoint() as at:
            session = boto_session.make_session(ErrorContext(), "dev", "eu-west-1", prompter=lambda _: "12")
            formation = session.client("cloudformation", endpoint_url=at.url)
            clients = cloud.Clients(formation, formation, formation, "eu-west-1", no_other)
            with pytest.raises(errors.BadCredentials, match=r"cannot get AWS credentials .*TokenCode.*check the pro"):
                cloud.Cloud(clients).stack("lambda-kernel-shell")

    def status(self, url: str) -> list[str]:
        words = ["status", "--profile", "dev", "--region", "eu-west-1", "--endpoint-url", url]
        return [sys.executable, "-m", "lambda_kernel.cli", *words]

    def test_a_command_without_a_terminal(self, config: Path) -> None:
        ran = subprocess.run(
            self.status("http://127.0.0.1:1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith("lambda-kernel: the profile of the function in eu-west-1 needs an MFA code")
        assert ran.stderr.count("\n") == 1

    @pytest.mark.parametrize("typed", ["123456\r", "\x04"])
    def test_a_command_asks_on_its_terminal(self, config: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
        denied = Answer(
            403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>seen</Message></Error></ErrorResponse>"
        )
        with endpoint(given("ROLE")) as sts, endpoint(denied) as at:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
            terminal = pexpect.spawn(self.status(at.url)[0], self.status(at.url)[1:], timeout=40, encoding="utf-8")
            terminal.expect("Enter MFA code")
            terminal.send(typed)
            terminal.expect(pexpect.EOF)
            shown = terminal.before
            assert terminal.wait() == 1
            terminal.close()
        asked = [request["authorization"] for request in at.requests]
        assert ("access denied" in shown, len(asked)) == ((True, 1) if typed != "\x04" else (False, 0))
        assert "Traceback" not in shown


@pytest.mark.parametrize("told", ["[]", "null", "5", '{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": []}'])
def test_a_credential_process_that_prints_something_else(config: Path, told: str) -> None:
    script = config.parent / "process"
    script.write_text(f"#!/bin/sh\nprintf %s '{told}'\n")
    script.chmod(0o755)
    config.write_text(f"[profile odd]\ncredential_process = {script}\n")
    with endpoint(FINE) as at:
        with pytest.raises(errors.BadCredentials, match="cannot get AWS credentials for `shell`"):
            reach(at, "odd").invoke({})
        assert at.requests == []
    with pytest.raises((DeployError, errors.BadCredentials)):
        cloud.Cloud(cloud.make_clients("eu-west-1", "odd", at.url)).stack("lambda-kernel-shell")
