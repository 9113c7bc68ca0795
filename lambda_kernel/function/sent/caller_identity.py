"""Who the environment is to AWS: sts:GetCallerIdentity, which needs no permission, signed by hand.

The kernel sends this file along with a call, behind system.py. It needs the standard library only: not every runtime
has boto3.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .system import cleaned

BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
TYPE = "application/x-www-form-urlencoded; charset=utf-8"
ANSWER_BYTES = 65_536
# Where credentials are fetched from without TLS, as by the SDKs (botocore's ContainerMetadataFetcher).
NEAR = ("127.0.0.1", "localhost", "169.254.170.2", "169.254.170.23")


class Keys(NamedTuple):
    key_id: str
    secret: str
    token: str


def caller_identity(shell: Any, url: str, region: str, seconds: float, ask: bool) -> dict[str, Any]:
    """arn: the role's, if ask. error: why it is not known. url: STS's, unless a variable of the SDKs names one."""
    environ = shell.environ
    url = environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL") or url
    about = {
        "region": environ.get("AWS_REGION"),
        "function": environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        "version": environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
        "runtime": environ.get("AWS_EXECUTION_ENV"),
        "python": sys.version.split()[0],
        "handler": environ.get("_HANDLER"),
    }
    arn, error = role_arn(environ, url, region, seconds) if ask else (None, None)
    found: dict[str, Any] = cleaned(about | {"arn": arn, "error": error}, shell.secrets)
    return found


def role_arn(environ: Mapping[str, str], url: str, region: str, seconds: float) -> tuple[str | None, str | None]:
    """The ARN, or why it is not known."""
    try:
        keys = role_keys(environ, seconds)
        if keys is None:
            return None, "the environment has no credentials of a role"
        headers = signed(url, region, keys, time.gmtime())
        text = fetched(urllib.request.Request(url, BODY, headers), seconds)
    except urllib.error.HTTPError as refused:
        return None, f"STS refused: {error_code(refused)}"
    except (OSError, ValueError, KeyError) as error:
        return None, f"STS did not answer: {getattr(error, 'reason', None) or error}"
    found = re.search(r"<Arn>([^<]+)</Arn>", text)
    return (found[1], None) if found else (None, "STS gave an answer without an ARN")


def fetched(request: urllib.request.Request, seconds: float) -> str:
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        data: bytes = answer.read(ANSWER_BYTES)
    return data.decode("utf-8", "replace")


def error_code(refused: urllib.error.HTTPError) -> str:
    found = re.search(rb"<Code>(\w+)</Code>", refused.read(ANSWER_BYTES))
    return found[1].decode() if found else f"HTTP {refused.code}"


def role_keys(environ: Mapping[str, str], seconds: float) -> Keys | None:
    """From the variables; with SnapStart, from the address that stands in their place (Lambda, SnapStart)."""
    if environ.get("AWS_ACCESS_KEY_ID"):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return Keys(*(environ.get(name, "") for name in names))
    uri = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    if urlsplit(uri).scheme != "https" and urlsplit(uri).hostname not in NEAR:
        return None
    headers = {"Authorization": environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")}
    told = json.loads(fetched(urllib.request.Request(uri, headers=headers), seconds))
    return Keys(str(told["AccessKeyId"]), str(told["SecretAccessKey"]), str(told["Token"]))


def signed(url: str, region: str, keys: Keys, now: time.struct_time) -> dict[str, str]:
    """The headers, with a Signature Version 4."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", now)
    parts = urlsplit(url)
    headers = {"content-type": TYPE, "host": parts.netloc, "x-amz-date": stamp}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    digest = hashlib.sha256(BODY).hexdigest()
    canonical = "\n".join(["POST", parts.path or "/", "", *lines, "", names, digest])
    scope = f"{stamp[:8]}/{region}/sts/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    credential = f"Credential={keys.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers | {"Authorization": f"AWS4-HMAC-SHA256 {credential}"}
