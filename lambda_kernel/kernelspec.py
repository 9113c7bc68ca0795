"""Builds, writes, finds and removes our kernelspecs.

A kernelspec is ours if the metadata in its kernel.json has our key. Others of the same name are never overwritten or
deleted.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir, jupyter_path

from . import JUPYTER_PROTOCOL
from .aws import regions
from .aws.stored_credentials import CredentialStore, Stored, read_line
from .aws.target import named
from .errors import KernelspecError, UsageError

DISPLAY_NAME = "AWS Lambda shell"
METADATA_KEY = "lambda_kernel"
SPEC_FILE = "kernel.json"
LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")

# The wheel's kernel.json cannot contain an absolute path, and a bare `python` would be the interpreter of the Jupyter
# server that reads it. In every layout of pip the script is next to the data, also after `pip install --user`, where
# there is no bin/python.
WHEEL_LAUNCHER = ("{resource_dir}/../../../../bin/lambda-kernel", "launch")

# jupyter_client lists names of letters, digits, `.`, `_` and `-`, and looks for them in lower case. A name with a
# leading dot would be a hidden directory or the parent directory.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class Options:
    """The function that a kernel uses. None: as the environment and the configuration say.

    stored_credentials: its endpoint's credentials are in a file of the user's (aws/stored_credentials.py).
    """

    function: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    network: str | None = None
    memory: int | None = None
    storage: int | None = None
    cpu: str | None = None
    image: str | None = None
    stored_credentials: bool | None = None

    def chosen(self) -> dict[str, str | int]:
        return {key: value for key, value in asdict(self).items() if value is not None}


OPTIONS = tuple(field.name for field in fields(Options) if field.name != "stored_credentials")
# Those that are for the local emulator.
EMULATOR = frozenset({"network", "memory", "storage", "cpu", "image"})


def build_argv(launcher: Sequence[str], options: Options) -> list[str]:
    """Return the command of a kernel process; the options are traitlets of the kernel class."""
    traits = [f"--LambdaKernel.{key}={value}" for key, value in options.chosen().items()]
    # Below ERROR, ipykernel warns in the user's console that the loopback connection is not encrypted.
    return [*launcher, "-f", "{connection_file}", "--log-level=ERROR", *traits]


def build_spec(launcher: Sequence[str], options: Options, display_name: str | None = None) -> dict[str, Any]:
    """Return the content of kernel.json."""
    return {
        "argv": build_argv(launcher, options),
        "display_name": display_name or default_display_name(options),
        "language": "bash",
        "interrupt_mode": "message",
        "kernel_protocol_version": JUPYTER_PROTOCOL,
        "metadata": {"debugger": False, "supported_encryption": ["curve"], METADATA_KEY: options.chosen()},
    }


def default_display_name(options: Options) -> str:
    """Name the function, without the account in its ARN, and where it is."""
    function = options.function and options.function.rpartition(":function:")[2]
    network = options.network and f"network {options.network}"
    memory = f"{options.memory} MB" if options.memory else None
    storage = f"/tmp of {options.storage} MB" if options.storage else None
    cpu = "CPU as on Lambda" if options.cpu == "lambda" else None
    image = options.image and f"image {options.image}"
    place = options.region or options.endpoint_url
    where = ", ".join(filter(None, (function, place, image, network, memory, storage, cpu)))
    return f"{DISPLAY_NAME} ({where})" if where else DISPLAY_NAME


def check_function(options: Options) -> None:
    """Raises KernelspecError if there can be no such function. AWS is not asked: it may be made later."""
    try:
        if options.function:
            target = named(options.function, options.region, options.profile, options.endpoint_url)
            regions.check(target.region, target.endpoint_url)
    except UsageError as error:
        raise KernelspecError(str(error)) from error


def check_name(name: str) -> str:
    """Return the name if Jupyter can list it, else say which names it can."""
    if not _NAME.fullmatch(name):
        raise KernelspecError(
            f"{name!r} cannot be a kernel's name: use lower-case letters, digits, '.', '_' and '-', "
            "and begin with a letter or digit"
        )
    return name


def kernels_directory(*, user: bool = False, prefix: str | None = None) -> Path:
    """Return the directory of kernels: the user's, a prefix's, or this Python environment's."""
    if user:
        return Path(jupyter_data_dir()) / "kernels"
    return Path(prefix or sys.prefix).absolute() / "share" / "jupyter" / "kernels"


