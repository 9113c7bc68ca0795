"""Runs a notebook on a target with nbclient, in a kernel of its own. What the notebook says of its kernel is not used.

nbclient comes with JupyterLab, and nothing else of lambda-kernel needs it: so it is imported here, and late.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from ... import kernelspec
from ...aws.target import Target
from ...magics.environment import KEY, MAGIC
from ...untrusted import visible
from .comparison import Run

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

NAME = "compared"
LONGEST = 300  # characters of an error
ENDED = "its kernel ended"


class Interrupt:
    """Ctrl-C, which ends the kernel at any time, and lets what has been run be kept."""

    def __init__(self) -> None:
        self.came = False
        self._cancel: Callable[[], object] = str

    def __call__(self) -> None:
        self.came = True
        self._cancel()

    def cancels(self, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._cancel = functools.partial(loop.call_soon_threadsafe, task.cancel)
        if self.came:
            task.cancel()


def execute(notebook: NotebookNode, label: str, target: Target, directory: Path, interrupt: Interrupt) -> Run:
    """A copy of the notebook, executed up to the first cell that fails. directory: the notebook's own."""
    executed = cleared(notebook)
    with tempfile.TemporaryDirectory(prefix="lambda-kernel-") as kernels, ThreadPoolExecutor(1) as thread:
        client = _client(executed, target, Path(kernels), directory)
        # In the main thread nbclient would take Ctrl-C for itself, and the other targets would go on.
        running = thread.submit(asyncio.run, _executed(client, executed, interrupt))
        try:
            problem, environment = running.result()
        except KeyboardInterrupt:
            interrupt()
            problem, environment = running.result()
    return Run(label, executed, "interrupted" if interrupt.came else problem, environment)


def cleared(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs: those of an earlier run must not be compared."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def options_of(target: Target) -> kernelspec.Options:
    """All that a kernel's command line needs to be on the target, whatever its environment says."""
    if not target.local:
        return kernelspec.Options(target.function, target.region, target.profile, target.endpoint_url)
    emulator = target.emulator
    return kernelspec.Options(
        target.function,
        profile=target.profile,
        network=emulator.network,
        memory=emulator.memory_mb,
        storage=emulator.storage_mb,
        cpu=emulator.cpu,
        image=emulator.image,
    )


def _client(notebook: NotebookNode, target: Target, kernels: Path, directory: Path) -> NotebookClient:
    from nbclient import NotebookClient

    (kernels / NAME).mkdir()
    launcher = [sys.executable, "-m", "lambda_kernel"]
    kernelspec.write(kernels / NAME, kernelspec.build_spec(launcher, options_of(target)))
    specs = KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name=NAME, kernel_spec_manager=specs)
    return NotebookClient(notebook, km=manager, resources={"metadata": {"path": str(directory)}}, timeout=None)


async def _executed(
    client: NotebookClient, notebook: NotebookNode, interrupt: Interrupt
) -> tuple[str, dict[str, Any] | None]:
    """What went wrong, and the environment."""
    manager, task = client.km, asyncio.current_task()
    assert isinstance(manager, AsyncKernelManager)
    assert task
    interrupt.cancels(task, asyncio.get_running_loop())
    try:
        async with client.async_setup_kernel(cleanup_kc=True):
            problem = await _cells(client, notebook)
            return problem, await _environment(client, notebook)
    except asyncio.CancelledError:
        return "", None
    except RuntimeError as error:  # nbclient's DeadKernelError is one, and so is what it raises if none starts
        return f"{ENDED}: {visible(str(error), LONGEST)}", None
    finally:
        if manager.has_kernel:  # nbclient leaves one that was only about to start
            await manager.shutdown_kernel(now=True)


async def _cells(client: NotebookClient, notebook: NotebookNode) -> str:
    from nbclient.exceptions import CellExecutionError

    for index, cell in enumerate(notebook.cells):
        try:
            await client.async_execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
        except CellExecutionError as error:
            return f"it ended at cell {index + 1} with {visible(f'{error.ename} {error.evalue}'.strip(), LONGEST)}"
    return ""


async def _environment(client: NotebookClient, notebook: NotebookNode) -> dict[str, Any] | None:
    """After the notebook's cells, which would else find a warm environment. The cell is not kept."""
    from nbclient.exceptions import CellExecutionError

    cell = nbformat.v4.new_code_cell(MAGIC.called)  # type: ignore[no-untyped-call]
    notebook.cells.append(cell)
    try:
        await client.async_execute_cell(cell, len(notebook.cells) - 1)
    except CellExecutionError:
        return None
    finally:
        notebook.cells.remove(cell)
    found = (output.get("metadata", {}).get(KEY) for output in cell.outputs)
    return next((dict(one) for one in found if isinstance(one, dict)), None)
