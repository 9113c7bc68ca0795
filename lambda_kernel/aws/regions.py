"""The regions that there are, by botocore's data. None of these asks AWS."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError


@functools.cache
def known() -> Mapping[str, str]:
    """Each region's partition."""
    return {name: str(one["id"]) for one in _partitions() for name in one["regions"] if not name.endswith("-global")}


@functools.cache
def _partitions() -> list[dict[str, Any]]:
    from botocore.loaders import create_loader

    return list(create_loader().load_data("partitions")["partitions"])


def partition(region: str) -> str | None:
    """The partition of a region, also of one that botocore does not know yet."""
    by_form = (str(one["id"]) for one in _partitions() if re.match(one["regionRegex"], region))
    return known().get(region) or next(by_form, None)


def check(region: str | None, endpoint_url: str | None = None) -> None:
    """Raises UsageError if there is no such region. An endpoint of its own may be in any."""
    import difflib

    elsewhere = endpoint_url or any(map(os.environ.get, ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA")))
    if region and not elsewhere and region not in known():
        near = difflib.get_close_matches(region, known(), 1)
        hint = f"is it {near[0]}" if near else "write it as in eu-north-1"
        raise UsageError(
            f"{region!r} is no region that boto3 knows: {hint}, or if it is new, update boto3 with "
            "`pip install -U boto3`"
        )
