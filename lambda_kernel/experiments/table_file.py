"""Rows in a CSV file, written as they come, with the outputs that the notebook shows folded."""

from __future__ import annotations

import csv
from collections.abc import Collection
from typing import TextIO

from .row import KEYS, Row

STDOUT = "stdout"


class TableFile:
    """The file has each row as soon as its run is over, so that a lost kernel loses no row. What was in it before stays
    until the first row.

    name: the file's, for messages. begun: whether it has rows.
    """

    def __init__(self, file: TextIO, name: str = "") -> None:
        self._file, self.name, self.begun = file, name, False
        self._writer = csv.DictWriter(file, [*KEYS, STDOUT], lineterminator="\n")

    def add(self, rows: Collection[Row]) -> None:
        """A value that is not known is an empty field."""
        if rows and not self.begun:
            self._file.truncate(0)
            self._writer.writeheader()
            self.begun = True
        self._writer.writerows({**row.data(), STDOUT: text(row.stdout)} for row in rows)
        self._file.flush()


def text(stdout: bytes | None) -> str:
    """Readers of CSV take no NUL."""
    return "" if stdout is None else stdout.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
