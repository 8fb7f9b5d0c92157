"""Which CPUs of the machine a session uses."""

from __future__ import annotations

import contextlib
import os


def keep_to_cpus(pid: int, limit: float, mark: str) -> None:
    """Keep a process to as many CPUs as its profile has, not the same ones for every `mark`.

    `limit` counts CPUs, `mark` is hexadecimal. A process that is gone is left alone.
    """
    with contextlib.suppress(OSError):
        cpus = sorted(os.sched_getaffinity(0))
        count = max(1, round(limit))
        if count < len(cpus):
            first = int(mark[:8], 16) % len(cpus)
            mine = {cpus[(first + n) % len(cpus)] for n in range(count)}
            os.sched_setaffinity(pid, mine)
