"""Rows in a CSV file, written as they come, with the outputs that the notebook shows folded."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from .row import KEYS, Row

STDOUT = "stdout"


class TableFile:
    """The file has each row as soon as its run is over, so that a lost kernel loses no row."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._writer = csv.DictWriter(file, [*KEYS, STDOUT], lineterminator="\n")
        self._writer.writeheader()
        file.flush()

    def add(self, rows: Iterable[Row]) -> None:
        """A value that is not known is an empty field."""
        self._writer.writerows({**row.data(), STDOUT: text(row.stdout)} for row in rows)
        self._file.flush()


def text(stdout: bytes | None) -> str:
    """Readers of CSV take no NUL."""
    return "" if stdout is None else stdout.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
