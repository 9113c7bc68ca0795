"""A shell's cells: each one's pipes and log, and its outputs that background jobs keep open after it.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import functools
import os
import select
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index
    from .jobs import Order, apart
    from .process import EXIT, Listeners
    from .talk import Messages, Plan


def nameless_file() -> int:
    """A file without a name. Amazon Linux 2's C library has no memfd_create."""
    try:
        return os.memfd_create("cell")
    except (AttributeError, OSError):
        return os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600)


class Text:
    """A file with shell text, which bash sources by path."""

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


class Cell:
    """One command of a session: its text, its pipes, its log, and how it ended."""

    def __init__(
        self,
        seq: int,
        options: index.CellOptions,
        noise: index.Secrets,
        pipe: Callable[[], index.Pipe],
        order: Callable[[], Order] | None = None,
    ) -> None:
        self.seq, self.options, self.log = seq, options, index.Log(options.bound)
        self.own = [index.OUT] if options.merge else [index.OUT, index.ERR]
        self.orders = {stream: order() for stream in self.own if order}  # of jobs.py
        streams = [*self.own, *(stream + index.JOBS for stream in self.orders)]
        with contextlib.ExitStack() as made:
            self.input, *outputs = (made.enter_context(contextlib.closing(pipe())) for _ in ("in", *streams))
            made.pop_all()
        self.outputs = dict(zip(streams, outputs, strict=True))
        self.noise = {index.OUT if options.merge else index.ERR: noise}
        self.redactors = {stream: self._redactor(stream) for stream in streams}
        self.text: Text | None = None
        self.messages: Messages | None = None
        self.typed = 0  # bytes of input that have come
        self.untyped, self.input_ends = b"", False  # the bytes that the pipe has not taken yet; whether more follow
        self.reads: dict[str, Any] | None = None  # how to ask the user, while a program waits for input
        self.asks: dict[str, Any] = {}  # what `read` said about the prompt
        self.status: int | None = None
        self.lines = dict.fromkeys(streams, b"")  # unfinished lines of stderr and of jobs
        self.done = False

    def _redactor(self, stream: str) -> index.Redactor:
        return index.Redactor(self.options.secrets + self.noise.get(stream, ()))

    def protect(self, secrets: index.Secrets) -> None:
        """Go on with another table, unless the cell shows everything."""
        if self.options.secrets:
            self.options = self.options._replace(secrets=secrets)
            for stream, redactor in self.redactors.items():
                redactor.finder = self._redactor(stream).finder

    def fetch(self, stream: str, size: int = index.READ_BYTES) -> int:
        data = self.outputs[stream].get(size) or b""
        if order := self.orders.get(stream):
            jobs = self.outputs[stream + index.JOBS].get(index.READ_BYTES) or b""
            for job, part in order.feed(data, jobs):
                if job and part:
                    self.give_way(self.own)
                self._take(stream + index.JOBS * job, part)
            return len(data) + (self.fetch(stream) if order.waits and data else 0)
        self._take(stream, data)
        return len(data)

    def _take(self, stream: str, data: bytes) -> None:
        redactor = self.redactors[stream]
        if not data and not redactor.held:
            return
        # Most of what goes to the tail is dropped. What is left at the end is redacted then.
        redacts = self.log.open or stream[-1:] == index.JOBS
        self.put(stream, redactor.feed(data) if redacts else redactor.take() + data)

    def put(self, stream: str, data: bytes) -> None:
        if stream != index.OUT:
            data = self.lines[stream] + data
            end = data.rfind(b"\n") + 1
            if self.messages:
                end = self.messages.whole(data[:end])
            end = end if len(data) - end < index.LINE_BYTES else len(data)
            data, self.lines[stream] = data[:end], data[end:]
        self._put_messages(stream, data)

    def _put_messages(self, stream: str, data: bytes) -> None:
        name, job = stream.removesuffix(index.JOBS), stream[-1:] == index.JOBS
        if self.messages is None or (name == index.OUT and not self.options.merge):
            self.log.put(name, data, job)
            return
        for is_note, part in self.messages.split(data):
            if is_note and name != index.OUT:
                self.give_way([index.OUT])
            kind, shown = (index.NOTE, index.redact(part, self.options.secrets)) if is_note else (name, part)
            self.log.put(kind, shown, job and not is_note)

    def let_out(self, put: Callable[[str, bytes], object]) -> None:
        """Pass on what is held back but is too short for a credential, unless more has come."""
        for stream, pipe in self.outputs.items():
            if self.redactors[stream].held and not pipe.waiting():
                put(stream, self.redactors[stream].rest())

    def give_way(self, streams: Iterable[str]) -> None:
        """Pass on what is held back, whatever has come: others' output is shown next, and must break no word."""
        for stream in streams:
            self.put(stream, self.redactors[stream].rest())
            self._put_line(stream)

    def flush(self) -> None:
        self.let_out(self.put)
        self._put_lines()

    def _put_lines(self) -> None:
        for stream in self.lines:
            self._put_line(stream)

    def _put_line(self, stream: str) -> None:
        line, self.lines[stream] = self.lines[stream], b""
        if line:
            self._put_messages(stream, line)

    def wanted(self) -> None:
        """A program waits for input. Ask the user, or end the input at once."""
        if not self.input.writable or self.input.waiting():
            return
        self.drain()  # what was printed before it waited comes before the question, or the notice
        self.flush()  # whole words: the program goes on as soon as its input ends
        if self.options.stdin:
            self.reads = self.asks
        else:
            self.log.put(index.EOF, b".")
            self.input.close_write()

    def type(self, offset: int, text: str, end: bool) -> None:
        """Take what the user typed. The offset tells a repeated request from new input."""
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
        """The cell is over. Take what its outputs hold now: what comes later is a background job's."""
        self.status = status
        self.drain()
        for pipe in self.outputs.values():
            pipe.close_write()
        self._finish(exited)
        self.input.close()
        if self.text:
            self.text.close()
        self.done = True

    def drain(self) -> None:
        held = {stream: pipe.waiting() for stream, pipe in self.outputs.items() if stream[-1:] != index.JOBS}
        for stream, size in held.items():
            self._drain(stream, size)

    def _drain(self, stream: str, left: int) -> None:
        left -= self.fetch(stream, 0)  # this takes what jobs have printed
        while left > 0 and (got := self.fetch(stream, min(left, index.READ_BYTES))):
            left -= got

    def _finish(self, exited: bool) -> None:
        for stream, order in self.orders.items():
            for job, part in order.rest():
                self._take(stream + index.JOBS * job, part)
        self._put_lines()
        if not self.log.open:
            for stream in self.own:
                self.log.put(stream, self.redactors[stream].take())
                self.redactors[stream] = self._redactor(stream)
                self.redactors[stream].skip(self.log.own.tail.past.get(stream, b"") if self.log.own else b"")
        self.log.finish(lambda stream, data: self.redactors[stream].feed(data) if stream in self.redactors else data)
        for stream, redactor in self.redactors.items():
            if exited:
                redactor.held = redactor.held.removesuffix(EXIT)
            if redactor.held:
                self.log.put(stream.removesuffix(index.JOBS), redactor.feed(b"", last=True), stream[-1:] == index.JOBS)


