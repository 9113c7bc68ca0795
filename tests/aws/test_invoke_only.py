"""What botocore is given of Lambda, held against its own."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.loaders import Loader
from botocore.session import Session

from lambda_kernel.aws import invoke_only
from lambda_kernel.aws.invoke_only import MODEL, know_invoke_only
from lambda_kernel.aws.transport import make_client

# Constraints that botocore does not check, and what is said for people.
UNCHECKED = {"documentation", "enum", "pattern", "max", "min", "sensitive"}


@pytest.fixture(scope="module")
def theirs() -> Any:
    return Loader().load_service_model("lambda", "service-2")


def kind(model: Any, shape: str) -> Any:
    return {key: value for key, value in model["shapes"][shape].items() if key not in UNCHECKED}


def test_the_model_is_a_part_of_botocores(theirs: Any) -> None:
    assert MODEL["metadata"].items() <= theirs["metadata"].items()
    for name, ours in MODEL["operations"].items():
        whole = theirs["operations"][name]
        assert [ours[key] for key in ("name", "http", "input", "output")] == [
            whole[key] for key in ("name", "http", "input", "output")
        ]
        assert {error["shape"] for error in ours["errors"]} <= {error["shape"] for error in whole["errors"]}
    structures = [name for name, about in MODEL["shapes"].items() if about["type"] == "structure"]
    assert {"InvocationRequest", "InvocationResponse", "TooManyRequestsException"} < set(structures)
    for name in structures:
        mine, full = kind(MODEL, name), kind(theirs, name)
        members, all_members = mine.pop("members"), full.pop("members")
        assert mine == full
        for member, about in members.items():
            place = {key: all_members[member].get(key) for key in about if key != "shape"}
            assert place == {key: value for key, value in about.items() if key != "shape"}
            assert kind(MODEL, about["shape"]) == kind(theirs, all_members[member]["shape"])


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1", "xx-nowhere-7"])
def test_the_endpoints_are_botocores(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for fips in ("false", "true"):
        monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", fips)
        expected = boto3.Session().client("lambda", region_name=region).meta
        made = make_client(region).meta
        assert (made.endpoint_url, made.partition, made.region_name) == (
            expected.endpoint_url,
            expected.partition,
            expected.region_name,
        )


def test_other_services_are_whole() -> None:
    """Roles are assumed by STS."""
    core = Session()
    know_invoke_only(core, alone=False)
    sts = core.create_client("sts", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    assert sts.meta.endpoint_url == boto3.Session().client("sts", region_name="eu-west-1").meta.endpoint_url


def test_data_that_the_user_gives_botocore_count(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.json").write_text('{"whose": "mine"}')
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    core = Session()
    know_invoke_only(core, alone=True)
    data = core.get_component("data_loader")
    assert data.load_data("mine") == {"whose": "mine"}
    assert data.load_data("endpoints") is invoke_only.ONE_PARTITION
