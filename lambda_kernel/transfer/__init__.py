"""Copies files between this machine and the execution environment, byte for byte. Each request may be repeated."""

from __future__ import annotations

from .cell_text import save
from .local_side import Local, on_this_machine
from .overwriting import Overwriting
from .remote_side import RemoteSide, open_remote_side
from .transfer import Transfer

__all__ = ["Local", "Overwriting", "RemoteSide", "Transfer", "on_this_machine", "open_remote_side", "save"]
