"""Schedules: backends that come and go by the clock.

`ScheduleRecord` is what is kept: the wish, and how far it has been carried out. `Schedule` is what
the API shows of it. What users may send is in `alongside.schedule_requests`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from alongside.models import Record
from alongside.requests import Launch
from alongside.timetable import Timetable
from alongside.units import Duration

REMEMBERED = 4
"""How many outcomes are kept of each schedule."""
PATIENCE = timedelta(minutes=10)
"""How late something without a stop may still be started, where the schedule does not say."""

Overlap = Literal["replace", "skip"]


class Outcome(Record):
    """What became of one start."""

    due: AwareDatetime = Field(description="When it was due.")
    outcome: Literal["started", "trying", "skipped", "refused", "missed"] = Field(
        description="`trying`: refused so far, and tried again. `missed`: nobody was there to do "
        "it while it could still be done."
    )
    at: AwareDatetime = Field(description="When that was so.")
    backend: str = Field("", description="Id of the backend that was started.")
    message: str = Field("", description="A sentence that says why, where it was not started.")
    remedy: str = Field("", description="What to do about it.")
    stopped: AwareDatetime | None = Field(None, description="When this schedule ended it.")


class Start(Record):
    """A start that has been decided on, and not yet been done as far as is known."""

    due: AwareDatetime
    name: str = Field(description="Name of the backend, whatever the schedule says meanwhile.")
    wished: str = Field(description="The id that this name and the key come to.")
    count: int = 0
    again: AwareDatetime = Field(description="When it is tried (again).")
    message: str = ""
    remedy: str = ""
    ownerless: bool = Field(False, description="Whether the hub says that its owner is gone.")
    cancelled: str = Field("", description="Why it is not to be done any more, if it isn't.")


class Occurrence(Record):
    """What this schedule has started and not yet ended."""

    due: AwareDatetime
    backend: str


class _Definition(Record):
    """What a schedule is to do."""

    id: str
    owner: str
    name: str
    launch: Launch
    start: str = Field(description="Cron expression, in local time.")
    stop: str | None = Field(description="Cron expression; null: its lifetime ends it.")
    zone: str
    overlap: Overlap
    tolerance: Duration | None
    suspended: bool
    until: date | None
    created: AwareDatetime
    history: tuple[Outcome, ...] = Field((), description="What became of the last starts.")


class ScheduleRecord(_Definition):
    """A schedule as it is kept. Starts up to `handled` have been decided on."""

    handled: AwareDatetime
    trying: Start | None = None
    running: Occurrence | None = None

    @property
    def timetable(self) -> Timetable:
        """Its times."""
        return Timetable(self.start, self.stop, self.zone, self.until)

    def closes(self, due: datetime) -> datetime:
        """Until when what was due may still be started."""
        return self.timetable.closes(due, self.tolerance, PATIENCE)

    def key(self, due: datetime) -> str:
        """The idempotency key of the start that is due then: whoever repeats it launches once."""
        return f"schedule {self.id} {due.timestamp():.0f}"

    def with_outcome(self, outcome: Outcome, **changes: Any) -> ScheduleRecord:
        """With this outcome in place of an earlier one of the same start, or as the latest."""
        others = tuple(past for past in self.history if past.due != outcome.due)
        history = sorted((*others, outcome), key=lambda past: past.due)[-REMEMBERED:]
        return self.model_copy(update={"history": tuple(history), **changes})


class Schedule(_Definition):
    """A schedule, as the API shows it."""

    running: str | None = Field(description="Id of what it has started and not ended, if it lives.")
    next_start: AwareDatetime | None = Field(description="When it starts something; null: never.")
    next_stop: AwareDatetime | None = Field(
        description="When what runs stops, else what starts next; null: not by the clock."
    )

    @classmethod
    def of(cls, record: ScheduleRecord, moment: datetime, *, live: bool) -> Schedule:
        """The public view. `live`: whether what it has started is still there."""
        times = record.timetable
        start = record.trying
        following = None if record.suspended else times.next_start(moment)
        if start is not None and start.count:
            record = record.with_outcome(
                Outcome(
                    due=start.due,
                    outcome="trying",
                    at=moment,
                    message=start.message,
                    remedy=start.remedy,
                )
            )
        occurrence = record.running if live else None
        since = occurrence.due if occurrence else following
        own = {name: getattr(record, name) for name in _Definition.model_fields}
        return cls(
            **own,
            running=occurrence.backend if occurrence else None,
            next_start=following,
            next_stop=times.stop_after(since) if since else None,
        )


__all__ = [
    "PATIENCE",
    "REMEMBERED",
    "Occurrence",
    "Outcome",
    "Overlap",
    "Schedule",
    "ScheduleRecord",
    "Start",
]
