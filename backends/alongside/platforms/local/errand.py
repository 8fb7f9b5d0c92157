"""A call that may take long, made in a forked child so that the supervisor never waits for it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable

from alongside.platforms.local.process import end_with_parent


class Errand:
    """Runs `call`, which returns names, in a child. `result` is empty until it is over, and when it
    has `failed`.

    count : how many names are hoped for
    limit : seconds after which the owner should cancel it
    """

    def __init__(self, call: Callable[[], tuple[str, ...]], count: int, limit: float) -> None:
        self.count = count
        self.result: tuple[str, ...] = ()
        self.failed = False
        self.deadline = time.monotonic() + limit
        # no pipe: the names of many thousands would fill it before anybody reads
        self._answer = os.memfd_create("errand")
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                end_with_parent(parent)
                signal.pthread_sigmask(signal.SIG_SETMASK, ())
                with os.fdopen(self._answer, "wb") as answer:
                    answer.write(json.dumps(call()).encode())
                status = 0
            finally:
                os._exit(status)

    def over(self, ended: deque[tuple[int, int]]) -> bool:
        """Whether it is among those that have ended; then it is taken off, and `result` is set."""
        for item in ended:
            if item[0] == self.pid:
                ended.remove(item)
                self.failed = item[1] != 0
                with os.fdopen(self._answer, "rb") as answer, contextlib.suppress(ValueError):
                    answer.seek(0)
                    self.result = tuple(json.loads(answer.read()))
                return True
        return False

    def cancel(self) -> None:
        """End it; it is over as soon as it has been reaped."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
