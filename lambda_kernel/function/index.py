"""The shell Lambda: bash sessions that live across invocations, in one file that needs only the standard library.

The kernel's side imports the wire names and limits from here, so that the two sides cannot disagree.
An event is a dict. With "cmd" it is the 2018 article's: a fresh shell, its output in the log and in the reply.
Otherwise it is a request of the session protocol, told apart by "op":

    hello   start the session's shell, or find it again        run     start cell "seq", wait at most "wait" seconds
    attach  send signals and input, get what came since "had"  close   kill the shell and all that it started
    call    run Python code that comes along, in this process: what looks around in the environment and starts nothing

hello may bring a snapshot of another shell's state to "restore"; hello and close may say how many seconds to "hold" the
environment, so that others are served by another one.
A request names the environment and the shell that it expects; anywhere else it runs nothing and answers "elsewhere".
"""

from __future__ import annotations

import base64
import collections
import contextlib
import errno
import fcntl
import functools
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

PROTOCOL = 1
ANSWER_BYTES = 1_500_000  # base64 and JSON make 2 MB of it; Lambda's limit for a reply is 6,291,556 bytes
READ_BYTES = 65_536
UNSENT_BYTES = 4_000_000  # a writer waits when so much has not been fetched
CHUNK_BYTES = 100  # what a chunk takes, here and in an answer, besides its data
LINE_BYTES = 8192  # of an unfinished line
HOLD_SECONDS = 0.1  # Lambda quotas: at most 10 requests a second to one environment
DUMP_BYTES = 1_048_576
DUMP_SECONDS = 5.0  # an answer waits so long for the shell's state, when bash is slow
SESSIONS = 4
ARTICLE_BYTES = 400_000  # a stream of the article's reply: JSON may make each byte six times longer
OUT, ERR, GAP, EOF = "out", "err", "gap", "eof"  # what a chunk is; a background job's are JOB and its cell's number
JOB = "job "
EXIT, NEVER = b"exit\n", b"\0\xff" * 8
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_METADATA_TOKEN")
SECRET_BYTES = 16  # shorter values are too likely to stand in harmless text
SHELL_MARK = "LAMBDA_KERNEL_SHELL"  # in the environment of all that a shell starts, so that all of it can be found
PRIVATE = "/tmp/.lambda-kernel"
Bound = tuple[int, int, int, int] | None  # bytes and lines of the head, then those of the tail
Chunks = collections.deque[tuple[str, bytes]]
# System calls as /proc/PID/syscall shows them, by Linux's tables for the two architectures of Lambda: read; pselect6
# (bash 5.2 waits so for a line, with descriptor 0 alone); wait4 and waitid.
ARM = os.uname().machine == "aarch64"
READ, SELECT = ("63", "72") if ARM else ("0", "270")
WAITS = ("260", "95") if ARM else ("61", "247")


def secrets(environ: Mapping[str, str]) -> dict[bytes, bytes]:
    """What no notebook may show, raw and percent-encoded, and what is shown instead."""
    values = {name: environ.get(name, "") for name in SECRETS}
    found = {value: f"[{name} redacted]".encode() for name, value in values.items() if len(value) >= SECRET_BYTES}
    return {form.encode(): found[value] for value in found for form in (value, urllib.parse.quote(value, safe=""))}


class Redactor:
    """Replaces words in a stream of bytes, however it is cut: what may be a word's beginning is held back."""

    def __init__(self, words: dict[bytes, bytes]) -> None:
        self.words = sorted(words.items(), key=lambda item: len(item[0]), reverse=True)
        self.held = b""

    def feed(self, data: bytes, last: bool = False) -> bytes:
        data = self.held + data
        for word, stand_in in self.words:
            data = data.replace(word, stand_in)
        cut = len(data) if last else len(data) - self._beginning(data)
        self.held = data[cut:]
        return data[:cut]

    def _beginning(self, data: bytes) -> int:
        longest = 0
        for word, _ in self.words:
            at = data.find(word[:1], max(0, len(data) - len(word) + 1))
            while at != -1 and len(data) - at > longest:
                if word.startswith(data[at:]):
                    longest = len(data) - at
                at = data.find(word[:1], at + 1)
        return longest


class Ring:
    """The last so many bytes and lines of what was put in; what fell out is counted."""

    def __init__(self, size: int, lines: int) -> None:
        self.size, self.lines = size, lines
        self.chunks: Chunks = collections.deque()
        self.has_bytes = self.has_lines = self.dropped_bytes = self.dropped_lines = 0

    def put(self, stream: str, data: bytes) -> None:
        append(self.chunks, stream, data)
        self.has_bytes += len(data)
        self.has_lines += data.count(b"\n")
        while self.has_bytes > self.size or self.has_lines > self.lines:
            self._drop()

    def _drop(self) -> None:
        stream, data = self.chunks.popleft()
        excess, lines = self.has_bytes - self.size, self.has_lines - self.lines
        cut = max(min(excess, len(data)), after_lines(data, lines)) or len(data)
        if cut < len(data):
            self.chunks.appendleft((stream, data[cut:]))
        newlines = data.count(b"\n", 0, cut)
        self.has_bytes, self.has_lines = self.has_bytes - cut, self.has_lines - newlines
        self.dropped_bytes, self.dropped_lines = self.dropped_bytes + cut, self.dropped_lines + newlines


