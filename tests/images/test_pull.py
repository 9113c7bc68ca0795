"""Pulling from a registry over a real socket."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambda_kernel.images.cache import Cache, Image
from lambda_kernel.images.credentials import docker_credentials
from lambda_kernel.images.errors import ImageError
from lambda_kernel.images.manifest import DOCKER_MANIFEST
from lambda_kernel.images.progress import Progress
from lambda_kernel.images.pull import Puller
from lambda_kernel.images.unpack import Bounds
from tests.support.container_image import (
    ARCHITECTURE,
    Built,
    build,
    compressed,
    digest,
    file,
    index,
    layer,
    write_layout,
)
from tests.support.registry import REPOSITORY, Registry, serve_registry

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LOWER, UPPER = layer(file("a", os.urandom(100_000)), file("b", b"1")), layer(file("b", b"2"))
OTHER = "arm64" if ARCHITECTURE == "amd64" else "amd64"


class Pulls:
    """A puller that waits for nothing, and what it told."""

    def __init__(self, cache: Cache, **options: Any) -> None:
        self.told: list[Progress] = []
        self.slept: list[float] = []
        # The test's own home, where nobody is signed in.
        options.setdefault("credentials", docker_credentials({"HOME": str(cache.directory / "home")}))
        self.puller = Puller(cache, tell=self.told.append, sleep=self.slept.append, **options)

    def __call__(self, reference: str) -> Image:
        return self.puller.get(reference)


def contents(image: Image) -> dict[str, bytes]:
    return {str(path.relative_to(image.root)): path.read_bytes() for path in image.root.rglob("*") if path.is_file()}


def nothing_is_left(cache: Cache) -> bool:
    return not cache.entries() and not list((cache.directory / "images").iterdir())


@pytest.mark.parametrize(
    "compress", [compressed, zstd.compress, bytes, lambda data: compressed(data[:9]) + compressed(data[9:])]
)
@pytest.mark.parametrize("media_type", [DOCKER_MANIFEST, "application/vnd.oci.image.manifest.v1+json"])
def test_an_image_is_pulled_once(
    registry: Registry, cache: Cache, compress: Callable[[bytes], bytes], media_type: str
) -> None:
    built = build(
        LOWER, UPPER, environment=["A=1", "B=x=y"], working_directory="/srv", compress=compress, media_type=media_type
    )
    reference = registry.push("1", built)
    pulls = Pulls(cache, mount_points=("/proc/", "/etc/hosts"))
    image = pulls(reference)
    assert contents(image) == {"a": LOWER[512:100_512], "b": b"2", "etc/hosts": b""}
    assert (image.root / "proc").is_dir()
    assert (image.root / "srv").is_dir()
    assert (cache.directory.stat().st_mode & 0o777) == 0o700
    assert (image.digest, image.environment, image.working_directory) == (built.top, {"A": "1", "B": "x=y"}, "/srv")
    total = sum(len(compress(one)) for one in (LOWER, UPPER))
    steps = list(dict.fromkeys(progress.step for progress in pulls.told))
    assert steps == ["pulling", "unpacking"]
    assert {progress.total for progress in pulls.told} == {total}
    assert pulls.told[-1].done == total
    done = [progress.done for progress in pulls.told if progress.step == "pulling"]
    assert done == sorted(done)
    # The digest is pinned: what the tag means later, and whether there is a network, does not matter.
    asked = len(registry.requests)
    registry.push("1", build(UPPER))
    assert Pulls(cache)(reference) == image
    assert len(registry.requests) == asked


def test_an_index_is_searched_for_this_machine(registry: Registry, cache: Cache) -> None:
    ours, others = build(LOWER), build(UPPER, machine=OTHER)
    both = registry.push("both", index((others, OTHER), (ours, ARCHITECTURE)))
    assert Pulls(cache)(both).digest == ours.top
    assert not registry.paths(others.top)
    only = registry.push("only", index((others, OTHER)))
    with pytest.raises(ImageError, match=f"is for linux/{OTHER} and not for this machine's linux/{ARCHITECTURE}: name"):
        Pulls(cache)(only)
    with pytest.raises(ImageError, match=f"is for linux/{OTHER} and not"):
        Pulls(cache)(registry.push("plain", others))
    with pytest.raises(ImageError, match="is for no platform and not"):
        Pulls(cache)(registry.push("none", index()))
    pinned = f"{registry.host}/{REPOSITORY}@{ours.top}"
    assert Pulls(cache)(pinned).root == Pulls(cache)(both).root


def test_a_cut_costs_only_what_had_not_come(registry: Registry, cache: Cache) -> None:
    built = build(LOWER, UPPER)
    reference, blob = registry.push("1", built), compressed(LOWER)
    # At the very start, in the middle, a byte before the end; and before any byte of a manifest.
    places = [0, 1, 50_000, 99_000, len(blob) - 1]
    registry.wishes.cut = lambda path, before: (
        max(places[before] - sum(places[:before][-1:]), 0) if digest(blob) in path and before < len(places) else None
    )
    registry.wishes.status = lambda path, before: 503 if "manifests" in path and not before else None
    pulls = Pulls(cache)
    assert contents(pulls(reference))["b"] == b"2"
    ranges = [headers.get("Range") for path, headers in registry.requests if digest(blob) in path]
    assert ranges == [None, None, *(f"bytes={place}-" for place in places[1:])]
    assert len(pulls.slept) == len(places) + 1


def test_a_pull_that_was_given_up_is_resumed(registry: Registry, cache: Cache) -> None:
    reference, blob = registry.push("1", build(LOWER)), compressed(LOWER)
    registry.wishes.cut = lambda path, before: (
        (0 if before else 60_000) if "blobs" in path and digest(blob) in path else None
    )
    pulls = Pulls(cache)
    with pytest.raises(ImageError, match=r"to localhost:\d+ was cut .*: try again, and what has come is kept"):
        pulls(reference)
    assert len(pulls.slept) == 5
    assert nothing_is_left(cache)
    registry.wishes.cut = lambda path, before: None
    Pulls(cache)(reference)
    assert registry.requests[-1][1]["Range"] == "bytes=60000-"


def test_a_registry_without_ranges(registry: Registry, cache: Cache) -> None:
    reference = registry.push("1", build(LOWER))
    registry.wishes.ranges = False
    registry.wishes.cut = lambda path, before: 60_000 if digest(compressed(LOWER)) in path and not before else None
    assert contents(Pulls(cache)(reference))["b"] == b"1"


@pytest.mark.parametrize("kind", ["layer", "longer layer", "config", "manifest", "diff_id"])
def test_what_has_another_digest_is_not_used(registry: Registry, cache: Cache, kind: str) -> None:
    built = build(LOWER, UPPER, diff_ids=[digest(LOWER), digest(LOWER)] if kind == "diff_id" else None)
    manifest = json.loads(built.blobs[built.top])
    names = {"layer": digest(compressed(UPPER)), "config": manifest["config"]["digest"], "manifest": built.top}
    name = names.get(kind.rsplit(maxsplit=1)[-1], "")
    changed = {"longer layer": lambda body: body + b"x"}.get(kind, lambda body: body[:-1] + bytes([body[-1] ^ 1]))
    registry.wishes.lie = lambda path, body: changed(body) if path == name else body
    registry.push("1", built)
    with pytest.raises(ImageError, match="nothing of it was used"):
        Pulls(cache)(f"{registry.host}/{REPOSITORY}@{built.top}")
    assert nothing_is_left(cache)
    assert not [path for path in (cache.directory / "blobs").iterdir() if path.name.endswith(name[7:] + ".part")]
    registry.wishes.lie = lambda path, body: body
    if kind != "diff_id":
        assert contents(Pulls(cache)(f"{registry.host}/{REPOSITORY}@{built.top}"))["b"] == b"2"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"schemaVersion": 2}', b'{"layers": {}, "config": 1}', b'{"manifests": [1]}', b"\xff",
     b'{"layers": [], "config": {"digest": "sha256:../../x", "size": 1}}', b"[" * 100_000,
     b'{"layers": [{"digest": "sha256:' + b"a" * 64 + b'", "size": -1}], "config": {}}'],
)  # fmt: skip
def test_a_manifest_that_is_none(registry: Registry, cache: Cache, body: bytes) -> None:
    with pytest.raises(ImageError, match=r"is no usable image .*: push or save it again"):
        Pulls(cache)(registry.push("1", Built(digest(body), {digest(body): body})))


def test_an_old_or_endless_manifest(registry: Registry, cache: Cache) -> None:
    body = b'{"schemaVersion": 1, "fsLayers": []}'
    with pytest.raises(ImageError, match="is in Docker's format of before 2016"):
        Pulls(cache)(registry.push("1", Built(digest(body), {digest(body): body})))
    body = b" " * (4 * 1024 * 1024 + 1)
    with pytest.raises(ImageError, match="larger than 4 MB"):
        Pulls(cache)(registry.push("2", Built(digest(body), {digest(body): body})))


def test_anonymous_tokens_and_passwords(registry: Registry, cache: Cache, tmp_path: Path) -> None:
    reference = registry.push("1", build(UPPER))
    registry.wishes.token = "anonymous"
    Pulls(cache)(reference)
    private = registry.push("2", build(LOWER))
    registry.wishes.user, registry.wishes.password = "ann", "se:cret"
    message = (
        rf"{private} does not exist, or is private: check the name, or sign in with `docker login {registry.host}`"
    )
    with pytest.raises(ImageError, match=message):
        Pulls(cache)(private)
    auth = base64.b64encode(b"ann:se:cret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    signed_in = docker_credentials({"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)})
    Pulls(cache, credentials=signed_in)(private)
    registry.wishes.basic = True
    Pulls(cache, credentials=signed_in)(registry.push("3", build(LOWER, UPPER)))
    with pytest.raises(ImageError, match="is private"):
        Pulls(cache)(registry.push("4", build(LOWER)))


def test_a_credential_helper(registry: Registry, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        f'#!/bin/sh\n[ "$1 $(cat)" = "get {registry.host}" ] && echo \'{{"Username":"ann","Secret":"s"}}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "config.json").write_text('{"credsStore": "test"}')
    find = docker_credentials({"HOME": "/nowhere", "DOCKER_CONFIG": str(tmp_path)})
    assert find(registry.host) == ("ann", "s")
    assert find("other.example") is None
    (tmp_path / "config.json").write_text('{"credsStore": "../test", "credHelpers": [], "auths": 1}')
    assert find(registry.host) is None


@pytest.mark.parametrize("origin", ["host", "port"])
def test_no_authorization_follows_a_redirect(registry: Registry, cache: Cache, origin: str) -> None:
    built = build(LOWER)
    reference = registry.push("1", built)
    registry.wishes.token = "secret"
    with serve_registry() as store:
        store.push("1", built)
        registry.wishes.elsewhere = f"http://{'127.0.0.1' if origin == 'host' else 'localhost'}:{store.port}"
        Pulls(cache)(reference)
        assert store.paths("blobs")
        assert not any("Authorization" in headers for _, headers in store.requests)
    assert all(
        headers["Authorization"] == "Bearer secret" for path, headers in registry.requests[2:] if path != "/token"
    )


def test_redirects_and_realms_that_are_refused(registry: Registry, cache: Cache) -> None:
    reference = registry.push("1", build(LOWER))
    registry.wishes.elsewhere = "ftp://localhost"
    with pytest.raises(ImageError, match="which is not encrypted: nothing was pulled"):
        Pulls(cache)(reference)
    registry.wishes.elsewhere = f"http://{registry.host}"
    with pytest.raises(ImageError, match="redirects in circles"):
        Pulls(cache)(reference)
    registry.wishes.token, registry.wishes.realm = "x", "http://tokens.example/token"
    with pytest.raises(ImageError, match=r"wants passwords sent to http://tokens.example/token, which is not"):
        Pulls(cache, credentials=lambda host: ("ann", "secret"))(reference)


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "there is no image .*: check its name and its tag"), (403, "does not exist, or is private"),
     (429, "allows no more pulls for now: wait, or sign in"), (500, "failed .HTTP status 500.: try again later"),
     (418, "refused .*HTTP status 418")],
)  # fmt: skip
def test_refusals_are_sentences(registry: Registry, cache: Cache, status: int, message: str) -> None:
    registry.wishes.status = lambda path, before: status
    with pytest.raises(ImageError, match=message):
        Pulls(cache)(registry.push("1", build(LOWER)))
    assert nothing_is_left(cache)


def test_a_registry_that_is_not_there(cache: Cache) -> None:
    with pytest.raises(ImageError, match=r"localhost:1 cannot be reached \(.*\): check.*lambda-kernel images"):
        Pulls(cache)("localhost:1/a")


def test_two_pulls_at_once_are_one(registry: Registry, cache: Cache) -> None:
    reference = registry.push("1", build(LOWER, UPPER))
    arrived, go = threading.Event(), threading.Event()

    def wait(path: str, before: int) -> None:
        if "blobs" in path and digest(compressed(UPPER)) in path:
            arrived.set()
            assert go.wait(20)

    registry.wishes.status = wait
    first, second = Pulls(Cache(cache.directory)), Pulls(Cache(cache.directory))
    images: list[Image] = []
    threads = [
        threading.Thread(target=lambda pulls=pulls: images.append(pulls(reference))) for pulls in (first, second)
    ]
    threads[0].start()
    assert arrived.wait(20)
    threads[1].start()
    while not second.told:  # it is about to wait for the first
        threads[1].join(0.01)
    go.set()
    for thread in threads:
        thread.join()
    assert images[0] == images[1]
    assert [str(progress) for progress in second.told] == [f"waiting for another pull of {reference}"]
    assert len(registry.paths(digest(compressed(LOWER)))) == len(registry.paths(digest(compressed(UPPER)))) == 1


def test_a_full_disk(registry: Registry, cache: Cache) -> None:
    """A limit on the size of files stands for a full disk: both are errors of write(2)."""
    reference = registry.push("1", build(layer(file("big", os.urandom(300_000)))))
    code = f"""
