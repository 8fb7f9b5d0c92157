"""The processes of one session on this machine: finding them, and ending every one.

A notebook server starts kernels and terminals as Unix sessions of their own, so neither its
process group nor its descendants are all of them once it has been killed. Everything that a
session starts carries a mark in its environment; the server itself may have been forked from a
warm process and is known by its Unix session and by the log that it writes to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from alongside.platforms.local.process import Identity, Stat, descendants, processes, wait_gone

MARK = "ALONGSIDE_SESSION_MARK"
"""Environment variable that every process of a session carries."""


def mark_of(state_dir: Path, user: str, session: str) -> str:
    """The mark of a session: the same one after a restart of the hub, another one in another hub.

    `state_dir` stands for the hub: two hubs with the same one would be one hub.
    """
    parts = (str(state_dir), user, session)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True)
class SessionProcesses:
    """What belongs to one session: `mark`, the `log` it writes to, and its server's process id
    (which is also the id of its Unix session), 0 while there is none."""

    mark: str
    log: Path
    server: int = 0

    def find(self) -> list[Identity]:
        """All that run now; descendants of those with other environments included."""
        found = {s.pid: s for s in processes() if s.state not in "ZX" and self._owns(s)}
        for pid in list(found):
            found |= {child.pid: child for child in descendants(pid)}
        found.pop(os.getpid(), None)
        return [Identity(s.pid, s.started) for s in found.values()]

    def _owns(self, seen: Stat) -> bool:
        if seen.pid == os.getpid():
            return False
        if self.server and seen.session == self.server:
            return True
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{seen.pid}/environ").read_bytes()
            if f"{MARK}={self.mark}".encode() in environment.split(b"\0"):
                return True
        with contextlib.suppress(OSError):
            return Path(f"/proc/{seen.pid}/fd/1").readlink() == self.log
        return False

    def end(self, grace: float, timeout: float) -> list[Identity]:
        """Terminate what is left, kill what is still there after `grace` seconds.

        Returns those that could not be ended within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        left = self._signal(signal.SIGTERM, min(grace, timeout))
        while left and time.monotonic() < deadline:
            left = self._signal(signal.SIGKILL, deadline - time.monotonic())
        return left

    def _signal(self, number: signal.Signals, wait: float) -> list[Identity]:
        """Those that are there although they were sent a signal, new ones included."""
        found = self.find()
        for identity in found:
            identity.send(number)
        wait_gone(found, max(0.0, wait))
        return self.find() if found else []
