"""Shell text does in a session what it does under the same bash run directly, but for the differences named here.

differential/ holds the snippets, each below a line `#### NAME: DIFFERENCE ...`; a difference that a snippet names
and does not show fails as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from lambda_kernel.function import index
from lambda_kernel.session.cell import Bound, Output
from tests.support.in_process_session import InProcess, LambdaContext

T = TypeVar("T")
LOCALE = {"LC_ALL": "C.UTF-8"}
WIDE = Bound(10_000_000, 1_000_000)  # everything is compared
BASH = subprocess.run(["bash", "-c", "echo ${BASH_VERSION%.*}"], capture_output=True, text=True, check=False).stdout
pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux: the function reads /proc"),
    pytest.mark.skipif(BASH != "5.2\n", reason="the differences are those of bash 5.2, which Lambda has"),
]


class Seen(NamedTuple):
    """What a snippet did."""

    out: str
    err: str
    exit_code: int


def same(thing: T) -> T:
    return thing


@dataclass(frozen=True)
class Difference:
    """Why a session is not the same, and what makes it the same: other text or options for bash when it is run
    directly, other text for the session, and what becomes of that which each of them showed."""

    why: str
    code: Callable[[str], str] = same
    options: tuple[str, ...] = ()
    cell: Callable[[str], str] = same
    direct: Callable[[Seen], Seen] = same
    session: Callable[[Seen], Seen] = same


def texts(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Callable[[Seen], Seen]:
    """A replacement, line by line, in both streams."""
    found = re.compile(pattern, re.MULTILINE)
    return lambda seen: Seen(found.sub(replacement, seen.out), found.sub(replacement, seen.err), seen.exit_code)


def text(old: str, new: str) -> Callable[[str], str]:
    return lambda code: code.replace(old, new)


def first(line: str) -> Callable[[str], str]:
    return lambda code: line + code


def interactive_flags(found: re.Match[str]) -> str:
    order = "abefhikmnprtuvxBCEHPTcs"  # as bash prints them (its flags.c)
    return "".join(sorted({*found[0], "i", "m", "s"} - {"c"}, key=order.index))


JOB_MESSAGES = texts(r"^\[\d+\] \d+\n|^\[\d+\][ +-] +(?:Done|Exit \d+|Terminated|Killed) .*\n", "")

DIFFERENCES = {
    "line": Difference(
        "An error names the line unless bash is interactive (error_prolog in its error.c).",
        direct=texts(r"^(?:bash|environment): (?:-c: |eval: )?line \d+: |^(?=\./s: line \d)", "bash: "),
    ),
    "parsed": Difference("An error of syntax names the option -c.", direct=texts(r"^bash: -c: line", "bash: line")),
    "sourced": Difference(
        "In a file too that is sourced, unless it cannot be parsed.",
        direct=texts(r"^\./s: line \d+: (?!.*command not found)", "bash: "),
    ),
    "jobs": Difference(
        "An interactive bash tells when a job starts and how it ended.", direct=JOB_MESSAGES, session=JOB_MESSAGES
    ),
    "death": Difference(
        "Which command a signal has ended is told unless bash is interactive; that it did is told by both.",
        direct=texts(r"^bash: +\d+ (\w+(?: \w+)*) {2,}.*$", r"\1"),
    ),
    "abort": Difference(
        "An error that ends a bash with 127 or 2 ends the commands of an interactive one with 1, and it goes on.",
        direct=lambda seen: seen._replace(exit_code=1),
    ),
    "control": Difference(
        "An interactive bash has job control (bash(1), set -m); a command that dies of SIGINT ends what follows.",
        code=first("set -m; "),
    ),
    "alias": Difference("An interactive bash expands aliases (expand_aliases).", options=("-O", "expand_aliases")),
    "execfail": Difference("A failing exec ends no interactive bash (bash(1), execfail).", options=("-O", "execfail")),
    "flags": Difference(
        "$- has i and m for an interactive bash, and s instead of c for one that reads its input.",
        direct=texts(r"^\w+c$", interactive_flags),
    ),
    "interactive": Difference("$- of an interactive bash says so.", code=text("$-", "i")),
    "prompts": Difference("An interactive bash has prompts.", code=first("PS1=1 PS2=2; ")),
    "autocd": Difference("Only an interactive bash has autocd.", code=text("; d;", "; echo cd -- d >&2; cd d;")),
    "noexec": Difference("An interactive bash ignores set -n.", code=text("set -n; ", "")),
    "sigterm": Difference("An interactive bash ignores SIGTERM.", code=first("trap '' TERM; ")),
    "trace": Difference(
        "Sourcing a cell is a level of PS4's first character (bash(1), PS4). It is taken out of the cell's stderr "
        "where it is a plus sign.",
        direct=texts(r"^(?=([+>]))(?!>2? *$)", r"\1"),
    ),
    "exit-trap": Difference(
        "An EXIT trap runs when the shell exits, which is not the end of the cell.", cell=lambda code: f"{code}exit\n"
    ),
    "exit": Difference(
        "An interactive bash says that it exits, even when it then does not; where more follows, that stays.",
        session=texts(r"\Aexit\n", ""),
    ),
    "handler": Difference(
        "A session's bash has a function that names the line where no command was found.",
        session=texts(r"^command_not_found_handle \(\) \n", ""),
    ),
    "emacs": Difference(
        "A session's bash edits lines, as on a terminal (bash(1), set -o emacs).",
        session=texts(r"(?<=^braceexpand:)emacs:|(?<=^emacs          \t)on$", lambda on: {"on": "off"}.get(on[0], "")),
    ),
    "spawned": Difference(
        "glibc's posix_spawn leaves its two internal signals, 32 and 33, ignored (__spawni_child).",
        session=texts(r"(SigIgn:\s0{7})18", r"\g<1>00"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Snippet:
    code: str
    differences: tuple[str, ...] = ()


# What a text file does not keep.
ODD = {
    "odd/empty": Snippet(""),
    "odd/no-newline-at-the-end": Snippet("echo a"),
    "odd/backslash-at-the-end": Snippet("echo a\\"),
    "odd/crlf": Snippet("echo a\r\nx=1\r\necho $x b\r\n"),
    "odd/crlf-in-a-loop": Snippet("for i in 1; do\r\necho $i\r\ndone\r\n", ("parsed",)),
    "odd/crlf-here-document": Snippet("cat <<X\r\na\r\nX\r\n"),
    "odd/form-feed-and-escape": Snippet("echo 'a\fb\x1b[0m\x7f\x01'"),
    "odd/no-break-space": Snippet("echo\u00a0a"),
    "odd/long-line": Snippet("echo " + "x" * 100_000),
    "odd/many-words": Snippet("set -- " + "a " * 40_000 + "; echo $#"),
    "odd/many-lines": Snippet("((n++))\n" * 5_000 + "echo $n"),
    "odd/large-here-document": Snippet("cat <<'X' | md5sum\n" + "line 'of' $text\n" * 6_000 + "X\n"),
    "odd/many-quotes": Snippet("echo " + "\"'\"'\"'" * 5_000),
    "odd/deep": Snippet("{ " * 200 + "echo deep; " + "}; " * 200),
    "odd/joined-emoji": Snippet("echo '\U0001f9d1\u200d\U0001f680' ${#x}"),
}


def snippets() -> Iterator[tuple[str, Snippet]]:
    yield from ODD.items()
    for path in sorted((Path(__file__).parent / "differential").glob("*.sh")):
        parts = re.split(r"^#### ([^:\n]+)(?:: (.+))?\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        for name, differences, code in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            yield f"{path.stem}/{name}", Snippet(code, tuple((differences or "").split()))


SNIPPETS = dict(snippets())
# Where the front end has an input box: the differences that this makes, and by snippet those that it shows. bash shows
# no prompt without a terminal, so that in a cell with `read -p` or `-s` a function takes the place of `read`.
WRAPPED = {
    "function": Difference("`type` says what `read` is there.", session=texts(r"^function$", "builtin")),
    "function-trace": Difference(
        "A trace shows what it does.",
        session=texts(r"^\++ (?:\[\[ (?:'?-p|/proc/self/fd/0 -ef) .* \]\]|builtin read .*|return)\n", ""),
    ),
}
ASKED = {
    "input/type-of-read-with-a-prompt": ("function",),
    "input/read-with-a-prompt-in-a-trace": ("function-trace",),
}
# Where an error stands in the middle of a line, DIFFERENCES do not find it.
ASKING = [name for name, snippet in SNIPPETS.items() if "read" in snippet.code or name.startswith("input/")]
MERGED = [n for n in SNIPPETS if n.startswith(("printf_echo/", "redirect/")) and n != "printf_echo/printf-percent"]


class Ways:
    """Both ways to run a text, each in the same directory, which is empty at first. What was seen is kept. stdin: the
    front end has an input box; the user ends the input."""

    def __init__(self, here: Path, merge: bool = False, stdin: bool = False) -> None:
        self.here, self.merge, self.stdin = here, merge, stdin
        self.seen: dict[tuple[str, ...], Seen] = {}

    def compared(self, code: str, differences: list[Difference]) -> tuple[Seen, Seen]:
        cell, options = code, tuple(option for difference in differences for option in difference.options)
        for difference in differences:
            code, cell = difference.code(code), difference.cell(cell)
        direct = self._once(("bash", *options, "-c", code), lambda: directly(code, options, self.merge))
        session = self._once(("session", cell), lambda: in_a_session(cell, self.merge, self.stdin))
        for difference in differences:
            direct, session = difference.direct(direct), difference.session(session)
        return direct, session

    def _once(self, key: tuple[str, ...], run: Callable[[], Seen]) -> Seen:
        if key not in self.seen:
            os.chdir(self.here.parent)
            shutil.rmtree(self.here, ignore_errors=True)
            self.here.mkdir()
            os.chdir(self.here)
            self.seen[key] = run()
        return self.seen[key]


def directly(code: str, options: tuple[str, ...], merge: bool) -> Seen:
    environ = index.shell_environ({**os.environ, **LOCALE})
    # A background job of a script, and what nohup or cron starts, ignores signals, which every child inherits and bash
    # cannot undo (bash(1), trap). A session's shell is started without that, and so is this one.
    ran = subprocess.run(
        ["env", "--default-signal", "bash", "--norc", "--noprofile", *options, "-c", code],
        input=b"",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge else subprocess.PIPE,
        env=environ | index.facts(LambdaContext(), environ),
        close_fds=False,  # a session's shell has what this process has
        timeout=30,
        check=False,
        start_new_session=True,
    )
    status = ran.returncode if ran.returncode >= 0 else 128 - ran.returncode
    return Seen(decoded(ran.stdout), decoded(ran.stderr or b""), status)


def in_a_session(code: str, merge: bool, stdin: bool) -> Seen:
    remote = InProcess(credentials=LOCALE)
    try:
        ran = remote.run(code, bound=WIDE, merge=merge, stdin=stdin)
        after = remote.run("echo next", stdin=stdin)
    finally:
        remote.close()
    assert (after.out, after.err) == ("next\n", ""), "the cell after it"
    streams: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    for cell_event in ran.cell_events:
        if isinstance(cell_event, Output):
            streams[cell_event.stream] += cell_event.data
    return Seen(decoded(streams["stdout"]), decoded(streams["stderr"]), ran.exit_code)


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path_factory.getbasetemp() / "differential" / "here"
    here.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(here.parent)  # and back at the end
    return here


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_does_in_a_session_what_it_does_directly(here: Path, name: str) -> None:
    ways, snippet = Ways(here), SNIPPETS[name]
    differences = [DIFFERENCES[difference] for difference in snippet.differences]
    direct, session = ways.compared(snippet.code, differences)
    assert session == direct
    for difference in differences:
        others = [other for other in differences if other is not difference]
        direct, session = ways.compared(snippet.code, others)
        assert session != direct, f"not needed any more: {difference.why}"


@pytest.mark.parametrize("name", MERGED)
def test_merged_streams_are_in_the_order_of_2_to_1(here: Path, name: str) -> None:
    snippet = SNIPPETS[name]
    direct, session = Ways(here, merge=True).compared(snippet.code, [DIFFERENCES[d] for d in snippet.differences])
    assert session == direct


@pytest.mark.parametrize("name", ASKING)
def test_an_input_box_changes_nothing_but_what_is_named(here: Path, name: str) -> None:
    snippet = SNIPPETS[name]
    named = [(DIFFERENCES | WRAPPED)[d] for d in (*snippet.differences, *ASKED.get(name, ()))]
    direct, session = Ways(here, stdin=True).compared(snippet.code, named)
    assert session == direct


@pytest.mark.parametrize("name", ASKED)
def test_what_an_input_box_changes_is_still_so(here: Path, name: str) -> None:
    snippet = SNIPPETS[name]
    direct, session = Ways(here, stdin=True).compared(snippet.code, [DIFFERENCES[d] for d in snippet.differences])
    assert session != direct


def test_there_are_enough_snippets_and_no_difference_too_many() -> None:
    assert len(SNIPPETS) >= 300
    assert {name for snippet in SNIPPETS.values() for name in snippet.differences} == set(DIFFERENCES)
