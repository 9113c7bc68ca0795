"""The command's options, and the process's exit."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...aws.connector import Connector, name_of
from ...aws.target import FUNCTION_VARIABLE, LOCAL_NAME, USUAL, Target, named
from ...aws.target_words import split
from ...aws.transport import Transport
from ...bash.line_ends import unix
from ...errors import Abandoned, UsageError
from ...session.session import Session
from ...session.worker import Worker
from ...workspace.workspace import Workspace
from .control import ScriptControl, StandardInput
from .script import FAILED, USAGE, Script
from .streams import Streams

if TYPE_CHECKING:
    from ...images.progress import Progress

STDIN = "-"
END_SECONDS = 7.0  # after SIGTERM: longer than an invocation; whoever sends it often waits ten
FEW = 100_000  # objects between two collections: what a start loads stays, and to look at it again takes 50 ms
MAY_BE_MAGIC = re.compile(r"(?:\s|#[^\n]*\n)*%")
NOTHING = "there is nothing to run: give it -c TEXT, a file, or text on standard input"


class Wish(Protocol):
    """What the options say. text: of -c; file: `-` is standard input."""

    text: str | None
    file: str | None
    on: str | None
    region: str | None
    profile: str | None
    endpoint_url: str | None
    timeout: int | None
    json: bool


def main(wish: Wish, tell: Callable[[Progress], None]) -> int:
    """Return the exit code, or end this process by the signal that has ended the script.

    Then a shell's loop around it ends as well (https://www.cons.org/cracauer/sigint.html).
    """
    fill_descriptors()
    status = run(wish, tell)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    gc.freeze()  # at its end Python looks at all objects that are not frozen, which takes 100 ms
    return abs(status)


def fill_descriptors() -> None:
    """A standard stream that is closed (`>&-`) must not become a connection's number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def run(wish: Wish, tell: Callable[[Progress], None]) -> int:
    """Return the exit code; negative: a signal that has ended the script, as in subprocess.

    tell: shows how far the pull of an image is.
    """
    gc.set_threshold(FEW)
    streams, stdin = Streams(), StandardInput()
    control = ScriptControl(stdin.read)
    with control.signals():
        try:
            text, target = shell_text(text_of(wish)), target_of(wish)
        except UsageError as error:
            streams.say(str(error))
            return USAGE
        workspace, connector = made(target, tell)
        script = Script(text, workspace, control, streams, wish.timeout, wish.json, reads(wish))
        status = FAILED
        try:
            # A signal's handler runs in this thread, so nothing else does.
            status = Worker()(script.run, control.end, END_SECONDS)
        except Abandoned:
            pass  # whoever reads the output has stopped, but has not ended
        except BrokenPipeError:
            status = -signal.SIGPIPE
        except OSError as error:
            unwritten(error, streams)
        finally:
            script.close(connector)
            stdin.restore()
    return -control.ended_by if control.ended_by else status


def unwritten(error: OSError, streams: Streams) -> None:
    with contextlib.suppress(OSError):
        streams.say(f"cannot write the output ({error.strerror}): make room, or write it somewhere else")


def reads(wish: Wish) -> bool:
    """Whether standard input is the command's. A shell's script on standard input is."""
    return sys.stdin is not None and (wish.text is not None or wish.file not in (None, STDIN))


def shell_text(text: str) -> str:
    """Raises UsageError if it begins with a magic: bash would look for a job of that name, and go on."""
    if MAY_BE_MAGIC.match(text):
        from ...magics import KNOWN  # it takes long to load
        from ...magics.base import LINE

        if (found := LINE.match(text)) and found[2] in KNOWN:
            raise UsageError(f"{found[1]}{found[2]} is a magic, for a notebook or the console: give `run` shell text")
    return text


def text_of(wish: Wish) -> str:
    """The text as it was given. Raises UsageError."""
    if wish.text is not None:
        return unix(checked(wish.text.encode("utf-8", "surrogateescape"), "the text of -c"))
    if wish.file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(NOTHING)
    if wish.file in (None, STDIN):
        return unix(checked(sys.stdin.buffer.read(), "standard input"))
    try:
        return unix(checked(Path(str(wish.file)).read_bytes(), str(wish.file)))
    except OSError as error:
        raise UsageError(f"cannot read {wish.file} ({error.strerror}): name a file that you can read") from error


def checked(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is not UTF-8 (byte {error.start}): save it as UTF-8") from error


def target_of(wish: Wish) -> Target:
    """Without --on: the environment's, else the local emulator. Raises UsageError."""
    word = split(wish.on or os.environ.get(FUNCTION_VARIABLE) or LOCAL_NAME)
    if word.pattern:
        raise UsageError(f"{wish.on!r} is a pattern: name one function")
    if word.local and (wish.region or wish.endpoint_url or (wish.profile and not word.image)):
        raise UsageError("--region, --profile and --endpoint-url need a function: add --on NAME")
    if None not in (word.region, wish.region) and word.region != wish.region:
        raise UsageError(f"--on says {word.region}, and --region says {wish.region}: leave one of them out")
    region = word.region or wish.region
    return named(word.function, region, wish.profile, wish.endpoint_url, emulator=word.of(USUAL))


def made(target: Target, tell: Callable[[Progress], None]) -> tuple[Workspace, Connector]:
    def pulls(progress: Progress) -> None:
        workspace.on_pull(progress)
        tell(progress)

    connector = Connector(tenant(), tell=pulls)
    workspace = Workspace(target, connector, sessions=_session, caller=Worker())
    return workspace, connector


def tenant() -> str:
    """The same each time, so that a function with tenant isolation keeps its environment for the next run."""
    return name_of(f"run {os.getuid()}@{os.uname().nodename}".encode())


def _session(target: Target, transport: Transport, clock: Callable[[], float]) -> Session:
    return Session(transport, clock, caller=Worker(), direct=target.local)
