"""What users may send of schedules, and what is wrong with it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import Field, field_validator, model_validator

from alongside.models import Model
from alongside.requests import Launch
from alongside.schedules import Overlap
from alongside.timetable import check_cron, plain, zone_of
from alongside.units import Duration

_FROM_SESSION = ("owner", "account", "pod")
_SHORTEST = timedelta(minutes=1)
_OVERLAP = "What a start does while the one before still runs: take its place, or nothing."
_TOLERANCE = (
    "How late it may still be started, for instance because the service was away. Default: as long "
    "as it would run; 10 min where there is no stop."
)


class _Times(Model):
    """When: by cron expressions, or as people write it."""

    start: str | None = Field(
        None, description="When it starts: a cron expression of five fields, in local time."
    )
    stop: str | None = Field(
        None, description="When it stops, likewise. Absent: when its lifetime is over."
    )
    days: str | None = Field(
        None, max_length=100, description="Instead of `start`, with `from`: `Mon-Fri`, `daily`."
    )
    from_: str | None = Field(
        None, alias="from", max_length=10, description="Instead of `start`: `07:00`."
    )
    to: str | None = Field(None, max_length=10, description="Instead of `stop`: `19:00`.")

    @field_validator("start", "stop")
    @classmethod
    def _is_cron(cls, expression: str | None) -> str | None:
        return None if expression is None else check_cron(expression)

    @model_validator(mode="after")
    def _one_way_of_saying_it(self) -> _Times:
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
        """Start and stop as cron expressions. Raises ValueError."""
        if self.from_ is not None:
            return plain(self.days or "daily", self.from_, self.to)
        return self.start, self.stop


class NewSchedule(_Times):
    """The body of ``POST schedules``."""

    name: str = Field(max_length=4096, description="Shown name, once among the owner's schedules.")
    launch: Launch = Field(
        description="What is started, as for `POST backends`; it belongs to no session. Its name, "
        "unless given, is the schedule's."
    )
    zone: str = Field(description="Time zone, as the IANA names it: `America/New_York`.")
    overlap: Overlap = Field("replace", description=_OVERLAP)
    tolerance: Duration | None = Field(None, description=_TOLERANCE)
    suspended: bool = Field(False, description="Whether nothing is started for now.")
    until: date | None = Field(None, description="The last day on which it is started.")
    owner: str | None = Field(
        None, max_length=4096, description="For whom; only admins and the hub may name others."
    )

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        return zone_of(zone).key

    @field_validator("launch")
    @classmethod
    def _is_free_standing(cls, launch: Launch) -> Launch:
        return _checked(launch)

    @field_validator("tolerance")
    @classmethod
    def _is_tolerant(cls, tolerance: timedelta | None) -> timedelta | None:
        return _long_enough(tolerance)

    @model_validator(mode="after")
    def _starts(self) -> NewSchedule:
        if self.crons()[0] is None:
            raise ValueError(
                '`start` is missing; write when it starts, for example "0 7 * * 1-5", or `days` '
                "and `from`"
            )
        return self


class SchedulePatch(_Times):
    """The body of ``PATCH schedules/{id}``: what is absent stays, null is as if never given."""

    name: str | None = Field(None, max_length=4096, description="A new name.")
    launch: Launch | None = Field(None, description="What is started from the next time on.")
    zone: str | None = Field(None, description="Another time zone.")
    overlap: Overlap | None = Field(None, description=_OVERLAP)
    tolerance: Duration | None = Field(None, description=_TOLERANCE)
    suspended: bool | None = Field(
        None, description="Whether nothing is started for now. What runs still stops in time."
    )
    until: date | None = Field(None, description="The last day on which it is started.")

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
        """The fields of a `ScheduleRecord` that this gives another value, and which."""
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
        if self.from_ is not None:
            found["stop"] = stop
        return found


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


__all__ = ["NewSchedule", "SchedulePatch"]
