"""The messages about a shell that is another one than before, and what it has of the earlier one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .replies import Answer, Ended, Restored

REPLACED = (
    "The execution environment is a new one, because Lambda ended the previous one. Its files in /tmp and its "
    "processes are gone."
)
SHARED = (
    "The execution environment is another one. Lambda ended the previous one, or chose another: something else uses "
    "`{function}`, or a %%fleet has left more of them idle. The previous one's files in /tmp and its processes are not "
    "here."
)
RESTARTED = "The function's runtime died and was started again. All processes are gone; files in /tmp are kept."
ALTERNATING = (
    "The execution environment is another one that this notebook has used before. Something else uses `{function}` at "
    "the same time, and Lambda gives each invocation to an idle environment. Files in /tmp and processes are those of "
    "that environment. A function with tenant isolation keeps its users apart (`lambda-kernel deploy`)."
)
BEFORE = "The next cell starts a new one, in the state from before this cell."
# Shown in the cell that ends its shell.
ENDED = {
    "exit": "The shell ended (`exit`, `exec`, `set -e` or `set -t`), and its background jobs with it. "
    "The next cell starts a clean one.",
    "signal": f"The shell was killed. {BEFORE}",
    "memory": f"bash ran out of memory and ended. `ulimit -v` may have been too low. {BEFORE}",
    "descriptors": "The cell closed the descriptors that bash reads its commands from (those from 10 on), so the shell "
    f"was ended. {BEFORE}",
    "unresponsive": f"The shell no longer runs what the kernel sends it, so it was ended.{{said}} {BEFORE}",
}
SAID = " bash says: `{}`."
UNRESPONSIVE = (
    " A function with the name of a builtin, or a DEBUG trap that fails under `shopt -s extdebug`, may be the cause."
)
UNKNOWN = ("unresponsive", "descriptors")  # bash could not tell the exit code of such a cell
NO_EXIT_CODE = "the shell ended before it reported the exit code"
UNSTARTED = "The cell was not run: bash could not start it, see above. `%reset` gives you a new shell."
TRAP = "The DEBUG trap also runs once for the command that starts each cell."
RENEWED = "This is a new shell."
# Shown in the cell after it.
ENDINGS = {
    "exit": "The previous shell ended (`exit`, `exec` or `set -e`); this is a new one.",
    "signal": "The previous shell was killed; this is a new one.",
    "killed": "The previous shell was killed, because its command ignored SIGINT and SIGTERM; this is a new one.",
    "logout": "The previous shell ended while no cell ran (`TMOUT`, or a trap); this is a new one.",
    "lost": "The shell of the lost command was ended; this is a new one.",
    "memory": "The previous shell ran out of memory; this is a new one.",
    "descriptors": "The previous shell lost its descriptors; this is a new one.",
    "unresponsive": "The previous shell no longer ran what the kernel sent it; this is a new one.",
}
BLIND = (
    "This environment does not show which program reads its input (/proc/PID/syscall), so you cannot be asked for "
    "input: commands that read stdin find it empty. Use `<<< text`, `< file` or a pipe."
)
PLURALS = {"alias": "aliases"}
ONLY = {"stack": "directory stack", "completion": "completion rules"} | {
    kind: kind for kind in ("directory", "umask", "parameters")
}
NAMED = 12  # so many of what was not restored are named


def why(
    replaced: bool, crashed: bool, known: bool, ended: str | None, function: str, *, own: bool, notified: bool = False
) -> str | None:
    """A sentence about why the shell is a new one; None: the user need not know.

    ended: why the previous one is over. own: the environment belongs to a tenant, so nobody else uses it. notified: the
    user has heard of the end of the shell.
    """
    if replaced:
        return RESTARTED if crashed else moved(known, own).format(function=function)
    if notified:
        return None if ended == "exit" else RENEWED
    return ENDINGS.get(ended or "")


def of_cell(reply: Answer, new_trap: bool) -> Iterator[str]:
    """What the user should know about how a cell was run. new_trap: it has set a DEBUG trap."""
    if reply.get("unstarted") and not reply.get("ended"):
        yield UNSTARTED
    if new_trap:
        yield TRAP


def ending(ended: Ended) -> str | None:
    """The notice in the cell that has ended its shell. None: there is nothing to say."""
    said = SAID.format(ended["said"]) if ended.get("said") else UNRESPONSIVE
    text = ENDED.get(ended["cause"])
    return text and text.replace("{said}", said)


def moved(known: bool, own: bool) -> str:
    return ALTERNATING if known else REPLACED if own else SHARED


def sentence(why: str, restored: Restored, left: list[str], jobs: list[str], saved_after: int | None = None) -> str:
    """The whole notice: why, what was restored, and what was not. Items have a kind and a name: `variable x`.

    saved_after: the execution count of the cell after which the state was saved, if that was not the last cell.
    """
    parts = [why]
    if restored["items"]:
        parts.append(f"Restored: {count(restored['items'])}.")
    if saved_after is not None:
        parts.append(f"The state is the one after {cell(saved_after)}: since then the shell was too busy to save it.")
    if missing := few(restored["failed"]) + left:
        parts.append(f"Not restored: {', '.join(missing)}.")
    if jobs:
        parts.append(f"Background jobs that were lost: {', '.join(job.removesuffix(' &') for job in jobs)}.")
    return " ".join(parts)


def cell(execution_count: int) -> str:
    return f"cell {execution_count}" if execution_count else "an earlier cell"


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
