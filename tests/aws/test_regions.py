"""Regions, by botocore's data."""

from __future__ import annotations

import boto3
import pytest

from lambda_kernel.aws import regions
from lambda_kernel.errors import UsageError


def test_all_regions_of_lambda_are_known() -> None:
    session = boto3.Session(region_name="us-east-1")
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("lambda", partition):
            regions.check(region)
            assert regions.partition(region) == partition


@pytest.mark.parametrize(
    ("region", "hint"),
    [("eu-wset-1", "is it eu-west-1"), ("mars", "write it as in eu-north-1"), ("aws-global", "write it as in")],
)
def test_a_region_that_does_not_exist(region: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"'{region}' is no region that boto3 knows: {hint}.*pip install -U boto3"):
        regions.check(region)


def test_an_endpoint_of_its_own_may_be_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    regions.check("local", "http://127.0.0.1:9000")
    regions.check(None)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9000")
    regions.check("local")


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-99", "aws"), ("cn-south-9", "aws-cn"), ("mars", None), ("", None)]
)
def test_the_partition_of_a_new_region_is_known_by_its_form(region: str, partition: str | None) -> None:
    assert regions.partition(region) == partition
