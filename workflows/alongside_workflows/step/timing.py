"""Where the time of an attempt goes: every moment of it belongs to one part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

from alongside_workflows.task import Spent


class Part(Enum):
    """What an attempt does with its time."""

    STAGING_IN = auto()
    """Notebook and inputs are brought here."""
    WAITING = auto()
    """For its backend."""
    COMPUTING = auto()
    """All else: the kernel's start, the cells or the command, hashes."""
    STAGING_OUT = auto()
    """Outputs and the executed notebook are put where they belong."""


class Clock:
    """Runs from when it is made; at first it is the time of computing."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(Part, 0.0)
        self._bytes = dict.fromkeys(Part, 0)
        self._part = Part.COMPUTING
        self._since = time.monotonic()

    @contextmanager
    def of(self, part: Part) -> Iterator[None]:
        """What is done within is this part, and no other."""
        before = self._part
        self._turn(part)
        try:
            yield
        finally:
            self._turn(before)

    def moved(self, bytes: int) -> None:
        """So many bytes have been moved in this part."""
        self._bytes[self._part] += bytes

    def spent(self) -> Spent:
        """How the time until now was spent."""
        self._turn(self._part)
        seconds = {part: round(spent, 6) for part, spent in self._seconds.items()}
        return Spent(
            staging_in=seconds[Part.STAGING_IN],
            bytes_in=self._bytes[Part.STAGING_IN],
            waiting=seconds[Part.WAITING],
            computing=seconds[Part.COMPUTING],
            staging_out=seconds[Part.STAGING_OUT],
            bytes_out=self._bytes[Part.STAGING_OUT],
        )

    def _turn(self, part: Part) -> None:
        now = time.monotonic()
        self._seconds[self._part] += now - self._since
        self._part, self._since = part, now
