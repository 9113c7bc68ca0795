"""%help: all magics, one of them, or a topic."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Mapping, Sequence

from ..errors import UsageError
from ..output.terminal import wrapped
from .arguments import HELP, Argument
from .base import NAME, Call, Magic, looked_up, unknown
from .help_topics import TOPICS, rows

WIDTH = 88
FOOT = (
    f"`%NAME --help` explains one, and `%help TOPIC` one of {', '.join(TOPICS)}. Magics stand at a cell's head, one a "
    "line. All else is bash's."
)


def run(call: Call) -> str:
    wanted, columns = call.options.name, call.workspace.columns
    if wanted is None:
        return f"{listed(call.groups)}\n{wrapped(FOOT, width(columns))}\n"
    if isinstance(wanted, str):
        return wrapped(wanted, width(columns))
    percents, name = wanted
    magic = looked_up(percents, name, call.magics)
    if magic:
        return about(magic, columns)
    if near := difflib.get_close_matches(name, TOPICS, 1):
        raise UsageError(f"there is no magic %{name}: did you mean %help {near[0]}?")
    raise unknown(percents, name, call.magics)


def topic(word: str) -> tuple[str, str]:
    """The percent signs, which may be left out, and the name."""
    found = NAME.fullmatch(word if word.startswith("%") else f"%{word}")
    if not found:
        raise ValueError("the name of a magic")
    return found[1], found[2]


def listed(groups: Mapping[str, Sequence[Magic]]) -> str:
    width = max(len(magic.called) for group in groups.values() for magic in group)
    parts = (
        "".join([f"{name}:\n", *(f"  {magic.called:{width}}  {magic.summary}\n" for magic in group)])
        for name, group in groups.items()
    )
    return "\n".join(parts)


def width(columns: int | None) -> int:
    return WIDTH if columns is None else min(columns, WIDTH)


def about(magic: Magic, columns: int | None = None) -> str:
    """All that is known of one magic."""
    parts = (f"{magic.synopsis}\n    {magic.summary}\n", rows(explained(magic)), details(magic))
    return wrapped("\n".join(filter(None, parts)), width(columns))


def explained(magic: Magic) -> dict[str, str]:
    """The arguments, as they are written, with what they mean."""
    own = {argument.written: argument.help for argument in magic.arguments}
    return own if magic.usage is not None else own | {", ".join(HELP): "show this text"}


def details(magic: Magic) -> str:
    examples = (textwrap.indent(f"# {what}\n{code}", "    ") for code, what in magic.examples)
    return "\n".join(f"{part}\n" for part in (magic.more, "\n".join(examples)) if part)


MAGIC = Magic(
    "help",
    "list all magics, or explain one, or a topic",
    run,
    (
        Argument(
            "name",
            "a magic, with or without its percent signs, or a topic",
            "NAME",
            choices=TOPICS,
            read=topic,
            nargs="?",
            kinds=("magic",),
        ),
    ),
    more="`%NAME --help` does the same, and so does `%NAME?` as a whole cell.",
    examples=(("%help top", "explain %top"), ("%help interrupts", "explain what Ctrl-C does")),
)
