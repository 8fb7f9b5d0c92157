"""The end of a backend: how every last process is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence

from alongside.platforms.local.children import Child
from alongside.platforms.local.process import Identity, descendants, wait_gone


def describe(code: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(code):
        return f"signal {signal.Signals(os.WTERMSIG(code)).name}"
    return f"exit status {os.WEXITSTATUS(code)}"


def end_all(groups: Sequence[Sequence[Child]], grace: float) -> None:
    """End the children, group after group, then whatever else descends from this process.

    Each group has `grace` seconds to end by itself before it is killed.
    """
    for group in groups:
        waiting = [who for child in group if (who := Identity.of(child.pid))]
        for child in group:
            child.send(signal.SIGTERM)
        if wait_gone(waiting, grace):
            for child in group:
                child.send(signal.SIGKILL)
            wait_gone(waiting, grace)
        _reap()
    # What workers started in sessions of their own has been adopted by this process by now.
    deadline = time.monotonic() + grace
    while (rest := descendants(os.getpid())) and time.monotonic() < deadline:
        orphans = [Identity(seen.pid, seen.started) for seen in rest]
        for orphan in orphans:
            orphan.send(signal.SIGKILL)
        wait_gone(orphans, 1.0)
        _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
