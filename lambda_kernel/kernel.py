"""The kernel: Jupyter messages to cells, and what becomes of them back to Jupyter messages."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from jupyter_core.paths import jupyter_data_dir
from traitlets import Enum, Unicode

from . import __version__
from .calls import Thread
from .cell import ThreadControl
from .clients import ClientsKernel
from .completeness import is_complete
from .connect import Connector, name_of, unisolated
from .errors import UsageError
from .execute_request import ExecuteRequest, Message
from .history import History
from .inquiry import Inquiry
from .session import Session
from .target import LOCAL, Target, resolve
from .transport import Transport
from .warmth import Warmth
from .worker import Worker
from .workspace import ReportMode, Workspace

HISTORY_SECONDS = 2.0
LAST_SECONDS = 10  # after SIGTERM; more than a shutdown takes
HELP = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"


class LambdaKernel(ClientsKernel):
    """Cells are shell text, and run in an execution environment of Lambda's."""

    implementation = "lambda-kernel"
    implementation_version = __version__
    language_info = {
        "name": "bash",
        "version": "5.2",
        "mimetype": "text/x-sh",
        "file_extension": ".sh",
        "codemirror_mode": "shell",
        "pygments_lexer": "bash",
    }
    help_links = [{"text": "Lambda execution environment", "url": HELP}]

    _execute_sleep = 0.0  # it waits for output on its way through sys.stdout

    function = Unicode("", config=True, help="The function that cells run on; `local` for the local engine.")
    region = Unicode("", config=True, help="Its AWS region.")
    profile = Unicode("", config=True, help="The profile of the AWS configuration to call it with.")
    endpoint_url = Unicode("", config=True, help="The endpoint to call instead of AWS's.")

    report = Enum(["off", "line", "full"], "line", config=True, help="What is shown of an invocation: as %report sets.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name_of(self.session.key if self.session else b"")
        self.connector = Connector(self.name)
        self.worker = Worker()
        self.control: ThreadControl | None = None
        self.displays: set[str] = set()  # the keys of all that was shown
        self.reply_metadata: Message = {}
        self.preloaded = self.left = False
        self.workspace = self._workspace()
        self.workspace.settings.report = cast(ReportMode, self.report)
        self.history = History(Path(jupyter_data_dir()) / "lambda-kernel" / "history.sqlite", time.time)
        self.workspace.history, self.librarian = self.history, Worker()
        self.inquiry = Inquiry(self.workspace, self.worker, lambda: self.control is not None)
        self.warmth = Warmth(self.workspace, self.worker, lambda: self.control is not None)

    def _workspace(self) -> Workspace:
        """A setting that cannot be is told at the first cell: a kernel that does not start tells nobody."""
        try:
            target, problem = self._target(), None
        except UsageError as error:
            target, problem = LOCAL, error
        return Workspace(target, self.connector, problem, sessions=self._session, caller=Thread())

    def _session(self, target: Target, transport: Transport, clock: Callable[[], float]) -> Session:
        """After a restart it has the same name, and a later epoch: what the kernel before has left behind is ended."""
        name = name_of(f"{self.name} {target}".encode())
        return Session(transport, clock, name, caller=Thread(), epoch=time.time_ns() // 1_000_000)

    def owns(self, shell: str) -> bool:
        """Whether it is or was this kernel's, on whatever function."""
        sessions = list(self.workspace.sessions.values())
        return any(isinstance(session, Session) and shell in session.shells for session in sessions)

    def _target(self) -> Target:
        options = ("function", "region", "profile", "endpoint_url")
        # What the kernelspec's command line says beats the environment, which beats the Jupyter configuration file.
        spec = getattr(self.parent, "cli_config", {}).get("LambdaKernel", {})
        return resolve(
            {name: str(spec[name]) for name in options if name in spec},
            {"function": os.environ.get("LAMBDA_KERNEL_FUNCTION")},
            {name: getattr(self, name) for name in options},
        )

    def introduction(self) -> str:
        name = f"AWS Lambda shell, lambda-kernel {__version__}"
        lines = [f"{name}: cells run on {self.workspace.target}. %help; in a console, Ctrl-D or `exit` leaves"]
        if self.workspace.target.local and sys.platform == "linux" and unisolated():
            lines.append(
                "! No bubblewrap here: commands run without isolation, as you. `pip install lambda-kernel[sandbox]`"
            )
        return "\n".join(lines)

    @property
    def kernel_info(self) -> Message:
        """The base class would load a debugger for this, and offer subshells, which would run two cells at once."""
        return {
            "protocol_version": "5.4",
            "implementation": self.implementation,
            "implementation_version": self.implementation_version,
            "language_info": self.language_info,
            "banner": self.introduction(),
            "help_links": self.help_links,
            "supported_features": [],
        }

    async def kernel_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        await super().kernel_info_request(stream, ident, parent)
        if not self.preloaded:
            self.preloaded = True
            threading.Thread(target=self._preload, daemon=True).start()

    def _preload(self) -> None:
        """Of what the first cell and the first Tab need, after the start: the user is still reading or typing."""
        self.connector.preload()
        importlib.import_module(".inspection", __package__)

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: Message | None = None,
        allow_stdin: bool = False,
        **_: Any,
    ) -> Message:
        if store_history and not silent:
            self.history.add(self.execution_count, code)
            self.librarian.submit(self.history.save, asyncio.get_running_loop())
        cell = ExecuteRequest(self, silent, allow_stdin)
        self.control, self.running = cell.control, self.get_parent("shell")
        try:
            return await cell.run(code)
        except Exception as error:
            # The base class sends no reply at all for an exception, and the front end waits for ever.
            self.log.exception("a cell failed")
            return cell.failed(type(error).__name__, f"{error} (this is an error of lambda-kernel itself)")
        finally:
            self.control = self.running = None
            cell.close()
            self.warmth.touch()
            if cell.tally.invocations:
                self.inquiry.touch()

    def _publish_execute_input(self, code: str, parent: Any, execution_count: int) -> None:
        """JSON can name half a character, and no message can hold one: the base class would give no reply at all."""
        super()._publish_execute_input(code.encode("utf-8", "replace").decode(), parent, execution_count)

    async def do_history(self, hist_access_type: str = "", *rest: Any, **asked: Any) -> Message:
        """A disk that does not answer keeps nobody waiting."""
        found = self.librarian.submit(lambda: self.history.find(hist_access_type, asked), asyncio.get_running_loop())
        done, _ = await asyncio.wait([found], timeout=HISTORY_SECONDS)
        entries = found.result() if done else []
        output = bool(asked.get("output"))
        told = [(entry.session, entry.line, (entry.text, None) if output else entry.text) for entry in entries]
        return {"status": "ok", "history": told}

    async def do_complete(self, code: str, cursor_pos: int | None) -> Message:
        from .completion import Completer

        return await Completer(self.inquiry).complete(code, cursor_pos)

    async def do_inspect(
        self, code: str, cursor_pos: int | None, detail_level: int = 0, omit_sections: Any = ()
    ) -> Message:
        from .inspection import Inspector

        return await Inspector(self.inquiry).inspect(code, cursor_pos, detail_level > 0)

    async def do_is_complete(self, code: str) -> Message:
        return await is_complete(code)

    def finish_metadata(self, parent: Any, metadata: Message, reply_content: Any) -> Message:
        """The figures are of one cell: not of the next ones, which are aborted when it fails."""
        figures, self.reply_metadata = self.reply_metadata, {}
        return metadata | figures

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """The base class's sends SIGINT to this process, and an awaiting do_execute dies of that (ipykernel 7.4)."""
        self._interrupt()
        if self.session:
            self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    def _interrupt(self, *_: object) -> None:
        if self.control:
            self.control.interrupt()
            self.workspace.interrupt_aside()  # which the cell may be waiting for

    def pre_handler_hook(self) -> None:
        """SIGINT, which a terminal sends to the kernel as well, means the same as the message."""
        self.saved_sigint_handler = signal.signal(signal.SIGINT, self._interrupt)

    def _publish_status(self, status: str, channel: str, parent: Any = None) -> None:
        """Without those of interrupts: a client and its manager count their messages apart, so that the idle of an
        interrupt can bear the id of the running cell, whose output is then given up (jupyter_client 8.10)."""
        about = parent or self.get_parent(channel)
        of_interrupt = channel == "control" and about and about["header"]["msg_type"] == "interrupt_request"
        if not (self.left or of_interrupt):
            super()._publish_status(status, channel, parent)

    async def _at_shutdown(self) -> None:
        """The last status comes before the loops are stopped, not after, as the base class has it: the thread that
        sends it may be ending then, and who gives it something to send waits for ever (ipykernel 7.4)."""
        await super()._at_shutdown()
        self._publish_status("idle", "control")
        self.left = True

    def start(self) -> None:
        super().start()
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, *_: object) -> None:
        """VS Code ends a kernel by SIGTERM alone: what runs in Lambda ends all the same, as at a shutdown_request."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.alarm(LAST_SECONDS)
        loop = cast(Any, self.io_loop).asyncio_loop
        asyncio.run_coroutine_threadsafe(self._leave(), loop)

    async def _leave(self) -> None:
        await self.do_shutdown(False)
        self.io_loop.stop()

    async def do_shutdown(self, restart: bool) -> Message:
        if self.control:
            self.control.close()
        loop = asyncio.get_running_loop()
        saving = self.librarian.submit(self.history.close, loop)
        closing = self.worker.submit(self._close, loop)  # behind the cell that runs, if one does
        done, _ = await asyncio.wait([closing], timeout=2)
        if not done:
            await asyncio.wait([Worker().submit(self.connector.close, loop)], timeout=2)
        await asyncio.wait([saving], timeout=HISTORY_SECONDS)
        return {"status": "ok", "restart": restart}

    def _close(self) -> None:
        for session in self.workspace.sessions.values():
            session.leave()
        self.connector.close()
