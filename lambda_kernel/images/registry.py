"""A client of the OCI distribution API, for pulling: https://github.com/opencontainers/distribution-spec.

Both clients on PyPI (oras, python-dxf) load a blob anew when the connection is cut, and neither chooses from an index
of OCI. What is left is urllib3 and this file.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from ..untrusted import Unfit, load, visible
from .credentials import Credentials
from .errors import Cut, ImageError
from .manifest import LONGEST, TYPES, Descriptor
from .reference import DOCKER_HUB, RegistryReference

_PIECE = 256 * 1024
_TIMEOUT = urllib3.Timeout(connect=15, read=60)
_REDIRECTS = 5
_TOKEN_BYTES = 256 * 1024
_MOVED = (301, 302, 303, 307, 308)
_CHALLENGE = re.compile(r'([A-Za-z_]+)="([^"]*)"')
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_ECR = re.compile(r"\d{12}\.dkr\.ecr[\w.-]*\.amazonaws\.com(\.cn)?")
Response = urllib3.BaseHTTPResponse


class Registry:
    """One repository of a registry."""

    def __init__(self, reference: RegistryReference, credentials: Credentials) -> None:
        self._reference, self._credentials = reference, credentials
        host = "registry-1.docker.io" if reference.registry == DOCKER_HUB else reference.registry
        # Like Docker: a registry on this machine needs no certificate.
        scheme = "http" if urlsplit(f"//{host}").hostname in ("localhost", "127.0.0.1", "::1") else "https"
        self._base = f"{scheme}://{host}/v2/{reference.repository}/"
        self._http = _pool(scheme, host)
        self._authorization = ""

    def manifest(self, wanted: str) -> bytes:
        """Return a manifest or an index, by tag or digest. Nothing of it has been checked."""
        with self._get(f"manifests/{wanted}", {"Accept": ", ".join(TYPES)}) as response, self._reading():
            body: bytes = response.read(LONGEST + 1, decode_content=True)
        if len(body) > LONGEST:
            raise ImageError(f"the manifest of {self._reference} is larger than 4 MB: this is no container image")
        return body

    @contextlib.contextmanager
    def blob(self, descriptor: Descriptor, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a blob at an offset. A registry may begin at its start nevertheless, so say where it begins."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._get(f"blobs/{descriptor.digest}", headers) as response:
            begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
            start = int(begins[1]) if response.status == 206 and begins else 0
            yield start, self._pieces(response)

    def _pieces(self, response: Response) -> Iterator[bytes]:
        with self._reading():
            yield from response.stream(_PIECE, decode_content=False)

    @contextlib.contextmanager
    def _get(self, path: str, headers: Mapping[str, str]) -> Iterator[Response]:
        response = self._send(self._base + path, headers, self._authorization)
        try:
            if response.status == 401:
                self._authorization = self._authorize(response.headers.get("WWW-Authenticate", ""))
                response.close()
                response = self._send(self._base + path, headers, self._authorization)
            if response.status not in (200, 206):
                raise self._refused(response.status)
            yield response
        finally:
            response.close()

    def _send(self, url: str, headers: Mapping[str, str], authorization: str) -> Response:
        """Follow redirects ourselves: what proves who we are goes to the origin that it is for, and nowhere else."""
        origin = _origin(url)
        for _ in range(_REDIRECTS + 1):
            own = {"Authorization": authorization} if authorization and _origin(url) == origin else {}
            try:
                response = self._http.request(
                    "GET", url, headers={**headers, **own}, preload_content=False, redirect=False
                )
            except urllib3.exceptions.HTTPError as error:
                raise self._unreachable(url, error) from error
            if response.status not in _MOVED:
                return response
            location = response.headers.get("Location", "")
            response.close()
            url = urljoin(url, location)
            if _origin(url)[0] not in ("https", origin[0]):
                raise ImageError(
                    f"{self._reference.registry} leads to {visible(url, 200)}, which is not encrypted: nothing was "
                    "pulled; ask who runs this registry"
                )
        raise ImageError(f"{self._reference.registry} redirects in circles: ask who runs this registry")

    def _authorize(self, challenge: str) -> str:
        """Answer a challenge: https://distribution.github.io/distribution/spec/auth/token/."""
        scheme, _, rest = challenge.partition(" ")
        known = self._credentials(self._reference.registry)
        basic = "Basic " + base64.b64encode(":".join(known).encode()).decode() if known else ""
        if scheme.lower() == "basic" and basic:
            return basic
        fields = dict(_CHALLENGE.findall(rest))
        if scheme.lower() != "bearer" or "realm" not in fields:
            raise self._refused(401)
        query = {"scope": fields.get("scope") or f"repository:{self._reference.repository}:pull"}
        if "service" in fields:
            query["service"] = fields["service"]
        realm = fields["realm"]
        if not realm.startswith("https://") and _origin(realm)[1] not in _LOOPBACK:
            raise ImageError(
                f"{self._reference.registry} wants passwords sent to {visible(realm, 200)}, which is not encrypted: "
                "nothing was sent; ask who runs this registry"
            )
        return "Bearer " + self._token(realm + ("&" if "?" in realm else "?") + urlencode(query), basic)

    def _token(self, url: str, basic: str) -> str:
        response = self._send(url, {}, basic)
        try:
            if response.status != 200:
                raise self._refused(response.status)
            with self._reading():
                answer = load(response.read(_TOKEN_BYTES, decode_content=True))
            token = answer.get("token") or answer.get("access_token") if isinstance(answer, dict) else None
        except Unfit:
            token = None
        finally:
            response.close()
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ImageError(f"{self._reference.registry} gave no usable token: try again later")
        return token

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except urllib3.exceptions.HTTPError as error:
            why = visible(str(error), 200)
            raise Cut(
                f"the connection to {self._reference.registry} was cut ({why}): try again, and what has come is kept"
            ) from error

    def _unreachable(self, url: str, error: Exception) -> ImageError:
        reason = visible(str(getattr(error, "reason", None) or error), 200)
        return Cut(
            f"{urlsplit(url).netloc} cannot be reached ({reason}): check the network and HTTPS_PROXY, or name an image "
            "that `lambda-kernel images` lists, which needs no network"
        )

    def _refused(self, status: int) -> ImageError:
        name, registry = self._reference, self._reference.registry
        login = f"`docker login {registry}`"
        if _ECR.fullmatch(registry):
            login = "--profile P, whose user may do ecr:GetAuthorizationToken and ecr:BatchGetImage"
        if status in (401, 403):
            return ImageError(f"{name} does not exist, or is private: check the name, or sign in with {login}")
        if status == 404:
            return ImageError(f"there is no image {name}: check its name and its tag")
        if status == 429:
            return ImageError(f"{registry} allows no more pulls for now: wait, or sign in with {login}")
        if status >= 500:
            return Cut(f"{registry} failed (HTTP status {status}): try again later")
        return ImageError(f"{registry} refused {name} (HTTP status {status}): check the name")


def _pool(scheme: str, host: str) -> urllib3.PoolManager:
    """Respect the usual variables for proxies and certificates, as botocore does."""
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    options: dict[str, Any] = {"retries": False, "timeout": _TIMEOUT}
    if scheme == "https":
        options["ssl_context"] = ssl.create_default_context(cafile=bundle)
    proxy = urllib.request.getproxies().get(scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        parts = urlsplit(proxy)
        headers = {}
        if parts.username:
            headers = urllib3.make_headers(proxy_basic_auth=f"{parts.username}:{parts.password or ''}")
        return cast(urllib3.PoolManager, urllib3.ProxyManager(proxy, proxy_headers=headers, **options))
    return urllib3.PoolManager(**options)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return parts.scheme, host, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
