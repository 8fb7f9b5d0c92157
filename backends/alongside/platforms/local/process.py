"""Processes of this machine (Linux): who is who, whose child, and how to end them for certain.

A bare process id is never trusted, as the kernel gives it to somebody else later on. An
`Identity` is a process id with its start time; signals go through a pidfd opened before the
identity is checked, so that they never reach a stranger.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "ALONGSIDE_BACKEND"
"""Environment variable that every process of a backend carries; its value is the backend's id."""

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks in a second, the unit of times in ``/proc``."""
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def end_with_parent(parent: int, signum: int = signal.SIGKILL) -> None:
    """Have the kernel signal this process as soon as its parent, process `parent`, has ended."""
    _prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none gets lost."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def stay_inspectable() -> None:
    """Give ``/proc/self`` back to the account after a change of user id."""
    _prctl(_PR_SET_DUMPABLE, 1)


@dataclass(frozen=True)
class Stat:
    """What ``/proc/<pid>/stat`` says of a process. `rss` is in bytes, `cpu` in seconds."""

    pid: int
    state: str
    parent: int
    session: int
    cpu: float
    started: int
    rss: int


def stat(pid: int) -> Stat | None:
    """The state of a process, None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    return Stat(
        pid=pid,
        state=fields[0].decode(),
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu=(int(fields[11]) + int(fields[12])) / TICKS,
        started=int(fields[19]),
        rss=int(fields[21]) * _PAGE,
    )


@dataclass(frozen=True)
class Identity:
    """A process for good: its id and its start time in clock ticks since boot."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The process that has this id now, None when there is none (a zombie is none)."""
        seen = stat(pid)
        return cls(pid, seen.started) if seen and seen.state not in "ZX" else None

    @property
    def alive(self) -> bool:
        return Identity.of(self.pid) == self

    def open(self) -> int | None:
        """A pidfd of it (readable when it ends), None when it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return None
        if self.alive:
            return descriptor
        os.close(descriptor)
        return None

    def send(self, signum: int) -> bool:
        """Send a signal; False when it has ended (or isn't ours to signal)."""
        descriptor = self.open()
        if descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(descriptor, signum)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)


def processes() -> Iterator[Stat]:
    """Every process of this machine."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (seen := stat(int(entry.name))):
            yield seen


def descendants(pid: int) -> list[Stat]:
    """The living children of a process, theirs, and so on (zombies left out)."""
    found: list[Stat] = []
    queue = [pid]
    while queue:
        parent = queue.pop()
        for child in _children(parent):
            seen = stat(child)
            if seen is not None:
                queue.append(child)
                if seen.state not in "ZX":
                    found.append(seen)
    return found


def _children(pid: int) -> Iterator[int]:
    try:
        threads = [entry.name for entry in os.scandir(f"/proc/{pid}/task")]
    except OSError:
        return
    for thread in threads:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/task/{thread}/children").read_bytes()
            yield from map(int, text.split())


def marked(id: str, session: int = 0) -> list[Identity]:
    """The processes of a backend: those that carry its mark, or belong to this Unix session.

    For processes whose supervisor has ended, so that they are nobody's descendants any more.
    """
    mark = f"{MARK}={id}".encode()
    found = []
    for seen in processes():
        if seen.state in "ZX" or seen.pid == os.getpid():
            continue
        mine = bool(session) and seen.session == session
        if not mine:
            with contextlib.suppress(OSError):
                mine = mark in Path(f"/proc/{seen.pid}/environ").read_bytes().split(b"\0")
        if mine:
            found.append(Identity(seen.pid, seen.started))
    return found


def wait_gone(identities: Iterable[Identity], timeout: float) -> list[Identity]:
    """Wait until these have ended; those that are still there after `timeout` seconds."""
    descriptors = {fd: who for who in identities if (fd := who.open()) is not None}
    deadline = time.monotonic() + timeout
    poll = select.poll()
    try:
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        left = dict(descriptors)
        while left and (rest := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(rest * 1000):
                poll.unregister(descriptor)
                left.pop(descriptor, None)
        return list(left.values())
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def kill_marked(id: str, session: int = 0, timeout: float = 5.0) -> bool:
    """Kill what is left of a backend whose supervisor has ended. True when nothing is left."""
    deadline = time.monotonic() + timeout
    while found := marked(id, session):
        for who in found:
            who.send(signal.SIGKILL)
        if wait_gone(found, max(0.0, deadline - time.monotonic())):
            return False
    return True
