"""Layers, friendly and hostile, become a directory."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_kernel.images.errors import ImageError
from lambda_kernel.images.layers import LayerReader
from lambda_kernel.images.unpack import Bounds, Tree
from tests.support.container_image import Member, digest, directory, file, hard_link, layer, symlink


class Unpacked:
    """A root directory inside of another one, in which nothing else may appear."""

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        self.root = path / "outside" / "root"
        self.root.mkdir(parents=True)
        (path / "outside" / "secret").write_text("mine")
        self._bounds = bounds or Bounds()

    def apply(self, *layers: bytes) -> None:
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            tree = Tree(descriptor, "the image", self._bounds)
            for one in layers:
                reader = LayerReader(io.BytesIO(one), "a layer", digest(one), 10**9, lambda done: None)
                tree.apply(reader)
                reader.finish()
        finally:
            os.close(descriptor)

    @property
    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def assert_nothing_outside(self) -> None:
        assert sorted(path.name for path in self.root.parent.iterdir()) == ["root", "secret"]
        assert (self.root.parent / "secret").read_text() == "mine"
        assert (self.root.parent / "secret").stat().st_nlink == 1


@pytest.fixture
def unpacked(tmp_path: Path) -> Unpacked:
    return Unpacked(tmp_path)


def test_files_links_modes_and_times(unpacked: Unpacked) -> None:
    unpacked.apply(
        layer(
            directory("./"), directory("bin", 0o555), file("./bin/su", b"#!", 0o4755, uid=0, gid=7),
            file("etc/shadow", b"x", 0o000), symlink("etc/mtab", "/proc/mounts"), symlink("lib", "usr/lib"),
            file("lib/late", b"through the link"), hard_link("bin/sudo", "bin/su"), hard_link("mtab2", "etc/mtab"),
            file("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), file("pipe", type=tarfile.FIFOTYPE),
            directory("tmp", 0o1777), file("ümlaut-\udcff", b"1"),
        )
    )  # fmt: skip
    root = unpacked.root
    assert "dev" not in unpacked.names
    assert "pipe" not in unpacked.names
    assert stat.S_IMODE((root / "bin/su").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "bin").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "etc/shadow").stat().st_mode) == 0o600
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    assert (root / "bin/su").stat().st_uid == os.getuid()
    assert (root / "bin/su").stat().st_mtime == 1_700_000_000
    assert (root / "bin/sudo").samefile(root / "bin/su")
    assert os.readlink(root / "etc/mtab") == os.readlink(root / "mtab2") == "/proc/mounts"
    assert (root / "usr/lib/late").read_text() == "through the link"
    assert os.path.exists(os.fsencode(root) + "ümlaut-".encode().join([b"/", b"\xff"]))
    unpacked.assert_nothing_outside()


def test_whiteouts_hide_lower_layers_only(unpacked: Unpacked) -> None:
    lower = layer(
        file("a/old", b"1"), file("a/kept", b"1"), file("b/x/deep", b"1"), file("b/y", b"1"), file("c/old", b"1"),
        file("d", b"1"), symlink("e", "a"),
    )  # fmt: skip
    upper = layer(
        file("a/.wh.old"), file("a/.wh.never"), file("nowhere/.wh.x"), file("a/.wh..wh.plnk"),
        # An opaque directory, with what the same layer adds before and after the mark.
        file("b/x/new", b"2"), file("b/.wh..wh..opq"), file("b/z", b"2"),
        # Hidden and made again in one layer, in either order.
        file("c/new", b"2"), file(".wh.c"), file(".wh.d"), file("d", b"2"), file(".wh.e"),
    )  # fmt: skip
    unpacked.apply(lower, upper)
    assert unpacked.names == ["a", "a/kept", "b", "b/x", "b/x/new", "b/z", "c", "c/new", "d"]
    assert (unpacked.root / "d").read_text() == "2"


def test_a_kind_replaces_another(unpacked: Unpacked) -> None:
    unpacked.apply(
        layer(file("a", b"file"), file("b/x", b"1"), symlink("c", "b"), directory("d"), file("e/x", b"1")),
        layer(directory("a"), file("a/y", b"2"), file("b", b"2"), directory("c"), symlink("d", "a"), directory("e")),
    )
    root = unpacked.root
    assert unpacked.names == ["a", "a/y", "b", "c", "d", "e", "e/x"]
    assert root.joinpath("b").read_text() == "2"
    assert not root.joinpath("c").is_symlink()
    assert os.readlink(root / "d") == "a"


@pytest.mark.parametrize(
    "members",
    [
        [symlink("out", "../.."), file("out/planted", b"x")],
        [symlink("out", "/"), file("out/planted", b"x")],
        [symlink("out", "../secret"), file("out", b"overwritten")],
        [symlink("out", "../secret"), file("out/planted", b"x")],
        [symlink("a", "b"), symlink("b", "../../.."), directory("a/c"), file("a/c/planted", b"x")],
        [directory("d"), symlink("d/up", ".."), file("d/up/up/planted", b"x"), symlink("d/up/x", "../.."),
         file("d/up/x/planted", b"x")],
        [file("/absolute", b"x"), symlink("/etc", "/etc"), directory("etc"), file("/etc/passwd", b"x")],
        [symlink("out", "../secret"), file("x/.wh.y"), file(".wh.out")],
        [symlink("out", ".."), file("out/.wh.secret"), file("out/.wh..wh..opq")],
    ],
)  # fmt: skip
def test_links_lead_nowhere_outside(unpacked: Unpacked, members: list[Member]) -> None:
    unpacked.apply(*(layer(member) for member in members))
    unpacked.apply(layer(*members))
    unpacked.assert_nothing_outside()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([file("../planted", b"x")], "holds the path '../planted', which leads out of it"),
        ([file("a/../../planted", b"x")], "leads out of it: do not use this image"),
        ([hard_link("x", "../secret")], "leads out of it"),
        ([hard_link("x", "nothing")], "is damaged"),
        ([directory("d"), hard_link("x", "d")], "is damaged"),
        ([symlink("out", ".."), hard_link("x", "out/secret")], "is damaged"),
        ([symlink("a", "b"), symlink("b", "a"), file("a/x", b"x")], "a circle of links"),
        ([file("d/" * 300 + "x", b"x")], "too deep"),
        ([directory("d"), file("d/.wh..")], "is damaged"),
        ([directory("d"), file("d/.wh...")], "is damaged"),
    ],
)
def test_what_leads_out_is_refused(unpacked: Unpacked, members: list[Member], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        unpacked.apply(layer(*members))
    unpacked.assert_nothing_outside()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_layer_reaches_outside(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    names = st.lists(st.sampled_from(["a", "b", "..", ".", "secret", ".wh.a", ".wh..wh..opq"]), min_size=1, max_size=4)
    paths = names.map("/".join)
    targets = st.tuples(st.sampled_from(["", "/", "../"]), paths).map("".join)
    members = st.one_of(
        st.builds(lambda path: file(path, b"x"), paths),
        st.builds(directory, paths),
        st.builds(symlink, paths, targets),
        st.builds(hard_link, paths, targets),
    )
    unpacked = Unpacked(tmp_path_factory.mktemp("tree"))
    for one in data.draw(st.lists(st.lists(members, max_size=5), max_size=4)):
        try:
            unpacked.apply(layer(*one))
        except ImageError:
            continue
    unpacked.assert_nothing_outside()


def test_mount_points_are_made_inside(unpacked: Unpacked) -> None:
    unpacked.apply(layer(symlink("etc", "../../etc2"), file("tmp", b"x"), symlink("run", "/"), directory("kept/x")))
    descriptors = len(os.listdir("/proc/self/fd"))
    root = os.open(unpacked.root, os.O_RDONLY)
    tree = Tree(root, "the image", Bounds())
    for point in ("/tmp/", "/etc/hosts", "/run/a/b/", "/kept/", "/etc/hosts/", "/x/../../y/"):
        tree.ensure(point, directory=point.endswith("/"))
    os.close(root)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    expected = ["a", "a/b", "etc", "etc2", "etc2/hosts", "kept", "kept/x", "run", "tmp", "x", "y"]
    assert [name for name in unpacked.names if not name.startswith(("etc/", "run/"))] == expected
    assert (unpacked.root / "etc2/hosts").is_dir()
    unpacked.assert_nothing_outside()


def test_bounds(tmp_path: Path) -> None:
    five = layer(*(file(f"f{number}", b"12345") for number in range(5)))
    Unpacked(tmp_path / "fits", Bounds(bytes=25, files=5)).apply(five)
    for name, bounds in {"bytes": Bounds(bytes=24), "files": Bounds(files=4)}.items():
        with pytest.raises(ImageError, match="unpacks to more than images may hold"):
            Unpacked(tmp_path / name, bounds).apply(five)


@pytest.mark.parametrize("at", [0, 100, 511, 512, 600, 1023, 1030])
def test_a_damaged_archive(unpacked: Unpacked, at: int) -> None:
    whole = layer(file("a", b"x" * 600), file("b", b"y"))
    with pytest.raises(ImageError, match="is damaged, so nothing of it was used: pull or save the image again"):
        unpacked.apply(whole[:at])


def test_headers_that_claim_to_be_huge(unpacked: Unpacked) -> None:
    """tarfile would read such a header into memory, or go round in circles."""
    for kind, size in ((tarfile.GNUTYPE_LONGNAME, 2**40), (tarfile.XHDTYPE, 2**33), (tarfile.REGTYPE, -512)):
        member = tarfile.TarInfo("x")
        member.type, member.size = kind, abs(size)
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        if size < 0:
            header[124:136] = b"\xff" * 10 + b"\xfe\x00"
            header[148:156] = b" " * 8
            header[148:156] = b"%06o\0 " % sum(header[:512])
        with pytest.raises(ImageError, match="is damaged"):
            unpacked.apply(bytes(header) + bytes(1024))
