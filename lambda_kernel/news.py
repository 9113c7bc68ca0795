"""What the user is told when the shell is not the one before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

REPLACED = (
    "The execution environment is a new one: Lambda has ended the one before. Its files in /tmp and its processes are "
    "gone."
)
SHARED = (
    "The execution environment is another one: Lambda has ended the one before, or something else that uses "
    "`{function}` keeps it busy. Its files in /tmp and its processes are not here."
)
RESTARTED = "The function's runtime has died and was started again: all processes are gone, files in /tmp are kept."
ALTERNATING = (
    "The execution environment is another one, where this notebook has been before: something else uses "
    "`{function}` at the same time, and Lambda gives each invocation to an environment that is idle. Files in /tmp and "
    "processes are those of that environment. A function with tenant isolation keeps its users apart "
    "(`lambda-kernel deploy`)."
)
BEFORE = "The next cell starts a new one, in the state from before this cell."
# In the cell that ends its shell.
ENDED = {
    "exit": "The shell has ended (`exit`, `exec`, `set -e` or `set -t`), and its background jobs with it. "
    "The next cell starts a clean one.",
    "signal": f"The shell was killed. {BEFORE}",
    "memory": f"bash ran out of memory and ended; `ulimit -v` may have been too low. {BEFORE}",
    "descriptors": "The cell closed the descriptors that bash reads its commands from (those from 10 on), so the shell "
    f"was ended. {BEFORE}",
    "deaf": f"The shell no longer does what the kernel tells it, so it was ended.{{said}} {BEFORE}",
}
SAID = " bash says: `{}`."
DEAF = " A function named like a builtin, or a DEBUG trap that fails under `shopt -s extdebug`, may be the cause."
UNKNOWN = ("deaf", "descriptors")  # bash could not tell the exit code of such a cell
UNSTARTED = "The cell was not run: bash could not start it, see above. `%reset` gives you a new shell."
TRAP = "The DEBUG trap also runs once for the command that starts each cell."
RENEWED = "This is a new shell."
# In the cell after it.
ENDINGS = {
    "exit": "The shell before has ended (`exit`, `exec` or `set -e`): this is a new one.",
    "signal": "The shell before was killed: this is a new one.",
    "killed": "The shell before was killed, since its command outlived SIGINT and SIGTERM: this is a new one.",
    "logout": "The shell before has ended while no cell ran (`TMOUT`, or a trap): this is a new one.",
    "lost": "The shell of the command that was lost has been ended: this is a new one.",
    "memory": "The shell before ran out of memory: this is a new one.",
    "descriptors": "The shell before lost its descriptors: this is a new one.",
    "deaf": "The shell before no longer did what the kernel told it: this is a new one.",
}
BLIND = (
    "This environment does not show which program reads its input (/proc/PID/syscall), so you cannot be asked for any: "
    "commands that read get the end of it. Use `<<< text`, `< file` or a pipe."
)
PLURALS = {"alias": "aliases"}
ONLY = {"stack": "directory stack", "completion": "completion rules"} | {
    kind: kind for kind in ("directory", "umask", "parameters")
}
NAMED = 12  # of what was not restored, so many by name


def why(
    replaced: bool, crashed: bool, known: bool, ended: str | None, function: str, *, own: bool, told: bool = False
) -> str | None:
    """A sentence, if there is anything to tell. own: the environment is a tenant's, and nobody else's; told: the user
    knows of the end of the shell."""
    if replaced:
        return RESTARTED if crashed else moved(known, own).format(function=function)
    if told:
        return None if ended == "exit" else RENEWED
    return ENDINGS.get(ended or "")


def of_cell(reply: Mapping[str, object], new_trap: bool) -> Iterator[str]:
    """What the user should know of how a cell was run. new_trap: it has set a DEBUG trap."""
    if reply.get("unstarted") and not reply.get("ended"):
        yield UNSTARTED
    if new_trap:
        yield TRAP


def ending(ended: Mapping[str, str]) -> str | None:
    """What the user is told in the cell that has ended its shell."""
    said = SAID.format(ended["said"]) if ended.get("said") else DEAF
    text = ENDED.get(ended["cause"])
    return text and text.replace("{said}", said)


def moved(known: bool, own: bool) -> str:
    return ALTERNATING if known else REPLACED if own else SHARED


def sentence(
    why: str, restored: dict[str, list[str]], left: list[str], jobs: list[str], kept: int | None = None
) -> str:
    """With what was restored, and what was not. Items are named by kind and name: `variable x`. kept: the label of the
    cell after which the state was last kept, if that was not the last cell."""
    parts = [why]
    if restored["items"]:
        parts.append(f"Restored: {count(restored['items'])}.")
    if kept is not None:
        parts.append(f"The state is that after {cell(kept)}: since then the shell was too busy to tell it.")
    if missing := few(restored["failed"]) + left:
        parts.append(f"Not restored: {', '.join(missing)}.")
    if jobs:
        parts.append(f"Background jobs that were left behind: {', '.join(job.removesuffix(' &') for job in jobs)}.")
    return " ".join(parts)


def cell(label: int) -> str:
    return f"cell {label}" if label else "an earlier cell"


def few(items: list[str]) -> list[str]:
    return items if len(items) <= NAMED else [*items[:NAMED], f"and {len(items) - NAMED} more"]


def count(items: list[str]) -> str:
    """Such as `the directory, 3 variables, 1 function`."""
    kinds = Counter(item.split(" ", 1)[0] for item in items if item != "variable OLDPWD")
    return ", ".join(
        f"the {ONLY[kind]}" if kind in ONLY else f"{number} {kind if number == 1 else plural(kind)}"
        for kind, number in kinds.items()
    )


def plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind}s")