class Pipes:
    """Makes pipes and files that bash opens by path. fifos: a directory for them, if bash cannot open paths in
    /proc."""

    def __init__(self, shell: str, fifos: str | None) -> None:
        self.shell, self.fifos, self.made = shell, fifos, 0

    def pipe(self) -> index.Pipe:
        return index.Pipe(self._file())

    def text(self, data: bytes) -> Text:
        return Text(data, self._file())

    def _file(self) -> str | None:
        self.made += 1
        return self.fifos and f"{self.fifos}/{self.shell}.{self.made}"


class Cells:
    """The cells, one after another. open: those whose outputs are still open, by number: jobs may hold them."""

    def __init__(self, pipes: Pipes, listeners: Listeners, noise: index.Secrets) -> None:
        self.pipes, self.listeners, self.noise = pipes, listeners, noise
        self.open: dict[int, Cell] = {}
        self.late: list[tuple[str, bytes]] = []  # output of jobs that waits for the next cell
        self.last: Cell

    def make(self, seq: int, options: index.CellOptions, plan: Plan, lists: list[tuple[int, int]]) -> tuple[Cell, Plan]:
        """A new cell with its files. If too many files are open, jobs of the oldest cells lose their outputs.

        lists: where the text has lists that run in the background. Raises OSError.
        """
        while True:
            try:
                return self._made(seq, options, plan, lists)
            except OSError as error:
                old = next((cell for cell in self.open.values() if cell.done), None)
                if error.errno not in (errno.EMFILE, errno.ENFILE) or old is None:
                    raise
                for stream in list(old.outputs):
                    self._let_go(old, stream)

    def _made(
        self, seq: int, options: index.CellOptions, plan: Plan, lists: list[tuple[int, int]]
    ) -> tuple[Cell, Plan]:
        with contextlib.ExitStack() as made:
            cell = Cell(seq, options, self.noise, self.pipes.pipe, Order if lists else None)
            for pipe in (cell.input, *cell.outputs.values()):
                made.callback(pipe.close)
            if lists:
                names = (index.OUT, index.OUT if options.merge else index.ERR)
                paths = [
                    (fd, cell.outputs[n].path(), cell.outputs[n + index.JOBS].path()) for fd, n in enumerate(names, 1)
                ]
                plan = apart(plan, lists, paths)
            if plan.sourced:
                cell.text = self.pipes.text(plan.text.encode("utf-8", "replace"))
            made.pop_all()
            return cell, plan

    def protect(self, secrets: index.Secrets) -> None:
        for cell in (self.last, *self.open.values()):
            cell.protect(secrets)

    def begin(self, cell: Cell) -> None:
        """This cell is the running one from now on."""
        self.last = self.open[cell.seq] = cell
        while self.late:
            cell.log.put(*self.late.pop(0), job=True)
        for stream, pipe in cell.outputs.items():
            self.listeners.add(pipe.read, functools.partial(cell.fetch, stream.removesuffix(index.JOBS)))

    def over(self, status: int, exited: bool = False) -> None:
        """The last cell is over. What jobs of earlier cells have printed comes before the rest of its output."""
        cell = self.last
        for earlier in [other for other in self.open.values() if other.done]:
            for stream in [stream for stream, pipe in earlier.outputs.items() if pipe.waiting()]:
                self._fetch_job(earlier, stream)
        cell.over(status, exited)
        for stream, pipe in list(cell.outputs.items()):
            self.listeners.remove(pipe.read)
            self.listeners.add(pipe.read, functools.partial(self._fetch_job, cell, stream))
            if not pipe.waiting():
                self._fetch_job(cell, stream)  # end of file, if no job holds it

    def _fetch_job(self, cell: Cell, stream: str) -> None:
        """Output of a cell that is over comes from a background job. It goes to the last cell."""
        data = cell.outputs[stream].get(index.READ_BYTES)
        if data is not None:
            self._put_job(cell, stream, cell.redactors[stream].feed(data, last=not data))
        if data == b"":
            self._let_go(cell, stream)

    def _put_job(self, cell: Cell, stream: str, data: bytes) -> None:
        if data and not self.last.done:
            self.last.give_way(self.last.own)
        name = f"{index.JOB}{cell.seq}"
        if rest := self.last.log.put(name, data, job=True):
            self.late.append((name, rest))

    def let_out(self) -> None:
        """Pass on what is held back, before other output is taken."""
        for cell in self.open.values():
            cell.let_out(functools.partial(self._put_job, cell) if cell.done else cell.put)

    def _let_go(self, cell: Cell, stream: str) -> None:
        pipe = cell.outputs.pop(stream)
        self.listeners.remove(pipe.read)
        pipe.close()
        if not cell.outputs:
            del self.open[cell.seq]

    def pace(self) -> None:
        """Make writers wait while nobody fetches their output. Jobs also wait when the last cell has no room for
        more."""
        log = self.last.log
        full = log.held() >= index.UNSENT_BYTES or bool(self.last.done and log.jobs and not log.jobs.open)
        wants = 0 if full else select.POLLIN
        for cell in self.open.values():
            for pipe in cell.outputs.values():
                self.listeners.poll.modify(pipe.read, wants)

    def close(self) -> None:
        for pipe in [pipe for cell in self.open.values() for pipe in cell.outputs.values()]:
            pipe.close()
