"""The process of one attempt: ``python -m alongside_workflows.step FOLDER``."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether we were asked to end. What asks before there is anything to cancel is kept."""

    def __init__(self) -> None:
        self._asked = False
        self._task: asyncio.Task[Any] | None = None

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT ask for the end."""
        for signum in _SIGNALS:
            signal.signal(signum, self._note)

    def cancels(self, task: asyncio.Task[Any]) -> None:
        """Whoever asks, now or before, cancels this; once."""
        loop = asyncio.get_running_loop()
        for signum in _SIGNALS:
            loop.add_signal_handler(signum, self._ask)
        self._task = task
        if self._asked:
            task.cancel()

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self._ask()

    def _ask(self) -> None:
        if self._task is not None and not self._asked:
            self._task.cancel()
        self._asked = True


def main() -> NoReturn:
    """Carry out what the folder says; the exit code tells how that went."""
    stop = Stop()
    stop.listen()  # before the imports, which take a while
    from alongside_workflows.step.concluding import run

    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m alongside_workflows.step FOLDER")
    asyncio.run(run(Path(sys.argv[1]), stop.cancels))
    raise AssertionError


if __name__ == "__main__":
    main()
else:  # by a runner, before it forks: so its children needn't
    from alongside_workflows.step import preloaded as preloaded
