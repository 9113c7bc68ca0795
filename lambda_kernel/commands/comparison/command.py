"""The command `lambda-kernel compare`."""

from __future__ import annotations

import argparse
import re
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import nbformat

from ...aws.connector import Connector
from ...aws.target import LOCAL, USUAL, Target, named
from ...aws.target_words import ListFunctions, expand
from ...errors import KernelError, UsageError
from ...images.progress import on_terminal
from ...magics.use import OF_FLEET
from ...untrusted import visible
from ..metadata import NotebookError, read
from . import markdown, page
from .comparison import Comparison, Run, compare
from .outputs import joined
from .volatile import ours
from .words import failures

if TYPE_CHECKING:
    from nbformat import NotebookNode

TENANT = "lambda-kernel-compare"
LONGEST = 1_000
NAME = re.compile(r"[^\w.@=+-]+")
SHELLS = ("bash", "sh", "shell")
NO_NBCLIENT = "this needs nbclient, which comes with JupyterLab: pip install 'lambda-kernel[jupyter]'"


@dataclass(frozen=True)
class Place:
    """Where the report and the executed copies go, and the name of each target's copy."""

    directory: Path
    copies: Mapping[str, Path]


def run(options: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Run the notebook everywhere, and report. The exit code is 1 if a target did not come to its end."""
    try:
        notebook = shell_notebook(options.notebook)
        connector = Connector(TENANT, tell=on_terminal(err, time.monotonic))
        targets = dict(labelled(targets_of(options, connector.functions)))
        place = place_for(options, list(targets))
        meet(targets, connector, err)
        runs = list(_runs(notebook, targets, place, Path(options.notebook), err))
        _write(compare(Path(options.notebook).name, runs, ours(options.ignore)), place, out, err)
    except (KernelError, NotebookError) as error:
        print(f"lambda-kernel: {error}", file=err)
        return 1
    except OSError as error:
        where = visible(str(error.filename or options.out), LONGEST)
        print(f"lambda-kernel: cannot write {where} ({error.strerror}): name a directory with --out", file=err)
        return 1
    except KeyboardInterrupt:
        print("lambda-kernel: interrupted", file=err)
        return 1
    except ModuleNotFoundError as error:
        if error.name != "nbclient":
            raise
        print(f"lambda-kernel: {NO_NBCLIENT}", file=err)
        return 1
    return 1 if len(runs) < len(targets) or any(one.problem for one in runs) else 0


def shell_notebook(path: str) -> NotebookNode:
    """Raises NotebookError."""
    try:
        found = read(path)
    except NotebookError as error:
        raise NotebookError(f"{visible(path, LONGEST)}: {error}") from error
    language = _language(found["metadata"])
    if language not in (None, *SHELLS):
        raise NotebookError(
            f"{visible(path, LONGEST)}: its cells are {visible(str(language), 40)}, and lambda-kernel runs shell text: "
            "name a notebook of the AWS Lambda shell"
        )
    cells = [cell | {"source": joined(cell["source"])} for cell in found["cells"]]
    made: NotebookNode = nbformat.from_dict(found | {"cells": cells})  # type: ignore[no-untyped-call]
    return made


def _language(metadata: Mapping[str, Any]) -> object:
    """As its kernel says, or the kernelspec. None: neither does."""
    described = (metadata.get("language_info", {}).get("name"), metadata.get("kernelspec", {}).get("language"))
    return next((one for one in described if one), None)


def targets_of(options: argparse.Namespace, functions: ListFunctions) -> list[tuple[str, Target]]:
    """All targets, before anything runs on one. Raises KernelError."""
    if shells := [word for word in options.on if OF_FLEET.fullmatch(word)]:
        raise UsageError(f"{shells[0]} is a shell of %%fleet, and this takes functions: leave it out")
    near = LOCAL
    if options.region or options.profile or options.endpoint_url:
        near = named("any", options.region, options.profile, options.endpoint_url)
    found = expand(options.on, near, USUAL, functions)
    if len(found) < 2:
        raise UsageError("there is nothing to compare with: name another target with --on")
    return found


def meet(targets: Mapping[str, Target], connector: Connector, err: TextIO) -> None:
    """Find out that each is there, before anything runs on any. Nothing is invoked for that: the cold start is the
    notebook's. Raises KernelError."""
    try:
        for target in dict.fromkeys(targets.values()):
            if warning := connector.meet(target):
                print(f"lambda-kernel: {target}: {warning}", file=err)
    finally:
        connector.close()


def labelled(targets: Sequence[tuple[str, Target]]) -> Iterator[tuple[str, Target]]:
    """A target that is named twice, to see what changes from run to run, has a number."""
    seen: Counter[str] = Counter()
    for word, target in targets:
        seen[word] += 1
        yield (word if seen[word] == 1 else f"{word} ({seen[word]})"), target


def place_for(options: argparse.Namespace, labels: Sequence[str]) -> Place:
    """Make the directory, so that nothing is run in vain. Raises KernelError and OSError."""
    notebook = Path(options.notebook)
    directory = Path(options.out or f"{notebook.stem}-compared")
    directory.mkdir(parents=True, exist_ok=True)
    copies: dict[str, Path] = {}
    for label in labels:
        name = NAME.sub("-", label).strip("-.") or "target"
        taken = {path.stem for path in copies.values()}
        number = next(count for count in range(1, len(labels) + 1) if _numbered(name, count) not in taken)
        copies[label] = directory / f"{_numbered(name, number)}.ipynb"
    if notebook.resolve() in [path.resolve() for path in copies.values()]:
        raise UsageError(f"an executed copy would replace {visible(options.notebook, LONGEST)}: name another --out")
    (directory / "report.md").touch()
    return Place(directory, copies)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _runs(
    notebook: NotebookNode, targets: Mapping[str, Target], place: Place, path: Path, err: TextIO
) -> Iterator[Run]:
    """One after the other, so that none takes this machine's time from another. Ctrl-C ends them."""
    from .execution import Interrupt, execute

    interrupt = Interrupt()
    for number, (label, target) in enumerate(targets.items(), 1):
        print(f"Running {visible(path.name, LONGEST)} on {label} ({number} of {len(targets)})", file=err, flush=True)
        done = execute(notebook, label, target, path.resolve().parent, interrupt)
        _save(done.notebook, place.copies[label])
        yield done
        if interrupt.came:
            return


def _save(notebook: Any, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on cells without ids, as in the notebook itself
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


def _write(comparison: Comparison, place: Place, out: TextIO, err: TextIO) -> None:
    (place.directory / "report.md").write_text(markdown.report(comparison), "utf-8")
    (place.directory / "report.html").write_text(page.page(comparison), "utf-8")
    print(markdown.text(comparison), file=out)
    print(f"The report and the executed notebooks are in {visible(str(place.directory), LONGEST)}", file=out)
    for sentence in failures(comparison):
        print(f"lambda-kernel: {sentence}", file=err)
