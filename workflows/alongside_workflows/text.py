"""Runs as people read them in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alongside.cli.text import age, table
from alongside.units import format_duration, format_memory
from alongside_workflows.card import cells, duration
from alongside_workflows.runs import Run, State, StepRun
from alongside_workflows.task import Spent

HEADINGS = ("NAME", "STATE", "STEPS", "AGE", "EXECUTOR", "ID")
STEP_HEADINGS = ("STEP", "STATE", "CELLS", "ATTEMPTS", "TIME", "")
TIME_HEADINGS = ("STEP", "STAGED IN", "WAITED", "COMPUTED", "STAGED OUT")
_LIVE = (State.RUNNING, State.PAUSING)


def runs(found: Sequence[Run], now: datetime) -> str:
    """A line for each run."""
    return table([HEADINGS, *(_row(run, now) for run in found)])


def run(found: Run, now: datetime) -> str:
    """All of one run."""
    rows = [
        ("Name", found.name),
        ("Id", found.id),
        ("Owner", found.owner),
        ("State", f"{found.state} ({age(now - found.created)} since it was submitted)"),
        *(("", text) for text in (found.message, found.remedy) if text),
        ("Executor", found.executor),
    ]
    if found.session is not None:
        rows.append(("Session", found.session or "(default)"))
    if found.origin:
        rows.append(("Origin", found.origin))
    return "\n\n".join(part for part in (table(rows), steps(found), times(found)) if part)


def steps(found: Run) -> str:
    """A line for each step."""
    return table([STEP_HEADINGS, *map(_step, found.steps)])


def times(found: Run) -> str:
    """Where the time of each step's last attempt has gone; '' when none has told."""
    last = {step.name: step.attempts[-1].spent for step in found.steps if step.attempts}
    rows = [(name, *_spent(spent)) for name, spent in last.items() if spent is not None]
    return table([TIME_HEADINGS, *rows]) if rows else ""


def outcome(found: Run) -> str:
    """How it is, in a sentence."""
    done = _done(found)
    counted = f"{done} of {len(found.steps)} steps done" if not found.state.final else ""
    return f"{found.name} {_HAS[found.state]}{', ' if counted else ''}{counted} ({found.id})."


def lines(found: Run, most: int, width: int) -> list[str]:
    """How far it is, as lines that fit into a terminal: one a step; of many those that matter."""
    shown = list(found.steps)
    if len(shown) > most:
        shown = [step for step in shown if step.state in (*_LIVE, State.FAILED)][: most - 1]
    told = table([_step(step) for step in shown]).splitlines() if shown else []
    if len(shown) < len(found.steps):
        told.append(f"{_done(found)} of {len(found.steps)} steps done")
    return [line[: width - 1] for line in told]


def news(before: Run | None, after: Run) -> list[str]:
    """A line for each step that has come to another state or cell: where nothing can be redrawn."""
    known = {step.name: _place(step) for step in before.steps} if before is not None else {}
    return [
        table([_step(step)])
        for step in after.steps
        if _place(step) != known.get(step.name, (State.WAITING, None))
    ]


def _place(step: StepRun) -> tuple[State, int | None]:
    return step.state, step.cell if step.state in _LIVE else None


_HAS = {
    State.WAITING: "is waiting",
    State.RUNNING: "is running",
    State.PAUSING: "is pausing",
    State.SUCCEEDED: "has succeeded",
    State.FAILED: "has failed",
    State.CANCELLED: "was cancelled",
}


def _row(found: Run, now: datetime) -> tuple[str, ...]:
    return (
        found.name,
        str(found.state),
        f"{_done(found)}/{len(found.steps)}",
        age(now - found.created),
        found.executor,
        found.id,
    )


def _step(step: StepRun) -> tuple[str, ...]:
    said = " ".join(text for text in (step.message, step.remedy) if text)
    if step.unchanged and not said:
        said = "unchanged since an earlier run"
    return (
        step.name,
        str(step.state),
        cells(step),
        str(len(step.attempts) or ""),
        duration(step),
        said,
    )


def _spent(spent: Spent) -> tuple[str, ...]:
    return (
        _moved(spent.bytes_in, spent.staging_in, spent.bandwidth_in),
        _seconds(spent.waiting) if spent.waiting else "",
        _seconds(spent.computing),
        _moved(spent.bytes_out, spent.staging_out, spent.bandwidth_out),
    )


def _moved(bytes: int, seconds: float, bandwidth: float) -> str:
    """``12 MiB in 3.1 s (3.87 MiB/s)``; '' for what was used in place."""
    if not bytes:
        return ""
    speed = f" ({format_memory(round(bandwidth))}/s)" if bandwidth else ""
    return f"{format_memory(bytes)} in {_seconds(seconds)}{speed}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else format_duration(timedelta(seconds=seconds))


def _done(found: Run) -> int:
    return sum(step.state is State.SUCCEEDED for step in found.steps)
