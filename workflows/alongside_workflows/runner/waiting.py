"""How a runner waits: for processes that end, for signals, for a moment."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterable


class Waiting:
    """Waits without looking again and again. SIGTERM and SIGINT call `leave`, SIGUSR1 wakes."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._reading, writing = os.pipe()
        for descriptor in (self._reading, writing):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: leave())

    def wait(self, descriptors: Iterable[int], seconds: float) -> None:
        """Until one of these is readable, a signal comes, or the time is over."""
        poll = select.poll()
        for descriptor in (self._reading, *descriptors):
            poll.register(descriptor, select.POLLIN)
        poll.poll(seconds * 1000)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reading, 4096):
                pass


def readable(descriptor: int) -> bool:
    """Whether it is readable now: of a pidfd, whether the process has ended."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
