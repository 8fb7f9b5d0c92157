"""When a schedule starts and stops: two cron expressions in a time zone. Pure.

Expressions are read in local time, as a clock on the wall there shows it, and each local time
counts once. One that a change to summer time leaves out is taken at the moment of the change; one
that happens twice, its first time. So "every day at 02:30" is once every day of the year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from cronsim import CronSim

_LONGEST = 100  # characters of an expression or a zone
_LOOKED_AT = 12  # starts of which each is compared with its stop when a schedule is made
_MINUTE = timedelta(minutes=1)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_EVERY_DAY = {"*", "daily", "every day"}
_WORKING_DAYS = {"weekday", "weekdays", "working days"}
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z0-9][A-Za-z0-9+_-]*){0,3}")


@dataclass(frozen=True)
class Timetable:
    """Starts, and what ends the window that each of them opens.

    start, stop : cron expressions of five fields; without a stop nothing ends by the clock
    zone : name of a time zone, e.g. ``Europe/Berlin``
    until : the last day, there, on which something is started
    """

    start: str
    stop: str | None
    zone: str
    until: date | None = None

    def next_start(self, after: datetime) -> datetime | None:
        """The first start later than this moment; None when there is none any more."""
        return next(self._starts(after), None)

    def starts(self, after: datetime, upto: datetime, most: int) -> list[datetime]:
        """The last `most` starts later than `after` and no later than `upto`, oldest first."""
        if self.until is not None:  # what it would mean later would only have to be passed over
            end = datetime.combine(self.until + timedelta(days=1), time())
            upto = min(upto, _moment(end, zone_of(self.zone)))
        found: list[datetime] = []
        for moment in _backward(self.start, self.zone, upto):
            if moment <= after or len(found) == most:
                break
            if self._within(moment):
                found.append(moment)
        return found[::-1]

    def stop_after(self, start: datetime) -> datetime | None:
        """When what was due at `start` is to stop; None when the clock doesn't say."""
        if self.stop is None:
            return None
        return next(_forward(self.stop, self.zone, start), None)

    def closes(
        self, start: datetime, tolerance: timedelta | None, otherwise: timedelta
    ) -> datetime:
        """Until when what was due at `start` may still be started.

        That is when it would have to stop again or when the next one is due, but no longer than
        `tolerance` after; where there is neither a stop nor a tolerance, `otherwise` after.
        """
        stop = self.stop_after(start)
        if tolerance is None and stop is None:
            tolerance = otherwise
        ends = [moment for moment in (stop, self.next_start(start)) if moment is not None]
        if tolerance is not None:
            ends.append(start + tolerance)
        return min(ends)

    def check(self, moment: datetime, *, apart: bool) -> None:
        """ValueError, a sentence and after a semicolon a remedy, for what can't be meant.

        apart : whether each start's stop has to come before the next start
        """
        starts = list(islice(self._starts(moment), _LOOKED_AT))
        if not starts:
            raise ValueError("nothing would ever be started; correct `start` or `until`")
        for this, following in zip(starts, (*starts[1:], None), strict=True):
            stop = self.stop_after(this)
            if self.stop is not None and stop is None:
                raise ValueError("it would never be stopped; correct `stop`, or leave it out")
            if stop is None:
                continue
            if next(_forward(str(self.stop), self.zone, this - _MINUTE)) == this:
                raise ValueError("it would start and stop at the same time; choose a later stop")
            if apart and following is not None and following < stop:
                raise ValueError(
                    "the next start comes before the stop; choose an earlier stop, "
                    "or have starts skipped while it runs (`overlap`)"
                )

    def _starts(self, after: datetime) -> Iterator[datetime]:
        for moment in _forward(self.start, self.zone, after):
            if not self._within(moment):
                return
            yield moment

    def _within(self, moment: datetime) -> bool:
        return self.until is None or moment.astimezone(zone_of(self.zone)).date() <= self.until


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ValueError."""
    known = "name one as the IANA does, for example Europe/Berlin or America/New_York"
    if len(name) > _LONGEST or not _ZONE.fullmatch(name):
        raise ValueError(f"not a time zone; {known}")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # KeyError: not found; OSError: a folder of zones
        raise ValueError(f"there is no time zone {name!r}; {known}") from None


def check_cron(expression: str) -> str:
    """The expression with single spaces. Raises ValueError, also for more than one time an hour."""
    remedy = 'write five fields, for example "0 7 * * 1-5" for 7:00 from Monday to Friday'
    fields = expression.split()
    if len(expression) > _LONGEST or len(fields) != 5:
        raise ValueError(f"not a cron expression; {remedy}")
    from cronsim import CronSimError

    clean = " ".join(fields)
    try:
        minutes = _cron(clean, datetime(2000, 1, 1)).minutes
    except (CronSimError, ValueError, IndexError):
        raise ValueError(f"not a cron expression; {remedy}") from None
    if len(minutes) > 1:
        once = " ".join([str(min(minutes)), *fields[1:]])
        often = "every minute of an hour" if len(minutes) == 60 else f"{len(minutes)} times an hour"
        raise ValueError(f'"{clean}" means {often}; for once write "{once}"')
    return clean


def plain(days: str, begin: str, end: str | None) -> tuple[str, str | None]:
    """The two cron expressions that people mean by ``Mon-Fri``, ``07:00`` and ``19:00``.

    An `end` that is not after the beginning is on the day after; ``24:00`` is midnight. Raises
    ValueError.
    """
    on = _days(days)
    hour, minute = time_of_day(begin)
    start = f"{minute} {hour % 24} * * {_field(on, hour // 24)}"
    if end is None:
        return start, None
    last_hour, last_minute = time_of_day(end)
    begins, ends = 60 * hour + minute, 60 * last_hour + last_minute
    if ends % 1440 == begins % 1440:
        raise ValueError("it would start and stop at the same time; choose a later stop")
    later = 1 if ends < begins or last_hour == 24 else 0
    return start, f"{last_minute} {last_hour % 24} * * {_field(on, later)}"


def time_of_day(text: str) -> tuple[int, int]:
    """Hour and minute; 24:00 is midnight. Raises ValueError."""
    match = _CLOCK.fullmatch(text.strip()) if len(text) < 10 else None
    if match is None or (match[1] == "24" and match[2] != "00"):
        raise ValueError(f"{text[:20]!r} is not a time of day; write it like 07:00")
    return int(match[1]), int(match[2])


def _days(text: str) -> set[int]:
    """Numbers of days of the week, Sunday is 0."""
    words = text.strip().lower()
    if words in _EVERY_DAY:
        return set(range(7))
    if words in _WORKING_DAYS:
        return set(range(1, 6))
    found: set[int] = set()
    for part in words[:_LONGEST].split(","):
        first, dash, last = part.partition("-")
        begin = _day(first)
        end = _day(last) if dash else begin
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return found


def _day(text: str) -> int:
    name = text.strip()
    for number, day in enumerate(_DAYS):
        if len(name) >= 2 and day.startswith(name):
            return number
    raise ValueError(f"{text[:20]!r} is not a day; write days like Mon-Fri or Mon,Wed")


def _field(days: set[int], later: int) -> str:
    """A day-of-week field for these days, moved by `later` days."""
    wanted = sorted((day + later) % 7 for day in days)
    if len(wanted) == 7:
        return "*"
    runs: list[list[int]] = []
    for day in wanted:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


# -- local times and moments -------------------------------------------------------------------


def _cron(expression: str, local: datetime, *, reverse: bool = False) -> CronSim:
    # without a zone: what a change of the clocks does to a local time is decided here, alike for
    # all expressions, while cron itself treats those with a star otherwise
    from cronsim import CronSim

    return CronSim(expression, local, reverse=reverse)


def _forward(expression: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Moments later than `after`, each once."""
    there = zone_of(zone)
    # a local time before this one is never a later moment
    local = after.astimezone(there).replace(tzinfo=None)
    last = after
    for due in _cron(expression, local):
        moment = _moment(due, there)
        if moment > last:
            yield moment
            last = moment


def _backward(expression: str, zone: str, upto: datetime) -> Iterator[datetime]:
    """Moments no later than `upto`, latest first, each once."""
    there = zone_of(zone)
    local = upto.astimezone(there).replace(tzinfo=None)
    # in an hour that happens twice, later local times have been before; the largest change of
    # clocks is a whole day, where the date line was moved
    ahead = local + timedelta(days=1, minutes=1)
    last: datetime | None = None
    for due in _cron(expression, ahead, reverse=True):
        moment = _moment(due, there)
        if moment <= upto and (last is None or moment < last):
            yield moment
            last = moment


def _moment(local: datetime, there: ZoneInfo) -> datetime:
    """The first moment at which a clock there shows this time, or passes it by."""
    # fold=0 is the first of two; of a time that is left out, it counts as before the change
    moment = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    if moment.astimezone(there).replace(tzinfo=None) == local:
        return moment
    # left out: the change lies between what the clock's two rules make of it
    before, after = local.replace(tzinfo=there, fold=1).astimezone(UTC), moment
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(there).replace(tzinfo=None) < local:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
