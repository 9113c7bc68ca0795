"""One execute_request of Jupyter's: a cell at work, its output messages and its reply."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any

from . import display, news
from .asking import Asker
from .cell import Happening, Progress, Result, Shown, ThreadControl
from .clients import leaves
from .errors import Interrupted, KernelError
from .execution import Execution
from .notices import Notices
from .tally import Tally

if TYPE_CHECKING:
    from .kernel import LambdaKernel

Message = dict[str, Any]


class ExecuteRequest:
    """Belongs to one kernel, which runs one at a time."""

    def __init__(self, kernel: LambdaKernel, silent: bool, stdin: bool) -> None:
        self.kernel, self.silent, self.tally = kernel, silent, Tally()
        self.asker = Asker(kernel)
        self.control = ThreadControl(self.asker)
        self.asker.control = self.control
        self.begin = time.monotonic()
        self.shown: set[str] = set()  # the keys of what this cell shows
        self.progress_id = uuid.uuid4().hex
        # Notebooks say which of their cells it is; who runs them without a user has no input (nbclient).
        self.terminal = stdin and not kernel.get_parent("shell").get("metadata")
        self.stdin = stdin and not (self.terminal and kernel.clients.jupyter_run)
        prompts = self.terminal and kernel.clients.prompts(kernel.get_parent("shell"))
        self.leavable = prompts and self.stdin
        # A console ends the line of what it displays, `jupyter run` does not (jupyter_client 8.10).
        self.line_end = "\n" if self.terminal and not prompts else ""
        self.notices = Notices(self._publish, self._begin_line, self.line_end, terminal=self.terminal)
        ways = (self._stream, self._display, uuid.uuid4().hex, kernel.owns)
        self.streams = display.Streams(*ways, notify=self.notices.show, clear=self._clear)
        self.loop = asyncio.get_running_loop()

    async def run(self, code: str) -> Message:
        kernel = self.kernel
        if self.leavable and leaves(code):
            return self._ok() | {"payload": [{"source": "ask_exit", "keepkernel": False}]}
        place = (kernel.workspace, self._emit, self.control, self.tally)
        work = Execution(code, kernel.execution_count, *place, stdin=self.stdin)
        try:
            result = await kernel.worker.submit(work.run, self.loop)
        except KernelError as error:
            kernel.workspace.last_error = error
            name = "KeyboardInterrupt" if isinstance(error, Interrupted) else type(error).__name__
            reply = self.failed(name, str(error), text=str(error))
        else:
            self._finish()
            reply = self._reply(result)
        self._report(reply.get("exit_code"))
        return reply

    def close(self) -> None:
        self.asker.close()

    def _begin_line(self) -> str:
        """A console writes everything to one terminal, and a command need not end its last line."""
        return self.streams.begin_line() if self.terminal else ""

    def _finish(self) -> None:
        self.streams.finish()
        self.notices.uncover()

    def _emit(self, happening: Happening) -> None:
        """Called in the worker's thread; the next invocation goes out while the loop renders."""
        self.loop.call_soon_threadsafe(self._show, happening)

    def _show(self, happening: Happening) -> None:
        if isinstance(happening, Progress):
            self._display(Shown(self.progress_id, display.progress_data(happening)))
        elif isinstance(happening, Shown):
            self._display(happening)
        else:
            self.streams.show(happening)

    def _display(self, shown: Shown) -> None:
        """Updated in place. A terminal's front end shows no updates (jupyter_console 6.6), but obeys escape codes."""
        if self.silent:
            return
        again, screen = shown.key in self.shown, shown.live and self.terminal
        earlier = shown.key in self.kernel.displays and not again
        self.shown.add(shown.key)
        self.kernel.displays.add(shown.key)
        data = display.on_screen(shown.data) if screen else shown.data
        if screen:
            self.notices.cover()
        if again and screen:
            self._send("clear_output", {"wait": True})  # for a front end that was taken for a terminal's
        content = {"data": data, "metadata": shown.metadata, "transient": {"display_id": shown.key}}
        if earlier or (again and not screen):
            self._send("update_display_data", content)
        if screen or not again:  # a front end clears a cell that is run again, and what was shown there is gone
            self._send("display_data", content)

    def _clear(self) -> None:
        self.shown.clear()
        if self.terminal:
            self._stream("stdout", display.CLEAR_SCREEN)
        else:
            self._send("clear_output", {"wait": False})

    def _send(self, kind: str, content: Message) -> None:
        self.notices.part()
        self._publish(kind, content)

    def _publish(self, kind: str, content: Message) -> None:
        if not self.silent:
            self.kernel.send_response(self.kernel.iopub_socket, kind, content)

    def _stream(self, name: str, text: str) -> None:
        self._send("stream", {"name": name, "text": text})

    def _reply(self, result: Result | None) -> Message:
        if result is None:
            return self._ok()
        if result.timed_out:
            seconds = self.kernel.workspace.settings.seconds
            return self.failed("CellTimeout", f"interrupted after {seconds:g} s, as %timeout says", result.exit_code)
        if result.interrupted:
            return self.failed("KeyboardInterrupt", "", result.exit_code)
        if result.ended in news.UNKNOWN:
            return self.failed("ShellEnded", "the shell could not tell the exit code")
        if result.exit_code and self.kernel.workspace.settings.fail:
            return self.failed("ExitCode", str(result.exit_code), result.exit_code, display.failure(result.exit_code))
        return self._ok(result.exit_code)

    def _ok(self, exit_code: int | None = None) -> Message:
        counted = {"execution_count": self.kernel.execution_count, "payload": [], "user_expressions": {}}
        return {"status": "ok", **counted, "exit_code": exit_code}

    def failed(self, name: str, value: str, exit_code: int | None = None, text: str = "") -> Message:
        self._finish()
        shown = text or (f"{name}: {value}" if value else name)
        error = {"ename": name, "evalue": value, "traceback": [f"{self._begin_line()}\x1b[31m{shown}\x1b[0m"]}
        self._send("error", error)
        return {"status": "error", "execution_count": self.kernel.execution_count, "exit_code": exit_code, **error}

    def _report(self, exit_code: int | None) -> None:
        kernel, tally = self.kernel, self.tally
        kernel.reply_metadata = {}
        session = kernel.workspace.sessions.get(kernel.workspace.target)
        if not tally.invocations or session is None:
            return
        wall = (time.monotonic() - self.begin) * 1000
        function, region = session.transport.function, session.transport.region
        kernel.workspace.costs.add(function, region, tally)
        kernel.reply_metadata = display.metadata(tally, wall, exit_code, function, region)
        mode = kernel.workspace.settings.report
        if mode != "off":
            where = region if region == "local" else f"{function}, {region}"
            data = display.report_data(tally, wall, exit_code, where, mode == "full")
            data["text/plain"] = f"{self._begin_line()}{data['text/plain']}{self.line_end}"
            self._send("display_data", {"data": data, "metadata": kernel.reply_metadata})
