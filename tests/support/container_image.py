"""Container images that are made here: layers, manifests, OCI layouts, files as Docker saves them."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from lambda_kernel.images.manifest import OCI_INDEX, OCI_MANIFEST, architecture
from lambda_kernel.local.runtime_files import find_runtime_files

ARCHITECTURE = architecture(platform.machine())
Member = tuple[tarfile.TarInfo, bytes]
# What the function, what is sent along with calls and awslambdaric import.
_MODULES = """
__future__ ast asyncio base64 binascii bisect calendar codecs collections collections.abc concurrent.futures
contextlib copy csv ctypes datetime decimal difflib email.message enum errno fcntl fnmatch functools glob grp gzip
hashlib heapq hmac html http.client importlib.metadata importlib.util inspect io itertools json linecache locale
logging math mimetypes multiprocessing numbers operator os pathlib pickle platform pprint pwd queue random re resource
runpy secrets select selectors pty shlex shutil signal tty socket ssl stat statistics string struct subprocess
sysconfig tarfile tempfile termios textwrap threading time token tokenize traceback types typing unicodedata
urllib.parse urllib.request uuid warnings weakref zipfile zlib encodings.idna encodings.ascii encodings.latin_1
encodings.utf_8
"""


def file(name: str, data: bytes = b"", mode: int = 0o644, **about: Any) -> Member:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), mode, 1_700_000_000
    for key, value in about.items():
        setattr(member, key, value)
    return member, data


def directory(name: str, mode: int = 0o755) -> Member:
    return file(name, mode=mode, type=tarfile.DIRTYPE)


def symlink(name: str, target: str) -> Member:
    return file(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> Member:
    return file(name, type=tarfile.LNKTYPE, linkname=target)


def layer(*members: Member) -> bytes:
    """A layer's tar, uncompressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def compressed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


@dataclass
class Built:
    """An image: its blobs by digest, and the digest of what names it."""

    top: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    media_type: str = OCI_MANIFEST

    def add(self, data: bytes) -> dict[str, Any]:
        self.blobs[digest(data)] = data
        return {"digest": digest(data), "size": len(data)}


def build(
    *layers: bytes,
    environment: Sequence[str] = (),
    working_directory: str = "",
    machine: str = ARCHITECTURE,
    compress: Callable[[bytes], bytes] = compressed,
    media_type: str = OCI_MANIFEST,
    diff_ids: Sequence[str] | None = None,
) -> Built:
    """An image of uncompressed layers."""
    built = Built("", media_type=media_type)
    settings: dict[str, Any] = {"Env": list(environment), "WorkingDir": working_directory}
    config = {
        "architecture": machine,
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids or map(digest, layers))},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": built.add(json.dumps(config).encode()),
        "layers": [built.add(compress(one)) for one in layers],
    }
    built.top = built.add(json.dumps(manifest).encode())["digest"]
    return built


def index(*images: tuple[Built, str], extra: Sequence[Mapping[str, Any]] = ()) -> Built:
    """An index of images for several architectures, with an attestation as BuildKit adds it."""
    built = Built("", media_type=OCI_INDEX)
    entries: list[dict[str, Any]] = []
    for image, machine in images:
        built.blobs |= image.blobs
        size = len(image.blobs[image.top])
        about = {"mediaType": image.media_type, "digest": image.top, "size": size}
        attestation = built.add(json.dumps({"schemaVersion": 2, "about": image.top}).encode())
        entries += [
            {**attestation, "platform": {"os": "unknown", "architecture": "unknown"}},
            {**about, "platform": {"os": "linux", "architecture": machine}},
        ]
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, *extra]}
    built.top = built.add(json.dumps(body).encode())["digest"]
    return built


def write_layout(path: Path, images: Mapping[str, Built]) -> Path:
    """An OCI layout with a tag for each image."""
    entries = []
    for tag, built in images.items():
        for name, data in built.blobs.items():
            blob = path / "blobs" / name.replace(":", "/")
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(data)
        about = {"mediaType": built.media_type, "digest": built.top, "size": len(built.blobs[built.top])}
        entries.append({**about, "annotations": {"org.opencontainers.image.ref.name": tag}})
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def write_docker_archive(path: Path, images: Mapping[str, tuple[bytes, Sequence[bytes]]]) -> Path:
    """What `docker save` wrote before version 25: for each tag a configuration, and layers."""
    entries = []
    with tarfile.open(path, "w") as tar:
        for tag, (config, layers) in images.items():
            name = f"{digest(config)[7:]}.json"
            _add(tar, name, config)
            names = [f"{digest(one)[7:]}/layer.tar" for one in layers]
            for layer_name, one in zip(names, layers, strict=True):
                _add(tar, layer_name, one)
            entries.append({"Config": name, "RepoTags": [tag], "Layers": names})
        _add(tar, "manifest.json", json.dumps(entries).encode())
    return path


def config_of(built: Built) -> bytes:
    return built.blobs[json.loads(built.blobs[built.top])["config"]["digest"]]


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(file(name, data)[0], io.BytesIO(data))


def shell_layer() -> bytes:
    """The lowest layer of an image with this machine's bash, some commands, and Python; made once for a home."""
    path = Path.home() / "shell-layer.tar"
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_bytes(layer(*_system()))
            new.rename(path)
        return path.read_bytes()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _system() -> Iterator[Member]:
    home = Path(sys.base_prefix)
    python = home / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    modules = _module_files(python)
    programs = [Path("/bin", name) for name in ("bash", "cat", "ls", "env", "id", "uname", "df", "sleep")]
    for name in ("bin", "etc", "var", "var/task", "usr", "tmp", "proc", "dev", "run"):
        yield directory(name)
    yield file("etc/os-release", b'NAME="Small Linux"\n')
    for program in programs:
        yield file(f"bin/{program.name}", program.resolve().read_bytes(), 0o755)
    yield symlink("bin/sh", "bash")
    yield file(f"opt/python/bin/{python.name}", python.resolve().read_bytes(), 0o755)
    yield symlink("opt/python/bin/python3", python.name)
    for module in modules:
        for path in (module, Path(cache_from_source(str(module)))):
            if path.exists():  # what is compiled counts only beside a source of its time
                time = int(path.stat().st_mtime)
                yield file(f"opt/python/{path.relative_to(home)}", path.read_bytes(), mtime=time)
    client = [path for path in find_runtime_files().packages.values() if path.suffix == ".so"]
    binaries = [*programs, python, *client, *(module for module in modules if module.suffix == ".so")]
    for library in sorted(_libraries(binaries)):
        yield file(str(library).lstrip("/"), library.resolve().read_bytes(), 0o755)


def _module_files(python: Path) -> list[Path]:
    names = ", ".join(_MODULES.split())
    code = f"import sys, {names}\nfor m in list(sys.modules.values()): print(getattr(m, '__file__', None))"
    done = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    found = {Path(line) for line in done.stdout.splitlines() if line.startswith(sys.base_prefix)}
    return sorted(path for path in found if path.is_file())


def _libraries(binaries: Sequence[Path]) -> set[Path]:
    done = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False)
    return {Path(found) for found in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)}
