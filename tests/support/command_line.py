"""`lambda-kernel` in this process. One of its own takes half a second to start: it is for what only that can prove."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess

from lambda_kernel.cli import main


def lambda_kernel(
    *words: str | Path, piped: str = "", directory: Path | None = None, environ: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    """What a process with these words would have come to. piped: its input; environ: in its environment."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(surroundings(piped, directory or Path(), {"COLUMNS": "100", **(environ or {})}))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # of argparse
            code = end.code if isinstance(end.code, int) else 1
    return CompletedProcess([*words], code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def surroundings(piped: str, directory: Path, variables: Mapping[str, str]) -> Iterator[None]:
    before, place, stdin = os.environ.copy(), Path.cwd(), sys.stdin
    sys.stdin = io.StringIO(piped)
    os.environ.update(variables)
    os.chdir(directory)
    try:
        yield
    finally:
        sys.stdin = stdin
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)
