"""What is to be done next about a schedule: a pure decision.

A start is written down before it is done (`Begin`) and after (`Adopt`). In between it is launched,
or submitted, under a key that only depends on schedule and time, so whoever goes on after a crash,
at whatever point, finds what was started or starts it: exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.schedules import REMEMBERED, Occurrence, Outcome, ScheduleRecord, Start


@dataclass(frozen=True)
class Seen:
    """What there is of a schedule's backends, or runs."""

    running: bool = False
    """Whether what it has started lives, and is not ending."""
    started: str = ""
    """Id of what the present start has come to, if it has."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until`, unless the schedule changes."""

    until: datetime | None


@dataclass(frozen=True)
class Forget:
    """What it has started is gone."""

    occurrence: Occurrence


@dataclass(frozen=True)
class End:
    """End what it has started."""

    occurrence: Occurrence


@dataclass(frozen=True)
class Begin:
    """Decide to start what is due; write that down."""

    due: datetime


@dataclass(frozen=True)
class Try:
    """Launch or submit it."""

    start: Start


@dataclass(frozen=True)
class Adopt:
    """It has been started; write that down."""

    due: datetime
    id: str


@dataclass(frozen=True)
class LetGo:
    """Don't start what was due, and write down why."""

    outcomes: tuple[Outcome, ...]


Action = Wait | Forget | End | Begin | Try | Adopt | LetGo


def decide(record: ScheduleRecord, seen: Seen, moment: datetime) -> Action:
    """The one thing to do next about a schedule."""
    occurrence, start = record.running, record.trying
    times = record.timetable
    wakes: list[datetime] = []
    if start is not None and seen.started:
        return Adopt(start.due, seen.started)
    if occurrence is not None:
        if not seen.running:
            return Forget(occurrence)
        stop = times.stop_after(occurrence.due)
        replaced = start is not None and not start.cancelled and occurrence.due < start.due
        if (replaced and not record.of_runs) or (stop is not None and stop <= moment):
            return End(occurrence)
        if stop is not None:
            wakes.append(stop)
    if start is not None:
        closes = record.closes(start.due)
        if start.cancelled or closes <= moment:
            return LetGo((_given_up(start, moment),))
        if start.again <= moment:
            return Try(start)
        return Wait(min(*wakes, start.again, closes))
    if not record.suspended:
        dues = times.starts(record.handled, moment, REMEMBERED)
        # only the last one can still be done: the next start closes the window of the one before
        missed = tuple(_missed(due, moment) for due in dues if record.closes(due) <= moment)
        if missed:
            return LetGo(missed)
        due = dues[-1] if dues else None
        if due is not None and occurrence is not None and record.overlap == "skip":
            return LetGo((_skipped(due, moment, occurrence),))
        if due is not None:
            return Begin(due)
        if (following := times.next_start(moment)) is not None:
            wakes.append(following)
    return Wait(min(wakes, default=None))


def _given_up(start: Start, moment: datetime) -> Outcome:
    if start.cancelled:
        return Outcome(due=start.due, outcome="skipped", at=moment, message=start.cancelled)
    if not start.count:
        return _missed(start.due, moment)
    return Outcome(
        due=start.due,
        outcome="refused",
        at=moment,
        message=start.message,
        remedy=start.remedy,
    )


def _missed(due: datetime, moment: datetime) -> Outcome:
    return Outcome(
        due=due,
        outcome="missed",
        at=moment,
        message="The service was away when it was due.",
        remedy="Start it yourself, or give the schedule more tolerance.",
    )


def _skipped(due: datetime, moment: datetime, occurrence: Occurrence) -> Outcome:
    return Outcome(
        due=due,
        outcome="skipped",
        at=moment,
        backend=occurrence.backend,
        run=occurrence.run,
        message="The one that was started before still runs.",
    )
