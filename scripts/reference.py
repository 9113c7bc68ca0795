"""`python -m scripts.reference` writes docs/reference/ from the code, all but what is written by hand (cells.md)."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lambda_kernel.aws.target import VARIABLES as OF_THE_KERNEL
from lambda_kernel.aws.usage import Key
from lambda_kernel.cli import build_parser
from lambda_kernel.experiments import row
from lambda_kernel.function import index as wire
from lambda_kernel.kernel.kernel import LambdaKernel
from lambda_kernel.kernelspec import METADATA_KEY
from lambda_kernel.magics import KNOWN, MAGICS, Magic, environment, network, whoami
from lambda_kernel.magics.help_topics import FLEET_VARIABLES
from lambda_kernel.magics.help_topics import VARIABLES as OF_A_CELL
from lambda_kernel.output import display, runs_view
from lambda_kernel.output.report_line import PARTS
from lambda_kernel.session.cell import NOTICES

DIRECTORY = Path(__file__).parent.parent / "docs" / "reference"
MADE = "<!-- Made by `python -m scripts.reference`: change the code, not this file. -->\n\n"


def pages() -> dict[str, str]:
    """Each file's text by its name."""
    made = {
        "magics.md": magics(),
        "command-line.md": command_line(build_parser()),
        "metadata.md": metadata(),
        "configuration.md": configuration(),
    }
    return {name: MADE + text for name, text in made.items()}


MAGICS_INTRODUCTION = """
Magics stand at the head of a cell, one a line. Commands follow below them, or one `%%` magic, which takes the rest of
the cell. Quote arguments as in bash. `*` and `~` work in paths; variables do not. `#` begins a comment. A magic below
commands is an error, and nothing of that cell is run. So is an argument that does not fit. `%help` lists the magics.
`%NAME --help`, `%help NAME`, or `%NAME?` alone in a cell explain one of them. Options may stand before or after other
words; behind `--` every word is a word, even one that begins with a dash. `%1`, `%%`, `%?x`, and `%NAME` where a job
may have that name, are bash's job specs and go to bash.
"""


def magics() -> str:
    habits = [(f"`{cell(magic.synopsis)}`", sentence(magic.summary)) for magic in KNOWN.values() if magic not in OURS]
    return "\n".join(
        [
            "# Magics\n",
            prose(MAGICS_INTRODUCTION),
            *(part for magic in OURS for part in of_magic(magic)),
            "## What users of IPython type\n",
            "These work as well, and so do `!ls` for `ls`, and `ls?` or `%top?` as a whole cell.\n",
            *table(("typed", "what it does"), habits),
        ]
    )


OURS = list(MAGICS.values())


def of_magic(magic: Magic) -> Iterator[str]:
    yield f"## `{magic.called}`\n"
    yield f"```text\n{magic.synopsis}\n```\n"
    yield prose(f"{sentence(magic.summary)} {magic.more}")
    if magic.arguments:
        yield from table(("argument", "meaning"), ((f"`{cell(a.written)}`", sentence(a.help)) for a in magic.arguments))
    if magic.name == "report":
        yield from table(("part", "what it says"), ((f"`{part}`", sentence(what)) for part, what in PARTS.items()))
    if magic.examples:
        yield "```sh\n" + "\n\n".join(f"# {what}\n{code}" for code, what in magic.examples) + "\n```\n"


def command_line(parser: argparse.ArgumentParser) -> str:
    parts = ["# The command `lambda-kernel`\n", f"{parser.description}\n", *options(parser)]
    for name, command in commands(parser).items():
        parts += [f"## `lambda-kernel {name}`\n", f"{command.description}\n", *options(command)]
        parts += [f"{command.epilog}\n"] if command.epilog else []
    return "\n".join(parts)


def commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    [found] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    parsers: Mapping[str, argparse.ArgumentParser] = found.choices
    return parsers


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A table for each group of them; argparse's own help text differs between Python's versions."""
    for group in parser._action_groups:
        rows = [(written(action), meaning(action, parser)) for action in group._group_actions if action.option_strings]
        if rows:
            named = group.title if group.title not in ("options", "optional arguments") else "options"
            yield from table((named or "options", ""), rows)


def written(action: argparse.Action) -> str:
    names = " / ".join(name for name in action.option_strings)
    if action.nargs == 0:
        return f"`{names}`"
    value = action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper()
    return f"`{cell(f'{names} {value}')}{'…' if action.nargs == '+' else ''}`"


def meaning(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    if isinstance(action, argparse._HelpAction):
        return "Show the options."
    if isinstance(action, argparse._VersionAction):
        return "Show the version."
    return sentence((action.help or "") % (vars(action) | {"prog": parser.prog}))


OF_LAMBDA = """
Every cell that ran ends with a display whose metadata holds `lambda`, an object. The reply to the front end
(`execute_reply`) has it as well. Several invocations are added up; memory is the largest. A `%%compare` has none, since
it runs on several functions.
"""
OF_NOTICES = """
A notice is what the kernel itself says, or what bash says about its jobs (`[1]+  Done`). It is a small display in its
place between the output. It is never part of stdout or stderr: a file of `%%output` holds none. Its metadata holds
`lambda_notice`, one of these codes:
"""
OF_ENVIRONMENT = """
The display of `%environment` has this object in its metadata, so that notebooks can be compared. What is not known is
null, or empty. Credentials are replaced in it.
"""
OF_NETWORK = """
The display of `%network` has this object in its metadata. The own address, DNS servers and routes are in it.
"""
OF_IDENTITY = """
The display of `%whoami` has this object in its metadata. What is not known is null.
"""
OF_RUNS = f"""
The table of an experiment has this list in its metadata: an object for each run, of the first {runs_view.SAVED:,} runs.
A CSV file has the same names, and a column more: `stdout`, the output itself, as text.
"""
OF_KERNELSPEC = """
A kernelspec that `lambda-kernel install` wrote has this object in the metadata of its `kernel.json`: the options that
were given, of `function`, `region`, `profile`, `endpoint_url` and `network`, and whether there are `stored_credentials`
for the endpoint, which are elsewhere. `lambda-kernel uninstall` knows its kernels by it.
"""


def metadata() -> str:
    return "\n".join(
        [
            "# What is saved with a notebook\n",
            "## `lambda`\n",
            prose(OF_LAMBDA),
            *keys(display.KEYS),
            "```json",
            '{"function": "shell", "region": "local", "environment_id": "1f0c2a9be3d4", "request_ids": ["…"],',
            ' "invocations": 1, "measured_by": "lambda", "duration_ms": 2.11, "billed_duration_ms": 3,',
            ' "init_duration_ms": null, "memory_size_mb": 128, "max_memory_used_mb": 12, "wall_ms": 6.4,',
            ' "exit_code": 0, "cost_usd": null}',
            "```\n",
            "## `lambda_notice`\n",
            prose(OF_NOTICES),
            *table(("code", "what it is about"), ((f"`{code}`", sentence(text)) for code, text in NOTICES.items())),
            f"## `{environment.KEY}`\n",
            prose(OF_ENVIRONMENT),
            *keys(environment.KEYS),
            f"## `{network.KEY}`\n",
            prose(OF_NETWORK),
            *keys(network.KEYS),
            f"## `{whoami.KEY}`\n",
            prose(OF_IDENTITY),
            *keys(whoami.KEYS),
            f"## `{runs_view.KEY}`\n",
            prose(OF_RUNS),
            *keys(row.KEYS),
            f"## `{METADATA_KEY}`\n",
            prose(OF_KERNELSPEC),
        ]
    )


def keys(described: Mapping[str, Key]) -> Iterator[str]:
    return table(("key", "type", "what it says"), ((f"`{n}`", k.type, sentence(k.what)) for n, k in described.items()))


OF_PATH = f"""
`PATH` ends with `{wire.PRIVATE}/bin`, which holds the commands that the kernel brings, such as `display`. `LC_ALL` is
set to `C.UTF-8` where the locale of `LANG` does not exist. `{wire.SHELL_MARK}` names the shell: the kernel finds by it
what the shell has started. `LAMBDA_KERNEL_DISPLAY` holds the MIME types that `display` shows.
"""


def configuration() -> str:
    return "\n".join(
        [
            "# Configuration and environment variables\n",
            "The function is chosen from the first of these that is set:\n",
            "1. `%use NAME` in the notebook;",
            "2. the options that `lambda-kernel install` keeps in the kernelspec;",
            "3. `LAMBDA_KERNEL_FUNCTION` in the kernel's environment, with the usual AWS variables;",
            "4. Jupyter's configuration;",
            "5. otherwise the local emulator (on Linux).\n",
            "## Jupyter's configuration\n",
            "In `~/.jupyter/lambda_kernel_config.py`, or another directory of `jupyter --paths`:\n",
            "```python",
            'c.LambdaKernel.function = "shell"',
            'c.LambdaKernel.region = "eu-west-1"',
            "```\n",
            *table(("setting", "default", "what it sets"), traits()),
            "## Environment variables of the kernel\n",
            "boto3 reads others as well: all that its documentation names.\n",
            *table(("variable", "what it sets"), variables(OF_THE_KERNEL)),
            "## Environment variables of a cell\n",
            "A cell has the variables that Lambda sets, and these of its own invocation:\n",
            *table(("variable", "what it says"), variables(OF_A_CELL)),
            "A run of `%%fleet` has these as well:\n",
            *table(("variable", "what it says"), variables(FLEET_VARIABLES)),
            "Lambda leaves these unset. The shell sets them so that programs find what they expect:\n",
            *table(("variable", "value"), ((f"`{name}`", f"`{value}`") for name, value in filled_in().items())),
            prose(OF_PATH),
        ]
    )


def traits() -> Iterator[tuple[str, ...]]:
    for name, trait in sorted(LambdaKernel.class_own_traits(config=True).items()):
        values = getattr(trait, "values", None)
        allowed = f" One of {', '.join(f'`{value}`' for value in values)}." if values else ""
        default: Any = trait.default_value
        yield f"`c.LambdaKernel.{name}`", f"`{default!r}`", f"{trait.help}{allowed}"


def filled_in() -> dict[str, str]:
    made = wire.shell_environ({"PATH": "", "LC_ALL": "C"})
    return {name: value for name, value in made.items() if name not in ("PATH", "LC_ALL")}


def variables(described: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((f"`{name}`", sentence(text)) for name, text in described.items())


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def prose(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def cell(text: str) -> str:
    return text.replace("|", r"\|")


def sentence(text: str) -> str:
    """With a capital, but for a program's name, and a full stop."""
    first = text[:1] if text.startswith("bash") else text[:1].upper()
    return f"{first}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def main() -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (DIRECTORY / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
