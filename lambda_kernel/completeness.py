"""Whether a cell's text is whole, or a console should ask for another line. bash itself decides, on this machine."""

from __future__ import annotations

import asyncio
import re
import shutil

from .errors import UsageError
from .magics import MAGICS, parse

# What bash says of a text that ends too early: an open quote or bracket, a compound command, a here-document.
UNFINISHED = re.compile(rb"unexpected end of file|unexpected EOF|here-document at line \d+ delimited by end-of-file")
OPEN_LINE = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
SECONDS = 2.0


async def is_complete(code: str) -> dict[str, str]:
    """The content of an is_complete_reply."""
    try:
        head = parse(code, MAGICS)
    except UsageError:
        return {"status": "complete"}
    if head.cell and not code.endswith("\n"):
        return {"status": "incomplete", "indent": ""}
    if OPEN_LINE.search(head.body):
        return {"status": "incomplete", "indent": ""}
    complaints = await bash_says(head.body)
    if complaints is None:
        return {"status": "unknown"}
    if UNFINISHED.search(complaints):
        return {"status": "incomplete", "indent": ""}
    return {"status": "invalid" if complaints else "complete"}


async def bash_says(text: str) -> bytes | None:
    """What `bash -n` complains of, which parses and runs nothing; None without a bash."""
    bash = shutil.which("bash")
    if bash is None:
        return None
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    # Messages in English, whatever the user's language.
    process = await asyncio.create_subprocess_exec(
        bash, "--norc", "-n", stdin=pipe, stdout=null, stderr=pipe, env={"LC_ALL": "C"}
    )
    try:
        _, complaints = await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return None
    return complaints
