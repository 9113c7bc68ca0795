"""The names of bash 5.2 and the options of its builtins, each with its meaning in a line: what reference.json holds.

It is read when it is first needed. A builtin's options may be the name of another builtin that takes the same. Signals
are there by their short names. There are two kinds of variables: "variable" are those that bash keeps for itself or
that change by the cell, so that a dump of its state does not tell them. "first variable" are those that a new shell in
Lambda has (Lambda guide, environment variables): they are offered as long as none has told its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

Names = Mapping[str, str]


@cache
def data() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return content


@cache
def names(kind: str) -> Names:
    if kind == "-signal":  # as kill takes it
        return {f"-{name}": text for name, text in names("signal").items()}
    found: dict[str, str] = data()["names"][kind]
    return found | {f"SIG{name}": text for name, text in found.items()} if kind == "signal" else found


@cache
def variables() -> Names:
    return {**names("variable"), **names("first variable")}


def options(command: str) -> Names:
    found: str | dict[str, str] = data()["options"].get(command, {})
    return options(found) if isinstance(found, str) else found