def append(chunks: Chunks, stream: str, data: bytes) -> None:
    """Small neighbours of one stream become one."""
    if chunks and chunks[-1][0] == stream and len(chunks[-1][1]) < LINE_BYTES:
        data = chunks.pop()[1] + data
    chunks.append((stream, data))


def after_lines(data: bytes, lines: int) -> int:
    """The position in data after its first so many lines, its end if it has fewer; 0 for none."""
    at = 0
    while lines > 0 and at < len(data):
        at = data.find(b"\n", at) + 1 or len(data)
        lines -= 1
    return at


class Log:
    """What one cell printed, in order. Offsets count its bytes; the front goes when it is acknowledged.

    bound is (head bytes, head lines, tail bytes, tail lines), or None: then the reader sets the pace.
    """

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.start = self.end = 0
        self.chunks: Chunks = collections.deque()
        self.head_bytes, self.head_lines, *tail = bound or (0, 0, 0, 0)
        self.tail = Ring(*tail) if bound else None
        self.open = True

    def put(self, stream: str, data: bytes) -> None:
        if self.tail is not None and self.open:
            data = self._head(stream, data)
        if data and self.tail is not None:
            self.tail.put(stream, data)
        elif data:
            self._add(stream, data)

    def _head(self, stream: str, data: bytes) -> bytes:
        cut = min(self.head_bytes, len(data))
        if data.count(b"\n", 0, cut) >= self.head_lines:
            cut = after_lines(data[:cut], self.head_lines)
        self.head_bytes -= cut
        self.head_lines -= data.count(b"\n", 0, cut)
        self._add(stream, data[:cut])
        self.open = self.head_bytes > 0 and self.head_lines > 0
        return data[cut:]

    def _add(self, stream: str, data: bytes) -> None:
        if data:
            append(self.chunks, stream, data)
            self.end += len(data)

    def held(self) -> int:
        return self.end - self.start + len(self.chunks) * CHUNK_BYTES

    def finish(self) -> None:
        tail, self.tail = self.tail, None
        if tail and tail.dropped_bytes:
            self._add(GAP, json.dumps({"bytes": tail.dropped_bytes, "lines": tail.dropped_lines}).encode())
        for stream, data in tail.chunks if tail else ():
            self._add(stream, data)

    def acknowledge(self, had: int) -> None:
        while self.chunks and self.start < had:
            stream, data = self.chunks.popleft()
            if len(data) > had - self.start:
                self.chunks.appendleft((stream, data[had - self.start :]))
            self.start += min(len(data), had - self.start)

    def read(self, limit: int) -> list[list[str]]:
        """Up to limit bytes from the start, neighbours of one stream joined."""
        joined: list[tuple[str, list[bytes]]] = []
        for stream, data in self.chunks:
            if not joined or joined[-1][0] != stream:
                joined.append((stream, []))
            joined[-1][1].append(data[:limit])
            limit -= len(data) + CHUNK_BYTES
            if limit <= 0:
                break
        return [[stream, base64.b64encode(b"".join(parts)).decode()] for stream, parts in joined]


class Pipe:
    """A pipe that another process opens by path, so that no child of its own inherits a control descriptor."""

    def __init__(self, fifo: str | None) -> None:
        if fifo:
            os.mkfifo(fifo, 0o600)
            self.read = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self.write = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        else:
            self.read, self.write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.fifo = fifo
        self.writable = True
        self.link = os.readlink(f"/proc/self/fd/{self.read}")

    def path(self, fd: int = 0) -> str:
        return shlex.quote(self.fifo or f"/proc/{os.getpid()}/fd/{fd or self.write}")

    def get(self, size: int) -> bytes | None:
        """Bytes, b"" at its end, None when there is nothing now."""
        try:
            return os.read(self.read, size)
        except BlockingIOError:
            return None

    def waiting(self) -> int:
        return waiting(self.read)

    def close_write(self) -> None:
        if self.writable:
            os.close(self.write)
            self.writable = False

    def close(self) -> None:
        self.close_write()
        os.close(self.read)
        if self.fifo:
            os.unlink(self.fifo)


def waiting(fd: int) -> int:
    """How many bytes a pipe holds."""
    return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4), sys.byteorder)


class Process(NamedTuple):
    """A line of /proc/PID/stat (proc(5)). started: in clock ticks since boot."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int


def processes() -> Iterator[Process]:
    """All that live."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = peek(f"/proc/{name}/stat").rpartition(")")[2].split()
            if stat and stat[0] not in "ZX":
                yield Process(int(name), stat[0], int(stat[1]), int(stat[2]), int(stat[3]), int(stat[19]))


