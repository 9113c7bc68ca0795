"""Copies files between this machine and the execution environment, byte for byte. Each request may be repeated."""

from __future__ import annotations

from .local_side import Local, fault, on_this_machine, packed
from .messages import save
from .overwriting import Overwriting
from .remote_side import RemoteSide, open_remote_side
from .transfer import Transfer

__all__ = [
    "Local",
    "Overwriting",
    "RemoteSide",
    "Transfer",
    "fault",
    "on_this_machine",
    "open_remote_side",
    "packed",
    "save",
]
