"""What can go wrong between a reference and its root directory."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ImageError(Exception):
    """The image cannot be used. The text is one sentence, which says what to do."""


class Cut(ImageError):
    """The connection ended before the blob did. What has come is kept, and the rest can be asked for."""


def damaged(name: str) -> ImageError:
    return ImageError(f"{name} is damaged, so nothing of it was used: pull or save the image again")


@contextlib.contextmanager
def writing(where: Path, what: str) -> Iterator[None]:
    """Turn an OSError while writing to the cache into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ImageError(
                f"there is no room for {what} in {where} ({error.strerror}): remove images with `lambda-kernel images "
                "--remove IMAGE`, or set XDG_CACHE_HOME to a directory with more room"
            ) from error
        raise ImageError(f"{what} cannot be written to {where} ({error.strerror}): see that you may write there") from (
            error
        )
