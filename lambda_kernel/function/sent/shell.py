"""One shell: bash, the cells that it runs one after another, and its state.

The kernel sends this file along with its hello, behind the files that it uses, so it needs the standard library only.
talk.py has the lines for bash and its answers.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import index
    from .cells import Cell, Cells, Pipes
    from .diagnosis import Diagnosis
    from .front import Front
    from .interrupts import Interrupts
    from .jobs import background_lists
    from .own_secrets import CHOSEN_FIRST, Chosen, Protection, protection
    from .process import Bash, Listeners
    from .reading import looks
    from .shell_setup import setup_commands
    from .state import State
    from .state_pipe import StatePipe
    from .talk import Talk

FEW_FILES = 24
STATE_SECONDS = (
    0.25  # an answer is so much later, for the state after the cell: nobody asks for it once the cell is over
)
# bash's last message (in its xmalloc.c and redir.c) can tell why it has ended.
BETTER_CAUSES = (
    (b"alloc: cannot allocate", "exit", "memory"),
    (b": Bad file descriptor", "logout", "descriptors"),
)


class Shell:
    """seq, command: the last cell's numbers (index.py). begun: bash has reported that it runs that cell."""

    def __init__(self, epoch: int, environ: Mapping[str, str], fifos: str | None) -> None:
        self.id, self.epoch, self.environ = os.urandom(6).hex(), epoch, environ
        self.secrets = self._table(protection(environ, CHOSEN_FIRST))
        self.seq = self.signals = 0
        self.command: Any = None
        self.begun = False
        self.ended: dict[str, Any] | None = None
        self.restored: dict[str, list[str]] | None = None
        self.listeners, self.pipes = Listeners(), Pipes(self.id, fifos)
        self.control, self.control_rest = self.pipes.pipe(), b""
        self.listeners.add(self.control.read, self.read_control)
        self.bash = Bash(self.id, environ, self.listeners)
        self.blind = not index.peek(f"/proc/{self.bash.pid}/syscall")  # a kernel need not show it
        self.state, self.talk = State(), Talk(self.control.path())
        self.state_pipe = StatePipe(self.bash, self.state, self.talk, self.pipes, self.secrets)
        self.cells = Cells(self.pipes, self.listeners, self.bash.noise)
        self.front = Front(self.bash.pid)
        self.interrupts = Interrupts(self.bash.pid, self.front, lambda: self.begun)
        self.diagnosis = Diagnosis(self)
        # Without `-o emacs`, bash would run PROMPT_COMMAND and a prompt for each line (parse_command in its eval.c).
        # With it, bash believes that it edits lines, and still reads them as before.
        setup = "unset HISTFILE; set +o history +H -m -o emacs; history -c"
        self.start(0, f"{setup_commands()}; {setup}", {}, index.CellOptions())

    def _table(self, own: Protection) -> index.Secrets:
        of_role = index.secrets(self.environ)
        return of_role + looks(of_role, own_rows=own.rows)

    def protect(self, chosen: Chosen) -> Protection:
        """Change which variables' values are not shown, from now on, by what the user has chosen."""
        own = protection(self.environ, chosen)
        self.secrets = self.state_pipe.secrets = self._table(own)
        self.cells.protect(self.secrets)
        return own

    @property
    def pid(self) -> int:
        return self.bash.pid

    @property
    def cell(self) -> Cell:
        """The last one."""
        return self.cells.last

    @property
    def dumped(self) -> int:
        return self.state_pipe.dumped

    @property
    def unrun(self) -> bool:
        """Whether bash has ended before it began the last cell."""
        return self.ended is not None and self.seq > 0 and not self.begun

    def start(self, seq: int, text: str, facts: dict[str, str], options: index.CellOptions) -> None:
        """Send bash a cell with its own descriptors, the line that reports its end, and the question for the state.

        Raises OSError; then nothing has been run.
        """
        text = text.replace("\0", "")  # bash drops NUL bytes as well, with a warning
        self.talk.traps, self.talk.own_eval = self.state.debuggers, b"eval" in self.state.own
        self.talk.stacked = self.state.stacked
        plan = self.talk.plan(seq, text, resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[0] < FEW_FILES)
        lists = [] if b"exec" in self.state.own or self.talk.shows(plan) else background_lists(text)
        cell, plan = self.cells.make(seq, options, plan, lists)
        file = cell.text.path if cell.text else ""
        cell.messages = self.talk.messages(plan, file, cell.options.merge)
        self.seq, self.begun = seq, False
        self.cells.begin(cell)
        self.diagnosis.begin()
        self.interrupts.begin()
        self.bash.read_last_words()  # drop what traps have printed since
        self.front.named = self.talk.named_job(text)
        source = cell.input.path(cell.input.read)
        out, err = cell.outputs[index.OUT], None if options.merge else cell.outputs[index.ERR]
        outputs = f">|{out.path()} " + (f"2>|{err.path()}" if err else "2>&1")
        prelude = self.state.prelude(text, source, self.control.path(), options.stdin)
        begin = prelude + self.talk.begin(plan, file, facts, source, outputs)
        self.talk.sets_trap(text)
        self.bash.write(
            begin, self.talk.report_over(seq), *self.state_pipe.lines(seq, text)
        )  # at once: each write wakes bash

    def pump(self, hold: float, deadline: float) -> None:
        """Move bytes until the cell is done and the state is known, or until the deadline.

        hold: the deadline if an answer is full, or the user has to be asked for input.
        """
        pause = 0.002 if self.interrupts.pending else 0.02
        look_at = time.monotonic() + pause
        while not self._idle():
            now, cell = time.monotonic(), self.cell
            until = hold if cell.log.held() >= index.ANSWER_BYTES or cell.reads is not None else deadline
            if cell.done and until == deadline:  # nobody asks for the state of a cell that is over
                until = min(deadline + STATE_SECONDS, self.state_pipe.until)
            if now >= until:
                return
            if now >= look_at:
                self.diagnosis.look()
                pause = 0.002 if self.state_pipe.pipe.waiting() else min(2 * pause, 0.1)
                self.state_pipe.read()  # a large dump fills its pipe
                look_at = now + pause
            self.cells.pace()
            self.listeners.wait(min(until, look_at) - now, self.cells.let_out)
            self.reap()

    def _idle(self) -> bool:
        return self.ended is not None or (self.cell.done and self.state_pipe.known)

    def signal(self, name: str) -> None:
        if name == "KILL":
            self.kill("killed")
        elif name == "INT":
            self.interrupts.send()
        else:
            self.front.signal(self.bash.processes(), signal.Signals[f"SIG{name}"])

    def restore(self, packed: str, deadline: float) -> None:
        """Replay another shell's state."""
        names, file = self.state_pipe.replay(packed, deadline)
        self.pump(0, deadline)
        file.close()
        self.restored = self.state_pipe.replayed(names, self.ended is not None)

    def read_control(self) -> None:
        data = self.control_rest + (self.control.get(index.READ_BYTES) or b"")
        *records, self.control_rest = data.split(b"\0")
        for record in records:
            _, found, last = record.rpartition(index.Record.START)  # an interrupt may have cut the previous record
            if found:
                with contextlib.suppress(ValueError):  # a user's program may have written it
                    self._record(last[:1].decode("latin-1"), last[1:])

    def _record(self, kind: str, data: bytes) -> None:
        if kind == index.Record.BEGUN:
            self.read_own()
            self.begun = data == b"%d" % self.seq
        elif kind == index.Record.JOBS:
            self._cell_over(data)
        elif kind == index.Record.READS:
            prompt = index.redact(data[1:], self.cell.options.secrets)
            self.cell.asks = {"secret": data[:1] == b"s", "prompt": prompt.decode("utf-8", "replace")}
        elif kind == index.Record.FOREGROUND:
            self.front.named = int(data) if data.isdigit() else None
        elif kind == index.Record.DUMPED:
            self.state_pipe.read()
        elif kind == index.Record.FAILED:
            self.state_pipe.failed.append(int(data))
        else:
            self.talk.take(kind, data)

    def _cell_over(self, listed: bytes) -> None:
        if self.talk.seq == self.cell.seq and not self.cell.done:
            own = self.bash.own_lines()
            self._over(self.talk.status)
            self._show_own(own)  # below the output, as at a prompt
            if self.bash.has_moved_input():
                self.kill("descriptors")
                return
            log = self.cell.log
            said = {line for stream, data in log.chunks if stream == index.NOTE for line in data.splitlines()}
            if new := [job for job in self.talk.new_jobs(listed) if job not in said]:
                log.insert(index.NOTE, b"\n".join([*new, b""]))

    def read_own(self) -> None:
        lines = self.bash.own_lines()
        if lines and not self.cell.done:  # else the lines are about a dump
            self.cell.drain()  # what was printed before them comes before them
            self._show_own(lines)

    def _show_own(self, lines: list[bytes]) -> None:
        for line in lines:
            is_note, text = self.talk.own(line)
            if text and self.seq:
                self.cells.let_out()
                self.cell.log.put(index.NOTE if is_note else index.ERR, index.redact(text, self.secrets))

    def _over(self, status: int, exited: bool = False) -> None:
        self.state_pipe.begin()
        self.cells.over(status, exited)

    def reap(self) -> None:
        if self.ended is None and (code := self.bash.exit_code()) is not None:
            self.read_control()
            cause = "signal" if code < 0 else "exit" if self.begun and not self.cell.done else "logout"
            self._end(cause, code if code >= 0 else 128 - code)

    def _end(self, cause: str, status: int) -> None:
        self.ended = {"cause": cause, "exit": status, "said": self.talk.said.decode("utf-8", "replace")}
        self.bash.ignore()
        if not self.cell.done:
            self._over(status, cause == "exit")
            self.cell.log.put(index.OUT, index.redact(self.bash.read_last_words(), self.cell.options.secrets))
        for words, before, better in BETTER_CAUSES:
            if cause == before and any(words in data for _, data in self.cell.log.chunks):
                self.ended["cause"] = better

    def kill(self, cause: str) -> None:
        self.bash.kill(alive=self.ended is None)
        if self.ended is None:
            self.bash.wait()
            self._end(cause, 128 + signal.SIGKILL)

    def close(self) -> None:
        self.kill("closed")
        self.cells.close()
        for pipe in (self.control, self.state_pipe.pipe):
            pipe.close()
        self.bash.close()
