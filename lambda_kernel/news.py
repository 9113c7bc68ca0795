"""What the user is told when the shell is not the one before."""

from __future__ import annotations

from collections import Counter

REPLACED = (
    "The execution environment is a new one: Lambda has ended the one before. Its files in /tmp and its processes are "
    "gone."
)
RESTARTED = "The function's runtime has died and was started again: all processes are gone, files in /tmp are kept."
ALTERNATING = (
    "The execution environment is another one, where this notebook has been before: something else uses "
    "`{function}` at the same time, and Lambda gives each invocation to an environment that is idle. Files in /tmp and "
    "processes are those of that environment. A function with tenant isolation keeps its users apart "
    "(`lambda-kernel deploy`)."
)
ENDINGS = {
    "exit": "The shell before has ended (`exit`, `exec` or `set -e`): this is a new one.",
    "signal": "The shell before was killed: this is a new one.",
    "killed": "The shell before was killed by the third interrupt: this is a new one.",
    "lost": "The shell of the command that was lost has been ended: this is a new one.",
    "deaf": "The shell before no longer ran what it was told (a trap, or a function in place of a builtin): "
    "this is a new one.",
}
PLURALS = {"directory": "directories", "alias": "aliases", "umask": "umasks"}


def why(replaced: bool, crashed: bool, known: bool, ended: str | None, function: str) -> str | None:
    """A sentence, if there is anything to tell."""
    if replaced:
        return RESTARTED if crashed else ALTERNATING.format(function=function) if known else REPLACED
    return ENDINGS.get(ended or "")


def sentence(why: str, restored: dict[str, list[str]], left: list[str], jobs: list[str]) -> str:
    """With what was restored, and what was not. Items are named by kind and name: `variable x`."""
    parts = [why]
    if restored["items"]:
        parts.append(f"Restored: {count(restored['items'])}.")
    if missing := restored["failed"] + left:
        parts.append(f"Not restored: {', '.join(missing)}.")
    if jobs:
        parts.append(f"Background jobs that are gone: {', '.join(job.removesuffix(' &') for job in jobs)}.")
    return " ".join(parts)


def count(items: list[str]) -> str:
    """Such as `the directory, 3 variables, 1 function`."""
    kinds = Counter(item.split(" ", 1)[0] for item in items if item != "variable OLDPWD")
    return ", ".join(
        f"the {kind}" if kind in ("directory", "umask") else f"{number} {kind if number == 1 else plural(kind)}"
        for kind, number in kinds.items()
    )


def plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind}s")
