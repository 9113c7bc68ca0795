"""Files between this machine and the execution environment: byte for byte, in requests that may each be repeated."""

from __future__ import annotations

from .errand import Errand, errand
from .overwriting import Overwriting
from .sides import Local, fault, packed
from .text import save
from .transfer import Transfer

__all__ = ["Errand", "Local", "Overwriting", "Transfer", "errand", "fault", "packed", "save"]
