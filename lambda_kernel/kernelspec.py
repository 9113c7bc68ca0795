"""The directories in which Jupyter finds our kernels: build, write, find and remove them.

A kernelspec is ours when the metadata in its kernel.json has our key. Whatever else bears the same name is never
written over and never deleted.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir, jupyter_path

DEFAULT_NAME = "lambda"
DISPLAY_NAME = "AWS Lambda shell"
METADATA_KEY = "lambda_kernel"
SPEC_FILE = "kernel.json"
LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")

# The wheel's kernel.json cannot know an absolute path, and a bare `python` would be the interpreter of the Jupyter
# server that reads it. The script lies beside the data in every layout that pip knows, `pip install --user` too,
# where there is no bin/python.
WHEEL_LAUNCHER = ("{resource_dir}/../../../../bin/lambda-kernel", "launch")

# jupyter_client lists names of letters, digits, `.`, `_` and `-`, and looks for them in lower case; a leading dot
# would make a hidden directory, or the parent.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class KernelspecError(Exception):
    """One sentence for the user: what, where, and what to do next."""


@dataclass(frozen=True)
class Options:
    """The function a kernel talks to; what is None is left to the environment and the configuration."""

    function: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    def chosen(self) -> dict[str, str]:
        return {key: value for key, value in asdict(self).items() if value is not None}


def build_argv(launcher: Sequence[str], options: Options) -> list[str]:
    """Return the command of a kernel process; the options are traitlets of the kernel class."""
    traits = [f"--LambdaKernel.{key}={value}" for key, value in options.chosen().items()]
    # Below ERROR, ipykernel warns in the user's console that the loopback connection is not encrypted.
    return [*launcher, "-f", "{connection_file}", "--log-level=ERROR", *traits]


def build_spec(launcher: Sequence[str], options: Options, display_name: str | None = None) -> dict[str, Any]:
    """Return what kernel.json holds."""
    return {
        "argv": build_argv(launcher, options),
        "display_name": display_name or default_display_name(options),
        "language": "bash",
        "interrupt_mode": "message",
        "metadata": {"debugger": False, METADATA_KEY: options.chosen()},
    }


def default_display_name(options: Options) -> str:
    """Name the function, without the account that its ARN holds, and where it is."""
    function = options.function and options.function.rpartition(":function:")[2]
    where = ", ".join(filter(None, (function, options.region or options.endpoint_url)))
    return f"{DISPLAY_NAME} ({where})" if where else DISPLAY_NAME


def check_name(name: str) -> str:
    """Return a name that Jupyter will list, or say which names it does."""
    if not _NAME.fullmatch(name):
        raise KernelspecError(
            f"{name!r} cannot be a kernel's name: use lower-case letters, digits, '.', '_' and '-', "
            "and begin with a letter or digit"
        )
    return name


def kernels_directory(*, user: bool = False, prefix: str | None = None) -> Path:
    """Return where kernels live: the user's directory, a prefix, or the environment this runs in."""
    if user:
        return Path(jupyter_data_dir()) / "kernels"
    return Path(prefix or sys.prefix).absolute() / "share" / "jupyter" / "kernels"


def searched_directories() -> list[Path]:
    """Return the directories in which Jupyter looks for kernels, the first to win first."""
    return [Path(directory) for directory in jupyter_path("kernels")]


def is_ours(directory: Path) -> bool:
    """Tell whether the kernelspec in a directory was written by this package."""
    try:
        spec = json.loads((directory / SPEC_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    metadata = spec.get("metadata") if isinstance(spec, dict) else None
    return isinstance(metadata, dict) and METADATA_KEY in metadata


def install(directory: Path, spec: dict[str, Any]) -> bool:
    """Write a kernelspec, over one of ours if there is one, and return whether there was."""
    existed = directory.exists()
    if existed and not is_ours(directory):
        raise KernelspecError(
            f"{directory} is there already and is not ours, so it was left alone: choose another name with --name"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write(directory, spec)
    except OSError as error:
        raise KernelspecError(
            f"cannot write to {error.filename or directory} ({error.strerror}): "
            "choose a directory of yours with --user or --prefix DIR"
        ) from error
    return existed


def write(directory: Path, spec: dict[str, Any]) -> None:
    """Fill a kernelspec's directory. kernel.json comes last: Jupyter lists a directory once it holds one."""
    for logo in LOGOS:
        (directory / logo).write_bytes((_resources() / logo).read_bytes())
    text = json.dumps(spec, indent=2, ensure_ascii=False) + "\n"
    (directory / SPEC_FILE).write_text(text, encoding="utf-8")


def uninstall(name: str, directories: Iterable[Path]) -> list[Path]:
    """Remove our kernelspecs of a name from kernel directories and return where they were."""
    found = [directory / name for directory in directories if (directory / name).exists()]
    ours = [spec for spec in found if is_ours(spec)]
    if not ours and found:
        raise KernelspecError(
            f"{found[0]} is not ours, so it was left alone: `jupyter kernelspec remove {name}` removes any kernel"
        )
    if not ours:
        raise KernelspecError(f"there is no kernel named {name!r} here: `jupyter kernelspec list` shows all there are")
    for spec in ours:
        _remove(spec)
    return ours


def _remove(directory: Path) -> None:
    try:
        if directory.is_symlink():
            directory.unlink()
            return
        for file in (SPEC_FILE, *LOGOS):
            (directory / file).unlink(missing_ok=True)
        if not any(directory.iterdir()):
            directory.rmdir()
    except OSError as error:
        raise KernelspecError(
            f"cannot remove {error.filename or directory} ({error.strerror}): run this as the user who owns it"
        ) from error


def _resources() -> Path:
    packaged = Path(__file__).parent / "resources"
    # A checkout (an editable install) has them beside the package only.
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "kernelspec"
