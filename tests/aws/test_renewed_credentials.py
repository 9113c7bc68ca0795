"""Credentials that end and come again while a kernel runs: from real files and processes, never with a restart."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel import errors
from lambda_kernel.aws.client_errors import original
from lambda_kernel.aws.connector import Connector
from lambda_kernel.aws.target import Target
from lambda_kernel.aws.transport import BotoTransport
from tests.support.scripted_endpoint import Answer, Endpoint, endpoint

EXPIRED = Answer.error(403, "ExpiredTokenException", "The security token included in the request is expired")
STRANGER = Answer.error(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
DENIED = Answer.error(403, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/dev is not authorized")
FINE = Answer(200, {})


class Home:
    """A user's AWS files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / ".aws"
        self.directory.mkdir()
        self.config, self.credentials = self.directory / "config", self.directory / "credentials"

    def keys(self, key: str, profile: str = "default") -> None:
        self.credentials.write_text(f"[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")

    def process(self, key: str) -> str:
        """A credential_process that tells this key."""
        told = json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": "secret"})
        script = self.directory / "process.py"
        script.write_text(f"print({told!r})")
        return shlex.join([sys.executable, str(script)])

    def token(self, name: str, token: dict[str, str]) -> None:
        """What `aws sso login` keeps."""
        cache = self.directory / "sso" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / f"{hashlib.sha1(name.encode()).hexdigest()}.json").write_text(json.dumps(token))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(made.config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(made.credentials))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # of STS; Lambda is asked once anyway
    return made


def reach(at: Endpoint, profile: str | None = None, region: str | None = "eu-west-1") -> BotoTransport:
    to = Connector("me")(Target("shell", region, profile, at.url))
    assert isinstance(to, BotoTransport)
    to.tenancy = False
    return to


def keys(at: Endpoint) -> list[str]:
    """The access key ids that signed the requests."""
    return [request["authorization"].partition("Credential=")[2].partition("/")[0] for request in at.requests]


