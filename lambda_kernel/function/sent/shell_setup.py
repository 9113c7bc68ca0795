"""What a new shell gets besides bash: programs on its PATH, and functions for `read`, `fg` and unknown commands.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index

PROGRAMS: dict[str, str] = {}  # the programs that the kernel brings, by name
SHOWN = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "text/html", "text/markdown"),
    *("application/json", "application/pdf", "text/csv", "text/tab-separated-values", "text/plain"),
    *("audio/wav", "audio/mpeg", "audio/ogg", "audio/flac"),
    "application/vnd.vegalite.v5+json",
)
BIN = "/tmp/.lambda-kernel/bin"  # the function puts it at the end of PATH
PIPES = "/tmp/.lambda-kernel/pipes"  # the texts of cells are here, if /proc/PID/fd cannot be read
# Only on a terminal does bash show the prompt of `read -p`, and hide what is typed at `read -s` (bash(1)).
READ_MARK = "__lambda_kernel"
READ = r"""read () {
    [[ "$*" == *-*[ps]* && /proc/self/fd/0 -ef INPUT ]] || { \builtin read "$@"; return; }
    \builtin local MARK=p MARK_prompt= MARK_option OPTIND=1 OPTARG
    while \builtin getopts :ersa:d:i:n:N:p:t:u: MARK_option; do
        case $MARK_option in p) MARK_prompt=$OPTARG ;; s) MARK=s ;; esac
    done
    \builtin printf 'READS%s%s\0' "$MARK" "${MARK_prompt:0:1000}" >|MARKS
    \builtin read "$@"
    \builtin set -- "$?"
    \builtin printf 'READSp\0' >|MARKS
    \builtin return "$1"
}
"""
# Without a terminal nothing outside of bash can see which job `fg` brings to the foreground.
FOREGROUND = r"""fg () {
    \builtin printf 'FOREGROUND%s\0' "$(\builtin jobs -p "${@:-%+}" 2>/dev/null)" >|MARKS
    \builtin fg "$@"
    \builtin set -- "$?" MARK
    \builtin printf 'FOREGROUND\0' >|MARKS
    \builtin return "$1"
}
"""
STOOD_IN = (b"read", b"fg", b"eval", b"exec")
# bash calls it in the child that finds no command (bash(1), COMMAND EXECUTION). An interactive bash's own message names
# no line. Nothing of this function shows up in a trace.
NOT_FOUND = r"""command_not_found_handle () {
    { if [[ ${FUNCNAME[1]-} != command_not_found_handle ]]; then
        \builtin local MARK=${BASH_SOURCE[1]-}
        case $MARK in "" | main | environment | /proc/*/fd/* | CELLS/*) MARK=bash ;; esac
        \builtin printf '%s: line %s: %s: command not found\n' "$MARK" "${BASH_LINENO[0]}" "$1" >&3
        \builtin return 127
    fi; } 3>&2 2>/dev/null
}
"""
# Patterns begin with letters, and then say what may not stand before them: a long text is searched for the letters.
# Other text, which is not known here.
RUNS_TEXT = b"|".join(rb"%b(?<![^\s;&|({`!]%b)\s" % (name, name) for name in (rb"\.", b"source", b"eval"))
# Text that may call `read` with a prompt, or that runs other text.
ASKING = re.compile(rb"read(?<!\wread)\b(?:\\\n|[^\n;|&<])*(?:\s-\w*[ps]|\$)|" + RUNS_TEXT, re.MULTILINE)
# Text that may set a trap, or that runs other text.
TRAPPING = re.compile(rb"trap(?<!\wtrap)\b|" + RUNS_TEXT, re.MULTILINE)


def setup_commands() -> str:
    """The first commands of a new shell.

    They tell programs which types `display` can show. They make bash find the kernel's programs even if others have
    their names (ImageMagick has a `display`, which needs a screen).
    """
    found = "".join(f"hash -p {BIN}/{name} {name}; " for name in PROGRAMS if shutil.which(name))
    handler = NOT_FOUND.replace("CELLS", PIPES).replace("MARK", READ_MARK)
    return f"{handler}{found}export LAMBDA_KERNEL_DISPLAY={shlex.quote(' '.join(SHOWN))}"


def changed(path: str) -> int:
    """When a directory got or lost an entry last. 0: it is not there."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def install() -> None:
    """Put the programs into a directory of the shell's PATH."""
    with contextlib.suppress(OSError):  # /tmp may be full: a shell is needed all the more then
        os.makedirs(BIN, 0o700, exist_ok=True)
        for name, text in PROGRAMS.items():
            path = f"{BIN}/{name}"
            if index.peek(path) == text and os.access(path, os.X_OK):
                continue
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path + ".new", 0o755)
            os.rename(path + ".new", path)  # another kernel's shell may be running it
