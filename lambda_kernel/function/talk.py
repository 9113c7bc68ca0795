"""What bash is told so that it runs a cell, and what it says of it.

The kernel sends this file along with its hello, so it needs the standard library only. bash is told lines on its stdin;
it answers by records, written to a pipe that it opens by path: "\\2\\1", a letter, data, a NUL byte.

    B  the cell is about to run: of a cell without it nothing has been run
    U  its text has come to its end: S with number and $?; then $_, quoted; then each value of PIPESTATUS
    M  it is over: number, $? and $-, also after an error or an interrupt; then J with what `jobs -l` prints
    D  the state has been told      F  the number of an item that could not be restored
    R  how `read` asks the user     G  the process group that `fg` brings to the foreground
"""

from __future__ import annotations

import collections
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

RECORD = r"\2\1"
# A cell is a file that bash sources. bash is not interactive meanwhile: `set -o vi` leaves its input alone
# (set_edit_mode in its set.def), no job's number is printed into the user's redirections, and errors of syntax name the
# line. What would differ in a sourced file from text that is typed is given to eval.
TYPED = re.compile(r"BASH_(?:SOURCE|LINENO|ARG)|FUNCNAME|\b(?:caller|trap|autocd)\b|\bexec\s+[^\s<>&\d{]")
RETURN = re.compile(r"[{}]|\breturn\b")
EDITING = re.compile(r"\b(?:vi|emacs)\b|\bset\s+\+o|\bshopt\s+-\w*o")
TRACING = re.compile(r"\bset\s[^\n]*-\w*x|xtrace")
VERBOSE = re.compile(r"\bset\s[^\n]*-\w*v|verbose")
HEREDOC = re.compile(r"(?<!<)<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.-]+))")
OPENED = re.compile(r"(?<!<)<<(?!<)")
# What may stand below it belongs to it: an operator, or the head of a function.
OPEN_END = re.compile(r"(?:&&|\|\|?&?|\(\s*\)|\bfunction\s+\S+)\s*\Z")
# bash's messages about jobs (describe_pid and pretty_print_job in its jobs.c).
JOB_MESSAGE = re.compile(rb"\[[0-9]+\](?: [0-9]+|[-+ ]  [A-Z][\w /()-]*? {2,}[^\n]*)$", re.M)
UNSTARTED = re.compile(rb"redirection error|: Too many open files|PIPESTATUS: readonly")
DISABLED = re.compile(rb"^bash: builtin: (?:\.|eval): not a shell builtin", re.M)
FACT_COMPLAINT = re.compile(rb"bash: (?:export: |LAMBDA_|_X_AMZN_)")
JOB_ENTRY = re.compile(rb"\[([0-9]+)\](.) *([0-9]+) ([^\n]*(?:\n +[0-9]+ [^\n]*)*)")  # of `jobs -l`
PROCESS = re.compile(rb"^(?:\[[0-9]+\].)? *([0-9]+) ", re.M)  # in a line of it
PAIRS = (("if", "fi"), ("case", "esac"), ("do", "done"), ("[[", "]]"))
WORDS = re.compile(r"(?<![\w$.-])(?:if|fi|case|esac|for|while|until|select|do|done)(?![\w-])|\[\[|\]\]")
# Line numbers begin at 1 again: an assignment by an expansion lasts, one by a command does not (execute_cmd.c).
RENUMBER = r'{ %s; } <"/dev/null${PIPESTATUS[$((LINENO=0,99))]-}"'
NOTHING = (r"\builtin :", "for _ in; do :; done")  # the second one is no command that a DEBUG trap sees
# Not within a command: quotes that are closed, and comments.
CLOSED = re.compile(r"\\.|\$?'(?:(?<=\$')(?:\\.|[^'\\])*|[^']*)'|\"(?:\\.|[^\"\\])*\"|(?<![^\s;&|()])#[^\n]*", re.S)


class Plan(NamedTuple):
    """How a cell is given to bash. sourced: the text is a file's; ended: it says how it ended; traced: bash may print a
    trace; lines: of the user's text."""

    seq: int
    text: str
    sourced: bool
    ended: bool
    traced: bool
    lines: int


