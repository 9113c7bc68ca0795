"""Measure this kernel beside its peers, in one run: `python -m benchmarks`, from the root of the repository.

All of them run on this machine, in turns, so that its noise falls on all alike; figures are medians. A target that is
not met is said to be so, and is no failure of the run: times are never asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from . import (
    cell,
    cold_starts,
    endurance,
    first_cell,
    fleet,
    images,
    interrupt,
    memory,
    output,
    queue,
    redaction,
    script,
    slices,
    startup,
)
from .endpoint import Loop
from .figures import ARTICLE, Figure, table
from .kernels import SUBJECTS
from .plan import Plan, tell

BENCHMARKS: dict[str, Callable[[Plan], list[Figure]]] = {
    "cell": cell.measure,
    "start": startup.measure,
    "image": images.measure,
    "first": first_cell.measure,
    "cold": cold_starts.measure,
    "memory": memory.measure,
    "output": output.measure,
    "redaction": redaction.measure,
    "interrupt": interrupt.measure,
    "queue": queue.measure,
    "run": script.measure,
    "cells": endurance.measure,
    "slices": slices.measure,
    "fleet": fleet.measure,
}
PACKAGES = ("ipykernel", "jupyter_client", "tornado", "pyzmq", "boto3", "awslambdaric", "bash_kernel", "calysto_bash")
FOREIGN_PREFIXES = ("AWS_", "BOTO_", "IPYTHON", "JUPYTER", "JPY_", "LAMBDA_KERNEL_", "PYTHON", "XDG_")


def main() -> int:
    options = _parser().parse_args()
    plan = Plan(options.quick)
    plan.notes += [f"{name} is not installed: skipped" for name in _missing()]
    about = _about(options.quick)
    with private_environment():
        figures = [figure for name in options.only or BENCHMARKS for figure in _measured(name, plan)]
    about["load_after"] = os.getloadavg()
    print(_heading(about))
    print(table(figures))
    for note in plan.notes:
        print(f"! {note}")
    if options.json:
        result = {**about, "notes": plan.notes, "figures": [figure.as_json() for figure in figures]}
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this kernel beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and slow peers print no 10 MB")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all samples there")
    parser.add_argument("--only", metavar="NAME", action="append", choices=BENCHMARKS, help=", ".join(BENCHMARKS))
    return parser


def _measured(name: str, plan: Plan) -> list[Figure]:
    tell(f"measuring: {name}")
    return BENCHMARKS[name](plan)


def _missing() -> list[str]:
    missing = [subject.name for subject in SUBJECTS if not subject.installed]
    return missing if Loop.installed() else [*missing, f"`aws`, and so the {ARTICLE},"]


def _about(quick: bool) -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "quick": quick,
        "python": platform.python_version(),
        "os": _system(),
        "cores": os.cpu_count(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "load_before": os.getloadavg(),
    }


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = "Linux"
    return f"{name}, {platform.system()} {platform.release()} {platform.machine()}"


def _version(name: str) -> str | None:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def _heading(about: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (
        f"{about['date']}{', quick' if about['quick'] else ''}; Python {about['python']}; {about['os']}; "
        f"{about['cores']} cores, load {about['load_before'][0]:.1f} to {about['load_after'][0]:.1f}\n{packages}\n"
        "Medians; in parentheses, how many times our figure.\n"
    )


@contextlib.contextmanager
def private_environment() -> Iterator[None]:
    """No one's settings, histories and credentials; and compiled modules for all, this checkout's included."""
    before, home = os.environ.copy(), tempfile.mkdtemp(prefix="lambda-kernel-benchmarks-")
    for name in before:
        if name.startswith(FOREIGN_PREFIXES):
            del os.environ[name]
    os.environ.update(HOME=home, PYTHONPYCACHEPREFIX=f"{home}/compiled", AWS_EC2_METADATA_DISABLED="true")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
