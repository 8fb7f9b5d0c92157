"""Several locales on one machine: locale 0 forks the others."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NoReturn

from .group import obey

SPREAD = 1.2
"""Seconds from a TERM to the end, as seen on a real server."""
LEAVING = threading.Lock()
LOST = 137
"""The exit status of a group one of whose locales was killed."""


def launch(program: str, flags: Sequence[str]) -> NoReturn:
    """Become the ``_real`` program, as the real launcher does: it keeps the pid."""
    real = f"{program}_real"
    os.execv(real, [real, *flags])


def fork(count: int) -> tuple[list[Connection], list[int]]:
    """Fork the other locales; the lines to them, and their pids. Whoever is lost takes all along.

    Must come before anything that starts threads.
    """
    pairs = [(Pipe(), Pipe()) for _ in range(count)]
    pids = []
    for number in range(count):
        pid = os.fork()
        if pid:
            pids.append(pid)
            continue
        for place, ends in enumerate(pairs):
            for near, far in ends:
                near.close()
                if place != number:
                    far.close()
        line, _life = (far for _, far in pairs[number])
        live(line)
    lines, lives = [], []
    for (line, far_line), (life, far_life) in pairs:
        far_line.close()
        far_life.close()
        lines.append(line)
        lives.append(life)
    signal.signal(signal.SIGTERM, lambda *_: end(pids))
    watch(lives, lambda: lost(pids))
    return lines, pids


def end(pids: Sequence[int]) -> NoReturn:
    """End because of a TERM."""
    if LEAVING.acquire(blocking=False):
        time.sleep(SPREAD)
        finish(pids, 1)
    while True:
        signal.pause()


def lost(pids: Sequence[int]) -> None:
    """End because a locale did; a TERM to the whole group comes to them first at times."""
    with contextlib.suppress(ChildProcessError):
        _, status = os.waitpid(-1, 0)  # its line is cut a moment before it has ended
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM:
            end(pids)
    leave(pids, LOST)


def leave(pids: Sequence[int], status: int) -> NoReturn:
    """End with all the others, without waiting for anything they do. The first call counts."""
    LEAVING.acquire()
    finish(pids, status)


def finish(pids: Sequence[int], status: int) -> NoReturn:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    os._exit(status)


def live(line: Connection) -> NoReturn:
    """Be a locale. Without locale 0 it is an orphan, which does nothing and doesn't end."""
    busy()
    with contextlib.suppress(BaseException):
        obey(line)
    while True:
        signal.pause()


def watch(lives: Sequence[Connection], lost: Callable[[], object]) -> None:
    """Call `lost` as soon as one of these lines is cut."""

    def look() -> None:
        select.select(lives, [], [])
        lost()

    threading.Thread(target=look, daemon=True).start()


def busy() -> None:
    """Take a core, as the real ones do, where ARKOUDA_DOUBLE_SPIN asks for it."""

    def spin() -> None:
        while True:
            pass

    if os.environ.get("ARKOUDA_DOUBLE_SPIN"):
        threading.Thread(target=spin, daemon=True).start()