class Messages:
    """bash's own among what a cell writes to stderr. renamed: what bash calls the cell, and what is shown."""

    def __init__(self, renamed: list[tuple[bytes, bytes]], traced: bool) -> None:
        self.renamed, self.traced, self.line_begins = renamed, traced, True
        self.disabled = False  # whether the builtin that runs the cell is

    def split(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """The rest, and messages about jobs (True). Sourcing and eval are a level of PS4's first character (bash(1)),
        which a trace shows as one more than it should."""
        for said, shown in self.renamed:
            data = data.replace(said, shown)
        if self.traced:
            data = re.sub(rb"^\+(?=\+)" if self.line_begins else rb"(?<=\n)\+(?=\+)", b"", data, flags=re.M)
        self.disabled = self.disabled or bool(DISABLED.search(data))
        at = 0
        for found in JOB_MESSAGE.finditer(data) if b"[" in data else ():
            if data[found.start() - 1 : found.start()] == b"\n" or (found.start() == 0 and self.line_begins):
                before = data[at : found.start()]
                yield False, before.removesuffix(b"\n") if b"]+  Stopped" in found[0] else before
                yield True, found[0] + b"\n"
                at = found.end() + 1
        yield False, data[at:]
        self.line_begins = data.endswith(b"\n") if data else self.line_begins


class Talk:
    """With one bash. marks: the path of the pipe for its records."""

    def __init__(self, marks: str) -> None:
        self.marks = marks
        self.seq, self.status, self.flags = 0, 0, ""  # the last cell's; $? and $-
        self.word: str | None = ""  # $_, quoted
        self.statuses: list[int] = []  # PIPESTATUS
        self.ended_at = -1
        self.traps: set[bytes] = set()  # DEBUG and RETURN, where the user has set them
        self.stacked = False  # whether something of the user's looks at the call stack, where a file would show
        self.own_eval = False  # whether the user has a function of that name
        self.debugged = False  # whether a DEBUG trap may see each command
        self.said = b""  # bash's last complaint about what it was told
        self.fact_told = False  # that the invocation's facts cannot be told
        self.jobs: dict[bytes, tuple[int, bytes]] = {}  # by bash's number, the process group and the last process's id

    def plan(self, seq: int, text: str, poor: bool = False) -> Plan:
        """poor: few files may be open at once, so that less is asked."""
        self.debugged = b"DEBUG" in self.traps
        # bash 5.2.15 writes beyond its heap when it sources an open substitution.
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
        told = f"{text}{begun}{self._ending(seq)}" if ended else text
        return Plan(seq, told, not typed, ended, traced, f"{text}{begun}".count("\n"))

    def _may_end(self, text: str) -> bool:
        """Whether what the kernel wants to know can be asked at the end of a text: no here-document takes it in, `set
        -v` does not show it, and an error that an open quote causes names that quote's line."""
        if "v" in self.flags or VERBOSE.search(text) or text.rstrip("\n").endswith("\\"):
            return False
        rest = CLOSED.sub("", text)
        if "'" in rest or '"' in rest or rest.count("`") % 2:
            return False
        return not OPEN_END.search(rest) and _balanced(rest) and _heredocs_end(text)

    def _ending(self, seq: int) -> str:
        words = f'"S{seq}.$?" "${{_:0:4096}}" "${{PIPESTATUS[@]}}"'
        return f"{{ \\builtin printf '{RECORD}U%q\\0' {words}; }} 2>/dev/null >|{self.marks}\n"

    def begin(self, plan: Plan, file: str, facts: Mapping[str, str], source: str, outputs: str) -> str:
        """The lines that start a cell. It is run by the command that says so, or not at all. file: of its text; source:
        of its input; outputs: redirections. A DEBUG trap does not see what a subshell does."""
        names = " ".join(f"{name}={shlex.quote(value)}" for name, value in facts.items())
        if len(self.statuses) > 1 and not self.debugged:
            values = ",".join(f"PIPESTATUS[{at}]={value}" for at, value in enumerate(self.statuses))
            source += f'"${{PIPESTATUS[$(({values},99))]-}}"'
        body = f". {shlex.quote(file)}" if plan.sourced else f"eval -- {quoted(plan.text)}"
        body += f" <{source} {outputs}"
        # $? as the cell before left it; behind || neither set -e nor an ERR trap sees how it is made.
        status = f"(\\builtin exit {self.status}) || " if self.status else ""
        says = f"\\builtin printf '{RECORD}B%s\\0' {plan.seq} >|{self.marks}"
        renumber = RENUMBER % NOTHING[self.debugged]
        if self.debugged:
            # The facts are given to eval; `builtin` would keep them for itself.
            call = "\\builtin" if self.own_eval else names
            return f"{renumber}\n({says}) && {{ {status}{call} \\{body}; }}"
        run = f"{says} && \\builtin : {self.word or ''} && {{ {status}\\builtin {body}; }}"
        lines = [f"\\builtin export {names} || \\builtin :", run]
        if not plan.sourced:
            lines.insert(1, renumber)
        return "\n".join(lines)

    def messages(self, plan: Plan, file: str, merge: bool) -> Messages:
        """merge: stdout may hold what looks like a trace."""
        self.said = b""
        renamed = [(f"bash: {file}: ", "bash: ")] if file else []
        if file and plan.ended:  # bash names the line after the last one
            renamed.insert(0, (f"bash: {file}: line {plan.lines + 2}: ", f"bash: line {plan.lines + 1}: "))
        return Messages([(said.encode(), text.encode()) for said, text in renamed], plan.traced and not merge)

    def own(self, line: bytes) -> tuple[bool, bytes]:
        """What is shown of a line that bash itself wrote while it was told what to do: a message about a job (True), or
        that something went wrong: once a cell, and of the facts once. Neither its trace nor its prompts."""
        message, trouble = JOB_MESSAGE.search(line), line.find(b"bash: ")
        if line.startswith(b"+"):
            return False, b""
        if message:
            return True, message[0] + b"\n"
        if trouble < 0:
            return False, b""
        told, self.said = line[trouble:] == self.said, line[trouble:]
        if FACT_COMPLAINT.match(self.said):
            told, self.fact_told = self.fact_told, True
        return False, b"" if told else self.said + b"\n"

    @property
    def unstarted(self) -> bool:
        """Whether bash could not run the cell, for want of descriptors, say."""
        return bool(UNSTARTED.search(self.said))

    def sets_trap(self, text: str) -> None:
        """What is told after a cell is told for the trap that the cell may set."""
        self.debugged = self.debugged or "DEBUG" in text

    def mark(self, seq: int) -> str:
        """The line that tells that a cell is over."""
        said = f"\\builtin printf '{RECORD}M%s\\0{RECORD}J' \"{seq} $? $-\""
        if self.debugged:
            return f"({said}; \\builtin printf '\\0') >|{self.marks}"
        return f"{{ {said}; \\builtin jobs -l; \\builtin printf '\\0'; }} >|{self.marks}"

    def dumped(self, question: str) -> str:
        """A question, and the record that tells that it is answered."""
        line = f"{question}; \\builtin printf '{RECORD}D\\0' >|{self.marks}"
        return f"({line})" if self.debugged else line

    def replay(self, items: list[tuple[str, str]]) -> str:
        """Text that restores items one by one; a record tells which of them fail."""
        failed = f"\\builtin printf '{RECORD}F%s\\0'"
        lines = (
            f"\\builtin eval -- {shlex.quote(text)} || {failed} {at} >|{self.marks}"
            for at, (_, text) in enumerate(items)
        )
        return "\n".join(lines)

    def take(self, kind: bytes, data: bytes) -> None:
        """A record on how a cell ended."""
        if kind == b"U" and self.word is not None and data.startswith(b"S"):
            self.ended_at, self.status = map(int, data[1:].split(b"."))
            self.statuses, self.word = [], None
        elif kind == b"U" and self.word is None:
            self.word = data.decode("utf-8", "replace")
        elif kind == b"U":
            self.statuses.append(int(data))
        elif kind == b"M":
            self.word = self.word or ""  # an interrupt may have cut it off
            seq, status, *flags = data.split()
            if int(seq) != self.seq or self.seq == 0:
                self.seq, self.flags = int(seq), b"".join(flags).decode()
                if self.ended_at != self.seq:
                    self.status, self.statuses, self.word = int(status), [], ""

    def new_jobs(self, listed: bytes) -> Iterator[bytes]:
        """As a terminal shows jobs when they start: `[1] 4`."""
        before = self.jobs
        self.jobs = {job[1]: (int(job[3]), PROCESS.findall(job[0])[-1]) for job in JOB_ENTRY.finditer(listed)}
        for number, (_, pid) in self.jobs.items():
            if before.get(number, (0, b""))[1] != pid:
                yield b"[%s] %s" % (number, pid)

    def named_job(self, text: str) -> int | None:
        """The process group of the job that a job spec alone brings to the foreground (bash(1), JOB CONTROL)."""
        found = re.fullmatch(r"\s*%(\d+)\s*", text)
        return self.jobs[found[1].encode()][0] if found and found[1].encode() in self.jobs else None


def _returns(text: str) -> bool:
    """Whether `return` may stand outside of functions, where it is an error of a text that is typed."""
    depth = 0
    for found in RETURN.finditer(CLOSED.sub("", text)) if "return" in text else ():
        if found[0] == "return" and depth <= 0:
            return True
        depth += {"{": 1, "}": -1}.get(found[0], 0)
    return False


def _balanced(text: str) -> bool:
    """Whether compound commands and brackets seem to be closed. Words that are no commands count as well: then no is
    the answer, and less is known of the cell."""
    words = collections.Counter(WORDS.findall(text))
    heads = sum(words[head] for head in ("for", "while", "until", "select"))
    pairs = all(words[opening] == words[closing] for opening, closing in PAIRS)
    braces = text.count("{") == text.count("}") and text.count("(") <= text.count(")")
    return pairs and heads <= words["do"] and braces


def _heredocs_end(text: str) -> bool:
    """Whether there is a line for the end of each here-document."""
    lines = text.split("\n")
    wanted: dict[tuple[str, str], int] = {}
    for found in HEREDOC.finditer(text):
        key = (found[1], "".join(filter(None, found.groups()[1:])))
        wanted[key] = wanted.get(key, 0) + 1
    return sum(wanted.values()) == len(OPENED.findall(text)) and all(
        sum((line.lstrip("\t") if tabs else line) == word for line in lines) >= count
        for (tabs, word), count in wanted.items()
    )


def quoted(text: str) -> str:
    """A word of bash's on one line: $'...' (bash(1), QUOTING)."""
    for plain, escape in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n")):
        text = text.replace(plain, escape)
    return f"$'{text}'"
