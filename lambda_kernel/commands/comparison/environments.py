"""What %environment says of each target, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...magics.environment import KEYS, VOLATILE, VOLATILE_PARTS
from ...untrusted import visible

LONGEST = 200  # characters of a value
UNKNOWN = "-"
SAME, DIFFERENT, CHANGING = "same", "different", "changes by itself"


@dataclass(frozen=True)
class Field:
    """outcome: one of SAME, DIFFERENT and CHANGING."""

    name: str
    values: tuple[str, ...]
    outcome: str


def fields_of(environments: Sequence[Mapping[str, Any] | None]) -> tuple[Field, ...]:
    """None: not known of that target. Nothing is compared unless two are known."""
    known = [one for one in environments if one]
    if len(known) < 2:
        return ()
    return tuple(_field(name, environments) for name in KEYS if any(name in one for one in known))


def _field(name: str, environments: Sequence[Mapping[str, Any] | None]) -> Field:
    values = [None if one is None else _steady(one.get(name)) for one in environments]
    compared = {json.dumps(value, sort_keys=True) for value, one in zip(values, environments, strict=True) if one}
    outcome = CHANGING if name in VOLATILE else SAME if len(compared) == 1 else DIFFERENT
    lists = [set(_words(value)) for value in values if isinstance(value, list)]
    common = set.intersection(*lists) if outcome == DIFFERENT and len(lists) > 1 else set()
    return Field(name, tuple(_text(value, common) for value in values), outcome)


def _steady(value: Any) -> Any:
    if isinstance(value, list):
        return [_steady(one) for one in value]
    return (
        {key: one for key, one in value.items() if key not in VOLATILE_PARTS} if isinstance(value, Mapping) else value
    )


def _words(value: object) -> list[str]:
    """A list of texts, or nothing."""
    found = value if isinstance(value, list) else []
    return found if all(isinstance(one, str) for one in found) else []


def _text(value: Any, common: set[str]) -> str:
    """Of a list of words, only those that not all targets have."""
    if value is None:
        return UNKNOWN
    words = _words(value)
    own = [word for word in words if word not in common]
    if common and words:
        return visible(f"{len(words) - len(own)} in common, {len(own)} more: {' '.join(own)}", LONGEST)
    if words:
        return visible(" ".join(words), LONGEST)
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), LONGEST)
