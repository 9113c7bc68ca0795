"""botocore's data files, each read once in a process. Without this each session reads them: 30 ms for the endpoints.

Importing this imports botocore, which takes 75 ms.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import JSONFileLoader

MOST_FILES = 32  # a client reads five


class ReadOnce(JSONFileLoader):
    """botocore changes nothing of what it has read, but for extras that it merges in: the same ones each time."""

    @functools.lru_cache(MOST_FILES)  # noqa: B019 - there is one of it
    def load_file(self, file_path: str) -> Any:
        return super().load_file(file_path)


FILES = ReadOnce()