import resource, signal, sys
from pathlib import Path
from lambda_kernel.images.cache import Cache
from lambda_kernel.images.errors import ImageError
from lambda_kernel.images.pull import Puller
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))
try:
    Puller(Cache(Path(sys.argv[1]))).get(sys.argv[2])
except ImageError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(cache.directory), reference]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "there is no room for the image in" in done.stdout
    assert "remove images with `lambda-kernel images --remove IMAGE`, or set XDG_CACHE_HOME" in done.stdout
    assert nothing_is_left(cache)
    Pulls(cache)(reference)
    assert registry.requests[-1][1]["Range"] == "bytes=100000-"


def test_images_are_bounded(registry: Registry, cache: Cache) -> None:
    reference = registry.push("1", build(layer(file("zeros", bytes(5_000_000)))))
    with pytest.raises(ImageError, match="unpacks to more than images may hold"):
        Pulls(cache, bounds=Bounds(bytes=4_999_999))(reference)
    assert nothing_is_left(cache)
    Pulls(cache, bounds=Bounds(bytes=5_000_000))(reference)


def test_an_image_in_the_cache_needs_nothing_that_unpacks(cache: Cache, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": build(LOWER)})
    Pulls(cache)(str(layout)).close()
    code = (
        "import sys; from pathlib import Path; from lambda_kernel.images.cache import Cache; "
        "from lambda_kernel.images.pull import Puller; Puller(Cache(Path(sys.argv[1]))).get(sys.argv[2]).close(); "
        "print(*[m for m in ('gzip', 'http.client', 'lambda_kernel.images.unpack', 'tarfile') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(cache.directory), str(layout)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == ""
