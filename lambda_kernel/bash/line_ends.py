"""Line ends of other systems."""

from __future__ import annotations

import re


def unix(text: str) -> str:
    """Turn Windows' line ends into \\n, since bash takes a carriage return as part of a word."""
    return re.sub(r"\r(?=\n|\Z)", "", text) if "\r\n" in text else text
