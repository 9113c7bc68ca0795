"""%help: all magics, or one of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .arguments import HELP, Argument
from .base import NAME, Call, Magic, looked_up, unknown

WIDTH = 88
# What a cell can read about its own invocation.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "LAMBDA_REQUEST_ID": "the request id of the invocation that started the cell",
        "LAMBDA_DEADLINE_MS": "the deadline of that invocation, in milliseconds since 1970; the cell goes on after it",
        "LAMBDA_TENANT_ID": "the tenant id if the function has tenant isolation, else empty",
        "_X_AMZN_TRACE_ID": "the X-Ray trace of that invocation; may be empty",
        "LAMBDA_COLD_START": "1 in the first cell after this environment's cold start, else 0",
        "LAMBDA_INIT_MS": "the Init Duration of this environment's cold start; empty if the kernel does not know it",
    }
)
# What a run of %%fleet can read besides.
FLEET_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "FLEET_INDEX": "which of the environments it runs in, from 0",
        "FLEET_SIZE": "how many there are",
        "FLEET_ITEM": "with `--map`, its line of the file; else empty",
    }
)
FOOT = """
`%NAME --help` explains one. Magics stand at a cell's head. All else is bash's, and can read
$LAMBDA_REQUEST_ID, $LAMBDA_DEADLINE_MS, $LAMBDA_TENANT_ID, $LAMBDA_COLD_START, $LAMBDA_INIT_MS,
$_X_AMZN_TRACE_ID. From IPython: !ls, ls?, %cd, %ls, %env, %time, %%time, %%script and %%file.
"""


def run(call: Call) -> str:
    if call.options.name is None:
        return listed(call.groups) + FOOT
    percents, name = call.options.name
    magic = looked_up(percents, name, call.magics)
    if not magic:
        raise unknown(percents, name, call.magics)
    return about(magic)


def topic(word: str) -> tuple[str, str]:
    """The percent signs, which may be left out, and the name."""
    found = NAME.fullmatch(word if word.startswith("%") else f"%{word}")
    if not found:
        raise ValueError(word)
    return found[1], found[2]


def listed(groups: Mapping[str, Sequence[Magic]]) -> str:
    width = max(len(magic.called) for group in groups.values() for magic in group)
    parts = (
        "".join([f"{name}:\n", *(f"  {magic.called:{width}}  {magic.summary}\n" for magic in group)])
        for name, group in groups.items()
    )
    return "\n".join(parts)


def about(magic: Magic) -> str:
    """All that is known of one magic."""
    parts = (f"{magic.synopsis}\n    {magic.summary}\n", rows(explained(magic)), details(magic))
    return "\n".join(filter(None, parts))


def explained(magic: Magic) -> dict[str, str]:
    """The arguments, as they are written, with what they mean."""
    own = {argument.written: argument.help for argument in magic.arguments}
    return own if magic.usage is not None else own | {", ".join(HELP): "show this text"}


def details(magic: Magic) -> str:
    more = textwrap.fill(magic.more, WIDTH, break_on_hyphens=False)
    examples = (textwrap.indent(f"# {what}\n{code}", "    ") for code, what in magic.examples)
    return "\n".join(f"{part}\n" for part in (more, "\n".join(examples)) if part)


def rows(described: Mapping[str, str]) -> str:
    width = max(map(len, described), default=0)
    return "".join(
        textwrap.fill(text, WIDTH, initial_indent=f"  {name:{width}}  ", subsequent_indent=" " * (width + 4)) + "\n"
        for name, text in described.items()
    )


MAGIC = Magic(
    "help",
    "list all magics, or explain one",
    run,
    (
        Argument(
            "name", "the magic, with or without its percent signs", "NAME", read=topic, nargs="?", kinds=("magic",)
        ),
    ),
    more="`%NAME --help` does the same, and so does `%NAME?` as a whole cell.",
    examples=(("%help top", "explain %top"),),
)
