"""Rounds, medians and the table.

Absolute times depend on the machine and its mood, so every figure is a ratio of medians of
rounds that alternate between ours and the peer within one run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Row:
    """One line of the table. `goal` is the largest ratio that is good enough; 0 is none."""

    what: str
    ours: float
    peer_name: str
    peer: float
    goal: float = 0.0
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.peer if self.peer else float("nan")

    def markdown(self) -> str:
        cells = [self.what, f"{self.ours:.2f} {self.unit}", self.peer_name, "", "", ""]
        if self.peer:
            cells[3:5] = f"{self.peer:.2f} {self.unit}", f"**{self.ratio:.2f}**"
        if self.goal:
            cells[5] = f"≤ {self.goal:.2f}, {'met' if self.ratio <= self.goal else 'missed'}"
        return f"| {' | '.join(cells)} |"


HEAD = "| what | ours | peer | peer's | ratio | goal |\n|---|---|---|---|---|---|"


@contextmanager
def clock(into: list[float]) -> Iterator[None]:
    """Append the seconds that the block took."""
    start = time.perf_counter()
    yield
    into.append(time.perf_counter() - start)


def alternate(rounds: int, *trials: Callable[[], None]) -> None:
    """Run the trials in turn, `rounds` times, after one warm-up round that they should discard."""
    for _ in range(rounds + 1):
        for trial in trials:
            quiet()
            trial()


def quiet(limit: float = 15.0, timeout: float = 20.0) -> None:
    """Wait until what was before has ended: the processors are busy for at most `limit` %.

    Goes on after `timeout` seconds: a machine that is never quiet slows down both sides.
    """
    end = time.monotonic() + timeout
    while psutil.cpu_percent(0.5) > limit and time.monotonic() < end:
        pass


def median(times: list[float]) -> float:
    """Of all but the first: that one warmed up caches and imports."""
    return statistics.median(times[1:])
