"""Pulling from the registry that Docker's project makes, as Debian packages it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from lambda_kernel.images.cache import Cache
from lambda_kernel.images.pull import Puller
from tests.support.container_image import Built, build, digest, file, layer

CONFIG = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "localhost:{port}"}}
"""
PROGRAM = shutil.which("docker-registry")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed")
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(root=tmp_path / "storage", port=port))
    with subprocess.Popen([PROGRAM, "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not _answers(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
        yield f"localhost:{port}"
        process.terminate()


def _answers(port: int) -> bool:
    retries = urllib3.Retry(20, backoff_factor=0.05)
    with urllib3.PoolManager(retries=retries) as http:
        return http.request("GET", f"http://localhost:{port}/v2/").status == 200


def push(host: str, name: str, tag: str, built: Built) -> None:
    """https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push"""
    with urllib3.PoolManager() as http:
        for blob in built.blobs.values():
            place = http.request("POST", f"http://{host}/v2/{name}/blobs/uploads/").headers["Location"]
            done = http.request("PUT", f"{place}&digest={digest(blob)}", body=blob)
            assert done.status == 201
        about = {"Content-Type": built.media_type}
        body = built.blobs[built.top]
        done = http.request("PUT", f"http://{host}/v2/{name}/manifests/{tag}", body=body, headers=about)
        assert done.status == 201, done.data


def test_a_real_registry(host: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    one = build(layer(file("a", b"1" * 100_000)), layer(file("b", b"2")))
    push(host, "team/app", "1", one)
    image = Puller(cache).get(f"{host}/team/app:1")
    assert (image.digest, sorted(path.name for path in image.root.iterdir())) == (one.top, ["a", "b"])
    # What came of a cut pull is continued by a range.
    blob = max(one.blobs, key=lambda name: len(one.blobs[name]))
    image.close()
    cache.remove(f"{host}/team/app:1")
    cache.partial(blob).write_bytes(one.blobs[blob][:50])
    assert Puller(cache).get(f"{host}/team/app@{one.top}").digest == one.top
    assert cache.blob(blob).read_bytes() == one.blobs[blob]
