"""The shell Lambda: bash sessions that live across invocations, in one file that needs only the standard library.

The kernel's side imports the wire names and limits from here, so that the two sides cannot disagree.
An event is a dict. With "cmd" it is the 2018 article's: a fresh shell, its output in the log and in the reply.
Otherwise it is a request of the session protocol, told apart by "op":

    hello   start the session's shell, or find it again        run     start cell "seq", wait at most "wait" seconds
    attach  send signals and input, get what came since "had"  close   kill the shell and all that it started
    call    run Python code that comes along, in this process: what looks around in the environment and starts nothing

hello brings the code that talks to bash, and maybe a snapshot of another shell's state to "restore"; hello and close
may say how many seconds to "hold" the environment, so that others are served by another one.
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
import locale
import operator
import os
import re
import resource
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
OUT, ERR, GAP, EOF, NOTE = "out", "err", "gap", "eof", "note"  # what a chunk is; a background job's: JOB, cell number
JOB = "job "
# Readline, which edits nothing here, would take three system calls for each byte of a line.
ARGUMENTS = ["--noprofile", "--norc", "--noediting", "-i"]
EXIT, NEVER = b"exit\n", b"\0\xff" * 8
FEW_FILES = 24
# What bash says last (its xmalloc.c and redir.c) tells why it has ended.
BETTER_CAUSES = (
    (b"alloc: cannot allocate", "exit", "memory"),
    (b": Bad file descriptor", "logout", "descriptors"),
)
RECORD = b"\2\1"  # begins each record of what bash is made to say (talk.py); it ends with a NUL byte
SECRET_BYTES = 16  # shorter values, and shorter parts of them, are too likely to stand in harmless text
# By name, the shortest part that is replaced: of the 40 characters of a secret key it is less.
SECRETS = {
    "AWS_ACCESS_KEY_ID": SECRET_BYTES,
    "AWS_SECRET_ACCESS_KEY": 12,
    "AWS_SESSION_TOKEN": SECRET_BYTES,
    "AWS_LAMBDA_METADATA_TOKEN": SECRET_BYTES,
}
SCAN_BYTES, SCAN_STEP = 4, 8  # how much is looked at, and how often: a run of 11 bytes or more is not missed
NEAR_PLACES = 4096
HELD_BYTES = 3  # what ends so in a part of a credential mostly is none
SHELL_MARK = "LAMBDA_KERNEL_SHELL"  # in the environment of all that a shell starts, so that all of it can be found
PRIVATE = "/tmp/.lambda-kernel"
Bound = tuple[int, int, int, int] | None  # bytes and lines of the head, then those of the tail
Chunks = collections.deque[tuple[str, bytes]]
# System calls as /proc/PID/syscall shows them, by Linux's tables for the two architectures of Lambda: read; pselect6
# (bash 5.2 waits so for a line, with descriptor 0 alone); wait4 and waitid.
ARM = os.uname().machine == "aarch64"
READ, SELECT = ("63", "72") if ARM else ("0", "270")
WAITS = ("260", "95") if ARM else ("61", "247")


class Secret(NamedTuple):
    """A row of what a stream is searched for: any run of so many bytes of the value is replaced by the stand-in.

    shortest: at least SCAN_BYTES + SCAN_STEP - 1; as long as the value where only the whole of it is meant.
    """

    value: bytes
    shortest: int
    stand_in: bytes


Secrets = tuple[Secret, ...]


def secrets(environ: Mapping[str, str]) -> Secrets:
    """What no notebook may show, raw and percent-encoded. Where values overlap, the first row's stand-in is shown."""
    found: dict[bytes, Secret] = {}
    for name, shortest in SECRETS.items():
        value = environ.get(name, "")
        for form in (value, urllib.parse.quote(value, safe="")) if len(value) >= SECRET_BYTES else ():
            found.setdefault(form.encode(), Secret(form.encode(), shortest, f"[{name} redacted]".encode()))
    return tuple(found.values())


