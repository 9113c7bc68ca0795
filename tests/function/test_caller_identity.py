"""sts:GetCallerIdentity from inside, signed by hand, against a host on loopback."""

from __future__ import annotations

import re
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambda_kernel.function import index
from lambda_kernel.function.sent import caller_identity as module
from lambda_kernel.function.sent import joined, source, system
from tests.support.in_process_session import CREDENTIALS
from tests.support.scripted_endpoint import Answer, endpoint

SENT = index.load(joined([source(system), source(module)]))
ARN = "arn:aws:sts::123456789012:assumed-role/shell-role/shell"
XML = f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{ARN}</Arn></GetCallerIdentityResult></>"
ABOUT = {"AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "shell", "_HANDLER": "index.handler"}


def asked(url: str, *, seconds: float = 5.0, ask: bool = True, **environ: str) -> dict[str, Any]:
    shell = SimpleNamespace(environ={**CREDENTIALS, **ABOUT, **environ}, secrets=())
    found: dict[str, Any] = SENT["caller_identity"](shell, url, "eu-west-1", seconds, ask)
    return found


def test_the_role() -> None:
    with endpoint(Answer(body=XML.encode())) as told:
        found = asked(told.url)
    assert (found["arn"], found["error"]) == (ARN, None)
    assert (found["region"], found["function"], found["handler"]) == ("eu-west-1", "shell", "index.handler")


def test_it_is_signed_as_botocore_signs() -> None:
    with endpoint(Answer(body=XML.encode())) as told:
        asked(told.url)
        [ours] = told.requests
        url = told.url
    theirs = AWSRequest("POST", f"{url}/", {"Content-Type": module.TYPE}, module.BODY)
    theirs.context["timestamp"] = ours["x-amz-date"]
    signer = SigV4Auth(Credentials(*CREDENTIALS.values()), "sts", "eu-west-1")
    theirs.headers["X-Amz-Date"] = ours["x-amz-date"]
    theirs.headers["X-Amz-Security-Token"] = CREDENTIALS["AWS_SESSION_TOKEN"]
    signature = signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs)
    assert ours["authorization"].endswith(f"Signature={signature}")


def test_a_variable_of_the_sdks_names_another_endpoint() -> None:
    with endpoint(Answer(body=XML.encode())) as told:
        assert asked("http://127.0.0.1:1", AWS_ENDPOINT_URL_STS=told.url)["arn"] == ARN


def test_it_asks_nobody_when_it_must_not() -> None:
    assert asked("http://127.0.0.1:1", ask=False)["arn"] is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(403, b"<Error><Code>InvalidClientTokenId</Code></Error>"), "STS refused: InvalidClientTokenId"),
        (Answer(500, b"oops"), "STS refused: HTTP 500"),
        (Answer(200, b"<html>a proxy</html>"), "STS gave an answer without an ARN"),
        (Answer(drop=True), "STS did not answer: "),
    ],
)  # fmt: skip
def test_why_it_is_not_known(answer: Answer, why: str) -> None:
    with endpoint(answer) as told:
        found = asked(told.url)
    assert found["arn"] is None
    assert found["error"].startswith(why)


def test_nobody_listens_or_answers() -> None:
    assert "refused" in asked("http://127.0.0.1:1")["error"]
    assert "STS did not answer" in asked("nonsense")["error"]
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes the connection, and says nothing
        found = asked(f"http://127.0.0.1:{silent.getsockname()[1]}", seconds=0.2)
    assert "timed out" in found["error"]
    assert time.monotonic() - began < 30


def test_without_credentials() -> None:
    found = asked("http://127.0.0.1:1", AWS_ACCESS_KEY_ID="")
    assert found["error"] == "the environment has no credentials of a role"


def test_snapstart_s_credentials() -> None:
    keys = {"AccessKeyId": "ASIAX", "SecretAccessKey": "s", "Token": "t"}
    with endpoint(Answer(body=keys), Answer(body=XML.encode())) as told:
        found = asked(
            told.url,
            AWS_ACCESS_KEY_ID="",
            AWS_CONTAINER_CREDENTIALS_FULL_URI=told.url,
            AWS_CONTAINER_AUTHORIZATION_TOKEN="secret-word",
        )
        assert found["arn"] == ARN
        assert told.requests[0]["authorization"] == "secret-word"
        assert re.search("Credential=ASIAX/", told.requests[1]["authorization"])


def test_the_token_goes_to_no_stranger() -> None:
    assert SENT["role_keys"]({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://stranger.example/x"}, 1.0) is None
    assert SENT["role_keys"]({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1.stranger.example/x"}, 1.0) is None
