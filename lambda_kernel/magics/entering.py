"""Finds out whether a function is there, and of which kind, before a cell runs on it."""

from __future__ import annotations

from dataclasses import replace

from ..aws.target import Target
from ..aws.usage import Usage
from ..errors import ShellPerCommand
from ..session.session import Session
from ..workspace.workspace import AnySession
from .base import Call


def entered(call: Call, target: Target, usage: Usage) -> AnySession:
    """The target's session, whose shell is there. Raises errors.KernelError."""
    session = call.workspace.enter(call.emit, call.control, target)
    if not isinstance(session, Session):
        return session
    try:
        session.greet(replace(call.context, usage=usage))
    except ShellPerCommand:
        return call.workspace.meet_article(call.emit, target)
    return session
