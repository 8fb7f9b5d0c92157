"""What an attempt whose process has ended has come to; and how far one is that goes on."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from alongside.platforms.local.store import Corrupt, read_below
from alongside_workflows import task
from alongside_workflows.journal import Ended
from alongside_workflows.runs import State

_LOOK = "Look at the end of its log, then resume the run."
_SPOILT = task.Outcome(
    exit_code=task.FAILED,
    message="What the step has written about its outcome can't be read.",
    remedy=_LOOK,
    ended=datetime.min.replace(tzinfo=UTC),
)


def outcome(folder: Path) -> task.Outcome | None:
    """What the process has told about its end; None when it has told nothing."""
    try:
        return task.Outcome.model_validate_json(read_below(folder, task.OUTCOME))
    except FileNotFoundError:
        return None
    except (OSError, Corrupt, ValidationError):
        return _SPOILT


def progress(folder: Path) -> task.Progress | None:
    """How far it is; None when it has not told."""
    try:
        return task.Progress.model_validate_json(read_below(folder, task.PROGRESS))
    except (OSError, Corrupt, ValidationError):
        return None


def ending(
    step: str,
    number: int,
    told: task.Outcome | None,
    time: datetime,
    *,
    status: int | None = None,
    reason: str = "",
    cancelled: bool = False,
) -> Ended:
    """The event of an attempt's end.

    told : what its process has told, None when it has ended without
    status : the wait status of the process, None when it isn't known
    reason : why it was made to end, when it was; what its process has told goes before
    cancelled : whether the run is being cancelled; then it hasn't failed
    """
    if told is not None and told.succeeded:
        return Ended(
            time=time,
            step=step,
            attempt=number,
            state=State.SUCCEEDED,
            exit_code=told.exit_code,
            results=told.results,
            backend=told.backend,
            spent=told.spent,
        )
    message, remedy = reason, ""
    if told is not None:
        message, remedy = told.message, told.remedy
    code = told.exit_code if told else _exit_code(status)
    if cancelled:
        message, remedy = "It was cancelled.", ""
    return Ended(
        time=time,
        step=step,
        attempt=number,
        state=State.CANCELLED if cancelled else State.FAILED,
        exit_code=code,
        message=message or (_describe(status) if told is None else "The step has failed."),
        remedy=remedy if told is not None or cancelled else _LOOK,
        backend=told.backend if told else "",
        spent=told.spent if told else None,
    )


def _exit_code(status: int | None) -> int | None:
    """As a shell shows it."""
    if status is None:
        return None
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _describe(status: int | None) -> str:
    if status is None:
        return "The step's process has ended without telling its outcome."
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        why = " The machine may have run out of memory." if number == signal.SIGKILL else ""
        return f"The step's process was ended by the signal {name}.{why}"
    return f"The step's process ended with exit status {os.WEXITSTATUS(status)} unexpectedly."


__all__ = ["ending", "outcome", "progress"]
