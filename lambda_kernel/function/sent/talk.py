"""The lines that make bash run a cell, and bash's answers.

The kernel sends this file along with its hello, so it needs the standard library only. bash gets lines on its stdin. It
answers with records (index.Record) on the control pipe, which it opens by path.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .. import index


def word(letters: str) -> str:
    """The pattern of a whole word. It begins with letters and not with \\b: so a long text is searched for them."""
    return rf"{letters}(?<!\w{letters})\b"


# A cell is a file that bash sources. bash is not interactive meanwhile: `set -o vi` does not touch its input
# (set_edit_mode in its set.def), no job's number is printed into the user's redirections, and syntax errors name the
# line. A text that would behave otherwise in a sourced file than typed is given to eval.
TYPED = re.compile(
    rf"BASH_(?:SOURCE|LINENO|ARG)|FUNCNAME|{word('caller')}|{word('trap')}|{word('autocd')}"
    rf"|{word('exec')}\s+[^\s<>&\d{{]"
)
RETURN = re.compile(r"[{}]|\breturn\b")
EDITING = re.compile(r"\b(?:vi|emacs)\b|\bset\s+\+o|\bshopt\s+-\w*o")
TRACING = re.compile(rf"{word('set')}\s[^\n]*-\w*x|xtrace")
SEEN = re.compile(rf"{word('DEBUG')}|{word('verbose')}|{word('BASH_COMMAND')}|{word('set')}\s[^\n]*-\w*v")
VERBOSE = re.compile(rf"{word('set')}\s[^\n]*-\w*v|verbose")
HEREDOC = re.compile(r"<<(?<!<<<)(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.-]+))")
OPENED = re.compile(r"<<(?<!<<<)(?!<)")
# A text that continues in the next line: it ends with an operator, or with the head of a function.
OPEN_END = re.compile(rf"(?:&&|\|\|?&?|\(\s*\)|{word('function')}\s+\S+)\s*\Z")
# bash's messages about jobs (describe_pid and pretty_print_job in its jobs.c).
JOB_MESSAGE = re.compile(rb"\[[0-9]+\](?: [0-9]+|[-+ ]  [A-Z][\w /()-]*? {2,}(?P<command>[^\n]*))$", re.M)
# How the further lines of a compound command begin there (print_cmd.c).
FURTHER = re.compile(r" |$|(?:do|done|then|elif|else|fi|in|esac)\b|[{}();]")
UNSTARTED = re.compile(rb"redirection error|: Too many open files|PIPESTATUS: readonly")
DISABLED = re.compile(rb"^bash: builtin: (?:\.|eval): not a shell builtin", re.M)
FACT_COMPLAINT = re.compile(rb"bash: (?:export: |LAMBDA_|_X_AMZN_)")
JOB_ENTRY = re.compile(rb"\[([0-9]+)\](.) *([0-9]+) ([^\n]*(?:\n +[0-9]+ [^\n]*)*)")  # of `jobs -l`
PROCESS = re.compile(rb"^(?:\[[0-9]+\].)? *([0-9]+) ", re.M)  # in a line of it
PAIRS = (("if", "fi"), ("case", "esac"), ("do", "done"), ("[[", "]]"))
WORDS = re.compile(
    "|".join(
        rf"{each}(?<![\w$.-]{each})(?![\w-])"
        for each in ("if", "fi", "case", "esac", "for", "while", "until", "select", "do", "done")
    )
    + r"|\[\[|\]\]"
)
# Makes line numbers begin at 1 again. An assignment in an expansion lasts; one by a command does not (execute_cmd.c).
RENUMBER = r'{ %s; } <"/dev/null${PIPESTATUS[$((LINENO=0,99))]-}"'
NOTHING = (r"\builtin :", "for _ in; do :; done")  # a DEBUG trap does not see the second one
# Closed quotes, escapes and comments: nothing in them is part of the syntax.
CLOSED = re.compile(r"\\.|\$'(?:\\.|[^'\\])*'|\$'[^']*'|'[^']*'|\"(?:\\.|[^\"\\])*\"|#(?<![^\s;&|()]#)[^\n]*", re.S)


class Plan(NamedTuple):
    """How bash gets a cell. sourced: the text is in a file. ended: the text reports how it ended. traced: bash may
    print a trace. lines: how many the user's text has. put: what was inserted into it (jobs.py)."""

    seq: int
    text: str
    sourced: bool
    ended: bool
    traced: bool
    lines: int
    put: tuple[str, ...] = ()


