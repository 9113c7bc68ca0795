"""One interactive bash without a terminal: starts it, writes lines to it, reads what it says, and ends all that it
started.

The kernel sends this file along with its hello, so it needs the standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import index

# Readline has nothing to edit here, and would take three system calls for each byte of a line.
ARGUMENTS = ["--noprofile", "--norc", "--noediting", "-i"]
EXIT, NEVER = b"exit\n", b"\0\xff" * 8


class Listeners:
    """Calls a function when its descriptor has data, or has room."""

    def __init__(self) -> None:
        self.poll = select.poll()
        self.readers: dict[int, Callable[[], object]] = {}

    def add(self, fd: int, reader: Callable[[], object], event: int = select.POLLIN) -> None:
        self.readers[fd] = reader
        self.poll.register(fd, event)

    def remove(self, fd: int) -> None:
        if self.readers.pop(fd, None):
            self.poll.unregister(fd)

    def wait(self, seconds: float, before: Callable[[], object]) -> None:
        """before: is called before each function."""
        for fd, _ in self.poll.poll(max(0, seconds) * 1000):
            before()
            self.readers.get(fd, int)()


def sessions() -> dict[int, int]:
    """The session of each process that has one. None, if too many files are open."""
    found = {}
    with contextlib.suppress(OSError):
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            if session := session_of(pid):
                found[pid] = session
    return found


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc(5)). Empty if the process has ended."""
    return index.peek(f"/proc/{pid}/stat").rpartition(")")[2].split()


def session_of(pid: int) -> int:
    """0: the process has ended, or it is the system's own."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


class Bash:
    """The process of bash. shell: the id that marks all that it starts."""

    def __init__(self, shell: str, environ: Mapping[str, str], listeners: Listeners) -> None:
        self.shell, self.listeners = shell, listeners
        self.unwritten = self.own_rest = b""
        # None of what bash starts can enter a session that is there already (setsid(2)).
        self.older = set(sessions().values())
        self._spawn(index.shell_environ(environ) | {index.SHELL_MARK: shell})
        self.noise = self._noise(environ.get("SHLVL", ""))
        self.pidfd = -1
        # An older Linux has no pidfd. The shell's death is noticed a little later then.
        with contextlib.suppress(AttributeError, OSError):
            self.pidfd = os.pidfd_open(self.pid)
            listeners.add(self.pidfd, lambda: None)

    def _spawn(self, environ: Mapping[str, str]) -> None:
        for name in os.listdir("/proc/self/fd"):  # programs do not inherit the runtime's own
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name), int(name) <= 2)
        reads, self.commands = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.commands, False)
        self.own, writes = os.pipe2(os.O_CLOEXEC)
        self.last_words, prints = os.pipe2(
            os.O_CLOEXEC
        )  # output of an EXIT trap, which runs when the cell's outputs are closed
        for fd in (self.own, self.last_words, prints):
            os.set_blocking(fd, False)
        self.input_link = index.link(f"/proc/self/fd/{reads}")
        actions = [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate((reads, prints, writes))]
        # A signal that is ignored at the start can be neither trapped nor reset later (bash(1), trap).
        default = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
        path = shutil.which("bash") or "/bin/bash"
        try:
            self.pid = os.posix_spawn(
                path, ["bash", *ARGUMENTS], environ, file_actions=actions, setsigdef=default, setsid=True
            )
        finally:
            for fd in (reads, prints, writes):
                os.close(fd)

    def _noise(self, level: str) -> index.Secrets:
        """What an interactive bash without a terminal prints on stderr, and no user wants to see.

        It complains when a job dies of a signal, and prints `exit` when it exits. Only at the end is it certain that
        this is bash's: the impossible bytes behind it make the redactor hold it back.
        """
        level = str(int(level) + 1) if level.isdecimal() else "1"
        complaint = f"bash: [{self.pid}: {level} (255)] tcsetattr: {os.strerror(errno.ENOTTY)}\n"
        return tuple(index.Secret(text, len(text), b"") for text in (complaint.encode(), EXIT + NEVER))

    def write(self, *lines: str) -> None:
        self.unwritten += "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        self._flush()

    def _flush(self) -> None:
        try:
            self.unwritten = self.unwritten[os.write(self.commands, self.unwritten[: index.READ_BYTES]) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # waitpid tells of its death
            self.unwritten = b""
        if self.unwritten:
            self.listeners.add(self.commands, self._flush, select.POLLOUT)
        else:
            self.listeners.remove(self.commands)

    def own_lines(self) -> list[bytes]:
        """Lines that bash itself prints: about jobs that have ended, and about errors."""
        try:
            data = os.read(self.own, index.READ_BYTES)
        except BlockingIOError:
            return []
        *lines, self.own_rest = (self.own_rest + data).split(b"\n")
        self.own_rest = self.own_rest[-index.LINE_BYTES :]
        return lines

    def read_last_words(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self.last_words, index.READ_BYTES)
        return b""

    def has_moved_input(self) -> bool:
        """Whether descriptor 0 of a live bash is another one than the pipe of its lines."""
        return index.link(f"/proc/{self.pid}/fd/0") not in ("", self.input_link)

    def exit_code(self) -> int | None:
        """The exit code, once; negative for a signal. None: it lives, or the code was taken."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self) -> None:
        os.waitpid(self.pid, 0)

    def processes(self) -> Iterator[index.Process]:
        """bash and all that it has started, and others of sessions that began later."""
        for pid, session in sessions().items():
            words = [] if session in self.older else stat(pid)
            if words and words[0] not in "ZX":
                yield index.Process(pid, words[0], int(words[1]), int(words[2]), session, int(words[19]))

    def kill(self, alive: bool) -> None:
        """Kill it, if it is alive, and all that it started, even in another session or under another parent."""
        mark = f"{index.SHELL_MARK}={self.shell}"
        if alive:
            os.kill(self.pid, signal.SIGKILL)
        if self.commands >= 0:  # the look at /proc needs a free descriptor
            self.listeners.remove(self.commands)
            os.close(self.commands)
            self.commands = -1
        for _ in range(100):
            others = self.processes()
            found = [p.pid for p in others if p.session == self.pid or mark in index.peek(f"/proc/{p.pid}/environ")]
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not found:
                break

    def ignore(self) -> None:
        """It has ended: stop listening to it."""
        self.listeners.remove(self.pidfd)
        self.listeners.remove(self.commands)

    def close(self) -> None:
        for fd in (self.pidfd, self.commands, self.own, self.last_words):
            if fd >= 0:
                os.close(fd)
