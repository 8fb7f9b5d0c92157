"""The runs of workflows that the service holds now, as far as this session may see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Run = dict[str, Any]
"""A run as the service's events have it: without its workflow."""


class Runs:
    """The runs by id, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] | None = None

    def replace(self, runs: Iterable[Run] | None) -> bool:
        """Take a new snapshot, None where the service knows no runs; whether anything differs."""
        before = self._runs
        self._runs = None if runs is None else {run["id"]: run for run in runs}
        return before != self._runs

    def put(self, run: Run) -> None:
        """Take note of a run that is new or has changed."""
        self._runs = {**(self._runs or {}), run["id"]: run}

    def drop(self, id: str) -> bool:
        """Forget a run; False when it was not known."""
        return self._runs is not None and self._runs.pop(id, None) is not None

    def document(self) -> list[Run] | None:
        """All of them; None where the service knows none."""
        return None if self._runs is None else list(self._runs.values())
