"""The end of a backend: why it comes, and how every last process is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from datetime import datetime

from alongside.models import Spec, Status
from alongside.phases import USABLE, Phase
from alongside.platforms.local.children import Child
from alongside.platforms.local.process import Identity, descendants, wait_gone
from alongside.units import format_duration


class Ending(Exception):
    """Raised to end the backend: the phase to end in, and why."""

    def __init__(self, phase: Phase, reason: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.phase = phase
        self.reason = reason
        self.message = message
        self.remedy = remedy


def end_of_life(spec: Spec, status: Status, moment: datetime) -> Ending | None:
    """Why it is to end by itself at this moment: its lifetime is over, or it is idle. Pure."""
    lifetime = spec.lifetime
    if lifetime.maximum is not None and spec.expires is not None and moment >= spec.expires:
        span = format_duration(lifetime.maximum)
        return Ending(Phase.STOPPED, "Expired", f"Stopped at the end of its lifetime ({span}).")
    since = status.idle_since
    if lifetime.idle is None or since is None or status.phase not in USABLE:
        return None
    if moment - max(since, status.started or since) < lifetime.idle:
        return None
    span = format_duration(lifetime.idle)
    return Ending(Phase.STOPPED, "Idle", f"Stopped after {span} without work.")


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
