"""Reads what Lambda gives a presigned URL for: a function's package, or the names in a layer's."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from typing import Any

from ..problems import DeployError

Fetch = Callable[[str, int, int], bytes]  # a URL, the first byte, and how many at most

BLOCK = 128 * 1024
WRONG = (zipfile.BadZipFile, ValueError, OSError)


def fetch(url: str, first: int, size: int) -> bytes:
    """As the AWS SDK does it: with its proxies and certificates. Raises DeployError."""
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies
    from urllib3.exceptions import HTTPError

    request = AWSRequest("GET", url, {"Range": f"bytes={first}-{first + size - 1}"}, stream_output=True)
    certificates: Any = os.environ.get("AWS_CA_BUNDLE") or True
    session = URLLib3Session(verify=certificates, proxies=get_environ_proxies(url), timeout=60)
    try:
        answer = session.send(request.prepare())
        if answer.status_code not in (200, 206):
            raise DeployError(f"AWS does not give the package (HTTP status {answer.status_code}): try again")
        skipped = 0 if answer.status_code == 206 else first  # 200: it gives everything
        return _some(answer.raw, skipped + size)[skipped:]
    except (BotoCoreError, HTTPError) as error:
        host = url.split("/")[2] if url.count("/") > 2 else url
        raise DeployError(f"the package cannot be read from {host}: check the network and the proxy") from error
    finally:
        session.close()


def _some(answer: Any, size: int) -> bytes:
    """At most so many bytes, which may come in parts."""
    parts, left = [], size
    while left > 0 and (part := answer.read(min(left, BLOCK))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


class Remote(io.RawIOBase):
    """A file behind a URL, of which only what is read is fetched."""

    def __init__(self, url: str, size: int, fetch: Fetch) -> None:
        self.url, self.size, self.fetch, self.at = url, size, fetch, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        if self.at < 0:
            raise ValueError("before the beginning")
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self.size - self.at)
        data = self.fetch(self.url, self.at, wanted) if wanted > 0 else b""
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def names_in(url: str, size: int, fetch: Fetch) -> list[str] | None:
    """The names of a zip file's entries, from its directory. None: they cannot be read."""
    try:
        with zipfile.ZipFile(io.BufferedReader(Remote(url, size, fetch), BLOCK)) as archive:
            return archive.namelist()
    except (*WRONG, DeployError):
        return None
