"""Limits and usage of a backend's processes: memory, cores in use, size of the logs."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from alongside.models import Usage
from alongside.platforms.local.children import Child
from alongside.platforms.local.process import Stat, descendants

BREACH = 0.95
"""Share of its memory at which a process is ended (Dask's own nanny does the same)."""
_MEMORY_EVERY = 0.25
_USAGE_EVERY = 2.0


class Limits:
    """Looks at memory often and cheaply, at the whole tree every few seconds."""

    def __init__(self) -> None:
        self._memory_at = 0.0
        self._usage_at = time.monotonic()
        self._seen: dict[tuple[int, int], float] = {}
        self._seen_at = time.monotonic()

    @property
    def due(self) -> float:
        """The moment (monotonic) of the next look."""
        return min(self._memory_at, self._usage_at)

    def breaches(self, children: Iterable[Child], moment: float) -> Iterator[tuple[Child, int]]:
        """The children whose process trees use nearly all the memory they may, with that amount."""
        if moment < self._memory_at:
            return
        self._memory_at = moment + _MEMORY_EVERY
        tree = moment >= self._usage_at
        for child in list(children):
            if child.role.memory:
                used = child.memory(tree=tree)
                if used > BREACH * child.role.memory:
                    yield child, used

    def usage(self, moment: float) -> Usage | None:
        """What all processes use, when it is time to look again."""
        if moment < self._usage_at:
            return None
        self._usage_at = moment + _USAGE_EVERY
        now = descendants(os.getpid())
        cpu = self._cpu_since_last(now, moment)
        return Usage(cpu=round(cpu, 2), memory=sum(seen.rss for seen in now))

    def _cpu_since_last(self, now: Iterable[Stat], moment: float) -> float:
        spent = {(seen.pid, seen.started): seen.cpu for seen in now}
        used = sum(cpu - self._seen.get(who, 0.0) for who, cpu in spent.items())
        span = max(moment - self._seen_at, 0.01)
        self._seen, self._seen_at = spent, moment
        return max(0.0, used) / span


def rotate(logs: Path, limit: int) -> None:
    """Keep each log below `limit` bytes and one older file of it.

    The writers keep their files open, so the content is copied and the file emptied.
    """
    for log in logs.glob("*.log"):
        with contextlib.suppress(OSError):
            if log.stat().st_size > limit:
                try:
                    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
                finally:  # also on a full disk: the limit comes first
                    os.truncate(log, 0)
