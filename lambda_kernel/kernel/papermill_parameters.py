"""papermill's parameters, written and read as bash.

papermill 2 writes a dict for no language but Python's kin, loses an empty value of a list, and cannot tell which
variables a cell of bash sets, so that it warns of each parameter ("Passed unknown parameter"). It loads this module by
the entry point `papermill.engine`, the only one that it loads whatever the notebook is. The engine itself is its own.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import BashTranslator, papermill_translators

__all__ = ["NBClientEngine"]

# An assignment as a command, with a comment behind it.
ASSIGNED = re.compile(
    r"(?:^|;)[ \t]*(?:(?:export|readonly|declare(?:[ \t]+-\w+)*)[ \t]+)?(?P<name>[A-Za-z_]\w*)="
    r"(?P<value>(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\((?:'[^']*'|\"(?:\\.|[^\"\\])*\"|[^()'\"])*\)|\\.|[^\s;'\"()\\])*)"
    r"(?=[ \t]*(?:;|$|#[ \t]*(?P<help>[^\n]*)$))",
    re.MULTILINE | re.DOTALL,
)
TYPES = {"list": r"\(.*\)", "int": r"-?\d+", "float": r"-?\d*\.\d+", "bool": "true|false"}


class BashParameters(BashTranslator):
    """For all kernels whose language is bash."""

    @classmethod
    def codify(cls, parameters: Mapping[str, Any], comment: str = "Parameters") -> str:
        lines = [cls.comment(comment), *(declared(name, value) for name, value in parameters.items())]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def inspect(cls, parameters_cell: Mapping[str, Any]) -> list[Any]:
        found = ASSIGNED.finditer(parameters_cell["source"])
        return [Parameter(one["name"], type_of(one["value"]), one["value"], one["help"] or "") for one in found]


def declared(name: str, value: Any) -> str:
    if isinstance(value, dict):
        items = " ".join(f"[{shlex.quote(str(key))}]={word(item)}" for key, item in value.items())
        return f"declare -A {name}=({items})"
    if isinstance(value, list):
        return f"{name}=({' '.join(map(word, value))})"
    return f"{name}={word(value)}"


def word(value: Any) -> str:
    """bash has no lists of lists: what is deeper is JSON."""
    if value is None:
        return "''"
    if isinstance(value, bool | list | dict):
        return shlex.quote(json.dumps(value, ensure_ascii=False))
    return shlex.quote(str(value))


def type_of(value: str) -> str:
    return next((name for name, form in TYPES.items() if re.fullmatch(form, value, re.DOTALL)), "str")


papermill_translators.register("bash", BashParameters)
