"""A run told while it is waited for: on standard error how far it is, at the end its outcome."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator
from typing import TextIO

from alongside.cli import tell
from alongside_workflows import running, text
from alongside_workflows.handle import WAIT, RunHandle
from alongside_workflows.runs import Run, State

_TALLEST = 20  # lines of progress that are redrawn


def told(handle: RunHandle, given: argparse.Namespace) -> int:
    """A run that has just been submitted or taken up, or is looked at; with --wait at its end."""
    if given.wait:
        _follow(handle, quiet=given.json)
    if given.json:
        print(handle.run.model_dump_json(indent=2))
    else:
        print(text.outcome(handle.run))
        if not given.wait:
            print(f"See how far it is with: alongside runs show {handle.id}")
    if not given.wait or handle.state is State.SUCCEEDED:
        return 0
    if not given.json and handle.state is State.FAILED:
        tell(running.failure(handle.run), False)
    return 1


def _follow(handle: RunHandle, *, quiet: bool) -> None:
    """Wait, and tell on standard error how far it is. The run outlives an interruption.

    With --json that is for problem details only.
    """
    progress: running.Tell = (lambda run: None) if quiet else Progress(sys.stderr)
    with outliving(handle):
        handle.wait(WAIT, check=False, tell=progress)


@contextlib.contextmanager
def outliving(handle: RunHandle) -> Iterator[None]:
    """Say how to come back when whoever waits is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            f"\nThe run goes on. Look at it with: alongside runs show {handle.id} --follow\n"
            f"End it with: alongside runs cancel {handle.id}",
            file=sys.stderr,
        )
        raise


class Progress:
    """Tells a run's steps as they change: a line a step, redrawn where that can be."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0
        self._before: Run | None = None

    def __call__(self, run: Run) -> None:
        if self._out.isatty():
            size = shutil.get_terminal_size()
            told = text.lines(run, max(2, min(_TALLEST, size.lines - 2)), size.columns)
            up = f"\x1b[{self._drawn}F" if self._drawn else ""
            self._out.write(f"{up}\x1b[J" + "".join(f"{line}\n" for line in told))
            self._drawn = len(told)
        else:
            self._out.write("".join(f"{line}\n" for line in text.news(self._before, run)))
        self._out.flush()
        self._before = run
