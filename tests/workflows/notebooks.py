"""Notebooks, tasks, and the real process of a step."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from alongside.platforms.local import process
from alongside_workflows.task import OUTCOME, OUTPUT, PROGRESS, TASK, TOKEN, Outcome, Progress

T = TypeVar("T")
LIMIT = 30.0
"""Seconds that anything may take at most."""


def notebook(path: Path, *sources: str, kernel: str | None = "python3") -> Path:
    """Write a notebook with these code cells, the first after a heading."""
    made = new_notebook(cells=[new_markdown_cell("# Test"), *map(new_code_cell, sources)])
    if kernel is not None:
        made.metadata.kernelspec = {"name": kernel, "display_name": kernel}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


def wait_for(found: Callable[[], T | None], what: str = "") -> T:
    """What `found` gives as soon as that is true."""
    deadline = time.monotonic() + LIMIT
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {LIMIT} s: {what}"
        time.sleep(0.02)
    return value


class Attempt:
    """An attempt in a folder of its own: its files, and the process."""

    def __init__(self, root: Path, /, **task: Any) -> None:
        self.folder = root / "attempt"
        self.folder.mkdir(parents=True)
        step = {"name": "test"} | task.pop("step")
        written = {"run": "r1", "workflow": "w", "owner": "ada", "directory": str(root)}
        token = task.pop("token", "")
        (self.folder / TASK).write_text(json.dumps(written | task | {"step": step}))
        if token:
            (self.folder / TOKEN).write_text(token)
        self.process: subprocess.Popen[str] | None = None

    @contextmanager
    def started(self, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """The process; killed at the end if it hasn't ended."""
        with (self.folder / "log.txt").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "alongside_workflows.step", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                env=os.environ | environment,
                start_new_session=True,
            )
        try:
            yield self.process
        finally:
            if self.process.poll() is None:
                for seen in process.descendants(self.process.pid):
                    process.Identity(seen.pid, seen.started).send(signal.SIGKILL)
                self.process.kill()
            self.process.wait(LIMIT)

    def run(self, **environment: str) -> Outcome:
        """Run it to its end; the outcome, which says what the exit code says."""
        with self.started(**environment) as started:
            code = started.wait(LIMIT)
        outcome = self.outcome
        assert outcome.exit_code == code, self.log
        return outcome

    @property
    def outcome(self) -> Outcome:
        assert (self.folder / OUTCOME).exists(), self.log
        return Outcome.model_validate_json((self.folder / OUTCOME).read_text())

    @property
    def progress(self) -> Progress | None:
        path = self.folder / PROGRESS
        return Progress.model_validate_json(path.read_text()) if path.exists() else None

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    @property
    def executed(self) -> Any:
        """The executed notebook."""
        return nbformat.read(self.folder / OUTPUT, as_version=4)

    @property
    def printed(self) -> str:
        """All that the code cells have printed so far; '' when nothing is saved yet."""
        if not (self.folder / OUTPUT).exists():
            return ""
        return "".join(
            output.get("text", "")
            for cell in self.executed.cells
            if cell.cell_type == "code"
            for output in cell.outputs
        )

    def offspring(self) -> list[process.Identity]:
        """The processes below the step's: its kernel and what that has started."""
        assert self.process is not None
        return [
            process.Identity(seen.pid, seen.started)
            for seen in process.descendants(self.process.pid)
        ]
