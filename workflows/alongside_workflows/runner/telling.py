"""What a runner tells observers: how far each step is, and the status of the run."""

from __future__ import annotations

import time
from collections.abc import Iterable

from alongside.platforms.local.store import write
from alongside_workflows import task
from alongside_workflows.course import Course
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runner.outcomes import progress
from alongside_workflows.runner.processes import StepProcess
from alongside_workflows.runs import RunStatus

_SPACING = 0.1  # seconds between two status files, or ten times what one costs
_AGAIN = 2.0  # seconds after one that could not be written


class Teller:
    """Writes the status when it has changed, but not too often."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._live: dict[str, task.Progress] = {}
        self._seen: dict[str, int] = {}
        self._saved: RunStatus | None = None
        self._save_at = 0.0

    def look(self, processes: Iterable[StepProcess]) -> None:
        """Read how far these are, where that has changed."""
        for process in processes:
            folder = self._folder.attempt(process.at, process.number)
            try:
                changed = (folder / task.PROGRESS).lstat().st_mtime_ns
            except OSError:
                continue
            if self._seen.get(process.at) != changed and (found := progress(folder)):
                self._seen[process.at], self._live[process.at] = changed, found

    def forget(self, step: str) -> None:
        """Its attempt is over."""
        self._live.pop(step, None)
        self._seen.pop(step, None)

    def save(self, course: Course, notice: str, *, at_once: bool) -> float:
        """Write the status if it has changed; seconds until that is due, 0 when nothing is left.

        notice : what is amiss at the moment, "" is nothing
        at_once : whether it may not wait
        """
        status = course.status(self._live, notice)
        if status == self._saved:
            return 0.0
        began = time.monotonic()
        if not at_once and began < self._save_at:
            return self._save_at - began
        data = status.model_dump_json().encode()
        try:
            write(self._folder.status_file, data, durable=status.state.final)
        except OSError:
            return _AGAIN
        self._saved = status
        ended = time.monotonic()
        self._save_at = ended + max(_SPACING, 10 * (ended - began))
        return 0.0
