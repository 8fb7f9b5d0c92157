"""The cells of a notebook, executed one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from alongside_workflows.step.bounding import BoundedClient, joined
from alongside_workflows.step.failing import StepFailed, quoted
from alongside_workflows.step.kernel import MEMORY, Kernel, ending
from alongside_workflows.step.opening import executable
from alongside_workflows.step.saving import Saver
from alongside_workflows.task import DEAD_KERNEL

_INTERRUPTED = 3.0  # seconds that a cell has to end after it was interrupted

At = Callable[[int, int], None]
"""Called when a cell begins: its number among those that are executed, from 1, and their count."""


async def execute(notebook: Any, kernel: Kernel, saver: Saver, at: At) -> None:
    """Execute all cells; the notebook is saved as it grows, and at the end in any case.

    When this is cancelled, the cell that is being executed is interrupted, so that the notebook
    shows where it was. Raises StepFailed that names the cell.
    """
    execution = _Execution(notebook, kernel, saver, at)
    cells = asyncio.create_task(execution.run())
    following = asyncio.create_task(saver.follow())
    try:
        # Not awaited itself: nbclient takes a cancelled cell for a dead kernel.
        await asyncio.wait({cells})
    except asyncio.CancelledError:
        await kernel.interrupt()
        await asyncio.wait({cells}, timeout=_INTERRUPTED)
        raise
    finally:
        following.cancel()
        if not cells.done():
            cells.cancel()
        elif not cells.cancelled():
            cells.exception()  # so that nobody misses it; it is raised below
        execution.tidy()
        saver.save()
    cells.result()


class _Execution:
    def __init__(self, notebook: Any, kernel: Kernel, saver: Saver, at: At) -> None:
        self._notebook = notebook
        self._kernel = kernel
        self._saver = saver
        self._at = at
        self._client = BoundedClient(notebook, saver.changed)
        self._client.km, self._client.kc = kernel.manager, kernel.client
        self._place = ""

    async def run(self) -> None:
        """Execute the cells. Raises StepFailed."""
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        cells = [(i, cell) for i, cell in enumerate(self._notebook.cells) if executable(cell)]
        try:
            for number, (index, cell) in enumerate(cells, start=1):
                self._place = f"cell {number} of {len(cells)}"
                self._at(number, len(cells))
                await self._client.async_execute_cell(cell, index, execution_count=number)
                self._saver.cell_done()
        except CellExecutionError as error:
            if not _is_end(error):
                raise StepFailed(
                    f"{self._place.capitalize()} has failed: {error.ename}: "
                    f"{quoted(error.evalue)}".rstrip(": ").rstrip(".")
                    + ".",
                    "See the executed notebook; correct that cell, then resume the run or submit "
                    "it again.",
                ) from error
        except DeadKernelError as error:
            raise await self._dead() from error

    def tidy(self) -> None:
        """Make the notebook one that may be shown, wherever it has come to."""
        for cell in self._notebook.cells:
            if cell.cell_type == "code":
                joined(cell)
        self._client.set_widgets_metadata()

    async def _dead(self) -> StepFailed:
        code = await self._kernel.exit_code()
        return StepFailed(
            f"The kernel has died in {self._place} ({ending(code)}).",
            MEMORY if code == -9 else "See the step's log and the executed notebook.",
            DEAD_KERNEL,
        )


def _is_end(error: Any) -> bool:
    """Whether the notebook has ended itself, as by `sys.exit()`."""
    return error.ename == "SystemExit" and error.evalue in ("", "0", "None")
