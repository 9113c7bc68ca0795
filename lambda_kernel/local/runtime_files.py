"""The files that an environment is built from: the interpreter, AWS's runtime client, users and groups."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from .errors import EngineError

# awslambdaric and what it needs; without one of them nothing runs.
_REQUIRED = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
# Lambda's Python runtime also brings boto3: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
_OPTIONAL = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

USER = "sbx_user1051"
UID, GID = 993, 990
PASSWD = f"root:x:0:0:root:/root:/bin/bash\n{USER}:x:{UID}:{GID}::/home/{USER}:/sbin/nologin\n"
GROUP = f"root:x:0:\n{USER}:x:{GID}:\n"

# site would run what the .pth files of the host's Python say, which may take longer than all else of a cold start.
WITHOUT_SITE = "-S"

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True)
class RuntimeFiles:
    """Paths on the host."""

    python_home: Path
    python: Path
    # Name in /var/runtime -> where it lies.
    packages: Mapping[str, Path] = field(hash=False)

    def link_into(self, directory: Path) -> None:
        """Make a replacement for /var/runtime if nothing can be mounted."""
        directory.mkdir()
        for name, path in self.packages.items():
            (directory / name).symlink_to(path)
        # A script's own directory heads the module path, and a link would make that the engine's directory.
        (directory / BOOTSTRAP.name).unlink()
        shutil.copyfile(BOOTSTRAP, directory / BOOTSTRAP.name)


def write_accounts(directory: Path) -> None:
    """Write the user and group files that the sandbox's users may read."""
    for name, text in (("passwd", PASSWD), ("group", GROUP)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o644)


def find_runtime_files(find: Callable[[str], ModuleSpec | None] = find_spec) -> RuntimeFiles:
    """Locate everything without importing it."""
    packages: dict[str, Path] = {BOOTSTRAP.name: BOOTSTRAP}
    for name in (*_REQUIRED, *_OPTIONAL):
        spec = find(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            path = origin.parent if origin.name == "__init__.py" else origin
            packages[path.name] = path.resolve()
        elif name in _REQUIRED:
            raise EngineError(f"the local emulator needs {name}: run `pip install awslambdaric`")
    home = Path(sys.base_prefix).resolve()
    python = home / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not python.exists():
        python = Path(sys.executable)
    return RuntimeFiles(home, python, packages)