def searched_directories() -> list[Path]:
    """Return the directories in which Jupyter looks for kernels. The first one wins."""
    return [Path(directory) for directory in jupyter_path("kernels")]


def is_ours(directory: Path) -> bool:
    """Tell whether the kernelspec in a directory was written by this package."""
    return METADATA_KEY in _metadata(directory)


def endpoint_with_credentials(directory: Path) -> str | None:
    """The endpoint of a kernelspec of ours, if credentials have been stored for it."""
    kept = _metadata(directory).get(METADATA_KEY)
    if not isinstance(kept, dict) or kept.get("stored_credentials") is not True:
        return None
    endpoint = kept.get("endpoint_url")
    return endpoint if isinstance(endpoint, str) else None


def _metadata(directory: Path) -> dict[str, Any]:
    try:
        spec = json.loads((directory / SPEC_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    metadata = spec.get("metadata") if isinstance(spec, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def install(directory: Path, spec: dict[str, Any]) -> bool:
    """Write a kernelspec, and return whether one of ours was replaced."""
    existed = directory.exists()
    if existed and not is_ours(directory):
        raise KernelspecError(
            f"{directory} exists and is not lambda-kernel's, so it was not changed: choose another name with --name"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write(directory, spec)
    except OSError as error:
        raise KernelspecError(
            f"cannot write to {error.filename or directory} ({error.strerror}): "
            "choose a directory that you can write with --user or --prefix DIR"
        ) from error
    return existed


def write(directory: Path, spec: dict[str, Any]) -> None:
    """Fill a kernelspec's directory. kernel.json comes last, because Jupyter then lists the directory."""
    for logo in LOGOS:
        (directory / logo).write_bytes((_resources() / logo).read_bytes())
    text = json.dumps(spec, indent=2, ensure_ascii=False) + "\n"
    (directory / SPEC_FILE).write_text(text, encoding="utf-8")


def uninstall(name: str, directories: Iterable[Path]) -> list[Path]:
    """Remove our kernelspecs of a name, and return where they were."""
    found = [directory / name for directory in directories if (directory / name).exists()]
    ours = [spec for spec in found if is_ours(spec)]
    if not ours and found:
        raise KernelspecError(
            f"{found[0]} is not lambda-kernel's, so it was not changed: remove it with `jupyter kernelspec remove "
            f"{name}`"
        )
    if not ours:
        raise KernelspecError(f"there is no kernel named {name!r}: list all kernels with `jupyter kernelspec list`")
    for spec in ours:
        _remove(spec)
    return ours


def read_credentials(file: str, options: Mapping[str, str | None]) -> tuple[Stored, dict[str, str]]:
    """The credentials in a file, or in standard input, with the function and the endpoint that they are for."""
    where = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        return read_line(text, options)
    except OSError as error:
        raise KernelspecError(f"cannot read {where} ({error.strerror}): name a file that you can read") from error
    except ValueError as error:  # our Unfit among them
        raise KernelspecError(
            f"{where} holds no credentials ({error}): give it what `lambda-kernel local --json` printed"
        ) from error


def exchange_credentials(directory: Path, before: str | None, stored: Stored | None) -> Path | None:
    """Store what a kernel needs now, remove what no kernel needs any more, and return the file.

    before: the endpoint whose credentials the kernel used.
    """
    store, kernel = CredentialStore(), directory.parent.resolve() / directory.name
    try:
        kept_in = store.store(stored, kernel) if stored else None
        if before and store.path(before) != kept_in:
            store.release(before, kernel)
    except OSError as error:
        raise KernelspecError(
            f"cannot write to {error.filename or store.directory} ({error.strerror}): make it writable for you, and "
            "run this again"
        ) from error
    return kept_in


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
    # In a checkout (an editable install) they are beside the package.
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "kernelspec"
