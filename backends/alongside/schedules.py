"""Schedules: backends that come and go, and workflows that are submitted, by the clock.

`ScheduleRecord` is what is kept: the wish, and how far it has been carried out. `Schedule` is what
the API shows of it. What users may send is in `alongside.schedule_requests`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, Field, JsonValue

from alongside.models import Record
from alongside.once import once_at
from alongside.requests import Launch
from alongside.timetable import Timetable
from alongside.units import Duration

REMEMBERED, REMEMBERED_RUNS = 4, 10
"""How many outcomes are kept of each schedule: of a backend's, of a workflow's."""
PATIENCE, PATIENCE_RUNS = timedelta(minutes=10), timedelta(hours=12)
"""How late something without a stop may still be started, where the schedule does not say: a
backend; a workflow, whose results of the night are still wanted in the morning."""

Overlap = Literal["replace", "skip", "together"]


class Outcome(Record):
    """What became of one start."""

    due: AwareDatetime = Field(description="When it was due.")
    outcome: Literal["started", "trying", "skipped", "refused", "missed"] = Field(
        description="`trying`: refused so far, and tried again. `missed`: nobody was there to do "
        "it while it could still be done."
    )
    at: AwareDatetime = Field(description="When that was so.")
    backend: str = Field(
        "", description="Id of the backend that was started; of a skipped start, that still ran."
    )
    run: str = Field("", description="Likewise the id of the run.")
    state: str = Field(
        "", description="State of that run by now; empty: there is none, or none any more."
    )
    message: str = Field("", description="A sentence that says why, where it was not started.")
    remedy: str = Field("", description="What to do about it.")
    stopped: AwareDatetime | None = Field(None, description="When this schedule ended it.")


class Start(Record):
    """A start that has been decided on, and not yet been done as far as is known."""

    due: AwareDatetime
    name: str = Field(description="What is started is called so, whatever is said meanwhile.")
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
    backend: str = ""
    run: str = ""

    @property
    def id(self) -> str:
        """Of the backend, or of the run."""
        return self.backend or self.run


class _Definition(Record):
    """What a schedule is to do."""

    id: str
    owner: str
    name: str
    launch: Launch | None = Field(description="What is launched; null: it submits a workflow.")
    submit: dict[str, JsonValue] | None = Field(
        None, description="What is submitted, as for `POST runs`; absent in lists."
    )
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
    def of_runs(self) -> bool:
        """Whether it submits a workflow."""
        return self.submit is not None

    @property
    def sort(self) -> str:
        """The kind of backend that it launches, or `workflow`."""
        return "workflow" if self.launch is None else self.launch.kind

    @property
    def once(self) -> datetime | None:
        """The one local time that it starts at, or has started at; None when there may be more."""
        return once_at(self.start, self.until, self.handled)

    @property
    def workflow(self) -> str | None:
        """The name of the workflow that it submits."""
        flow = (self.submit or {}).get("workflow")
        return str(flow.get("name", "")) if isinstance(flow, dict) else None

    @property
    def timetable(self) -> Timetable:
        """Its times."""
        return Timetable(self.start, self.stop, self.zone, self.until)

    def closes(self, due: datetime) -> datetime:
        """Until when what was due may still be started."""
        patience = PATIENCE_RUNS if self.of_runs else PATIENCE
        return self.timetable.closes(due, self.tolerance, patience)

    def is_over(self) -> bool:
        """Whether there is nothing that it has to do any more."""
        ends = self.running is not None and self.stop is not None
        return not ends and self.trying is None and self.timetable.next_start(self.handled) is None

    def key(self, due: datetime) -> str:
        """The idempotency key of the start that is due then: whoever repeats it makes it once."""
        return f"schedule {self.id} {due.timestamp():.0f}"

    def with_outcome(self, outcome: Outcome, **changes: Any) -> ScheduleRecord:
        """With this outcome in place of an earlier one of the same start, or as the latest."""
        others = tuple(past for past in self.history if past.due != outcome.due)
        most = REMEMBERED_RUNS if self.of_runs else REMEMBERED
        history = sorted((*others, outcome), key=lambda past: past.due)[-most:]
        return self.model_copy(update={"history": tuple(history), **changes})


class Schedule(_Definition):
    """A schedule, as the API shows it."""

    workflow: str | None = Field(
        None, description="Name of the workflow that it submits; null: it launches a backend."
    )
    once: datetime | None = Field(
        None, description="The one local time that it starts at; null: it may be several."
    )
    running: str | None = Field(
        description="Id of the backend that it has started and not ended, or of the run, if that "
        "lives."
    )
    next_start: AwareDatetime | None = Field(description="When it starts something; null: never.")
    next_stop: AwareDatetime | None = Field(
        description="When what runs stops, else what starts next; null: not by the clock."
    )

    @classmethod
    def of(
        cls,
        record: ScheduleRecord,
        moment: datetime,
        *,
        live: bool,
        states: Mapping[str, str] | None = None,
        definition: bool = True,
    ) -> Schedule:
        """The public view.

        live : whether what it has started is still there
        states : those of the runs that are known, by id
        definition : whether with the workflow that it submits
        """
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
        if not definition:
            own["submit"] = None
        known = states or {}
        own["history"] = tuple(
            past.model_copy(update={"state": known.get(past.run, "")}) for past in record.history
        )
        return cls(
            **own,
            workflow=record.workflow,
            once=record.once,
            running=occurrence.id if occurrence else None,
            next_start=following,
            next_stop=times.stop_after(since) if since else None,
        )


__all__ = [
    "PATIENCE",
    "PATIENCE_RUNS",
    "REMEMBERED",
    "REMEMBERED_RUNS",
    "Occurrence",
    "Outcome",
    "Overlap",
    "Schedule",
    "ScheduleRecord",
    "Start",
]
