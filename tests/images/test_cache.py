"""What is kept, who may remove it, and `lambda-kernel images`."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from lambda_kernel.images.cache import Cache
from lambda_kernel.images.command import Wish, run
from lambda_kernel.images.errors import ImageError
from lambda_kernel.images.pull import Puller
from tests.support.container_image import build, config_of, file, layer, write_docker_archive, write_layout
from tests.support.registry import Registry

ONE, TWO, SHARED = (
    build(layer(file("1")), layer(file("0"))),
    build(layer(file("2")), layer(file("0"))),
    layer(file("0")),
)


def images(cache: Cache, pull: list[str] | None = None, remove: list[str] | None = None) -> str:
    out = io.StringIO()
    run(Wish(pull, remove), cache, lambda: Puller(cache), out)
    return out.getvalue()


def test_images_are_listed_updated_and_removed(registry: Registry, cache: Cache) -> None:
    assert images(cache) == f"There are no images in {cache.directory}\n"
    one, again, two = registry.push("1", ONE), registry.push("again", ONE), registry.push("2", TWO)
    used = Puller(cache).get(one)
    assert images(cache, pull=[again, two]) == f"{again} is now {ONE.top[7:19]}\n{two} is now {TWO.top[7:19]}\n"
    rows = [line.split(maxsplit=3) for line in images(cache).splitlines()]
    assert rows == [
        ["IMAGE", "DIGEST", "MB"],
        [one, ONE.top[7:19], "0.0", "in use"],
        [again, ONE.top[7:19], "0.0", "in use"],
        [two, TWO.top[7:19], "0.0"],
    ]
    assert images(cache, remove=[again]) == f"Removed {again}; its image stays, since another reference means it\n"
    with pytest.raises(ImageError, match=f"{one} is in use by a kernel or an emulator: end it, and then remove"):
        images(cache, remove=[one])
    assert used.root.is_dir()
    used.close()
    assert images(cache, remove=[one]) == f"Removed {one} ({ONE.top[7:19]})\n"
    # What both had stays; what only the first had has gone.
    assert {path.name for path in (cache.directory / "blobs").iterdir()} == {
        layer_digest.replace(":", "-") for layer_digest in TWO.blobs if cache.blob(layer_digest).exists()
    }
    assert len(list((cache.directory / "blobs").iterdir())) == 2
    assert images(cache, remove=[TWO.top[7:15]]).startswith("Removed ")
    assert not any(list((cache.directory / name).iterdir()) for name in ("blobs", "images", "pins"))
    with pytest.raises(ImageError, match="in the cache: `lambda-kernel images` lists them"):
        images(cache, remove=["nothing"])


def test_an_update_takes_what_the_tag_means_now(registry: Registry, cache: Cache) -> None:
    reference = registry.push("1", ONE)
    Puller(cache).get(reference).close()
    assert images(cache, pull=[]) == f"{reference} is still {ONE.top[7:19]}\n"
    old = Puller(cache).get(reference)
    registry.push("1", TWO)
    assert images(cache, pull=[]) == f"{reference} is now {TWO.top[7:19]}\n"
    # Somebody uses the old one. It goes with the next update.
    assert "(none)" in images(cache)
    old.close()
    registry.push("1", ONE)
    images(cache, pull=[])
    assert [entry.record.digest for entry in cache.entries()] == [ONE.top]


def test_what_somebody_deleted_is_pulled_again(registry: Registry, cache: Cache) -> None:
    reference = registry.push("1", ONE)
    used = Puller(cache).get(reference)
    for gone in (used.root, used.root.parent, cache.directory / "images", cache.directory):
        shutil.rmtree(gone)
        assert (Puller(cache).get(reference).root / "1").exists()


def test_what_a_killed_pull_left_is_not_used(registry: Registry, cache: Cache) -> None:
    cache.prepare()
    left = cache.directory / "images" / f"{ONE.top.replace(':', '-')}.new-killed"
    (left / "root").mkdir(parents=True)
    reference = registry.push("1", ONE)
    assert (Puller(cache).get(reference).root / "1").exists()
    assert not left.exists()
    other = cache.directory / "images" / f"{TWO.top.replace(':', '-')}.new-killed"
    other.mkdir()
    cache.partial(TWO.top).touch()
    with cache.pulling():
        cache.tidy()
    assert other.exists()
    cache.tidy()
    assert not other.exists()
    assert not cache.partial(TWO.top).exists()


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match=r"the cache of images cannot be written to .*: see that you may write there"):
        Puller(Cache(tmp_path / "file" / "cache")).get("localhost:1/a")


def test_files_of_docker_and_layouts(cache: Cache, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"one": ONE, "two": TWO})
    shutil.make_archive(str(tmp_path / "archive"), "tar", layout)
    plain = layer(file("0")), layer(file("1"))
    docker = write_docker_archive(tmp_path / "docker.tar", {"me/app:1": (config_of(ONE), plain[::-1])})
    for reference, name in {
        f"{layout}:one": "1", f"oci:{layout}:two": "2", f"oci-archive:{tmp_path}/archive.tar:one": "1",
        f"{tmp_path}/archive.tar:two": "2", str(docker): "1", f"docker-archive:{docker}:me/app:1": "1",
        f"{docker}:1": "1",
    }.items():  # fmt: skip
        assert sorted(path.name for path in Puller(cache).get(reference).root.iterdir()) == ["0", name]
    with pytest.raises(ImageError, match="holds several images: add one of the tags one, two after a colon"):
        Puller(cache).get(str(layout))
    with pytest.raises(ImageError, match=r"no image with the tag '3': choose one of its tags \(one, two\)"):
        Puller(cache).get(f"{layout}:3")
    # The file is read each time, and is not needed once its image is in the cache.
    write_docker_archive(docker, {"me/app:1": (config_of(TWO), [layer(file("2")), plain[0]])})
    assert (Puller(cache).get(str(docker)).root / "2").exists()
    docker.unlink()
    assert (Puller(cache).get(str(docker)).root / "2").exists()
    with pytest.raises(ImageError, match=r"there is no file .*: check the path"):
        Puller(cache).get(str(tmp_path / "nothing.tar"))


def test_files_that_hold_no_image(cache: Cache, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    lists = (b"[1]", b"{}", b"\xff", b'[{"Config": 1, "Layers": []}]', b'[{"Config": "c"}]')
    tars = [layer(file("etc/passwd")), *(layer(file("manifest.json", body)) for body in lists)]
    for body in (b"", b"not a tar", b"\x1f\x8b" + b"x" * 99, *tars):
        bad.write_bytes(body)
        with pytest.raises(ImageError, match="holds no container image: name a file of `docker save IMAGE -o FILE`"):
            Puller(cache).get(str(bad))
    bad.write_bytes(layer(file("manifest.json", b'[{"Config": "c", "Layers": []}]')))
    with pytest.raises(ImageError, match="lacks c: save the image again"):
        Puller(cache).get(str(bad))


def test_a_layer_of_a_file_that_is_wrong(cache: Cache, tmp_path: Path) -> None:
    docker = write_docker_archive(tmp_path / "docker.tar", {"a:1": (config_of(ONE), [SHARED, SHARED])})
    with pytest.raises(ImageError, match=r"a layer of .* is damaged, so nothing of it was used"):
        Puller(cache).get(str(docker))
    assert not cache.entries()


def test_a_directory_is_used_where_it_lies(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "root" / "etc").mkdir(parents=True)
    for text in (f"{tmp_path}/root", f"dir:{tmp_path}/root"):
        image = Puller(cache).get(text)
        assert (image.root, image.digest, image.environment) == (tmp_path / "root", "", {})
    assert not cache.directory.exists()
