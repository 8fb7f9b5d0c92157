"""What this machine has, as far as we may use it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> float:
    """CPU cores that this process may use (affinity and container limit)."""
    cores = float(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        cores = min(cores, int(quota) / int(period))
    return cores


def usable_memory() -> int:
    """Bytes of memory that this machine or container has."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        memory = min(memory, int((_CGROUP / "memory.max").read_text()))
    return memory
