"""What a stack has besides its template and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StackOptions:
    """tags: CloudFormation gives them to all of the stack's resources.

    service_role: with which CloudFormation makes the resources; empty: with the caller's permissions.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    service_role: str = ""

    def arguments(self, before: StackOptions) -> dict[str, Any]:
        """Of a request. before: what the stack has. No tags at all take away those that are there."""
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        named: dict[str, Any] = {"Tags": tags} if tags or before.tags else {}
        return named | ({"RoleARN": self.service_role} if self.service_role else {})


DEFAULT_OPTIONS = StackOptions()
