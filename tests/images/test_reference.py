"""What names an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambda_kernel.images.errors import ImageError
from lambda_kernel.images.reference import PathReference, RegistryReference, parse

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("python", "docker.io/library/python:latest", "latest"),
        ("python:3.14", "docker.io/library/python:3.14", "3.14"),
        ("me/app", "docker.io/me/app:latest", "latest"),
        ("docker.io/python", "docker.io/library/python:latest", "latest"),
        ("index.docker.io/me/app:1", "docker.io/me/app:1", "1"),
        ("docker://me/app:1", "docker.io/me/app:1", "1"),
        ("public.ecr.aws/lambda/python:3.14", "public.ecr.aws/lambda/python:3.14", "3.14"),
        ("localhost/a__b/c-d.e", "localhost/a__b/c-d.e:latest", "latest"),
        ("localhost:5000/a:5", "localhost:5000/a:5", "5"),
        (f"r.example/a@{DIGEST}", f"r.example/a@{DIGEST}", DIGEST),
        (f"r.example/a:1@{DIGEST}", f"r.example/a:1@{DIGEST}", DIGEST),
    ],
)
def test_names_in_registries_are_dockers(text: str, name: str, wanted: str) -> None:
    found = parse(text)
    assert isinstance(found, RegistryReference)
    assert (str(found), found.wanted) == (name, wanted)
    assert parse(name) == found


def test_paths(tmp_path: Path) -> None:
    (tmp_path / "a:b.tar").touch()
    for text, expected in {
        "./image.tar": PathReference("path", tmp_path / "image.tar"),
        "image.tar/../x": None,
        "docker-archive:image.tar": PathReference("archive", tmp_path / "image.tar"),
        "docker-archive:image.tar:me/app:1": PathReference("archive", tmp_path / "image.tar", "me/app:1"),
        "oci:layout:v1": PathReference("layout", tmp_path / "layout", "v1"),
        "oci-archive:/srv/x.tar": PathReference("archive", Path("/srv/x.tar")),
        "dir:root:fs": PathReference("directory", tmp_path / "root:fs"),
        f"{tmp_path}/a:b.tar": PathReference("path", tmp_path / "a:b.tar"),
        "..": PathReference("path", tmp_path / ".."),
    }.items():
        if expected is None:
            with pytest.raises(ImageError):
                parse(text, tmp_path)
        else:
            assert parse(text, tmp_path) == expected
            assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", " a", "a b", "A/B", "a:", "a:-b", "a@sha256:12", "a@md5:" + "0" * 32, "oci:", "x" * 300, "a//b", "a/../b",
     "r.example:port/a", "-r.example/a", "http://r.example/a", "a\x1b[2J", "-", "a:b:c", "_/a"],
)  # fmt: skip
def test_what_names_no_image_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ImageError, match=r"names no image, because .*: write it as in .*python:3.14 or ./image.tar"):
        parse(text)


def test_the_home_of_a_user_who_does_not_exist_is_a_name(tmp_path: Path) -> None:
    """As for bash. pathlib refuses it with a RuntimeError."""
    found = parse("~no.such.user/a.tar", tmp_path)
    assert isinstance(found, PathReference)
    assert found.path == tmp_path / "~no.such.user/a.tar"
