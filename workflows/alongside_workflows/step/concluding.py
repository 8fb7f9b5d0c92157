"""The end of an attempt: nothing is left but its record and its outcome, and the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from alongside.platforms.local import process
from alongside_workflows.step.attempt import Attempt
from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.step.folder import Folder
from alongside_workflows.step.recording import record
from alongside_workflows.task import FAILED, Outcome

_A_WHILE = 5.0  # seconds for what is killed to be gone


async def run(path: Path, stoppable: Callable[[asyncio.Task[Any]], None]) -> NoReturn:
    """Carry out the attempt in this folder, and end the process with its exit code.

    `stoppable` is told the task that is to be cancelled when somebody wants the end.
    """
    folder = Folder(path)
    if (before := folder.outcome()) is not None:
        _leave(before.exit_code)  # started again, by a pod for instance: it is done once
    process.adopt_orphans()
    attempt: Attempt | None = None
    while True:
        attempt, outcome = await _attempted(folder, attempt, stoppable)
        following = _goes_on(attempt, outcome)
        if following is None:
            _end_remains()  # the kernel too, should it be kept for the next step
        try:
            folder.conclude(outcome)
        except OSError:
            traceback.print_exc()
            _leave(outcome.exit_code or FAILED)
        if following is None:
            _leave(outcome.exit_code)
        folder = following


async def _attempted(
    folder: Folder, before: Attempt | None, stoppable: Callable[[asyncio.Task[Any]], None]
) -> tuple[Attempt | None, Outcome]:
    """Carry out the attempt in a folder, in the kernel of the one before if there is one."""
    try:
        attempt = Attempt(folder, folder.task(), before)
    except StepFailed as error:
        outcome = Outcome(
            exit_code=error.exit_code,
            message=error.message,
            remedy=error.remedy,
            ended=datetime.now(UTC),
        )
        return None, outcome
    work = asyncio.create_task(attempt.conclude())
    await asyncio.sleep(0)  # it begins: only then being cancelled has an outcome
    stoppable(work)
    outcome = await work
    if _goes_on(attempt, outcome) is None:
        _end_remains()
    return attempt, _recorded(attempt, outcome)


def _goes_on(attempt: Attempt | None, outcome: Outcome) -> Folder | None:
    """The folder of the attempt that goes on in the kernel of this one, if it is to."""
    if attempt is None or not outcome.succeeded or not attempt.task.joined:
        return None
    return Folder(attempt.folder / attempt.task.joined)


def _end_remains() -> None:
    """Kill what the kernel or the command has started and left behind: it is our child by now."""
    deadline = time.monotonic() + _A_WHILE
    while (left := process.descendants(os.getpid())) and time.monotonic() < deadline:
        found = [process.Identity(seen.pid, seen.started) for seen in left]
        for who in found:
            who.send(signal.SIGKILL)
        process.wait_gone(found, max(0.0, deadline - time.monotonic()))


def _recorded(attempt: Attempt, outcome: Outcome) -> Outcome:
    """The outcome, once the record is written; without its record nothing has succeeded."""
    try:
        record(attempt, outcome)
    except OSError as error:
        traceback.print_exc()
        if outcome.succeeded:
            return outcome.model_copy(
                update={
                    "exit_code": FAILED,
                    "message": f"The record of the step could not be written: {cause(error)}.",
                    "remedy": "Free some space where runs are kept, then resume the run.",
                }
            )
    return outcome


def _leave(code: int) -> NoReturn:
    """End at once: a thread that still reads something large is not waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