class JobCommand:
    """The command in bash's message about a job. A compound command has several lines, and so has a here-document."""

    def __init__(self, message: re.Match[bytes] | None = None) -> None:
        self.text = message["command"].decode("utf-8", "replace") if message and message["command"] else ""
        self.code = self.text  # without here-documents

    @property
    def open(self) -> bool:
        return self._unclosed or self._within or self._below

    @property
    def _unclosed(self) -> bool:
        return _is_open(CLOSED.sub("", self.code))

    @property
    def _within(self) -> bool:
        return not _heredocs_end(self.text)

    @property
    def _below(self) -> bool:
        """Whether the last line has ended a here-document: an empty one stands below it."""
        return not self._within and not _heredocs_end(self.text.rpartition("\n")[0])

    def takes(self, data: bytes) -> bool:
        """Whether this line is the next one of it."""
        line = data.decode("utf-8", "replace")
        document = self._within or (self._below and not line)
        if not document and not (FURTHER.match(line) and self._unclosed):
            self.text = self.code = ""
            return False
        self.text += f"\n{line}"
        self.code += "" if document else f"\n{line}"
        return True


class Messages:
    """Finds bash's own messages in a cell's stderr. renamed: what bash calls the cell, and what is shown in its
    place."""

    def __init__(self, renamed: list[tuple[bytes, bytes]], traced: bool) -> None:
        self.renamed, self.traced, self.line_begins = renamed, traced, True
        self.disabled = False  # whether the user has disabled the builtin that runs the cell

    def split(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """Pieces of the data. True: a message about a job.

        Sourcing and eval add a level, so a trace repeats PS4's first character once too often (bash(1)). That one is
        removed.
        """
        for said, shown in self.renamed:
            data = data.replace(said, shown)
        if self.traced:
            data = re.sub(rb"^\+(?=\+)" if self.line_begins else rb"(?<=\n)\+(?=\+)", b"", data, flags=re.M)
        self.disabled = self.disabled or bool(DISABLED.search(data))
        at = 0
        for found in self._found(data):
            before = data[at : found.start()]
            yield False, before.removesuffix(b"\n") if b"]+  Stopped" in found[0] else before
            at, _ = self._end(data, found)
            yield True, found[0] + b"\n" + data[found.end() + 1 : at]
        yield False, data[at:]
        self.line_begins = data.endswith(b"\n") if data else self.line_begins

    def whole(self, lines: bytes) -> int:
        """How many bytes of these lines stand before a message that more lines belong to."""
        for found in self._found(lines):
            if self._end(lines, found) == (len(lines), True):
                return found.start()
        return len(lines)

    def _found(self, data: bytes) -> Iterator[re.Match[bytes]]:
        for found in JOB_MESSAGE.finditer(data) if b"[" in data else ():
            if data[found.start() - 1 : found.start()] == b"\n" or (found.start() == 0 and self.line_begins):
                yield found

    def _end(self, data: bytes, message: re.Match[bytes]) -> tuple[int, bool]:
        """Where a message ends, and whether more of it follows."""
        command, at = JobCommand(message), message.end() + 1
        while (end := data.find(b"\n", at)) >= 0:
            if not command.takes(data[at:end]):
                return at, False
            at = end + 1
        return at, command.open


class Talk:
    """The dialogue with one bash. control_path: the path of the control pipe."""

    def __init__(self, control_path: str) -> None:
        self.control_path = control_path
        self.seq, self.status, self.flags = 0, 0, ""  # of the last cell: its number, $? and $-
        self.word: str | None = ""  # $_, quoted
        self.statuses: list[int] = []  # PIPESTATUS
        self.ended_at = -1
        self.traps: set[bytes] = set()  # which of DEBUG and RETURN the user has set
        self.stacked = False  # whether the user's code looks at the call stack, where a sourced file would show
        self.own_eval = False  # whether the user has a function `eval`
        self.debugged = False  # whether a DEBUG trap may see each command
        self.command = JobCommand()
        self.said = b""  # bash's last complaint about the kernel's lines
        self.fact_shown = False  # whether it was shown that facts cannot be exported
        self.jobs: dict[bytes, tuple[int, bytes]] = {}  # by bash's number: the process group and the last process's id

    def plan(self, seq: int, text: str, poor: bool = False) -> Plan:
        """How bash gets a cell. poor: few files may be open at once, so that it reports less."""
        self.debugged = b"DEBUG" in self.traps
        # bash 5.2.15 writes beyond its heap when it sources a substitution that is not closed.
        opens = text.count("(") > text.count(")")
        typed = (
            bool(self.traps)
            or self.stacked
            or opens
            or bool((TYPED.search(text) or _returns(text)) and not EDITING.search(text))
        )
        ended = not (self.debugged or poor) and "DEBUG" not in text and self._may_end(text)
        traced = "x" in self.flags or bool(TRACING.search(text))
        begun = "" if text.endswith("\n") else "\n"
        full = f"{text}{begun}{self._ending(seq)}" if ended else text
        return Plan(seq, full, not typed, ended, traced, f"{text}{begun}".count("\n"))

    def _may_end(self, text: str) -> bool:
        """Whether a line can be added that reports how the text ended.

        It must not become part of a here-document, `set -v` must not show it, and an error about an open quote has to
        name that quote's line.
        """
        if "v" in self.flags or VERBOSE.search(text) or text.rstrip("\n").endswith("\\"):
            return False
        rest = CLOSED.sub("", text)
        if "'" in rest or '"' in rest or rest.count("`") % 2:
            return False
        return not OPEN_END.search(rest) and _balanced(rest) and _heredocs_end(text)

    def _ending(self, seq: int) -> str:
        path = self.control_path
        words = f'"S{seq}.$?" "${{_:0:4096}}" "${{PIPESTATUS[@]}}"'
        return f"{{ \\builtin printf '{record(index.Record.ENDING)}%q\\0' {words}; }} 2>/dev/null >|{path}\n"

    def begin(self, plan: Plan, file: str, facts: Mapping[str, str], source: str, outputs: str) -> str:
        """The lines that start a cell. One command reports the begin and runs the cell, so that neither happens alone.

        file: with its text. source: of its input. outputs: redirections. A DEBUG trap does not see what a subshell
        does.
        """
        names = " ".join(f"{name}={shlex.quote(value)}" for name, value in facts.items())
        if len(self.statuses) > 1 and not self.debugged:
            values = ",".join(f"PIPESTATUS[{at}]={value}" for at, value in enumerate(self.statuses))
            source += f'"${{PIPESTATUS[$(({values},99))]-}}"'
        body = f". {shlex.quote(file)}" if plan.sourced else f"eval -- {quoted(plan.text)}"
        body += f" <{source} {outputs}"
        # Sets $? as the previous cell left it. In front of ||, neither set -e nor an ERR trap reacts.
        status = f"(\\builtin exit {self.status}) || " if self.status else ""
        says = f"\\builtin printf '{record(index.Record.BEGUN)}%s\\0' {plan.seq} >|{self.control_path}"
        renumber = RENUMBER % NOTHING[self.debugged]
        if self.debugged:
            # The facts are given to eval: `builtin` would not pass them on.
            call = "\\builtin" if self.own_eval else names
            return f"{renumber}\n({says}) && {{ {status}{call} \\{body}; }}"
        run = f"{says} && \\builtin : {self.word or ''} && {{ {status}\\builtin {body}; }}"
        lines = [f"\\builtin export {names} || \\builtin :", run]
        if not plan.sourced:
            lines.insert(1, renumber)
        return "\n".join(lines)

    def shows(self, plan: Plan) -> bool:
        """Whether the user would see what is inserted into a text: by a trap, in a trace, or with `set -v`."""
        return self.debugged or plan.traced or "v" in self.flags or bool(SEEN.search(plan.text))

    def messages(self, plan: Plan, file: str, merge: bool) -> Messages:
        """What finds bash's messages in the cell's stderr. merge: stdout is in it too, and may look like a trace."""
        self.said = b""
        renamed = [(f"bash: {file}: ", "bash: ")] if file else []
        if file and plan.ended:  # for an error at the end, bash names the line after the last one
            renamed.insert(0, (f"bash: {file}: line {plan.lines + 2}: ", f"bash: line {plan.lines + 1}: "))
        renamed += [(put, "") for put in plan.put]  # bash prints the line of a syntax error
        return Messages([(said.encode(), text.encode()) for said, text in renamed], plan.traced and not merge)

    def own(self, line: bytes) -> tuple[bool, bytes]:
        """What is shown of a line that bash itself printed. True: it is a message about a job.

        An error is shown once a cell, and one about the facts only once. Traces and prompts are not shown.
        """
        message, trouble = JOB_MESSAGE.search(line), line.find(b"bash: ")
        if line.startswith(b"+"):
            return False, b""
        if message:
            self.command = JobCommand(message)
            return True, message[0] + b"\n"
        if self.command.takes(line):
            return True, line + b"\n"
        if trouble < 0:
            return False, b""
        known, self.said = line[trouble:] == self.said, line[trouble:]
        if FACT_COMPLAINT.match(self.said):
            known, self.fact_shown = self.fact_shown, True
        return False, b"" if known else self.said + b"\n"

    @property
    def unstarted(self) -> bool:
        """Whether bash could not run the cell, for example because it had no descriptors left."""
        return bool(UNSTARTED.search(self.said))

    def sets_trap(self, text: str) -> None:
        """The lines after this text have to allow for a DEBUG trap that it may set."""
        self.debugged = self.debugged or "DEBUG" in text

    def report_over(self, seq: int) -> str:
        """The line that reports that a cell is over."""
        said = f"\\builtin printf '{record(index.Record.OVER)}%s\\0{record(index.Record.JOBS)}' \"{seq} $? $-\""
        if self.debugged:
            return f"({said}; \\builtin printf '\\0') >|{self.control_path}"
        return f"{{ {said}; \\builtin jobs -l; \\builtin printf '\\0'; }} >|{self.control_path}"

    def ask(self, question: str) -> str:
        """A question, and the record that reports its end."""
        line = f"{question}; \\builtin printf '{record(index.Record.DUMPED)}\\0' >|{self.control_path}"
        return f"({line})" if self.debugged else line

    def replay(self, items: list[tuple[str, str]]) -> str:
        """Text that restores items one by one. A record reports each that fails."""
        failed = f"\\builtin printf '{record(index.Record.FAILED)}%s\\0'"
        lines = (
            f"\\builtin eval -- {shlex.quote(text)} || {failed} {at} >|{self.control_path}"
            for at, (_, text) in enumerate(items)
        )
        return "\n".join(lines)

    def take(self, kind: str, data: bytes) -> None:
        """Take a record about how a cell ended."""
        if kind == index.Record.ENDING and self.word is not None and data.startswith(b"S"):
            self.ended_at, self.status = map(int, data[1:].split(b"."))
            self.statuses, self.word = [], None
        elif kind == index.Record.ENDING and self.word is None:
            self.word = data.decode("utf-8", "replace")
        elif kind == index.Record.ENDING:
            self.statuses.append(int(data))
        elif kind == index.Record.OVER:
            self.word = self.word or ""  # an interrupt may have cut it off
            seq, status, *flags = data.split()
            if int(seq) != self.seq or self.seq == 0:
                self.seq, self.flags = int(seq), b"".join(flags).decode()
                if self.ended_at != self.seq:
                    self.status, self.statuses, self.word = int(status), [], ""

    def new_jobs(self, listed: bytes) -> Iterator[bytes]:
        """The messages about new jobs, as a terminal shows them: `[1] 4`."""
        before = self.jobs
        self.jobs = {job[1]: (int(job[3]), PROCESS.findall(job[0])[-1]) for job in JOB_ENTRY.finditer(listed)}
        for number, (_, pid) in self.jobs.items():
            if before.get(number, (0, b""))[1] != pid:
                yield b"[%s] %s" % (number, pid)

    def named_job(self, text: str) -> int | None:
        """The process group of the job that a bare job spec brings to the foreground (bash(1), JOB CONTROL)."""
        found = re.fullmatch(r"\s*%(\d+)\s*", text)
        return self.jobs[found[1].encode()][0] if found and found[1].encode() in self.jobs else None


def _returns(text: str) -> bool:
    """Whether `return` may be outside of functions. It is an error there, but only in a typed text."""
    depth = 0
    for found in RETURN.finditer(CLOSED.sub("", text)) if "return" in text else ():
        if found[0] == "return" and depth <= 0:
            return True
        depth += {"{": 1, "}": -1}.get(found[0], 0)
    return False


def _is_open(text: str) -> bool:
    """Whether a compound command or a bracket seems not to be closed. Words that are no commands count as well."""
    return _opens(text, WORDS.findall(text))


def _opens(text: str, words: list[str]) -> bool:
    count = words.count
    heads = sum(map(count, ("for", "while", "until", "select")))
    pairs = any(count(opening) > count(closing) for opening, closing in PAIRS)
    return pairs or heads > count("do") or text.count("{") > text.count("}") or text.count("(") > text.count(")")


def _balanced(text: str) -> bool:
    """Whether compound commands and brackets seem to be closed, and no more often than opened. If the answer is wrong,
    the cell only reports less."""
    words = WORDS.findall(text)
    pairs = all(words.count(opening) >= words.count(closing) for opening, closing in PAIRS)
    return pairs and text.count("{") >= text.count("}") and not _opens(text, words)


def _heredocs_end(text: str) -> bool:
    """Whether each here-document seems to have its last line."""
    if "<<" not in text:
        return True
    lines = text.split("\n")
    stripped = [line.lstrip("\t") for line in lines] if "<<-" in text else lines
    wanted: dict[tuple[str, str], int] = {}
    for found in HEREDOC.finditer(text):
        key = (found[1], "".join(filter(None, found.groups()[1:])))
        wanted[key] = wanted.get(key, 0) + 1
    return sum(wanted.values()) == len(OPENED.findall(text)) and all(
        (stripped if tabs else lines).count(end) >= count for (tabs, end), count in wanted.items()
    )


def record(letter: str) -> str:
    """How a record begins, in printf's format."""
    return index.Record.PRINTF + letter


def quoted(text: str) -> str:
    """A text as one word on one line, for bash: $'...' (bash(1), QUOTING)."""
    for plain, escape in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n")):
        text = text.replace(plain, escape)
    return f"$'{text}'"
