"""What users may send of schedules, and what is wrong with it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import Field, field_validator, model_validator

from alongside.models import Model
from alongside.once import check_at
from alongside.requests import Launch
from alongside.schedules import Overlap
from alongside.timetable import check_cron, plain, zone_of
from alongside.units import Duration

_FROM_SESSION = ("owner", "account", "pod")
_SHORTEST = timedelta(minutes=1)
_OVERLAP = (
    "What a start does while the one before still runs: take its place (`replace`, for backends "
    "only, whose default it is), nothing (`skip`, the default for workflows), or run beside it "
    "(`together`, for workflows only)."
)
_TOLERANCE = (
    "How late it may still be started, for instance because the service was away. Default: as long "
    "as it would run; where there is no stop 10 min, for a workflow 12 h. Never after the next one "
    "is due."
)
SUBMIT = (
    "Instead of `launch`: the workflow that is submitted, as for `POST runs`; its run belongs to "
    "no session."
)


class _Times(Model):
    """When: by cron expressions, or as people write it."""

    at: str | None = Field(
        None,
        max_length=20,
        description="Instead of `start`, for once: `2026-11-23T22:00`, or `22:00`, the next time.",
    )
    start: str | None = Field(
        None, description="When it starts: a cron expression of five fields, in local time."
    )
    stop: str | None = Field(
        None, description="When it stops, likewise. Absent: when its lifetime is over."
    )
    days: str | None = Field(
        None, max_length=100, description="Instead of `start`, with `from`: `Mon-Fri`, `weekdays`."
    )
    from_: str | None = Field(
        None, alias="from", max_length=10, description="Instead of `start`: `07:00`."
    )
    to: str | None = Field(None, max_length=10, description="Instead of `stop`: `19:00`.")
    until: date | None = Field(None, description="The last day on which it is started.")

    @field_validator("start", "stop")
    @classmethod
    def _is_cron(cls, expression: str | None) -> str | None:
        return None if expression is None else check_cron(expression)

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, at: str | None) -> str | None:
        return None if at is None else check_at(at)

    @model_validator(mode="after")
    def _one_way_of_saying_it(self) -> _Times:
        if self.at is not None:
            if (self.start, self.days, self.from_) != (None, None, None):
                raise ValueError("`at` is for once, `start` and `from` are for several; use either")
            if self.until is not None:
                raise ValueError("`until` is the last day of several; leave it out beside `at`")
            if self.to is not None and self.stop is not None:
                raise ValueError("`to` says the same as `stop`; use either")
            self.crons()
            return self
        crons = self.start is not None or self.stop is not None
        if self._plain and crons:
            raise ValueError(
                "`start` and `stop` say the same as `days`, `from` and `to`; use either"
            )
        if self._plain and self.from_ is None:
            raise ValueError("`from` is missing; write the time of day that it starts at")
        if self._plain:
            self.crons()
        return self

    @property
    def _plain(self) -> bool:
        return (self.days, self.from_, self.to) != (None, None, None)

    def crons(self) -> tuple[str | None, str | None]:
        """Start and stop as cron expressions, but for the start of `at`. Raises ValueError."""
        if self.at is not None:
            return None, self.stop if self.to is None else plain("daily", self.to, None)[0]
        if self.from_ is not None:
            return plain(self.days or "daily", self.from_, self.to)
        return self.start, self.stop


class NewSchedule(_Times):
    """The body of ``POST schedules``."""

    name: str = Field(max_length=4096, description="Shown name, once among the owner's schedules.")
    launch: Launch | None = Field(
        None,
        description="What is started, as for `POST backends`; it belongs to no session. Its name, "
        "unless given, is the schedule's.",
    )
    submit: Any = Field(None, description=SUBMIT)
    zone: str = Field(description="Time zone, as the IANA names it: `America/New_York`.")
    overlap: Overlap | None = Field(None, description=_OVERLAP)
    tolerance: Duration | None = Field(None, description=_TOLERANCE)
    suspended: bool = Field(False, description="Whether nothing is started for now.")
    owner: str | None = Field(
        None, max_length=4096, description="For whom; only admins and the hub may name others."
    )

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        return zone_of(zone).key

    @field_validator("launch")
    @classmethod
    def _is_free_standing(cls, launch: Launch | None) -> Launch | None:
        return None if launch is None else _checked(launch)

    @field_validator("tolerance")
    @classmethod
    def _is_tolerant(cls, tolerance: timedelta | None) -> timedelta | None:
        return _long_enough(tolerance)

    @model_validator(mode="after")
    def _starts(self) -> NewSchedule:
        start, stop = self.crons()
        if start is None and self.at is None:
            raise ValueError(
                '`start` is missing; write when it starts, for example "0 7 * * 1-5", `days` and '
                "`from`, or `at`"
            )
        if (self.launch is None) == (self.submit is None):
            raise ValueError("give either `launch`, a backend, or `submit`, a workflow")
        check_fits(self.submit is not None, self.overlapping, stop)
        return self

    @property
    def overlapping(self) -> Overlap:
        """What it does while the one before still runs, said or not."""
        return self.overlap or ("replace" if self.submit is None else "skip")


class SchedulePatch(_Times):
    """The body of ``PATCH schedules/{id}``: what is absent stays, null is as if never given."""

    name: str | None = Field(None, max_length=4096, description="A new name.")
    launch: Launch | None = Field(None, description="What is started from the next time on.")
    submit: Any = Field(None, description=SUBMIT)
    zone: str | None = Field(None, description="Another time zone.")
    overlap: Overlap | None = Field(None, description=_OVERLAP)
    tolerance: Duration | None = Field(None, description=_TOLERANCE)
    suspended: bool | None = Field(
        None, description="Whether nothing is started for now. What runs still stops in time."
    )

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str | None) -> str | None:
        return None if zone is None else zone_of(zone).key

    @field_validator("launch")
    @classmethod
    def _is_free_standing(cls, launch: Launch | None) -> Launch | None:
        return None if launch is None else _checked(launch)

    @field_validator("tolerance")
    @classmethod
    def _is_tolerant(cls, tolerance: timedelta | None) -> timedelta | None:
        return _long_enough(tolerance)

    def changes(self) -> dict[str, Any]:
        """The fields of a `ScheduleRecord` that this gives another value, and which.

        Without `submit`, which the service reads, and the start and last day that `at` comes to.
        """
        given = self.model_fields_set
        found: dict[str, Any] = {
            name: value
            for name in ("name", "launch", "zone", "overlap", "suspended")
            if (value := getattr(self, name)) is not None
        }
        found |= {n: getattr(self, n) for n in ("stop", "tolerance", "until") if n in given}
        start, stop = self.crons()
        if start is not None:
            found["start"] = start
        if self.from_ is not None or stop is not None:
            found["stop"] = stop
        return found


def check_fits(submits: bool, overlap: Overlap, stop: str | None) -> None:
    """ValueError for what is not meant for a workflow (`submits`), or not for a backend."""
    if submits and stop is not None:
        raise ValueError(
            "the run of a workflow ends by itself; give the workflow a `timeout` instead of a stop"
        )
    if submits and overlap == "replace":
        raise ValueError(
            "a run is not ended for the next one (`overlap`); choose `skip` or `together`"
        )
    if not submits and overlap == "together":
        raise ValueError(
            "one backend of a schedule runs at a time (`overlap`); choose `replace` or `skip`"
        )


def _long_enough(tolerance: timedelta | None) -> timedelta | None:
    if tolerance is not None and tolerance < _SHORTEST:
        raise ValueError("too short for anything to be in time; choose at least 1 min")
    return tolerance


def _checked(launch: Launch) -> Launch:
    for name in _FROM_SESSION:
        if getattr(launch, name):
            raise ValueError(f"what a schedule starts has no {name} of its own; leave it out")
    if launch.session is not None:
        raise ValueError("what a schedule starts belongs to no session; leave `session` out")
    return launch


__all__ = ["SUBMIT", "NewSchedule", "SchedulePatch", "check_fits"]
