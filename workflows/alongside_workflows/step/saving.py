"""The executed notebook, saved while it is being executed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from alongside.platforms.local.store import write
from alongside_workflows.step.failing import StepFailed, cause

SELDOM = 1.0
"""Seconds between two savings while a cell is being executed."""
_SHARE = 10  # of the time at most one part in this many goes into saving


class Saver:
    """Saves a notebook whenever it has changed: never half, not too often, and at the end."""

    def __init__(self, path: Path, notebook: Any) -> None:
        self._path = path
        self._notebook = notebook
        self._changed = asyncio.Event()
        self._ended = float("-inf")
        self._took = 0.0

    def changed(self) -> None:
        """Say that it is to be saved soon."""
        self._changed.set()

    def cell_done(self) -> None:
        """Save it now, or soon if that takes long in relation to the cells."""
        if time.monotonic() - self._ended >= _SHARE * self._took:
            self._save_or_later()
        else:
            self.changed()

    async def follow(self) -> None:
        """Save it after it was said to have changed; endless."""
        while True:
            await self._changed.wait()
            pause = max(SELDOM, _SHARE * self._took) - (time.monotonic() - self._ended)
            await asyncio.sleep(max(0.0, pause))
            if self._changed.is_set():
                self._save_or_later()

    def save(self) -> None:
        """Save it now. Raises StepFailed."""
        try:
            self._save()
        except OSError as error:
            raise StepFailed(
                f"The executed notebook could not be saved: {cause(error)}.",
                "Free some space where runs are kept, then resume the run.",
            ) from error

    def _save_or_later(self) -> None:
        with contextlib.suppress(OSError):  # the last time tells
            self._save()

    def _save(self) -> None:
        self._changed.clear()
        begun = time.monotonic()
        # What UTF-8 doesn't have, a lone surrogate, is in JSON what this makes of it.
        text = import_module("nbformat.v4").writes_json(self._notebook)
        write(self._path, text.encode(errors="backslashreplace"))
        self._ended = time.monotonic()
        self._took = self._ended - begun
