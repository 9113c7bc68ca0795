"""Layers as streams of tar, whatever they are compressed with, checked against what the image says they are."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import tarfile
import zlib
from collections.abc import Callable
from typing import IO, cast

from .errors import ImageError, damaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# zstd:chunked and others begin with a frame that decoders skip: RFC 8878, section 3.1.2.
_SKIPPABLE = tuple(bytes([low, 0x2A, 0x4D, 0x18]) for low in range(0x50, 0x60))
_BLOCK = 256 * 1024
_HEADER_BYTES = 1024 * 1024


def decompress(file: IO[bytes]) -> IO[bytes]:
    """Choose by the first bytes: media types are wrong at times."""
    buffered = io.BufferedReader(cast(io.RawIOBase, file), _BLOCK)
    first = buffered.peek(4)[:4]
    if first.startswith(_GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=buffered, mode="rb"))
    if first == _ZSTD or first in _SKIPPABLE:
        return cast(IO[bytes], zstd.ZstdFile(buffered))
    return buffered


class LayerReader(io.RawIOBase):
    """Reads a layer's tar, hashes it, and stops where it grows over a bound.

    diff_id: what it must hash to; tell: called with how many bytes of the file have been read.
    """

    def __init__(self, file: IO[bytes], name: str, diff_id: str, bound: int, tell: Callable[[int], None]) -> None:
        self._file, self._name, self._left, self._tell = file, name, bound, tell
        self._plain: IO[bytes] | None = None
        algorithm, _, self._expected = diff_id.partition(":")
        self._hash = hashlib.new(algorithm)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            if self._plain is None:
                self._plain = decompress(self._file)
            data = self._plain.read(size if size >= 0 else _BLOCK)
        except (zlib.error, zstd.ZstdError, gzip.BadGzipFile, EOFError) as error:
            raise damaged(self._name) from error
        self._left -= len(data)
        if self._left < 0:
            raise ImageError(f"{self._name} is larger than images may be: name another one")
        self._hash.update(data)
        self._tell(self._file.tell())
        return data

    def finish(self) -> None:
        """Read what follows the archive, and compare the whole with its digest."""
        while self.read(_BLOCK):
            pass
        if self._hash.hexdigest() != self._expected:
            raise damaged(self._name)


class _Member(tarfile.TarInfo):
    """A member whose headers are bounded: tarfile reads a long name into memory, however long it says it is."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0 or (member.size > _HEADER_BYTES and not member.isreg()):
            raise tarfile.ReadError("a header's size is wrong")
        return member


def open_tar(reader: LayerReader) -> tarfile.TarFile:
    return tarfile.open(
        fileobj=cast(IO[bytes], reader), mode="r|", bufsize=_BLOCK, tarinfo=_Member, encoding="utf-8",
        errors="surrogateescape",
    )  # fmt: skip
