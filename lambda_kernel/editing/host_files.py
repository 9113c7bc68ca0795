"""What a shell of the local emulator will find, before there is one: what its root has from this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..function.sent import introspect
from ..local.bwrap import EMPTY, SYSTEM

if TYPE_CHECKING:
    from .shell_query import PathQuery

OWN = ("dev", "proc", "tmp", "var")  # in the environment's root, with what is not this machine's
PROGRAMS = ("/usr/local/bin", "/usr/bin", "/bin")  # on the environment's PATH


def programs() -> list[str]:
    found = {name for directory in PROGRAMS for name in introspect.runnable(directory)}
    return [text for name in sorted(found) if (text := os.fsdecode(name)).isprintable()]


def paths(query: PathQuery) -> list[list[str]]:
    """As introspect.entries gives them. Only absolute ones: the working directory and /tmp are the environment's."""
    if any(kind != "text" for kind, _ in query["head"]) or query["only"] == "user":
        return []
    directory = "".join(text for _, text in query["head"])
    top = os.path.normpath(directory).split("/")[1:2]
    if directory == "/":
        shared = [name for name in SYSTEM if os.path.isdir(f"/{name}")]
        return [[name, "directory"] for name in sorted({*shared, *EMPTY, *OWN}) if beginning(name, query["tail"])]
    if not directory.startswith("/") or "\0" in directory or not {*top} & {*SYSTEM}:
        return []
    return introspect.entries(os.fsencode(directory), query["tail"], query["only"], list)


def beginning(name: str, tail: str) -> bool:
    return name.startswith(tail) and "/" not in name
