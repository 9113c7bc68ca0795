"""The file in which `lambda-kernel local --credentials FILE` keeps its credentials from one start to the next."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import string
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import EngineError

_LETTERS = string.ascii_uppercase + string.digits
_WORD = re.compile(r"[!-~]{16,128}")
_MOST_BYTES = 4096


@dataclass(frozen=True)
class Keys:
    """Credentials that an engine accepts."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def make_keys() -> Keys:
    """Random ones in the usual form. Only the engine that they are made for accepts them."""
    return Keys("AKIALOCAL" + "".join(secrets.choice(_LETTERS) for _ in range(11)), secrets.token_urlsafe(30))


def keep_keys(path: Path) -> Keys:
    """Read the file, or make it. Raises EngineError if others can read it, or if it holds something else."""
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise EngineError(f"cannot read the credentials in {path} ({error.strerror}): name another file") from None
    try:
        return _write(path, make_keys())
    except OSError as error:
        raise EngineError(
            f"cannot keep the credentials in {path} ({error.strerror}): name a file in a directory that you can write"
        ) from None


def _read(path: Path) -> Keys:
    with open(path, "rb") as file:
        state = os.fstat(file.fileno())
        if state.st_uid not in (os.geteuid(), 0) or state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise EngineError(
                f"others can read the credentials in {path}: run `chmod 600 {path}`, or remove it, and the emulator "
                "makes new ones"
            )
        data = file.read(_MOST_BYTES)
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(data)
        if isinstance(found, dict):
            words = [found.get(name) for name in ("access_key_id", "secret_access_key")]
            if all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
                return Keys(*words)  # type: ignore[arg-type]
    raise EngineError(
        f"{path} holds no credentials: it needs access_key_id and secret_access_key in JSON, each of 16 to 128 "
        "characters; remove it, and the emulator makes it"
    )


def _write(path: Path, keys: Keys) -> Keys:
    """Write it as a whole; if another engine was first, use what that wrote."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for its owner alone
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(json.dumps(asdict(keys)) + "\n")
        os.link(name, path)
    except FileExistsError:
        return _read(path)
    finally:
        os.unlink(name)
    return keys
