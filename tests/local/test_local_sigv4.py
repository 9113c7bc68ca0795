"""Our check of a signature against botocore's way of making one."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from lambda_kernel.local.errors import ApiError
from lambda_kernel.local.sigv4 import Verifier

KEY, SECRET = "AKIALOCALTEST", "very/secret+key"
VERIFIER = Verifier(KEY, SECRET)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def sign(url: str, method: str = "POST", body: bytes = b"", **headers: str) -> AWSRequest:
    request = AWSRequest(method, url, headers=headers, data=body)
    SigV4Auth(Credentials(KEY, SECRET), "lambda", "eu-west-1").add_auth(request)
    request.headers["Host"] = urlsplit(url).netloc
    return request


def check(request: AWSRequest, body: bytes, verifier: Verifier = VERIFIER) -> None:
    parts = urlsplit(str(request.url))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {name.title(): value for name, value in request.headers.items()}
    claim = verifier.read(_Folded(headers))
    verifier.check(claim, str(request.method), target, _Folded(headers), body)


class _Folded(dict[str, str]):
    """Finds a header whatever its case, as tornado's do."""

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        return super().get(key.title(), default)


@given(st.binary(max_size=50), TEXT, TEXT)
def test_what_botocore_signs_is_accepted(body: bytes, value: str, other: str) -> None:
    check(sign("http://127.0.0.1:1/2015-03-31/functions", body=body, **{"X-Amz-A": value, "X-B": other}), body)


@pytest.mark.parametrize(
    "target",
    [
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Alocal%3A000000000000%3Afunction%3Ashell/invocations",
        "/a%20b/~c_d.e-f",
        "/x?Qualifier=%24LATEST",
        "/x?b=2&a=1&a=0&empty=&c=%2B%20%2F",
        "/x?Marker=a%3Db%26c",
    ],
)
def test_paths_and_queries_are_encoded_as_botocore_does(target: str) -> None:
    check(sign(f"http://127.0.0.1:1{target}", "GET"), b"")


def test_a_changed_body_is_refused() -> None:
    request = sign("http://127.0.0.1:1/x", body=b"a")
    with pytest.raises(ApiError, match="does not match"):
        check(request, b"b")


@pytest.mark.parametrize("away_s", [-301, 301])
def test_a_request_from_another_time_is_refused(away_s: int) -> None:
    now = datetime.now(timezone.utc).timestamp()
    verifier = Verifier(KEY, SECRET, now=lambda: now + away_s)
    with pytest.raises(ApiError, match="Signature expired"):
        check(sign("http://127.0.0.1:1/x"), b"", verifier)


def test_the_host_has_to_be_signed() -> None:
    request = sign("http://127.0.0.1:1/x")
    request.headers.replace_header(
        "Authorization", request.headers["Authorization"].replace("host;x-amz-date", "x-amz-date")
    )
    with pytest.raises(ApiError, match="must be signed"):
        check(request, b"")


def test_another_service_is_refused() -> None:
    request = sign("http://127.0.0.1:1/x")
    request.headers.replace_header("Authorization", request.headers["Authorization"].replace("/lambda/", "/sts/"))
    with pytest.raises(ApiError, match="scoped to correct service"):
        check(request, b"")
