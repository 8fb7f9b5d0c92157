"""One attempt of a step, from its task to its outcome."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alongside.errors import AlongsideError, InvalidRequest
from alongside.units import format_duration
from alongside_workflows.step import joining, opening, staging
from alongside_workflows.step.collecting import collect, hash_of, publish
from alongside_workflows.step.environment import PARAMETERS_FILE, RESULTS_FILE, environment, own
from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.step.folder import Folder
from alongside_workflows.step.kernel import Kernel, known
from alongside_workflows.step.staging import Staged
from alongside_workflows.step.timing import Clock, Part
from alongside_workflows.step.waiting import backend_of
from alongside_workflows.task import (
    BAD_INPUT,
    CANCELLED,
    FAILED,
    OUTPUT,
    SUCCEEDED,
    TIMED_OUT,
    Outcome,
    StepBackend,
    Task,
)
from alongside_workflows.words import filled

_HURRY = 2.0  # seconds that a kernel has to end by itself when the step is to end
_LONGER = "Give the step a longer `timeout`, or less to do."


class Attempt:
    """What is known of it: filled in as it goes, and what its record is made from.

    before : the attempt that has succeeded in whose kernel this one goes on
    """

    def __init__(self, folder: Folder, task: Task, before: Attempt | None = None) -> None:
        self.folder = folder
        task = task.executed()
        self.told: dict[str, dict[str, Any]] = {}
        """The results of the steps before in the same kernel."""
        self.kernel: Kernel | None = None
        self.backend = StepBackend()
        if before is not None:
            self.told = before.told | {before.task.step.name: before.results}
            self.kernel, self.backend = before.kernel, before.backend
            folder.tell(backend=before.folder.progress.backend)
        self._joined = before is not None
        self.task: Task = task.model_copy(update={"values": task.values | self._taken(task)})
        self.started = datetime.now(UTC)
        self.clock = Clock()
        self.notebook: Staged | None = None
        self.notebook_hash = ""
        self.inputs: dict[str, Staged] = {}
        self.input_hashes: dict[str, str] = {}
        self.outputs: dict[str, Staged] = {}
        self.output_hashes: dict[str, str] = {}
        self.results: dict[str, Any] = {}
        self.language: dict[str, Any] = {}

    async def conclude(self) -> Outcome:
        """Carry it out; the outcome says how that went. Being cancelled is an outcome too."""
        exit_code, message, remedy = SUCCEEDED, "", ""
        timeout = self.task.step.timeout
        limit = asyncio.timeout(timeout.total_seconds() if timeout else None)
        try:
            async with limit:
                await self._carry_out(limit)
        except asyncio.CancelledError:
            exit_code, message = CANCELLED, f"The step was cancelled{self._where()}."
        except StepFailed as error:
            exit_code, message, remedy = error.exit_code, error.message, error.remedy
        except InvalidRequest as error:
            exit_code, message, remedy = BAD_INPUT, error.message, error.remedy
        except AlongsideError as error:
            exit_code, message, remedy = FAILED, error.message, error.remedy
        except Exception as error:
            if limit.expired() and timeout is not None:
                exit_code, remedy = TIMED_OUT, _LONGER
                longer = format_duration(timeout)
                message = f"The step took longer than its timeout, {longer}{self._where()}."
            else:
                traceback.print_exc()  # into the step's log
                exit_code, message = FAILED, f"The step's own process has failed: {cause(error)}."
                remedy = "See the step's log, and tell those who run Alongside."
        return Outcome(
            exit_code=exit_code,
            message=message,
            remedy=remedy,
            results=self.results if exit_code == SUCCEEDED else {},
            outputs=self.output_hashes,
            inputs=self.input_hashes,
            backend=self.folder.progress.backend,
            cell=self.folder.progress.cell,
            cells=self.folder.progress.cells,
            spent=self.clock.spent(),
            ended=datetime.now(UTC),
        )

    async def _carry_out(self, limit: asyncio.Timeout) -> None:
        directory = _directory(self.task.directory)
        step = self.task.step
        self.folder.tell(phase="staging", message="Inputs are brought here.")
        staging.check(step.inputs, directory)
        if step.notebook is not None:
            try:
                await self._notebook(step.notebook, directory, limit)
            except BaseException:
                with suppress(StepFailed):  # there is something worse to tell
                    publish(self.task, self.folder, directory, self.clock)
                raise
            publish(self.task, self.folder, directory, self.clock)
        else:
            await self._command(directory, limit)
        if self.outputs:
            self.folder.tell(phase="collecting", message="Outputs are put where they belong.")
            await collect(self.outputs, self.output_hashes, self.clock)

    async def _notebook(self, place: str, directory: Path, limit: asyncio.Timeout) -> None:
        from alongside_workflows.step import results

        step = self.task.step
        with self.clock.of(Part.STAGING_IN):
            self.notebook = await asyncio.to_thread(self._brought, place, directory)
        # What lies beside a notebook can be imported and opened by it.
        beside = directory if self.notebook.remote else self.notebook.path.parent
        raw = opening.read(self.notebook.path)
        name = self._kernel_name(raw)
        language = known(name).language
        results.check_language(language, step.results)
        await self._stage(directory)
        done = False
        try:
            if step.backend is None:  # it starts while the rest is made ready
                await self._launch(name, beside)
            paths = _paths(self.outputs) | _paths(self.inputs)
            notebook = opening.fitted(raw, self.task, paths, language)
            hashing = asyncio.create_task(self._hash())
            await self._wait_for_backend(limit)
            kernel = await self._launch(name, beside)
            await hashing
            await self._execute(notebook, kernel, beside)
            self.results = await results.of_notebook(kernel, step.results)
            done = True
        except asyncio.CancelledError:
            if self.kernel is not None:
                await self.kernel.end(_HURRY)
            raise
        finally:  # else it is ended with the process
            if self.kernel is not None and not (done and self.task.joined):
                await self.kernel.end()

    def _brought(self, place: str, directory: Path) -> Staged:
        folder = self.folder / "notebook"
        if self.task.notebook is None:
            return self._fetched("notebook", place, directory, folder)
        folder.mkdir(exist_ok=True)
        path = folder / Path(place).name
        path.write_text(json.dumps(self.task.notebook))
        return Staged(place, path, remote=True)

    def _kernel_name(self, raw: dict[str, Any]) -> str:
        if self.kernel is None:
            return opening.kernel_name(raw, self.task.step.kernel)
        joining.check(raw, self.task.step, self.kernel)
        return self.kernel.name

    def _taken(self, task: Task) -> dict[str, Any]:
        """What it takes from the steps before in the same kernel."""
        return {
            name: self.told[step].get(result)
            for name, (step, result) in task.step.sources.items()
            if step in self.told
        }

    async def _execute(self, notebook: Any, kernel: Kernel, beside: Path) -> None:
        from alongside_workflows.step.executing import execute
        from alongside_workflows.step.saving import Saver

        if self._joined:
            self.folder.tell(phase="executing", message="It goes on in the kernel.")
            await joining.settle(kernel, self._variables(), beside)
        else:
            self.folder.tell(phase="executing", message="The kernel is starting.")
            await kernel.ready()
        self.language = kernel.language
        if kernel.language:
            notebook.metadata["language_info"] = kernel.language

        def at(cell: int, cells: int) -> None:
            message = f"Cell {cell} of {cells} is executed."
            self.folder.tell(phase="executing", message=message, cell=cell, cells=cells)

        await execute(notebook, kernel, Saver(self.folder / OUTPUT, notebook), at)

    async def _command(self, directory: Path, limit: asyncio.Timeout) -> None:
        from alongside_workflows.step import commands, results

        step = self.task.step
        await self._stage(directory)
        paths = _paths(self.outputs) | _paths(self.inputs)
        words = filled(step.command or (), self.task.values, self.task.optional, paths)
        hashing = asyncio.create_task(self._hash())
        await self._wait_for_backend(limit)
        await hashing
        file = self.folder / RESULTS_FILE
        file.write_bytes(b"")
        self.folder.tell(phase="executing", message="The command is running.")
        await commands.run(words, directory, self._environment())
        self.results = results.of_command(file, step.results)

    async def _stage(self, directory: Path) -> None:
        step = self.task.step
        (self.folder / PARAMETERS_FILE).write_text(json.dumps(self.task.values))
        with self.clock.of(Part.STAGING_IN):
            for name, place in step.inputs.items():
                self.inputs[name] = await asyncio.to_thread(
                    self._fetched, name, place, directory, self.folder / "inputs"
                )
        for name, place in step.outputs.items():
            self.outputs[name] = staging.prepare(
                name, place, directory, self.folder / "outputs" / name
            )

    def _fetched(self, name: str, place: str, directory: Path, into: Path) -> Staged:
        staged = staging.fetch(name, place, directory, into)
        if staged.remote:
            self.clock.moved(staging.size(staged.path))
        return staged

    async def _hash(self) -> None:
        """What goes in, before anything can change it."""
        if self.notebook is not None:
            self.notebook_hash = await hash_of("the notebook", self.notebook)
        for name, staged in self.inputs.items():
            self.input_hashes[name] = await hash_of(f"the input {name}", staged)

    async def _wait_for_backend(self, limit: asyncio.Timeout) -> None:
        """Get the step's backend, if it has one of its own to wait for."""
        if self.task.step.backend is not None and not self._joined:
            with self.clock.of(Part.WAITING):
                self.backend = await backend_of(self.task, self.folder, limit, self._seen)

    def _seen(self, backend: StepBackend) -> None:
        self.backend = backend

    async def _launch(self, name: str, directory: Path) -> Kernel:
        """Start its kernel, unless there is one."""
        if self.kernel is None:
            self.kernel = Kernel(name, self.folder.path, directory, self._environment())
            await self.kernel.launch()
        return self.kernel

    def _environment(self) -> dict[str, str]:
        return environment(
            self.task,
            self._variables(),
            token=self.folder.token(),
            backend=self.backend.id,
            kind=self.backend.kind,
        )

    def _variables(self) -> dict[str, str]:
        return own(
            self.task,
            inputs=_paths(self.inputs),
            outputs=_paths(self.outputs),
            folder=self.folder,
        )

    def _where(self) -> str:
        """Where it was, to end a sentence with."""
        at = self.folder.progress
        if at.phase == "executing" and at.cell is not None:
            return f" in cell {at.cell} of {at.cells}"
        phases = {"waiting": " while it waited for its backend", "staging": " before it began"}
        return phases.get(at.phase, "")


def _directory(path: str) -> Path:
    directory = Path(path or Path.home())
    if not directory.is_dir():
        raise StepFailed(
            f"There is no directory {directory}.", "Correct the workflow's `directory`.", BAD_INPUT
        )
    return directory


def _paths(staged: Mapping[str, Staged]) -> dict[str, Path]:
    return {name: one.path for name, one in staged.items()}
