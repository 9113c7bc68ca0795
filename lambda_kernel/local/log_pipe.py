"""The pipe for an environment's standard output and error."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
from collections.abc import Callable

_READ_BYTES = 65536


class LogPipe:
    """Reads whatever the environment writes, as fast as it comes, so that no writer ever waits for the engine."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        # Only our end: the function's would be non-blocking for all who share it.
        os.set_blocking(self._read_end, False)
        asyncio.get_running_loop().add_reader(self._read_end, self._read, _READ_BYTES)

    def drain(self) -> None:
        """Read only what has been written so far, because output may never end."""
        waiting = struct.unpack("i", fcntl.ioctl(self._read_end, termios.FIONREAD, b"\0" * 4))[0]
        if waiting:
            self._read(waiting)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)
        os.close(self.write_end)

    def _read(self, size: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._write(os.read(self._read_end, size))
