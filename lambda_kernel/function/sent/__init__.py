"""Code that the kernel sends into the environment and that runs there, so that it needs no deployment."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

DIRECTORY = Path(__file__).parent
FUTURE = "from __future__ import annotations\n"


@cache
def source(module: ModuleType) -> str:
    """The text of such a module, as it is sent."""
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def joined(texts: Iterable[str]) -> str:
    """Such modules as one: `from __future__` may stand at the top only."""
    return "\n\n".join([FUTURE, *(text.replace(FUTURE, "") for text in texts)])


@cache
def packed(code: str) -> str:
    """Code that unpacks itself: less than half as long on its way, which counts when many environments start."""
    data = base64.b64encode(zlib.compress(code.encode())).decode()
    unpack = "zlib.decompress(base64.b64decode(PACKED))"
    return f"import base64, zlib\nPACKED = '{data}'\nexec(compile({unpack}, 'sent', 'exec'))\n"
