"""Telling the browser: numbered Jupyter Events, and the snapshot that they continue."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from alongside_lab.connection import Problem
from alongside_lab.mirror import Backend, Mirror
from alongside_lab.runs import Run, Runs

SCHEMA_ID = "https://schema.jupyter.org/alongside/backends/v1"
SCHEMA = Path(__file__).with_name("events.yaml")


class Emits(Protocol):
    """The part of Jupyter's event logger that is needed here."""

    def emit(self, *, schema_id: str, data: dict[str, Any]) -> Any: ...


class News:
    """The mirror, whether it is connected, and an event for each change of either.

    Each event has the next `sequence` of this `epoch`; `document` is the state after all events
    up to the `sequence` that it names.
    """

    def __init__(
        self, logger: Emits, clock: Callable[[], float] = time.time, epoch: str | None = None
    ) -> None:
        self.mirror = Mirror()
        self.runs = Runs()
        self.connected = False
        self.problem: Problem | None = None
        self.sequence = 0
        self.epoch = secrets.token_hex(8) if epoch is None else epoch
        self._logger = logger
        self._clock = clock

    def snapshot(self, backends: Iterable[Backend], runs: Iterable[Run] | None = None) -> None:
        """The service told all that there is; an older one knows no runs."""
        backends_differ = self.mirror.replace(backends, self._now())
        runs_differ = self.runs.replace(runs)
        if backends_differ or runs_differ:
            self._tell("reset")

    def changed(self, backend: Backend) -> None:
        """A backend is new or has changed."""
        sample = self.mirror.put(backend, self._now())
        known = self.mirror.get(backend["id"])
        self._tell("changed", backend=known, sample=list(sample) if sample else None)

    def removed(self, id: str) -> None:
        """A backend and its record are gone."""
        if self.mirror.drop(id):
            self._tell("removed", id=id)

    def run_changed(self, run: Run) -> None:
        """A run is new or has changed."""
        self.runs.put(run)
        self._tell("run", run=run)

    def run_removed(self, id: str) -> None:
        """A run and all that it left are gone."""
        if self.runs.drop(id):
            self._tell("run-removed", id=id)

    def schedules_changed(self) -> None:
        """A schedule is new, has changed or is gone; who shows them asks for them."""
        self._tell("schedules")

    def state(self, connected: bool, problem: Problem | None = None) -> None:
        """Whether the service answers; an event only when that is news."""
        if (connected, problem) != (self.connected, self.problem):
            self.connected, self.problem = connected, problem
            self.alive()

    def alive(self) -> None:
        """Say that this server is there, so that the browser can tell silence from a lost line."""
        self._tell("state", connected=self.connected, problem=self.problem)

    def document(self) -> dict[str, Any]:
        """The state that the events after `sequence` change."""
        return {
            "epoch": self.epoch,
            "sequence": self.sequence,
            "connected": self.connected,
            "problem": self.problem,
            "backends": self.mirror.document(),
            "runs": self.runs.document(),
        }

    def _tell(self, type: str, **what: Any) -> None:
        self.sequence += 1
        data = {"type": type, "epoch": self.epoch, "sequence": self.sequence, **what}
        self._logger.emit(schema_id=SCHEMA_ID, data=data)

    def _now(self) -> int:
        return int(self._clock() * 1000)