def peek(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def memory_mb() -> int:
    """What this process and those below it hold, each page counted once (proc(5), smaps_rollup)."""
    tree = {os.getpid()}
    for process in sorted(processes(), key=lambda p: p.started):  # parents come first
        if process.parent in tree:
            tree.add(process.pid)
    kilobytes = (re.search(r"^Pss: +([0-9]+)", peek(f"/proc/{pid}/smaps_rollup"), re.M) for pid in tree)
    return -(-sum(int(found[1]) for found in kilobytes if found) // 1024)


def reads_from(pid: int, pipe: str) -> bool:
    """Whether a process waits for what comes from this pipe, by any descriptor: /dev/stdin opens another than 0."""
    call, first, *_ = [*peek(f"/proc/{pid}/syscall").split(), "", ""]
    if call != READ and (call, first) != (SELECT, "0x1"):
        return False
    return link(f"/proc/{pid}/fd/{int(first, 16) if call == READ else 0}") == pipe


class Way(NamedTuple):
    """How a cell is run. words: what is redacted; stdin: the user can be asked; merge: stderr goes to stdout."""

    bound: Bound = None
    words: dict[bytes, bytes] = {}  # noqa: RUF012
    stdin: bool = False
    merge: bool = False


class Cell:
    """One command of a session: its pipes, its log, and how it ended."""

    def __init__(self, seq: int, way: Way, noise: dict[bytes, bytes], pipe: Callable[[], Pipe]) -> None:
        self.seq, self.way, self.log = seq, way, Log(way.bound)
        streams = (OUT,) if way.merge else (OUT, ERR)
        self.redactors = {stream: Redactor(way.words | (noise if stream == streams[-1] else {})) for stream in streams}
        self.input, self.outputs = pipe(), {stream: pipe() for stream in streams}
        self.typed = 0  # bytes of input that have come
        self.untyped, self.input_ends = b"", False  # those of them that the pipe did not take yet; nothing follows
        self.reads: dict[str, Any] | None = None  # how a waiting program asks
        self.asks: dict[str, Any] = {}  # what `read` says of that
        self.status: int | None = None
        self.error_line = b""  # a line of stderr comes in pieces
        self.done = False

    def fetch(self, stream: str, size: int = READ_BYTES) -> int:
        data = self.outputs[stream].get(size) or b""
        self._put(stream, self.redactors[stream].feed(data))
        return len(data)

    def _put(self, stream: str, data: bytes) -> None:
        if stream == ERR:
            data = self.error_line + data
            end = data.rfind(b"\n") + 1
            end = end if len(data) - end < LINE_BYTES else len(data)
            data, self.error_line = data[:end], data[end:]
        self.log.put(stream, data)

    def flush(self) -> None:
        self.log.put(ERR, self.error_line)
        self.error_line = b""

    def wanted(self) -> None:
        """A program waits for input: the user's, or at once the end of it."""
        if not self.input.writable or self.input.waiting():
            return
        if self.way.stdin:
            self.reads = self.asks
        else:
            self.input.close_write()
            self.log.put(EOF, b".")

    def type(self, offset: int, text: str, end: bool) -> None:
        """What the user typed, numbered so that a repeat is not typed twice."""
        if offset == self.typed and self.input.writable:
            data = base64.b64decode(text)
            self.typed += len(data)
            self.untyped += data
            self.reads, self.asks, self.input_ends = None, {}, end
            self.feed()

    def feed(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.untyped:
                self.untyped = self.untyped[os.write(self.input.write, self.untyped) :]
            if self.input_ends:
                self.input.close_write()

    def over(self, status: int, exited: bool = False) -> None:
        """Take what the outputs hold now: what comes later is a background job's."""
        self.status = status
        held = {stream: pipe.waiting() for stream, pipe in self.outputs.items()}
        for stream, pipe in self.outputs.items():
            while held[stream] and (got := self.fetch(stream, min(held[stream], READ_BYTES))):
                held[stream] -= got
            redactor = self.redactors[stream]
            if exited:
                redactor.held = redactor.held.removesuffix(EXIT)
            self._put(stream, redactor.feed(b"", last=True))
            pipe.close_write()
        self.flush()
        self.log.finish()
        self.input.close()
        self.done = True


@functools.lru_cache(maxsize=16)
def load(code: str) -> dict[str, Any]:
    """The names in code that the kernel sends along, so that it can grow without a deployment."""
    space: dict[str, Any] = {"__name__": "sent", "index": sys.modules[__name__]}
    exec(compile(code, "sent", "exec"), space)
    return space


class Shell:
    """One interactive bash without a terminal, and the cells that it runs one after another."""

    def __init__(self, epoch: int, environ: Mapping[str, str], fifos: str | None, state: Any) -> None:
        self.id, self.epoch, self.environ, self.fifos = uuid.uuid4().hex[:12], epoch, environ, fifos
        self.words = secrets(environ)
        self.seq = self.status = self.signals = self.pipes = 0
        self.ended: dict[str, Any] | None = None
        self.marked_again = self.nudge = False
        self.cells: dict[int, Cell] = {}  # by number: those whose outputs are open, since jobs may hold them
        self.unwritten = b""
        self.poll = select.poll()
        self.readers: dict[int, Callable[[], object]] = {}
        self.marks, self.dumps = self._pipe(), self._pipe()
        self.state, self.dumped, self.awaited, self.dump_until = state, -1, 0, 0.0  # state.py's State, or None
        self.failed: list[int] = []
        self.restored: dict[str, list[str]] | None = None
        self._listen(self.marks.read, self._mark)
        with contextlib.suppress(OSError):  # a user may have only so much of it
            fcntl.fcntl(self.dumps.write, fcntl.F_SETPIPE_SZ, DUMP_BYTES)
        self._spawn()
        self.start(0, f"{state.setup if state else ':'}; unset HISTFILE; set +o history +H -m; history -c", {}, Way())

    def _pipe(self) -> Pipe:
        self.pipes += 1
        return Pipe(self.fifos and f"{self.fifos}/{self.id}.{self.pipes}")

    def _spawn(self) -> None:
        for name in os.listdir("/proc/self/fd"):  # the runtime's own are not for programs
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name), int(name) <= 2)
        reads, self.commands = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.commands, False)
        self.input_link = link(f"/proc/self/fd/{reads}")
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, reads, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
        # A signal that is ignored at exec can be neither trapped nor reset later (bash(1), trap).
        default = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
        # Readline, which edits nothing here, would take three system calls for each byte of a line.
        argv = ["bash", "--noprofile", "--norc", "--noediting", "-i"]
        environ = shell_environ(self.environ) | {SHELL_MARK: self.id}
        bash = shutil.which("bash") or "/bin/bash"
        self.pid = os.posix_spawn(bash, argv, environ, file_actions=actions, setsigdef=default, setsid=True)
        os.close(reads)
        os.close(null)
        self.pidfd = os.pidfd_open(self.pid)
        # What an interactive bash says on stderr for want of a terminal when a job dies of a signal; and when it exits,
        # which is only known to be that at the end: the word that is never complete makes it be held back.
        level = self.environ.get("SHLVL", "")
        level = str(int(level) + 1) if level.isdecimal() else "1"
        complaint = f"bash: [{self.pid}: {level} (255)] tcsetattr: {os.strerror(errno.ENOTTY)}\n"
        self.noise = {complaint.encode(): b"", EXIT + NEVER: b""}
        self._listen(self.pidfd, lambda: None)

    def _listen(self, fd: int, reader: Callable[[], object], event: int = select.POLLIN) -> None:
        self.readers[fd] = reader
        self.poll.register(fd, event)

    def _ignore(self, fd: int) -> None:
        if self.readers.pop(fd, None):
            self.poll.unregister(fd)

    def _write(self, line: str, encoding: str = "utf-8") -> None:
        self.unwritten += line.encode(encoding, "replace") + b"\n"
        self._flush()

    def _flush(self) -> None:
        try:
            self.unwritten = self.unwritten[os.write(self.commands, self.unwritten[:READ_BYTES]) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # its death is learnt from waitpid
            self.unwritten = b""
        if self.unwritten:
            self._listen(self.commands, self._flush, select.POLLOUT)
        else:
            self._ignore(self.commands)

    def _write_mark(self, seq: int) -> None:
        self._write(f"\\builtin printf '%s\\0' \"{seq} $?\" >|{self.marks.path()}")

    def _mark(self) -> None:
        for record in (self.marks.get(READ_BYTES) or b"").split(b"\0")[:-1]:
            if record.startswith(b"R"):
                prompt = Redactor(self.cell.way.words).feed(record[2:], last=True)
                self.cell.asks = {"secret": record[1:2] == b"s", "prompt": prompt.decode("utf-8", "replace")}
            elif record == b"D":
                self._dump()
            elif record.startswith(b"F"):
                self.failed.append(int(record[1:]))
            else:
                self._cell_over(*map(int, record.split()))

    def _cell_over(self, seq: int, status: int) -> None:
        if seq == self.cell.seq and not self.cell.done:
            self.status = status
            self._over(status)

    def _write_dump(self, seq: int) -> None:
        self.awaited = -1
        if self.state and (question := self.state.question(self.dumps.path(), seq)):
            self.awaited = seq
            # Its end is told by a mark: it comes in pieces.
            self._write(f"{question}; \\builtin printf 'D\\0' >|{self.marks.path()}")

    def _dump(self) -> None:
        while self.state and (data := self.dumps.get(DUMP_BYTES)):
            done = self.state.feed(data, self.words)
            self.dumped = self.dumped if done is None else done

    def start(self, seq: int, text: str, facts: dict[str, str], way: Way) -> None:
        """The cell, by eval with descriptors of its own; the mark that tells that it is over; a dump of the state."""
        self.seq, self.marked_again, self.nudge = seq, False, False
        cell = self.cell = self.cells[seq] = Cell(seq, way, self.noise, self._pipe)
        for stream, pipe in cell.outputs.items():
            self._listen(pipe.read, functools.partial(cell.fetch, stream))
        names = " ".join(f"{name}={shlex.quote(value)}" for name, value in facts.items())
        # $? as the cell before left it; behind || neither set -e nor an ERR trap sees how it is made.
        before = f"(\\builtin exit {self.status}) || " if self.status else ""
        out, *err = (pipe.path() for pipe in cell.outputs.values())
        quoted = shlex.quote(text.replace("\0", ""))  # bash drops NUL bytes as well, with a warning
        source = cell.input.path(cell.input.read)
        prelude = self.state.prelude(text, source, self.marks.path()) if way.stdin and self.state else ""
        self._write(
            f"{prelude}\\builtin export {names} || \\builtin :; {before}\\builtin eval -- {quoted} <{source} >|{out} "
            + (f"2>|{err[0]}" if err else "2>&1")
        )
        self._write_mark(seq)
        self._write_dump(seq)

    def restore(self, packed: str, deadline: float) -> None:
        """Replay another shell's state, a line each; what fails is named, and stops nothing else."""
        items = self.state.unpack(packed)
        for number, (_, text) in enumerate(items):
            failed = f"\\builtin printf 'F%s\\0' {number} >|{self.marks.path()}"
            self._write(f"\\builtin eval -- {shlex.quote(text)} || {failed}", "latin-1")
        self.dumped, self.dump_until = -1, deadline
        self._write_dump(0)
        self.pump(0, deadline)
        failures = range(len(items)) if self.ended or self.dumped < 0 else self.failed
        names = [name for name, _ in items]
        self.restored = {"failed": [names[number] for number in failures]}
        self.restored["items"] = [name for number, name in enumerate(names) if number not in failures]

    def _fetch_job(self, cell: Cell, stream: str) -> None:
        """Output of a cell that is over is a background job's: it goes to the cell that runs now."""
        pipe = cell.outputs[stream]
        data = pipe.get(READ_BYTES)
        if data == b"":
            self._ignore(pipe.read)
            pipe.close()
            del cell.outputs[stream]
            if not cell.outputs:
                del self.cells[cell.seq]
        elif data:
            self.cell.log.put(f"{JOB}{cell.seq}", cell.redactors[stream].feed(data))

    def _over(self, status: int, exited: bool = False) -> None:
        cell = self.cell
        self.dump_until = time.monotonic() + DUMP_SECONDS
        cell.over(status, exited)
        for stream, pipe in list(cell.outputs.items()):
            self._ignore(pipe.read)
            self._listen(pipe.read, functools.partial(self._fetch_job, cell, stream))
            if not pipe.waiting():
                self._fetch_job(cell, stream)  # end of file, if no job holds it

    def pump(self, hold: float, deadline: float) -> None:
        """Move bytes until the cell is done and the state is known; until deadline; or until hold, when an answer is
        full or the user is asked for input."""
        pause = 0.02
        look_at = time.monotonic() + pause
        while not self._idle():
            now = time.monotonic()
            until = hold if self.cell.log.held() >= ANSWER_BYTES or self.cell.reads is not None else deadline
            if now >= until or (self.cell.done and now >= self.dump_until):
                return
            if now >= look_at:
                self._look()
                pause = 0.002 if self.dumps.waiting() else min(2 * pause, 0.1)
                self._dump()  # one that fills its pipe
                look_at = now + pause
            self._pace()
            for fd, _ in self.poll.poll(max(0, min(until, look_at) - now) * 1000):
                self.readers.get(fd, int)()
            self.reap()

    def _idle(self) -> bool:
        return self.ended is not None or (self.cell.done and self.dumped >= self.awaited)

    def _pace(self) -> None:
        """A writer waits while nobody fetches what it wrote."""
        wants = 0 if self.cell.log.held() >= UNSENT_BYTES else select.POLLIN
        for cell in self.cells.values():
            for pipe in cell.outputs.values():
                self.poll.modify(pipe.read, wants)

    def reap(self) -> None:
        if self.ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                cause = "signal" if code < 0 else "logout" if self.cell.done else "exit"
                self._end(cause, code if code >= 0 else 128 - code)

    def _end(self, cause: str, status: int) -> None:
        self.ended = {"cause": cause, "exit": status}
        self._ignore(self.pidfd)
        self._ignore(self.commands)
        if not self.cell.done:
            self._over(status, cause == "exit")

    def _look(self) -> None:
        """Nothing came for a while: what are the processes doing?"""
        if self.ended is not None:
            return
        waits = not self.unwritten and reads_from(self.pid, self.input_link) and not waiting(self.commands)
        if self.cell.done:
            if waits and not self.marks.waiting():  # an interrupt has hit the dump: none will come
                self.dump_until = 0.0
            return
        now = list(processes())
        if any(p.pid == self.pid and p.state == "T" for p in now):
            os.kill(self.pid, signal.SIGCONT)
        if any(reads_from(p.pid, self.cell.input.link) for p in now):
            self.cell.wanted()
        self.cell.feed()
        if self.nudge:
            self._nudge(now)
        if waits:
            self._mark_lost()

    def _mark_lost(self) -> None:
        """bash waits for a line, and has not said that this cell is over.

        A SIGINT may have hit the very line that says so: ask again. Without an answer to that, a trap or a function
        of the user's keeps bash from running what it is told.
        """
        if self.marks.waiting():
            return
        if self.marked_again:
            self.kill("deaf")
        else:
            self.marked_again = True
            self._write_mark(self.cell.seq)

    def signal(self, name: str) -> None:
        if name == "KILL":
            self.kill("killed")
        elif name == "INT":
            os.killpg(self.pid, signal.SIGINT)
            self.nudge = True
        else:
            signal_foreground(self.pid, processes(), signal.Signals[f"SIG{name}"])

    def _nudge(self, now: list[Process]) -> None:
        """A bash that still waits has a job in the foreground. `wait` and the shell's own loops are over by now."""
        self.nudge = False
        call = peek(f"/proc/{self.pid}/syscall").split()[:1]
        if not call or call[0] in WAITS:
            signal_foreground(self.pid, now, signal.SIGINT)

    def kill(self, cause: str) -> None:
        """End bash and all that it started, whatever session or parent that has got itself since."""
        mark = f"{SHELL_MARK}={self.id}"
        for _ in range(100):
            found = [p.pid for p in processes() if p.session == self.pid or mark in peek(f"/proc/{p.pid}/environ")]
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not found:
                break
        if self.ended is None:
            os.waitpid(self.pid, 0)
            self._end(cause, 128 + signal.SIGKILL)

    def close(self) -> None:
        self.kill("closed")
        pipes = [pipe for cell in self.cells.values() for pipe in cell.outputs.values()]
        for pipe in [*pipes, self.marks, self.dumps]:
            pipe.close()
        for fd in (self.pidfd, self.commands):
            os.close(fd)


def signal_foreground(shell: int, now: Iterable[Process], number: int) -> None:
    """bash has one job in the foreground at a time: the one that it started last."""
    jobs = [p for p in now if p.parent == shell and p.state != "T" and p.group != shell]
    if jobs:
        with contextlib.suppress(ProcessLookupError):  # it has ended since
            os.killpg(max(jobs, key=lambda p: (p.started, p.pid)).group, number)


class Environment:
    """What one execution environment keeps between invocations: its name, made at the first one, and its shells."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.environ = environ
        self.id = uuid.uuid4().hex[:12]  # not at init: SnapStart clones what init made
        self.shells: dict[str, Shell] = {}
        self.fifos: str | None = None
        self.most_mb = 0

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        begin = time.monotonic()
        if event.get("protocol") != PROTOCOL:
            return self._reply("protocol")
        session = str(event["session"])
        shell = self.shells.get(session)
        if shell:
            shell.reap()
        if shell and event["epoch"] < shell.epoch:
            return self._reply("stale")
        if shell and (event["epoch"] > shell.epoch or event["op"] == "close"):
            self.shells.pop(session).close()
            shell = None
        if hold := event.get("hold"):
            time.sleep(hold)
        if event["op"] == "close":
            return self._reply("closed")
        if event["op"] == "hello":
            return self._hello(session, event, context)
        if event["environment"] != self.id or not shell or event["shell"] != shell.id:
            return self._reply("elsewhere", shell)
        return self._cell(shell, event, context, begin)

    def _reply(self, state: str, shell: Shell | None = None, **more: object) -> dict[str, Any]:
        about = {"shell": shell.id, "seq": shell.seq, "ended": shell.ended} if shell else {}
        return {"protocol": PROTOCOL, "environment": self.id, "state": state} | about | more

    def _hello(self, session: str, event: dict[str, Any], context: Any) -> dict[str, Any]:
        shell = self.shells.get(session)
        if shell is None or shell.ended:
            if shell:
                self.shells.pop(session).close()
            while len(self.shells) >= SESSIONS:
                self.shells.pop(next(iter(self.shells))).close()
            try:
                shell = self.shells[session] = self._restored(event, context)
            except FileNotFoundError:
                return self._reply("no bash")
        about = {"machine": os.uname().machine, "tenant": bool(getattr(context, "tenant_id", None))}
        return self._reply("idle" if shell.cell.done else "running", shell, restored=shell.restored, **about)

    def _restored(self, event: dict[str, Any], context: Any) -> Shell:
        """A new shell in the state that the event brings, if it brings one; what kills the shell is left out."""
        code = event.get("state_code")
        shell = self._start(event["epoch"], code)
        if packed := code and event.get("restore"):
            shell.restore(packed, time.monotonic() + min(5, seconds_left(context)))
            if shell.ended:
                shell.close()
                restored, shell = shell.restored, self._start(event["epoch"], code)
                shell.restored = restored
        return shell

    def _start(self, epoch: int, code: str | None) -> Shell:
        """A shell that has opened one of our pipes by path: through /proc, or where that is not readable, a FIFO."""
        install_stand_ins()
        shell = Shell(epoch, self.environ, self.fifos, load(code)["State"]() if code else None)
        shell.pump(0, time.monotonic() + 2)
        if shell.cell.done or self.fifos:
            return shell
        shell.close()
        self.fifos = f"{PRIVATE}/pipes"
        os.makedirs(self.fifos, 0o700, exist_ok=True)
        return self._start(epoch, code)

    def _cell(self, shell: Shell, event: dict[str, Any], context: Any, begin: float) -> dict[str, Any]:
        if event["op"] == "call":
            value = load(event["code"])[event["name"]](shell, **event["arguments"])
            return self._reply("called", shell, value=value)
        seq = event["seq"]
        if event["op"] == "run" and seq == shell.seq + 1:
            if shell.ended:
                return self._reply("elsewhere", shell)
            words = shell.words if event["redact"] else {}
            way = Way(event["bound"], words, event.get("stdin", False), event.get("merge", False))
            shell.start(seq, event["code"], facts(context, self.environ), way)
        if seq != shell.seq:
            return self._reply("unseen" if seq > shell.seq else "gone", shell)
        for number, name in event.get("signals", ()):
            if number > shell.signals:
                shell.signals = number
                if not shell.cell.done:
                    shell.signal(name)
        if "input" in event and not shell.cell.done:
            shell.cell.type(*event["input"])
        shell.cell.reads = None  # unless it still waits
        wait = max(min(max(event["wait"], HOLD_SECONDS), seconds_left(context)), 0)
        shell.cell.log.acknowledge(event["had"])
        shell.pump(begin + HOLD_SECONDS, begin + wait)
        if not shell.cell.done:
            shell.cell.flush()
        return self._answer(shell, event, begin)

    def _answer(self, shell: Shell, event: dict[str, Any], begin: float) -> dict[str, Any]:
        cell, log = shell.cell, shell.cell.log
        cwd = Redactor(shell.words).feed(os.fsencode(link(f"/proc/{shell.pid}/cwd")), last=True)
        more = {"at": log.start, "chunks": log.read(ANSWER_BYTES), "cwd": cwd.decode("utf-8", "replace")}
        more["duration_ms"] = round((time.monotonic() - begin) * 1000, 2)
        if cell.done:
            more |= {"total": log.end, "exit": cell.status, "dumped": shell.dumped}
            if shell.state and event.get("have") != shell.state.digest:
                more["state_after"] = shell.state.parts()
        elif cell.reads is not None:
            more["reads"] = cell.reads
        if event.get("measure"):
            self.most_mb = max(self.most_mb, memory_mb())
            size = int(self.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0))
            more |= {"memory_mb": self.most_mb, "memory_size_mb": size}
        return self._reply("done" if cell.done else "running", shell, **more)


def seconds_left(context: Any) -> float:
    """Until the invocation should answer, so that Lambda's timeout does not end it."""
    left = float(context.get_remaining_time_in_millis()) / 1000
    return left - max(0.5, left * 0.1)


def facts(context: Any, environ: Mapping[str, str]) -> dict[str, str]:
    """What a cell may want to know of the invocation that started it."""
    left = context.get_remaining_time_in_millis()
    return {
        "LAMBDA_REQUEST_ID": context.aws_request_id,
        "LAMBDA_DEADLINE_MS": str(int(time.time() * 1000) + left),
        "LAMBDA_TENANT_ID": getattr(context, "tenant_id", None) or "",
        "_X_AMZN_TRACE_ID": environ.get("_X_AMZN_TRACE_ID", ""),
    }


def shell_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Lambda's own variables, and those that it leaves unset and programs want. Only /tmp can be written."""
    missing = {"HOME": "/tmp", "TMPDIR": "/tmp", "TERM": "dumb", "SHELL": "/bin/bash", "PAGER": "cat"}
    path = environ.get("PATH", os.defpath)
    return missing | dict(environ) | {"PATH": f"{path}:{PRIVATE}/bin"}


def article(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The 2018 article's function: the event and the output in the log, as its console.log printed them."""
    log_as_node(context, "{ " + ", ".join(f"{key}: {value!r}" for key, value in event.items()) + " }")
    install_stand_ins()
    deadline = time.monotonic() + seconds_left(context)
    pipes = {OUT: Pipe(None), ERR: Pipe(None)}
    for pipe in pipes.values():
        os.set_blocking(pipe.write, True)  # here the child inherits it as it is
    # A group of its own, so that the deadline ends all of it.
    process = subprocess.Popen(
        ["bash", "-c", event["cmd"]],
        stdin=subprocess.DEVNULL,
        stdout=pipes[OUT].write,
        stderr=pipes[ERR].write,
        env=shell_environ(os.environ),
        start_new_session=True,
    )
    texts = collect(pipes, deadline)
    status = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        status = process.wait(max(deadline - time.monotonic(), 0.01))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    status = 124 if status is None else status if status >= 0 else 128 - status
    log_as_node(context, texts[OUT])
    if status:
        log_as_node(context, texts[ERR])
    return {"statusCode": 200, "stdout": texts[OUT], "stderr": texts[ERR], "exitCode": status}


def collect(pipes: dict[str, Pipe], deadline: float) -> dict[str, str]:
    """What is written to each pipe until its end or the deadline; of more than ARTICLE_BYTES the beginning."""
    texts, poll = dict.fromkeys(pipes, b""), select.poll()
    redactors = {stream: Redactor(secrets(os.environ)) for stream in pipes}
    streams = {pipe.read: stream for stream, pipe in pipes.items()}
    for pipe in pipes.values():
        pipe.close_write()
        poll.register(pipe.read, select.POLLIN)
    while streams and (left := deadline - time.monotonic()) > 0:
        for fd, _ in poll.poll(left * 1000):
            stream = streams[fd]
            data = pipes[stream].get(READ_BYTES) or b""
            texts[stream] = (texts[stream] + redactors[stream].feed(data, last=not data))[:ARTICLE_BYTES]
            if not data:
                poll.unregister(fd)
                del streams[fd]
    for pipe in pipes.values():
        pipe.close()
    return {stream: text.decode("utf-8", "replace") for stream, text in texts.items()}


def log_as_node(context: Any, text: str) -> None:
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z"
    print(stamp, context.aws_request_id, text, sep="\t", flush=True)


def install_stand_ins() -> None:
    with contextlib.suppress(OSError):  # /tmp may be full, and a shell is what helps then
        os.makedirs(f"{PRIVATE}/bin", 0o700, exist_ok=True)
        for name, text in STAND_INS.items():
            path = f"{PRIVATE}/bin/{name}"
            if not os.access(path, os.X_OK):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"#!/usr/bin/env bash\n{text}")
                os.chmod(path, 0o755)


# Commands that exploring needs and AL2023's runtime lacks: last on PATH, so that a real one comes first.
STAND_INS = {
    "which": r"""
all=
[[ $1 = -a ]] && all=-a && shift
status=0
for name; do type -P $all -- "$name" || status=1; done
exit $status
""",
    "free": r"""
unit=1 human=
case $1 in -b) unit=1/1024 ;; -m) unit=1024 ;; -g) unit=1048576 ;; -h) human=1 ;; esac
while read -r key kb _; do declare "${key%%[:(]*}=$kb"; done </proc/meminfo
show() {
    local kb
    printf '%-7s' "$1"; shift
    for kb; do
        if [[ ! $human ]]; then printf '%12s' $(($kb * 1 / $unit))
        elif ((kb < 1024)); then printf '%12s' "${kb}Ki"
        elif ((kb < 1048576)); then printf '%12s' "$((kb / 1024))Mi"
        else printf '%12s' "$((kb / 1048576)).$((kb % 1048576 * 10 / 1048576))Gi"; fi
    done
    echo
}
cache=$((Buffers + Cached + ${SReclaimable:-0}))
printf '%19s%12s%12s%12s%12s%12s\n' total used free shared buff/cache available
show Mem: $MemTotal $((MemTotal - MemAvailable)) $MemFree $Shmem $cache $MemAvailable
show Swap: $SwapTotal $((SwapTotal - SwapFree)) $SwapFree
""",
    "ps": r"""
wide='%-10s %5s %4s %4s %8s %7s %-4s %-4s %5s %8s %s\n'
case $* in *u*) form=user ;; *f*) form=full ;; *) form=short ;; esac
declare -A users
while IFS=: read -r name _ uid _; do users[$uid]=$name; done </etc/passwd
read -r now _ </proc/uptime
while read -r key kb _; do [[ $key = MemTotal: ]] && total=$kb; done </proc/meminfo
case $form in
    user) printf "$wide" USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND ;;
    full) printf '%-10s %5s %5s %5s %4s %8s %s\n' UID PID PPID STIME TTY TIME CMD ;;
    short) printf '%7s %-8s %8s %s\n' PID TTY TIME CMD ;;
esac
for dir in /proc/[0-9]*; do
    pid=${dir#/proc/}
    { stat=$(<$dir/stat); status=$(<$dir/status); mapfile -d '' -t args <$dir/cmdline; } 2>/dev/null || continue
    name=${stat#*\(} name=${name%)*}
    set -- ${stat##*) }
    cpu=$(((${12} + ${13}) / 100)) age=$((${now%.*} - ${20} / 100))
    printf -v time '%02d:%02d:%02d' $((cpu / 3600)) $((cpu / 60 % 60)) $((cpu % 60))
    printf -v start '%(%H:%M)T' $((EPOCHSECONDS - age))
    uid=${status#*Uid:} uid=${uid%%[$'\n']*}
    read -r uid _ <<<"$uid"
    user=${users[$uid]:-$uid} command=${args[*]:-[$name]} rss=$((${22} * 4))
    case $form in
        user)
            percent=$((((${12} + ${13}) * 10) / (age > 0 ? age : 1))) memory=$((rss * 1000 / total))
            printf "$wide" "$user" $pid $((percent / 10)).$((percent % 10)) $((memory / 10)).$((memory % 10)) \
                $((${21} / 1024)) $rss '?' $1 $start $time "$command" ;;
        full) printf '%-10s %5d %5d %5s %4s %8s %s\n' "$user" $pid $2 $start '?' $time "$command" ;;
        short) printf '%7d %-8s %8s %s\n' $pid '?' $time "$name" ;;
    esac
done
""",
}
environment: Environment | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    global environment
    if "cmd" in event:
        return article(event, context)
    if environment is None:
        environment = Environment()
    return environment.answer(event, context)