class Finder:
    """Finds runs of secrets in bytes.

    A run begins at most 7 bytes before a multiple of 8, and holds the 4 bytes from there. So only every eighth position
    is looked at, all of them by one call of a set's method: some 40 ms for 10 MB. What that finds is looked at closely.
    """

    def __init__(self, table: Secrets) -> None:
        self.table = table
        self.sizes = sorted({shortest for _, shortest, _ in table})
        self.least, self.most = (self.sizes[0], self.sizes[-1]) if table else (sys.maxsize, 0)
        # What repeats is looked at once: rulers, and credentials that are printed again and again.
        self.near = functools.lru_cache(NEAR_PLACES)(self._near)
        self.runs: dict[bytes, bytes] = {}  # of the shortest length, and what is shown instead
        self.starts: set[int] = set()  # four bytes each, of those that can stand at a multiple of 8
        for value, shortest, stand_in in table:
            for at in range(len(value) - shortest + 1):
                self.runs.setdefault(value[at : at + shortest], stand_in)
            for at in range(len(value) - shortest + SCAN_STEP):
                self.starts.add(int.from_bytes(value[at : at + SCAN_BYTES], sys.byteorder))

    def find(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """From where to where runs that overlap reach, and what is shown instead."""
        start = end = 0
        stand_in = b""
        for at, to, shown in self._parts(data):
            if at >= end:
                if end:
                    yield start, end, stand_in
                start, stand_in = at, shown
            end = max(end, to)
        if end:
            yield start, end, stand_in

    def _parts(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        if len(data) < self.least:
            return
        words = memoryview(data)[: len(data) // SCAN_BYTES * SCAN_BYTES].cast("I")
        starts = words[:: SCAN_STEP // SCAN_BYTES].tolist()
        rest = iter(starts)
        while not self.starts.isdisjoint(rest):  # which ends behind the first that is there
            hit = SCAN_STEP * (len(starts) - operator.length_hint(rest) - 1)
            first = max(hit - SCAN_STEP + 1, 0)
            for at, to, stand_in in self.near(data[first : hit + self.most], hit + 1 - first):
                yield first + at, first + to, stand_in

    def _near(self, data: bytes, positions: int) -> list[tuple[int, int, bytes]]:
        """Runs that begin at one of the first so many positions: those that overlap are one."""
        parts: list[tuple[int, int, bytes]] = []
        for at in range(positions):
            for piece in (data[at : at + size] for size in self.sizes):
                stand_in = self.runs.get(piece)
                if stand_in is not None:
                    start, end, shown = parts.pop() if parts and at < parts[-1][1] else (at, at, stand_in)
                    parts.append((start, max(end, at + len(piece)), shown))
        return parts

    def beginning(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a run."""
        longest = 0
        for value, shortest, _ in self.table:
            size = 1
            while size < min(shortest, len(data) + 1) and (at := value.find(data[-size:])) != -1:
                if at <= len(value) - shortest:
                    longest = max(longest, size)
                size += 1
        return longest


@functools.lru_cache(maxsize=16)
def finder(table: Secrets) -> Finder:
    return Finder(table)


class Redactor:
    """Replaces runs of secrets in a stream of bytes, however it is cut: what may be a run's beginning is held back."""

    def __init__(self, table: Secrets) -> None:
        self.finder = finder(table)
        self.held = self.past = b""  # past: the end of what is through, since a run may have begun there
        self.clear = 0  # bytes since the last run that was replaced
        self.doubtful = 0  # bytes at the end, shown or held back, that may be a run's beginning

    def feed(self, data: bytes, last: bool = False) -> bytes:
        data, known = self.past + self.held + data, len(self.past)
        self.doubtful = 0 if last else self.finder.beginning(data)
        cut = max(len(data) - self.doubtful, known)
        shown, at, covered = [], known, known - self.clear
        for start, end, stand_in in self.finder.find(data):
            if start >= cut:
                break
            if end > at:
                shown += [data[at:start], stand_in if start >= covered else b""]
                at = covered = end
        cut = max(cut, at)
        shown.append(data[at:cut])
        self._cut(data, cut, cut - covered)
        return b"".join(shown)

    def take(self) -> bytes:
        """What is held back, as it is."""
        held, self.held = self.held, b""
        return held

    def rest(self) -> bytes:
        """What is held back, if it is so little that it hardly is a credential: when no more comes for a while."""
        if not self.held or self.doubtful > HELD_BYTES:
            return b""
        held = self.held
        self._cut(self.past + held, len(self.past + held), self.clear + len(held))
        return held

    def _cut(self, data: bytes, cut: int, clear: int) -> None:
        self.past = data[max(cut - self.finder.most, 0) : cut]
        self.held, self.clear = data[cut:], clear


def redact(data: bytes, table: Secrets) -> bytes:
    return Redactor(table).feed(data, last=True)


def holds(data: bytes, table: Secrets) -> list[str]:
    """What is shown instead of the runs that are in data."""
    return sorted({stand_in.decode() for _, _, stand_in in finder(table).find(data)})


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
        self.start = self.end = self.sent = 0
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

    def insert(self, stream: str, data: bytes) -> None:
        """Before all that has not been read yet."""
        before: Chunks = collections.deque()
        at = self.start
        while self.chunks and at < self.sent:
            name, chunk = self.chunks.popleft()
            cut = min(len(chunk), self.sent - at)
            before.append((name, chunk[:cut]))
            if cut < len(chunk):
                self.chunks.appendleft((name, chunk[cut:]))
            at += cut
        self.chunks = before + collections.deque([(stream, data)]) + self.chunks
        self.end += len(data)

    def held(self) -> int:
        return self.end - self.start + len(self.chunks) * CHUNK_BYTES

    def finish(self, shown: Callable[[str, bytes], bytes] = lambda stream, data: data) -> None:
        """Nothing more comes. shown: what is shown of what the tail holds."""
        tail, self.tail = self.tail, None
        if tail and tail.dropped_bytes:
            self._add(GAP, json.dumps({"bytes": tail.dropped_bytes, "lines": tail.dropped_lines}).encode())
        for stream, data in tail.chunks if tail else ():
            self._add(stream, shown(stream, data))

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
        self.sent = max(self.sent, self.start + sum(len(data) for _, parts in joined for data in parts))
        return [[stream, base64.b64encode(b"".join(parts)).decode()] for stream, parts in joined]


class Pipe:
    """A pipe that another process opens by path, so that no child of its own inherits a control descriptor."""

    def __init__(self, fifo: str | None) -> None:
        if fifo:
            os.mkfifo(fifo, 0o600)
            with contextlib.ExitStack() as made:
                made.callback(os.unlink, fifo)
                self.read = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                made.callback(os.close, self.read)
                self.write = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                made.pop_all()
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


def nameless_file() -> int:
    """Amazon Linux 2's C library has no memfd_create."""
    try:
        return os.memfd_create("cell")
    except (AttributeError, OSError):
        return os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600)


class Text:
    """A file that bash sources by path."""

    def __init__(self, data: bytes, file: str | None) -> None:
        self.file = file
        self.fd = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600) if file else nameless_file()
        self.path = file or f"/proc/{os.getpid()}/fd/{self.fd}"
        while data:
            data = data[os.write(self.fd, data) :]

    def close(self) -> None:
        os.close(self.fd)
        if self.file:
            os.unlink(self.file)


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


def links(pid: int) -> set[str]:
    """What a process's descriptors are open on."""
    with contextlib.suppress(OSError):
        return {link(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
    return set()


def reads_from(pid: int, pipe: str) -> bool:
    """Whether a process waits for what comes from this pipe, by any descriptor: /dev/stdin opens another than 0."""
    call, first, *_ = [*peek(f"/proc/{pid}/syscall").split(), "", ""]
    if call != READ and (call, first) != (SELECT, "0x1"):
        return False
    return link(f"/proc/{pid}/fd/{int(first, 16) if call == READ else 0}") == pipe


class Way(NamedTuple):
    """How a cell is run. secrets: what is redacted; stdin: the user can be asked; merge: stderr goes to stdout."""

    bound: Bound = None
    secrets: Secrets = ()
    stdin: bool = False
    merge: bool = False


class Cell:
    """One command of a session: its text, its pipes, its log, and how it ended."""

    def __init__(self, seq: int, way: Way, noise: Secrets, pipe: Callable[[], Pipe]) -> None:
        self.seq, self.way, self.log = seq, way, Log(way.bound)
        streams = (OUT,) if way.merge else (OUT, ERR)
        with contextlib.ExitStack() as made:
            self.input, *outputs = (made.enter_context(contextlib.closing(pipe())) for _ in ("in", *streams))
            made.pop_all()
        self.outputs = dict(zip(streams, outputs, strict=True))
        self.noise = {streams[-1]: noise}
        self.redactors = {stream: self._redactor(stream) for stream in streams}
        self.text: Text | None = None
        self.messages: Any = None  # talk.py's Messages, which knows bash's own
        self.typed = 0  # bytes of input that have come
        self.untyped, self.input_ends = b"", False  # those of them that the pipe did not take yet; nothing follows
        self.reads: dict[str, Any] | None = None  # how a waiting program asks
        self.asks: dict[str, Any] = {}  # what `read` says of that
        self.status: int | None = None
        self.error_line = b""  # a line of stderr comes in pieces
        self.done = False

    def _redactor(self, stream: str) -> Redactor:
        return Redactor(self.way.secrets + self.noise.get(stream, ()))

    def fetch(self, stream: str, size: int = READ_BYTES) -> int:
        data = self.outputs[stream].get(size) or b""
        redactor = self.redactors[stream]
        # Most of what goes to the tail is dropped: what is left of it at the end is redacted then.
        self._put(stream, redactor.feed(data) if self.log.open else redactor.take() + data)
        return len(data)

    def _put(self, stream: str, data: bytes) -> None:
        if stream == ERR:
            data = self.error_line + data
            end = data.rfind(b"\n") + 1
            end = end if len(data) - end < LINE_BYTES else len(data)
            data, self.error_line = data[:end], data[end:]
        self._put_messages(stream, data)

    def _put_messages(self, stream: str, data: bytes) -> None:
        if self.messages is None or (stream == OUT and not self.way.merge):
            self.log.put(stream, data)
            return
        for is_note, part in self.messages.split(data):
            self.log.put(NOTE if is_note else stream, redact(part, self.way.secrets) if is_note else part)

    def flush(self) -> None:
        for stream, redactor in self.redactors.items():
            if not self.outputs[stream].waiting():
                self._put(stream, redactor.rest())
        self._put_line()

    def _put_line(self) -> None:
        line, self.error_line = self.error_line, b""
        if line:
            self._put_messages(ERR, line)

    def wanted(self) -> None:
        """A program waits for input: the user's, or at once the end of it."""
        if not self.input.writable or self.input.waiting():
            return
        if self.way.stdin:
            self.reads = self.asks
        else:
            self.input.close_write()
            self.flush()  # no notice stands within a word
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
            pipe.close_write()
        self._finish(exited)
        self.input.close()
        if self.text:
            self.text.close()
        self.done = True

    def _finish(self, exited: bool) -> None:
        self._put_line()
        if not self.log.open:
            for stream, redactor in self.redactors.items():
                self.log.put(stream, redactor.take())
                self.redactors[stream] = self._redactor(stream)
        self.log.finish(lambda stream, data: self.redactors[stream].feed(data) if stream in self.redactors else data)
        for stream, redactor in self.redactors.items():
            if exited:
                redactor.held = redactor.held.removesuffix(EXIT)
            self.log.put(stream, redactor.feed(b"", last=True))


@functools.lru_cache(maxsize=16)
def load(code: str) -> dict[str, Any]:
    """The names in code that the kernel sends along, so that it can grow without a deployment."""
    space: dict[str, Any] = {"__name__": "sent", "index": sys.modules[__name__]}
    exec(compile(code, "sent", "exec"), space)
    return space


class Shell:
    """One interactive bash without a terminal, and the cells that it runs one after another."""

    def __init__(self, epoch: int, environ: Mapping[str, str], fifos: str | None, sent: dict[str, Any]) -> None:
        self.id, self.epoch, self.environ, self.fifos = uuid.uuid4().hex[:12], epoch, environ, fifos
        self.secrets = secrets(environ)
        self.seq = self.signals = self.files = 0
        self.ended: dict[str, Any] | None = None
        self.marked_again = self.nudge = self.begun = False
        self.cells: dict[int, Cell] = {}  # by number: those whose outputs are open, since jobs may hold them
        self.unwritten = b""
        self.poll = select.poll()
        self.readers: dict[int, Callable[[], object]] = {}
        self.marks, self.dumps = self._pipe(), self._pipe()
        self.mark_rest = self.own_rest = b""
        self.state, self.talk = sent["State"](), sent["Talk"](self.marks.path())  # of state.py and talk.py
        self.dumped, self.awaited, self.dump_until = -1, 0, 0.0
        self.failed: list[int] = []
        self.restored: dict[str, list[str]] | None = None
        self._listen(self.marks.read, self._mark)
        with contextlib.suppress(OSError):  # a user may have only so much of it
            fcntl.fcntl(self.dumps.write, fcntl.F_SETPIPE_SZ, DUMP_BYTES)
        self._spawn()
        self.front = sent["Front"](self.pid)  # of front.py
        # Not where PROMPT_COMMAND or a prompt would be run each time that bash is told something (parse_command in its
        # eval.c): it takes itself to be editing lines, as on a terminal, and reads them as before.
        setup = "unset HISTFILE; set +o history +H -m -o emacs; history -c"
        self.start(0, f"{self.state.setup}; {setup}", {}, Way())

    def _pipe(self) -> Pipe:
        return Pipe(self._file())

    def _file(self) -> str | None:
        self.files += 1
        return self.fifos and f"{self.fifos}/{self.id}.{self.files}"

    def _spawn(self) -> None:
        for name in os.listdir("/proc/self/fd"):  # the runtime's own are not for programs
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name), int(name) <= 2)
        reads, self.commands = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.commands, False)
        self.own, writes = os.pipe2(os.O_CLOEXEC)
        self.last_words, prints = os.pipe2(os.O_CLOEXEC)  # of an EXIT trap that runs when the cell's outputs are closed
        for fd in (self.own, self.last_words, prints):
            os.set_blocking(fd, False)
        self.input_link = link(f"/proc/self/fd/{reads}")
        actions = [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate((reads, prints, writes))]
        # A signal that is ignored at exec can be neither trapped nor reset later (bash(1), trap).
        default = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
        environ = shell_environ(self.environ) | {SHELL_MARK: self.id}
        bash = shutil.which("bash") or "/bin/bash"
        try:
            self.pid = os.posix_spawn(
                bash, ["bash", *ARGUMENTS], environ, file_actions=actions, setsigdef=default, setsid=True
            )
        finally:
            for fd in (reads, prints, writes):
                os.close(fd)
        # What an interactive bash says on stderr for want of a terminal when a job dies of a signal; and when it exits,
        # which is only known to be that at the end: the word that is never complete makes it be held back.
        level = self.environ.get("SHLVL", "")
        level = str(int(level) + 1) if level.isdecimal() else "1"
        complaint = f"bash: [{self.pid}: {level} (255)] tcsetattr: {os.strerror(errno.ENOTTY)}\n"
        self.noise = tuple(Secret(text, len(text), b"") for text in (complaint.encode(), EXIT + NEVER))
        self.blind = not peek(f"/proc/{self.pid}/syscall")  # a kernel need not show it
        self.pidfd = -1
        # An older kernel has none: the shell's death is found a little later.
        with contextlib.suppress(AttributeError, OSError):
            self.pidfd = os.pidfd_open(self.pid)
            self._listen(self.pidfd, lambda: None)

    def _listen(self, fd: int, reader: Callable[[], object], event: int = select.POLLIN) -> None:
        self.readers[fd] = reader
        self.poll.register(fd, event)

    def _ignore(self, fd: int) -> None:
        if self.readers.pop(fd, None):
            self.poll.unregister(fd)

    def _write(self, *lines: str) -> None:
        self.unwritten += "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
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

    def start(self, seq: int, text: str, facts: dict[str, str], way: Way) -> None:
        """The cell, with descriptors of its own; the mark that tells that it is over; a dump of the state. Raises
        OSError, and then nothing has been run."""
        text = text.replace("\0", "")  # bash drops NUL bytes as well, with a warning
        self.talk.traps, self.talk.own_eval = self.state.debuggers, b"eval" in self.state.own
        self.talk.stacked = self.state.stacked
        plan = self.talk.plan(seq, text, resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[0] < FEW_FILES)
        cell = self._made(seq, way, plan.text.encode("utf-8", "replace") if plan.sourced else None)
        file = cell.text.path if cell.text else ""
        cell.messages = self.talk.messages(plan, file, cell.way.merge)
        self.seq, self.cell, self.cells[seq] = seq, cell, cell
        self.marked_again = self.nudge = self.begun = False
        self._read_last_words()  # what traps have printed since
        self.front.named = self.talk.named_job(text)
        for stream, pipe in cell.outputs.items():
            self._listen(pipe.read, functools.partial(cell.fetch, stream))
        source = cell.input.path(cell.input.read)
        out, *err = (pipe.path() for pipe in cell.outputs.values())
        outputs = f">|{out} " + (f"2>|{err[0]}" if err else "2>&1")
        prelude = self.state.prelude(text, source, self.marks.path(), way.stdin)
        begin = prelude + self.talk.begin(plan, file, facts, source, outputs)
        self.talk.sets_trap(text)
        self._write(begin, self.talk.mark(seq), *self._dump_lines(seq))  # at once: each write wakes bash

    def _made(self, seq: int, way: Way, text: bytes | None) -> Cell:
        """A cell with its files. Where too many are open, background jobs of the oldest cells lose theirs."""
        while True:
            try:
                with contextlib.ExitStack() as made:
                    cell = Cell(seq, way, self.noise, self._pipe)
                    for pipe in (cell.input, *cell.outputs.values()):
                        made.callback(pipe.close)
                    cell.text = None if text is None else Text(text, self._file())
                    made.pop_all()
                    return cell
            except OSError as error:
                old = next((cell for cell in self.cells.values() if cell.done), None)
                if error.errno not in (errno.EMFILE, errno.ENFILE) or old is None:
                    raise
                for stream in list(old.outputs):
                    self._let_go(old, stream)

    def _dump_lines(self, seq: int) -> list[str]:
        """That ask for the state. Its end is told by a record: it comes in pieces."""
        question = self.state.question(self.dumps.path(), seq)
        self.awaited = seq if question else -1
        return [self.talk.dumped(question)] if question else []

    def _mark(self) -> None:
        *records, self.mark_rest = (self.mark_rest + (self.marks.get(READ_BYTES) or b"")).split(b"\0")
        for record in records:
            _, found, last = record.rpartition(RECORD)  # an interrupt may have cut the one before it
            if found:
                with contextlib.suppress(ValueError):  # a user may have written it
                    self._record(last[:1], last[1:])

    def _record(self, kind: bytes, data: bytes) -> None:
        if kind == b"B":
            self._read_own()
            self.begun = data == b"%d" % self.seq
        elif kind == b"J":
            self._cell_over(data)
        elif kind == b"R":
            prompt = redact(data[1:], self.cell.way.secrets)
            self.cell.asks = {"secret": data[:1] == b"s", "prompt": prompt.decode("utf-8", "replace")}
        elif kind == b"G":
            self.front.named = int(data) if data.isdigit() else None
        elif kind == b"D":
            self._dump()
        elif kind == b"F":
            self.failed.append(int(data))
        else:
            self.talk.take(kind, data)

    def _cell_over(self, listed: bytes) -> None:
        if self.talk.seq == self.cell.seq and not self.cell.done:
            own = self._own_lines()
            self._over(self.talk.status)
            self._show_own(own)  # as at a prompt: below the output
            if link(f"/proc/{self.pid}/fd/0") not in ("", self.input_link):
                self.kill("descriptors")
                return
            log = self.cell.log
            said = {line for stream, data in log.chunks if stream == NOTE for line in data.splitlines()}
            if new := [job for job in self.talk.new_jobs(listed) if job not in said]:
                log.insert(NOTE, b"\n".join([*new, b""]))

    def _read_last_words(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self.last_words, READ_BYTES)
        return b""

    def _read_own(self) -> None:
        lines = self._own_lines()
        if not self.cell.done:  # or else it is about a dump
            self._show_own(lines)

    def _own_lines(self) -> list[bytes]:
        """What bash itself says while it is told what to do: of jobs that have ended, and that something went wrong."""
        try:
            data = os.read(self.own, READ_BYTES)
        except BlockingIOError:
            return []
        *lines, self.own_rest = (self.own_rest + data).split(b"\n")
        self.own_rest = self.own_rest[-LINE_BYTES:]
        return lines

    def _show_own(self, lines: list[bytes]) -> None:
        for line in lines:
            is_note, text = self.talk.own(line)
            if text and self.seq:
                self.cell.log.put(NOTE if is_note else ERR, redact(text, self.secrets))

    def _dump(self) -> None:
        while data := self.dumps.get(DUMP_BYTES):
            done = self.state.feed(data, functools.partial(holds, table=self.secrets))
            self.dumped = self.dumped if done is None else done

    def restore(self, packed: str, deadline: float) -> None:
        """Replay another shell's state, a line each; what fails is named, and stops nothing else."""
        items = self.state.unpack(packed)
        self.talk.debugged = any(name == "trap DEBUG" for name, _ in items)
        file = Text(self.talk.replay(items).encode("latin-1"), self._file())
        names = [name for name, _ in items]
        self.dumped, self.dump_until = -1, deadline
        source = f"\\builtin . {shlex.quote(file.path)}; \\builtin :"
        self._write(source, self.talk.mark(0), *self._dump_lines(0))
        self.pump(0, deadline)
        file.close()
        failures = range(len(items)) if self.ended or self.dumped < 0 else self.failed
        self.restored = {"failed": [names[number] for number in failures]}
        self.restored["items"] = [name for number, name in enumerate(names) if number not in failures]

    def _let_go(self, cell: Cell, stream: str) -> None:
        pipe = cell.outputs.pop(stream)
        self._ignore(pipe.read)
        pipe.close()
        if not cell.outputs:
            del self.cells[cell.seq]

    def _fetch_job(self, cell: Cell, stream: str) -> None:
        """Output of a cell that is over is a background job's: it goes to the cell that runs now."""
        data = cell.outputs[stream].get(READ_BYTES)
        if data is not None:
            self.cell.log.put(f"{JOB}{cell.seq}", cell.redactors[stream].feed(data, last=not data))
        if data == b"":
            self._let_go(cell, stream)

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
                self._mark()
                code = os.waitstatus_to_exitcode(status)
                cause = "signal" if code < 0 else "exit" if self.begun and not self.cell.done else "logout"
                self._end(cause, code if code >= 0 else 128 - code)

    def _end(self, cause: str, status: int) -> None:
        self.ended = {"cause": cause, "exit": status, "said": self.talk.said.decode("utf-8", "replace")}
        self._ignore(self.pidfd)
        self._ignore(self.commands)
        if not self.cell.done:
            self._over(status, cause == "exit")
            self.cell.log.put(OUT, redact(self._read_last_words(), self.cell.way.secrets))
        for words, before, better in BETTER_CAUSES:
            if cause == before and any(words in data for _, data in self.cell.log.chunks):
                self.ended["cause"] = better

    @property
    def unrun(self) -> bool:
        """Whether bash has ended before it began the last cell."""
        return self.ended is not None and self.seq > 0 and not self.begun

    def _look(self) -> None:
        """Nothing came for a while: what are the processes doing?"""
        if self.ended is not None:
            return
        self._read_own()  # a trace of bash's may fill it
        now = {process.pid: process for process in processes()}
        waits = not self.unwritten and self._waits_for_line(now) and not waiting(self.commands)
        if self.cell.done:
            if waits and not self.marks.waiting():  # an interrupt has hit the dump: none will come
                self.dump_until = 0.0
            return
        if self.pid in now and now[self.pid].state == "T":
            os.kill(self.pid, signal.SIGCONT)
        if self.blind and self.begun:  # bash has opened it by now: a FIFO without a writer cannot be
            self.cell.input.close_write()
        self._look_for_readers(now)
        self.cell.feed()
        if self.nudge:
            self._nudge(now)
        if waits:
            self._mark_lost()

    def _waits_for_line(self, now: Mapping[int, Process]) -> bool:
        if self.blind:  # it sleeps, and nothing that it started is there
            return now[self.pid].state == "S" and all(p.parent != self.pid for p in now.values())
        return reads_from(self.pid, self.input_link)

    def _look_for_readers(self, now: Mapping[int, Process]) -> None:
        readers = [p for p in now.values() if reads_from(p.pid, self.cell.input.link)]
        if not readers:
            return
        self._mark()  # which may hold the prompt
        for process in readers:
            if process.pid == self.pid and self._has_lost_input():
                self.kill("descriptors")
                return
            if not self.front.may_ask(process, now):
                continue
            if refusal := self.front.refusal(peek(f"/proc/{process.pid}/comm").strip()):
                self.cell.log.put(ERR, refusal.encode())
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)
            else:
                self.cell.wanted()

    def _has_lost_input(self) -> bool:
        """A user may close all descriptors, those too that bash keeps aside to be told what to do. Another bash, which
        a cell may exec, has none of them."""
        ours = peek(f"/proc/{self.pid}/cmdline").split("\0")[1:-1] == ARGUMENTS
        return ours and self.input_link not in links(self.pid)

    def _mark_lost(self) -> None:
        """bash waits for a line, and has not said that this cell is over.

        A SIGINT may have hit the very line that says so: ask again. Without an answer to that, a trap or a function
        of the user's keeps bash from running what it is told.
        """
        if self.marks.waiting():
            return
        self._read_own()
        if self.marked_again:
            self.kill("deaf")
        else:
            self.marked_again = True
            self._write(self.talk.mark(self.cell.seq))

    def signal(self, name: str) -> None:
        if name == "KILL":
            self.kill("killed")
        elif name == "INT":
            os.killpg(self.pid, signal.SIGINT)
            self.nudge = True
        else:
            self._signal_foreground(processes(), signal.Signals[f"SIG{name}"])

    def _nudge(self, now: Mapping[int, Process]) -> None:
        """A bash that still waits has a job in the foreground. `wait` and the shell's own loops are over by now."""
        self.nudge = False
        call = peek(f"/proc/{self.pid}/syscall").split()[:1]
        if not call or call[0] in WAITS:
            self._signal_foreground(now.values(), signal.SIGINT)

    def _signal_foreground(self, now: Iterable[Process], number: int) -> None:
        group = self.front.group(now)
        if group is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.killpg(group, number)

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
        for fd in (self.pidfd, self.commands, self.own, self.last_words):
            if fd >= 0:
                os.close(fd)


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
            except OSError as error:
                return self._reply("refused", why=f"bash cannot be started: {error.strerror}")
        about = {"machine": os.uname().machine, "tenant": bool(getattr(context, "tenant_id", None))}
        about["blind"] = shell.blind
        return self._reply("idle" if shell.cell.done else "running", shell, restored=shell.restored, **about)

    def _restored(self, event: dict[str, Any], context: Any) -> Shell:
        """A new shell in the state that the event brings, if it brings one; what kills the shell is left out."""
        code = event["code"]
        shell = self._start(event["epoch"], code)
        if packed := event.get("restore"):
            shell.restore(packed, time.monotonic() + min(5, seconds_left(context)))
            if shell.ended:
                shell.close()
                restored, shell = shell.restored, self._start(event["epoch"], code)
                shell.restored = restored
        return shell

    def _start(self, epoch: int, code: str) -> Shell:
        """A shell that has opened one of our pipes by path: through /proc, or where that is not readable, a FIFO."""
        install_stand_ins()
        shell = Shell(epoch, self.environ, self.fifos, load(code))
        shell.pump(0, time.monotonic() + 2)
        if (shell.cell.done and shell.ended is None) or self.fifos:
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
            if why := self._run(shell, event, context):
                return self._reply("refused", shell, why=why)
        if seq != shell.seq:
            return self._reply("unseen" if seq > shell.seq else "gone", shell)
        self._control(shell, event)
        shell.cell.reads = None  # unless it still waits
        wait = max(min(max(event["wait"], HOLD_SECONDS), seconds_left(context)), 0)
        shell.cell.log.acknowledge(event["had"])
        shell.pump(begin + HOLD_SECONDS, begin + wait)
        if shell.unrun:
            return self._reply("unrun", shell)
        if not shell.cell.done:
            shell.cell.flush()
        return self._answer(shell, event, begin)

    def _control(self, shell: Shell, event: dict[str, Any]) -> None:
        """Signals and input for the cell that runs."""
        for number, name in event.get("signals", ()):
            if number > shell.signals:
                shell.signals = number
                if not shell.cell.done:
                    shell.signal(name)
        if "input" in event and not shell.cell.done:
            shell.cell.type(*event["input"])

    def _run(self, shell: Shell, event: dict[str, Any], context: Any) -> str:
        """Start a cell; or say why that cannot be."""
        table = shell.secrets if event["redact"] else ()
        way = Way(event["bound"], table, event.get("stdin", False) and not shell.blind, event.get("merge", False))
        install_stand_ins()  # a user may have emptied /tmp
        shell.state.mend()
        try:
            shell.start(event["seq"], event["code"], facts(context, self.environ), way)
        except OSError as error:
            return f"the cell cannot be started: {error.strerror}"
        return ""

    def _answer(self, shell: Shell, event: dict[str, Any], begin: float) -> dict[str, Any]:
        cell, log = shell.cell, shell.cell.log
        cwd = redact(os.fsencode(link(f"/proc/{shell.pid}/cwd")), shell.secrets)
        more = {"at": log.start, "chunks": log.read(ANSWER_BYTES), "cwd": cwd.decode("utf-8", "replace")}
        more["duration_ms"] = round((time.monotonic() - begin) * 1000, 2)
        if cell.done:
            more |= {"total": log.end, "exit": cell.status, "dumped": shell.dumped}
            unstarted = shell.talk.unstarted or cell.messages.disabled
            more |= {"unstarted": unstarted, "debugged": b"DEBUG" in shell.state.debuggers}
            if event.get("have") != shell.state.digest:
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


@functools.lru_cache(maxsize=32)
def has_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        return bool(locale.setlocale(locale.LC_ALL, name))
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)