class TestFiles:
    @pytest.mark.parametrize("refusal", [EXPIRED, STRANGER, DENIED])
    def test_new_keys_are_used_at_once(self, home: Home, refusal: Answer) -> None:
        home.keys("OLD")
        with endpoint(FINE, refusal, FINE) as at:
            to = reach(at)
            to.invoke({})
            home.keys("NEW")
            to.invoke({})
        assert keys(at) == ["OLD", "OLD", "NEW"]

    def test_a_refusal_that_stays_is_told_and_the_next_cell_looks_again(self, home: Home) -> None:
        home.keys("OLD")
        with endpoint(EXPIRED, EXPIRED, EXPIRED, FINE, FINE) as at:
            to = reach(at)
            with pytest.raises(
                errors.BadCredentials, match=r"have expired: renew them \(for example with `aws sso login`\)"
            ):
                to.invoke({})
            home.keys("NEW")
            to.invoke({})
            to.invoke({})
        assert keys(at) == ["OLD", "OLD", "OLD", "NEW", "NEW"]

    def test_there_were_none_before(self, home: Home) -> None:
        with endpoint(FINE) as at:
            to = reach(at)
            with pytest.raises(errors.BadCredentials, match="no AWS credentials for `shell` in eu-west-1"):
                to.invoke({})
            assert at.requests == []
            home.keys("NEW")
            to.invoke({})
        assert keys(at) == ["NEW"]

    def test_a_file_that_is_just_being_written_ends_nothing(self, home: Home) -> None:
        home.keys("OLD")
        with endpoint(EXPIRED, EXPIRED, FINE) as at:
            to = reach(at)
            home.config.write_text("[default\nregion")
            with pytest.raises(errors.BadSettings, match="configuration cannot be read"):
                to.invoke({})
            home.config.write_text("[default]\nregion = us-east-1\n")
            home.keys("NEW")
            to.invoke({})
        assert keys(at) == ["OLD", "OLD", "NEW"]

    def test_a_profile_that_is_gone(self, home: Home) -> None:
        home.keys("OLD", "dev")
        with endpoint(EXPIRED) as at:
            to = reach(at, "dev")
            home.keys("NEW", "other")
            with pytest.raises(errors.BadCredentials, match=r"\(dev\) could not be found"):
                to.invoke({})

    def test_the_region_stays(self, home: Home) -> None:
        home.keys("OLD")
        home.config.write_text("[default]\nregion = us-east-2\n")
        with endpoint(EXPIRED, FINE) as at:
            to = reach(at, region=None)
            home.config.write_text("[default]\nregion = eu-west-3\n")
            to.invoke({})
            assert to.region == to.client.meta.region_name == "us-east-2"

    def test_the_environments_keys_need_a_restart_and_it_says_so(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OLD")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        with endpoint(EXPIRED) as at, pytest.raises(errors.BadCredentials, match="restart the kernel with new ones"):
            reach(at).invoke({})


class TestProcesses:
    def test_it_is_asked_again(self, home: Home) -> None:
        home.config.write_text(f"[default]\ncredential_process = {home.process('FIRST')}\n")
        with endpoint(FINE, EXPIRED, FINE) as at:
            to = reach(at)
            to.invoke({})
            home.process("SECOND")
            to.invoke({})
        assert keys(at) == ["FIRST", "FIRST", "SECOND"]

    @pytest.mark.parametrize(
        ("process", "words"),
        [
            ("/no/such/process", "/no/such/process"),
            ("sh -c 'echo locked out >&2; exit 3'", "locked out"),
            ("echo no JSON", "Expecting value"),
            ("echo '{}'", "Version"),
            ("echo '{\"Version\": 1}'", "AccessKeyId"),
        ],
    )
    def test_one_that_fails_has_not_run_anything(self, home: Home, process: str, words: str) -> None:
        home.config.write_text(f"[default]\ncredential_process = {process}\n")
        with endpoint(FINE) as at:
            with pytest.raises(errors.BadSettings, match=words) as caught:
                reach(at).invoke({})
            assert at.requests == []
        assert "`shell` in eu-west-1" in str(caught.value)


class TestSingleSignOn:
    ACCOUNT = "sso_account_id = 123456789012\nsso_role_name = dev\n"
    START = "https://example.awsapps.com/start"
    OVER = "2020-01-01T00:00:00Z"

    @pytest.fixture(params=["older", "newer"])
    def style(self, request: pytest.FixtureRequest, home: Home) -> str:
        """The two ways in which `aws configure sso` has written a profile; each has its own file of tokens."""
        where = f"sso_start_url = {self.START}\nsso_region = eu-west-1\n"
        if request.param == "older":
            home.config.write_text(f"[profile dev]\n{where}{self.ACCOUNT}")
            return self.START
        home.config.write_text(f"[sso-session mine]\n{where}\n[profile dev]\nsso_session = mine\n{self.ACCOUNT}")
        return "mine"

    def test_nobody_has_signed_in(self, home: Home, style: str) -> None:
        with endpoint(FINE) as at, pytest.raises(errors.BadCredentials, match="run `aws sso login --profile dev`"):
            reach(at, "dev").invoke({})
        assert at.requests == []

    def test_the_sign_in_is_over(self, home: Home, style: str) -> None:
        home.token(style, {"accessToken": "t", "expiresAt": self.OVER, "startUrl": self.START})
        with endpoint(FINE) as at, pytest.raises(errors.BadCredentials, match="run `aws sso login --profile dev`"):
            reach(at, "dev").invoke({})
        assert at.requests == []


STS = "https://sts.amazonaws.com/doc/2011-06-15/"
GIVEN = f"""<AssumeRoleResponse xmlns="{STS}"><AssumeRoleResult><Credentials>
    <AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
    <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
REFUSED = f"""<ErrorResponse xmlns="{STS}"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>
    <RequestId>sts-id</RequestId></ErrorResponse>"""


def given(key: str) -> Answer:
    return Answer(200, (GIVEN % key).encode(), {"Content-Type": "text/xml"})


def refused(status: int, code: str, message: str = "why") -> Answer:
    return Answer(status, (REFUSED % (code, message)).encode(), {"Content-Type": "text/xml"})


class TestRoles:
    @pytest.fixture
    def role(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> Any:
        home.keys("USER", "base")
        role = "role_arn = arn:aws:iam::123456789012:role/dev\nsource_profile = base\nregion = eu-west-1\n"
        home.config.write_text(f"[profile dev]\n{role}")
        return lambda at: monkeypatch.setenv("AWS_ENDPOINT_URL_STS", at.url)

    def test_it_is_assumed_again(self, role: Any) -> None:
        with endpoint(given("FIRST"), given("SECOND")) as sts, endpoint(FINE, EXPIRED, FINE) as at:
            role(sts)
            to = reach(at, "dev")
            to.invoke({})
            to.invoke({})
        assert keys(sts) == ["USER", "USER"]
        assert keys(at) == ["FIRST", "FIRST", "SECOND"]

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [
            (
                refused(403, "AccessDenied", "User: u is not authorized to perform: sts:AssumeRole on resource: r"),
                errors.AccessDenied,
                "lacks sts:AssumeRole",
            ),
            (refused(403, "ExpiredToken"), errors.BadCredentials, "have expired"),
            (refused(403, "InvalidClientTokenId"), errors.BadCredentials, "does not accept"),
            (refused(400, "ValidationError"), errors.BadCredentials, "AssumeRole: ValidationError: why"),
            (refused(500, "InternalFailure"), errors.BadCredentials, "AssumeRole: InternalFailure: why"),
            (Answer(drop=True), errors.BadCredentials, "Connection was closed"),
        ],
    )
    def test_nothing_has_run_whatever_sts_says(
        self, role: Any, answer: Answer, kind: type[errors.KernelError], words: str
    ) -> None:
        with endpoint(answer) as sts, endpoint(FINE) as at:
            role(sts)
            with pytest.raises(kind, match=words) as caught:
                reach(at, "dev").invoke({})
            assert at.requests == []
        assert type(caught.value) is kind
        assert "`shell` in eu-west-1" in str(caught.value)
        assert answer.drop or "HTTP status" in original(caught.value)
