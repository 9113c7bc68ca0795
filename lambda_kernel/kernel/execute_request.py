"""One execute_request of Jupyter: runs a cell, sends its output, and makes its reply."""

from __future__ import annotations

import asyncio
import functools
import time
import uuid
from typing import Any, Protocol

from ..aws.usage import Usage
from ..errors import Interrupted, KernelError
from ..output import display, report_line, terminal
from ..output.amount import Amount
from ..output.charts import Charts
from ..output.notices import Notices
from ..output.pages import QUIET
from ..output.wait_view import WaitView, on_terminal
from ..session import replacement
from ..session.cell import CellEvent, Progress, Result, Shown, ThreadControl, Waiting
from ..session.worker import Worker
from ..untrusted import visible
from ..workspace.workspace import TASK_ROOT, AnySession, Workspace
from .clients import Clients, leaves
from .run_cell import NOT_RUN, Execution
from .stdin import InputRequester
from .turn import Turn

Message = dict[str, Any]
ERROR_CHARACTERS = 10_000
TELLS_THE_END = ("ExitCode", "CellTimeout")  # these errors say how the command ended


class CellKernel(Protocol):
    """What a request needs from its kernel."""

    execution_count: int
    iopub_socket: Any
    clients: Clients
    workspace: Workspace
    worker: Worker
    displays: set[str]  # the keys of all displays
    reply_metadata: Message

    def get_parent(self, channel: str) -> Message: ...

    def send_response(self, stream: Any, kind: str, content: Message, /) -> object: ...

    def owns(self, shell: str) -> bool: ...

    def seal(self, *, stopped: bool = False) -> bool: ...