def mended_locale(environ: Mapping[str, str]) -> dict[str, str]:
    """Programs take each byte for a character when one of the locales named does not exist (setlocale(3)), and AL2023's
    image has C.UTF-8 alone, where Lambda says LANG=en_US.UTF-8."""
    named = {value for name, value in environ.items() if name == "LANG" or name.startswith("LC_")}
    wanted = {environ["LC_ALL"]} if environ.get("LC_ALL") else named
    return {} if all(map(has_locale, wanted)) or not has_locale("C.UTF-8") else {"LC_ALL": "C.UTF-8"}


def shell_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Lambda's own variables, and those that it leaves unset and programs want. Only /tmp can be written."""
    missing = {"HOME": "/tmp", "TMPDIR": "/tmp", "TERM": "xterm-color", "SHELL": "/bin/bash", "PAGER": "cat"}
    path = environ.get("PATH", os.defpath)
    return missing | dict(environ) | mended_locale(environ) | {"PATH": f"{path}:{PRIVATE}/bin"}


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
    for stream, pipe in pipes.items():
        pipe.close()
        texts[stream] = (texts[stream] + redactors[stream].feed(b"", last=True))[:ARTICLE_BYTES]
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
}
environment: Environment | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    global environment
    if "cmd" in event:
        return article(event, context)
    if environment is None:
        environment = Environment()
    return environment.answer(event, context)
