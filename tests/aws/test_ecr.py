"""Credentials for images in Amazon ECR."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from lambda_kernel.aws.ecr import client_of, with_ecr
from lambda_kernel.images.credentials import nobody

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


class FakeEcr:
    """A client of ecr: an answer, or an error."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.regions: list[str] = []

    def __call__(self, region: str) -> FakeEcr:
        self.regions.append(region)
        return self

    def get_authorization_token(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


TOKEN = base64.b64encode(b"AWS:a:token").decode()


def test_the_token_is_a_password() -> None:
    ecr = FakeEcr({"authorizationData": [{"authorizationToken": TOKEN}]})
    find = with_ecr(nobody, ecr)
    assert find(HOST) == ("AWS", "a:token")
    assert find(HOST.replace("ecr", "ecr-fips").replace("eu-west-1", "us-gov-west-1")) == ("AWS", "a:token")
    assert find(HOST.replace("eu-west-1", "cn-north-1") + ".cn") == ("AWS", "a:token")
    assert ecr.regions == ["eu-west-1", "us-gov-west-1", "cn-north-1"]


@pytest.mark.parametrize(
    "host",
    ["public.ecr.aws", "docker.io", f"{HOST}.example", f"x{HOST}", HOST.replace("ecr", "ecrx"), "localhost:5000"],
)
def test_no_other_host_gets_a_token(host: str) -> None:
    ecr = FakeEcr({"authorizationData": [{"authorizationToken": TOKEN}]})
    assert with_ecr(lambda registry: ("ann", registry), ecr)(host) == ("ann", host)
    assert not ecr.regions


@pytest.mark.parametrize(
    "answer",
    [NoCredentialsError(), ClientError({"Error": {"Code": "AccessDenied"}}, "GetAuthorizationToken"),
     {"authorizationData": []}, {"authorizationData": [{"authorizationToken": "ü"}]}, {}],
)  # fmt: skip
def test_without_a_token_dockers_credentials_count(answer: Any) -> None:
    assert with_ecr(lambda registry: ("ann", "secret"), FakeEcr(answer))(HOST) == ("ann", "secret")


def test_the_client_is_the_profiles(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path_factory.mktemp("aws") / "config"
    config.write_text("[profile dev]\naws_access_key_id = AKIADEV\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    make: Callable[[str], Any] = client_of("dev")
    client = make("eu-west-1")
    assert (client.meta.region_name, client.meta.service_model.service_name) == ("eu-west-1", "ecr")
    assert client._request_signer._credentials.access_key == "AKIADEV"
