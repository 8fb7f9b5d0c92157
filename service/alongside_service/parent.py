"""Ending with the process that started us, even when that is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_INTERVAL = 1.0  # seconds between two looks, where the kernel can't tell


def end_with_parent(signum: int = signal.SIGTERM) -> None:
    """Send ourselves `signum` when our parent ends.

    The kernel tells at once on Linux; a thread looks as well, because the kernel's message is
    lost when the parent ended before we asked for it, and for other systems.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    threading.Thread(target=_watch, args=(parent, signum), daemon=True, name="parent").start()


def _watch(parent: int, signum: int) -> None:
    while os.getppid() == parent:
        time.sleep(_INTERVAL)
    os.kill(os.getpid(), signum)
