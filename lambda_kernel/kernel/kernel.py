"""The kernel: takes Jupyter's messages, and answers them."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from jupyter_core.paths import jupyter_data_dir
from traitlets import Bool, Enum, Int, Unicode

from .. import JUPYTER_PROTOCOL, __version__
from ..aws.connector import Connector, name_of, unisolated
from ..aws.target import CPUS, FUNCTION_VARIABLE, HOST, LOCAL_NAME, NETWORKS, USUAL, Emulator, Target, resolve
from ..aws.transport import Transport
from ..editing.shell_query import ShellQuery
from ..errors import UsageError
from ..experiments.lanes import in_lanes
from ..images.progress import Progress
from ..session.session import Session
from ..session.worker import CallPolicy, Worker
from ..workspace.history import History
from ..workspace.leaving import leave_all
from ..workspace.workspace import ReportMode, Workspace
from .clients import ClientsKernel
from .keep_warm import KeepWarm
from .optional_requests import Message
from .publishing import published
from .stdin import InputRequester

# What the start does not need, in the order in which it will be needed.
LATER = (".execute_request", "..editing.completion", "..editing.is_complete", "..editing.inspection")
HISTORY_SECONDS = 2.0
TYPING = ("is_complete_request", "complete_request", "inspect_request")
RUN_IDLE_SECONDS = 1.0
LAST_SECONDS = 10  # after SIGTERM; more than a shutdown takes
# In JupyterLab's help menu.
HELP = {
    "Lambda execution environment": "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
    "Lambda quotas": "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    "bash": "https://www.gnu.org/software/bash/manual/bash.html",
}


class LambdaKernel(ClientsKernel):
    """Cells are shell text. They run in an execution environment of Lambda."""

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
    help_links = [{"text": text, "url": url} for text, url in HELP.items()]

    _execute_sleep = 0.0  # ipykernel waits for output through sys.stdout, which is not used

    function = Unicode("", config=True, help="The function that cells run on; `local` for the local emulator.")
    region = Unicode("", config=True, help="Its AWS region.")
    profile = Unicode("", config=True, help="The profile of the AWS configuration to call it with.")
    endpoint_url = Unicode("", config=True, help="The endpoint to call instead of AWS Lambda's.")
    stored_credentials = Bool(
        False, config=True, help="Whether to insist on the credentials that `lambda-kernel install` has stored for it."
    )
    network = Enum(NETWORKS, HOST, config=True, help="The network of the local emulator's environments.")
    memory = Int(USUAL.memory_mb, config=True, help="The memory of the local emulator's function, in MB.")
    storage = Int(USUAL.storage_mb, config=True, help="The size of /tmp in the local emulator, in MB.")
    cpu = Enum(
        CPUS, HOST, config=True, help="The CPU share in the local emulator: all of this machine's CPUs, or Lambda's."
    )
    image = Unicode("", config=True, help="The container image that is the root of the local emulator's environments.")

    report = Enum(
        ["off", "line", "full"], "line", config=True, help="How much is shown below a cell, as %report sets it."
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name_of(self.session.key if self.session else b"")
        self.connector = Connector(self.name, tell=self._show_pull)
        self.worker = Worker()
        self.displays: set[str] = set()  # the keys of all displays
        self.reply_metadata: Message = {}
        self.warmed_up = self.left = False
        self.workspace = self._workspace()
        self.workspace.settings.report = cast(ReportMode, self.report)
        self.history = History(Path(jupyter_data_dir()) / "lambda-kernel" / "history.sqlite", time.time)
        self.workspace.history, self.history_worker = self.history, Worker()
        self.shell_query = ShellQuery(self.workspace, self.worker, lambda: self.control is not None)
        self.keep_warm = KeepWarm(self.workspace, self.worker, lambda: self.control is not None)

    def _show_pull(self, progress: Progress) -> None:
        self.workspace.on_pull(progress)

    def _workspace(self) -> Workspace:
        """A wrong setting is reported at the first cell, because a kernel that does not start cannot report it."""
        emulator = Emulator(str(self.network), cpu=str(self.cpu), image=str(self.image) or None)
        try:
            emulator = replace(emulator, memory_mb=int(self.memory), storage_mb=int(self.storage))
            target, problem = self._target(emulator), None
        except UsageError as error:
            target, problem = Target(LOCAL_NAME, emulator=emulator), error
        return Workspace(
            target,
            self.connector,
            problem,
            sessions=self._session,
            caller=Worker(),
            make_caller=caller_of_a_run,
            emulator=emulator,
        )

    def _session(self, target: Target, transport: Transport, clock: Callable[[], float]) -> Session:
        """After a restart it has the same name and a later epoch, so that the previous kernel's shell is ended."""
        name = name_of(f"{self.name} {target}".encode())
        caller = Worker() if target.slot is None else caller_of_a_run()
        epoch = time.time_ns() // 1_000_000
        return Session(transport, clock, name, caller=caller, direct=target.local, epoch=epoch)

    def owns(self, shell: str) -> bool:
        """Whether a shell is or was this kernel's, on any function: its output may be read late."""
        sessions = list(self.workspace.sessions.values())
        return any(session.remote and shell in session.remote.shells for session in sessions)

    def _target(self, emulator: Emulator) -> Target:
        options = ("function", "region", "profile", "endpoint_url", "stored_credentials")
        # The kernelspec's command line comes before the environment, and that before the Jupyter configuration file.
        spec = getattr(self.parent, "cli_config", {}).get("LambdaKernel", {})
        return resolve(
            {name: str(spec[name]) for name in options if name in spec},
            {"function": os.environ.get(FUNCTION_VARIABLE)},
            {name: str(getattr(self, name)) for name in options},
            emulator=emulator,
        )

    def introduction(self) -> str:
        lines = [
            f"AWS Lambda shell, lambda-kernel {__version__}",
            f"Cells run on {self.workspace.target}.",
            "%help lists the magics. Ctrl-D or `exit` leaves a console.",
        ]
        if self.workspace.target.local and sys.platform == "linux" and unisolated():
            lines.append(
                "! bubblewrap is missing, so commands run without isolation, as you: `pip install "
                "lambda-kernel[sandbox]`"
            )
        return "\n".join(lines)

    @property
    def kernel_info(self) -> Message:
        """The base class would load a debugger, and would offer subshells, which could run two cells at once."""
        return {
            "protocol_version": JUPYTER_PROTOCOL,
            "implementation": self.implementation,
            "implementation_version": self.implementation_version,
            "language_info": self.language_info,
            "banner": self.introduction(),
            "help_links": self.help_links,
            "supported_features": [],
        }

    def usage(self) -> Message:
        from .usage import usage

        return usage(self.workspace, self.control is None)

    async def kernel_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        await super().kernel_info_request(stream, ident, parent)
        if not self.warmed_up:
            self.warmed_up = True
            threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        """Do what the first cell and the first Tab need, while the user still reads or types."""
        importlib.import_module(LATER[0], __package__)
        if not self.workspace.problem:
            self.connector.warm_up(self.workspace.target)
        self.history.warm_up()
        for name in LATER[1:]:
            importlib.import_module(name, __package__)

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: Message | None = None,
        allow_stdin: bool = False,
        **_: Any,
    ) -> Message:
        from .execute_request import ExecuteRequest

        if store_history and not silent:
            self.history.add(self.execution_count, code)
            self.history_worker.submit(self.history.save, asyncio.get_running_loop())
        cell = ExecuteRequest(self, InputRequester(self), silent, allow_stdin)
        self.begin(cell.control)
        try:
            return await cell.run(code)
        except Exception as error:
            # For an exception the base class sends no reply, and the front end would wait for ever.
            self.log.exception("a cell failed")
            return cell.failed(type(error).__name__, f"{error} (this is a bug in lambda-kernel)")
        finally:
            self.seal()
            self.running = None
            cell.close()
            self.keep_warm.touch()
            if cell.usage.invocations:
                self.shell_query.touch()
            await published(self.iopub_thread)

    def _publish_execute_input(self, code: str, parent: Any, execution_count: int) -> None:
        """Remove lone surrogates, which JSON can contain and a message cannot. The base class would send no reply."""
        super()._publish_execute_input(code.encode("utf-8", "replace").decode(), parent, execution_count)

    async def do_history(self, hist_access_type: str = "", *rest: Any, **request: Any) -> Message:
        """A slow disk must not block the front end."""
        loop = asyncio.get_running_loop()
        found = self.history_worker.submit(lambda: self.history.find(hist_access_type, request), loop)
        done, _ = await asyncio.wait([found], timeout=HISTORY_SECONDS)
        entries = found.result() if done else []
        output = bool(request.get("output"))
        history = [(entry.session, entry.line, (entry.text, None) if output else entry.text) for entry in entries]
        return {"status": "ok", "history": history}

    async def do_complete(self, code: str, cursor_pos: int | None) -> Message:
        from ..editing.completion import Completer

        return await Completer(self.shell_query).complete(code, cursor_pos)

    async def do_inspect(
        self, code: str, cursor_pos: int | None, detail_level: int = 0, omit_sections: Any = ()
    ) -> Message:
        from ..editing.inspection import Inspector

        return await Inspector(self.shell_query).inspect(code, cursor_pos, detail_level > 0)

    async def do_is_complete(self, code: str) -> Message:
        from ..editing.is_complete import is_complete

        return await is_complete(code)

    def finish_metadata(self, parent: Any, metadata: Message, reply_content: Any) -> Message:
        """The figures belong to one cell, and not to the following ones that are aborted when it fails."""
        figures, self.reply_metadata = self.reply_metadata, {}
        return metadata | figures

    def interrupt(self, arrived: int | None = None) -> Future[None] | None:
        mark = super().interrupt(arrived)
        if self.control:
            self.workspace.interrupt_aside()  # the cell may be waiting for it
        return mark

    def _publish_status(self, status: str, channel: str, parent: Any = None) -> None:
        """Send no status for interrupts.

        A client and its manager number their messages separately. So the idle of an interrupt can have the id of the
        running cell, and the client would stop reading its output (jupyter_client 8.10).

        Nor does jupyter_console get one of what it asks while a cell is typed. It takes any idle for the cell's, and
        would neither show its output nor answer its questions (6.6, run_cell).
        """
        about = parent or self.get_parent(channel)
        kind = about["header"]["msg_type"] if about else ""
        of_interrupt = channel == "control" and kind == "interrupt_request"
        of_typing = kind in TYPING and self.clients.jupyter_console
        if not (self.left or of_interrupt or of_typing):
            super()._publish_status(status, channel, parent)

    async def _at_shutdown(self) -> None:
        """Send the last status before the loops are stopped.

        The base class sends it after that. The thread that sends may then be ending, and the sender would wait for ever
        (ipykernel 7.4).
        """
        await super()._at_shutdown()
        self._publish_status("idle", "control")
        self.left = True

    def start(self) -> None:
        super().start()
        gc.freeze()  # what is loaded stays: to look at all of it again takes 30 ms each time
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, *_: object) -> None:
        """VS Code ends a kernel only by SIGTERM. End what runs in Lambda, as for a shutdown_request."""
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
        saving = self.history_worker.submit(self.history.close, loop)
        closing = self.worker.submit(self._close, loop)  # after the running cell, if there is one
        done, _ = await asyncio.wait([closing], timeout=2)
        if not done:
            await asyncio.wait([Worker().submit(self.connector.close, loop)], timeout=2)
        await asyncio.wait([saving], timeout=HISTORY_SECONDS)
        return {"status": "ok", "restart": restart}

    def _close(self) -> None:
        leave_all(list(self.workspace.sessions.values()))
        self.connector.close()


def caller_of_a_run() -> CallPolicy:
    """There may be hundreds, so each keeps no thread when it is idle."""
    return in_lanes(Worker(idle_seconds=RUN_IDLE_SECONDS))