class ExecuteRequest:
    """A kernel runs one request at a time."""

    def __init__(self, kernel: CellKernel, input_requester: InputRequester, silent: bool, stdin: bool) -> None:
        self.kernel, self.input_requester, self.silent, self.usage = kernel, input_requester, silent, Usage()
        self.control = ThreadControl(self.input_requester)
        self.input_requester.control = self.control
        self.begin = time.monotonic()
        self.shown: set[str] = set()  # the keys of this cell's displays
        self.progress_id = uuid.uuid4().hex
        # Notebooks name the cell in the metadata. nbclient, which runs them without a user, allows no input.
        self.terminal = stdin and not kernel.get_parent("shell").get("metadata")
        self.stdin = stdin and not (self.terminal and kernel.clients.jupyter_run)
        self.prompts = self.terminal and kernel.clients.prompts(kernel.get_parent("shell"))
        self.leavable, self.columns = self.prompts and self.stdin, kernel.clients.columns if self.prompts else None
        kernel.workspace.columns = self.columns
        kernel.workspace.pictures = not (self.prompts and kernel.clients.jupyter_console)
        # A console ends the line of what it displays, `jupyter run` does not (jupyter_client 8.10).
        self.line_end = "\n" if self.terminal and not self.prompts else ""
        self.passing = False  # whether the terminal's last line is there until something else is shown
        self.published = 0  # messages, since the output was empty
        self.wait_view = WaitView(self._send, functools.partial(self._stream, "stdout") if self.terminal else None)
        self.notices = Notices(
            self._publish, self._begin_line, self.line_end, terminal=self.terminal, columns=self.columns
        )
        name, notify = uuid.uuid4().hex, self.notices.show
        self.charts = Charts(self._display, notify, self.control, pictures=not self.terminal)
        self.streams = display.Streams(
            self._stream, self._display, name, kernel.owns, notify=notify, clear=self._clear, draw=self.charts.add
        )
        self.amount = Amount()
        self.loop = asyncio.get_running_loop()

    async def run(self, code: str) -> Message:
        kernel = self.kernel
        if self.leavable and leaves(code):
            return self._ok() | {"payload": [{"source": "ask_exit", "keepkernel": False}]}
        try:
            result = await self._in_turn(self._execution(code))
        except KernelError as error:
            kernel.seal()
            kernel.workspace.last_error = error
            name = "KeyboardInterrupt" if isinstance(error, Interrupted) else type(error).__name__
            message = visible(str(error), ERROR_CHARACTERS, "\n\t")
            reply = self.failed(name, message, text=message)
        else:
            interrupted = kernel.seal(stopped=bool(result and result.interrupted))
            reply = self._reply(result, interrupted)
        self._report(reply.get("exit_code"), told=reply.get("ename") in TELLS_THE_END)
        return reply

    def _execution(self, code: str) -> Execution:
        return Execution(
            code,
            self.kernel.execution_count,
            self.kernel.workspace,
            self._emit,
            self.control,
            self.usage,
            stdin=self.stdin,
            amount=self.amount,
        )

    async def _in_turn(self, work: Execution) -> Result | None:
        turn = Turn(self.loop.call_later, self._wait)

        def run() -> Result | None:
            self.loop.call_soon_threadsafe(turn.come)
            return work.run()

        try:
            return await self.kernel.worker.submit(run, self.loop)
        finally:
            turn.come()
            self._finish()
            await self.charts.finish()

    def close(self) -> None:
        self.input_requester.close()

    def _begin_line(self) -> str:
        """A console writes everything to one terminal, and a command may not end its last line.

        The terminal itself shows `^C` for an interrupt.
        """
        begun = self.streams.begin_line() if self.terminal else ""
        return begun or (terminal.ERASE_LINE if self.leavable and self.control.interrupts else "")

    def _finish(self) -> None:
        self._end_pass()
        self.streams.finish()
        self.notices.uncover()

    def _emit(self, cell_event: CellEvent) -> None:
        """Called in the worker's thread. The next invocation goes out while the loop renders."""
        self.loop.call_soon_threadsafe(self._show, cell_event)

    def _show(self, cell_event: CellEvent) -> None:
        if isinstance(cell_event, Progress):
            data, passing = display.progress_data(cell_event), not cell_event.done
            self._display(Shown(self.progress_id, data, passing=passing))
        elif isinstance(cell_event, Shown):
            self._display(cell_event)
        elif isinstance(cell_event, Waiting):
            self._wait(cell_event.text)
        else:
            self.streams.show(cell_event)

    def _display(self, shown: Shown) -> None:
        """Show or update a display. A console shows no updates (jupyter_console 6.6), but obeys escape codes."""
        if self.silent:
            return
        if shown.passing and self.terminal:
            self._pass(shown.data["text/plain"])
            return
        again, screen = shown.key in self.shown, shown.live and self.terminal
        earlier = shown.key in self.kernel.displays and not again
        self.shown.add(shown.key)
        self.kernel.displays.add(shown.key)
        data = display.on_screen(shown.data, self.columns) if screen else shown.data
        if screen:
            self.notices.cover()
        if again and screen:
            self._send("clear_output", {"wait": True})  # in case the front end is not a terminal after all
        if "text/plain" in data and not screen:
            data = data | {"text/plain": terminal.wrapped(data["text/plain"], self.columns)}
        content = {"data": data, "metadata": shown.metadata, "transient": {"display_id": shown.key}}
        if earlier or (again and not screen):
            self._send("update_display_data", content)
        if screen or not again:  # if a cell is run again, the front end has cleared its displays
            self._send("display_data", content)

    def _pass(self, text: str) -> None:
        if self.prompts:
            self._stream("stdout", f"{self._begin_line()}{on_terminal(text)}")
            self.passing = True

    def _end_pass(self) -> None:
        if self.passing:
            self.passing = False
            self._stream("stdout", terminal.ERASE_LINE)

    def _wait(self, text: str) -> None:
        if self.prompts or not self.terminal:
            self.wait_view.show(f"{self._begin_line()}{text}" if text else "", alone=self.published == 1)

    def _clear(self) -> None:
        self.charts.clear()
        self.shown.clear()
        if self.terminal:
            self._stream("stdout", display.CLEAR_SCREEN)
        else:
            self._send("clear_output", {"wait": False})

    def _send(self, kind: str, content: Message) -> None:
        self.notices.part()
        self._publish(kind, content)

    def _publish(self, kind: str, content: Message) -> None:
        self._end_pass()
        if page := content.get("data", {}).get("text/html"):
            content = content | {"data": content["data"] | {"text/html": QUIET.format(page)}}
        self.published = 0 if kind == "clear_output" else self.published + 1
        if not self.silent:
            self.kernel.send_response(self.kernel.iopub_socket, kind, content)

    def _stream(self, name: str, text: str) -> None:
        self._send("stream", {"name": name, "text": text})

    def _reply(self, result: Result | None, interrupted: bool) -> Message:
        """After an interrupt the cell fails, whatever the command did, so that the following cells stop."""
        if interrupted:
            return self.failed("KeyboardInterrupt", "", result.exit_code if result else None, "Interrupted")
        if result is None:
            return self._ok()
        if result.timed_out:
            why = f"interrupted after {self.kernel.workspace.settings.seconds:g} s, the limit of %timeout"
            return self.failed("CellTimeout", why, result.exit_code, f"I{why[1:]}")
        if result.ended in replacement.UNKNOWN:
            why = replacement.NO_EXIT_CODE
            return self.failed("ShellEnded", why, text=f"T{why[1:]}")
        if result.exit_code and self.kernel.workspace.settings.fail:
            return self.failed("ExitCode", str(result.exit_code), result.exit_code, display.failure(result.exit_code))
        return self._ok(result.exit_code)

    def _ok(self, exit_code: int | None = None) -> Message:
        counted = {"execution_count": self.kernel.execution_count, "payload": [], "user_expressions": {}}
        return {"status": "ok", **counted, "exit_code": exit_code}

    def failed(self, name: str, value: str, exit_code: int | None = None, text: str = "") -> Message:
        self._finish()
        shown = display.error(text or f"{name}: {value}", terminal=self.terminal, columns=self.columns)
        error = {"ename": name, "evalue": value, "traceback": [f"{self._begin_line()}{shown}"]}
        self._send("error", error)
        return {"status": "error", "execution_count": self.kernel.execution_count, "exit_code": exit_code, **error}

    def _report(self, exit_code: int | None, told: bool) -> None:
        """told: the error has said how the command ended."""
        kernel, usage = self.kernel, self.usage
        kernel.reply_metadata = {}
        session = kernel.workspace.current
        if not usage.invocations or session is None:
            return
        wall_ms = (time.monotonic() - self.begin) * 1000
        function, region = session.transport.function, session.transport.region
        kernel.workspace.costs.count_cell(function, region)
        if (init_ms := kernel.workspace.inits.pop(usage.environment_id or "", None)) is not None:
            usage.name_cold_start(init_ms)
        kernel.reply_metadata = display.metadata(usage, wall_ms, exit_code, function, region)
        if parts := report_line.chosen(kernel.workspace.settings):
            facts = report_line.CellFacts(
                usage,
                wall_ms,
                None if told or exit_code == NOT_RUN.exit_code else exit_code,
                report_line.place(function, region),
                cut=self.amount.cut,
                directory=self._new_directory(session),
                cost_usd=usage.cost_usd(region),
            )
            self._show_report(report_line.report_parts(facts, parts))

    def _show_report(self, parts: list[str]) -> None:
        data = report_line.report_data(parts)
        line = terminal.parts_whole(data["text/plain"], self.columns)
        line = terminal.dim(line) if self.leavable else line
        data["text/plain"] = f"{self._begin_line()}{line}{self.line_end}"
        self._send("display_data", {"data": data, "metadata": self.kernel.reply_metadata})

    def _new_directory(self, session: AnySession) -> str:
        """The shell's working directory, if the last report of that session was about another one."""
        directory, told = session.remote and session.remote.cwd, self.kernel.workspace.directories
        if not directory or told.get(session, TASK_ROOT) == directory:
            return ""
        told[session] = directory
        return directory
