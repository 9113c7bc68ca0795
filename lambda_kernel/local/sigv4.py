"""Checks AWS's Signature Version 4 of a request against the engine's one key.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Written out because
botocore takes 100 ms to import and signs only; the tests hold it against botocore's signer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote

from .errors import ApiError

_SKEW_S = 5 * 60
_SERVICE = "lambda"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request, *"
    r"SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$"
)


@dataclass(frozen=True)
class Claim:
    """The signature in the headers. It can be checked only with the body."""

    stamp: str
    date: str
    region: str
    signed_headers: str
    signature: str


class Verifier:
    """Accepts only what was signed with one access key."""

    def __init__(self, access_key_id: str, secret_access_key: str, now: Callable[[], float] = time.time) -> None:
        self._access_key_id = access_key_id.encode()
        self._secret = secret_access_key.encode()
        self._now = now
        self._cached: tuple[tuple[str, str], bytes] = (("", ""), b"")

    def read(self, headers: Mapping[str, str]) -> Claim:
        """Raise ApiError unless the headers fit a request that was signed just now with the key."""
        authorization = headers.get("Authorization")
        if not authorization:
            raise ApiError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        found = _AUTHORIZATION.match(authorization)
        if not found:
            raise _incomplete("Authorization header is not of the form that Signature Version 4 prescribes.")
        key_id, date, region, service, signed_headers, signature = found.groups()
        if not hmac.compare_digest(key_id.encode(), self._access_key_id):
            raise ApiError(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        stamp = headers.get("X-Amz-Date", "")
        self._check_time(stamp, date)
        if service != _SERVICE:
            raise _invalid(f"Credential should be scoped to correct service: '{_SERVICE}'.")
        names = signed_headers.split(";")
        if "host" not in names or "x-amz-date" not in names:
            raise _incomplete("'Host' and 'X-Amz-Date' must be signed headers.")
        return Claim(stamp, date, region, signed_headers, signature)

    def check(self, claim: Claim, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raise ApiError unless `target` (path and query as sent), headers and body were signed with the key."""
        request = _canonical_request(method, target, headers, body, claim.signed_headers)
        scope = f"{claim.date}/{claim.region}/{_SERVICE}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{claim.stamp}\n{scope}\n{hashlib.sha256(request).hexdigest()}"
        expected = hmac.new(self._key(claim.date, claim.region), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, claim.signature):
            raise _invalid(
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method."
            )

    def _check_time(self, stamp: str, date: str) -> None:
        try:
            sent = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            raise _incomplete("Authorization header requires existence of a 'X-Amz-Date' header.") from None
        if not stamp.startswith(date) or abs(self._now() - sent) > _SKEW_S:
            raise _invalid(f"Signature expired: {stamp} is not within 5 minutes of the engine's clock.")

    def _key(self, date: str, region: str) -> bytes:
        if self._cached[0] != (date, region):
            key = b"AWS4" + self._secret
            for part in (date, region, _SERVICE, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._cached = ((date, region), key)
        return self._cached[1]


def _canonical_request(method: str, target: str, headers: Mapping[str, str], body: bytes, signed_headers: str) -> bytes:
    names = signed_headers.split(";")
    path, _, query = target.partition("?")
    lines = [
        method,
        # Every service but S3 encodes the path a second time.
        quote(path, safe="/-_.~"),
        _canonical_query(query),
        *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in names),
        "",
        signed_headers,
        hashlib.sha256(body).hexdigest(),
    ]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs))


def _invalid(message: str) -> ApiError:
    return ApiError(403, "InvalidSignatureException", message)


def _incomplete(message: str) -> ApiError:
    return ApiError(403, "IncompleteSignatureException", message)
