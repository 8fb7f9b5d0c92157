"""A start that comes once, like "tonight at 22:00": a cron expression with a last day. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from alongside.timetable import Timetable, time_of_day, zone_of

_AT = re.compile(r"(?:(\d{4}-\d\d-\d\d)[T ])?(\d{1,2}:\d\d)")
_AHEAD = timedelta(days=360)
_CRON = re.compile(r"(\d+) (\d+) (\d+) (\d+) \*")


def check_at(text: str) -> str:
    """The text if it is a local time, with its day or without. Raises ValueError."""
    _parts(text)
    return text


def once(at: str, zone: str, moment: datetime) -> tuple[str, date]:
    """The cron expression and the last day of a start at this local time.

    Without a day it is the next time that a clock there shows it. Raises ValueError for a time
    that is over, or more than a year ahead: cron knows no years.
    """
    day, hour, minute = _parts(at)
    there = zone_of(zone)
    today = moment.astimezone(there).date()
    for on in (today, today + timedelta(days=1)) if day is None else (day,):
        if on > today + _AHEAD:
            raise ValueError(f"{at} is more than a year ahead; choose an earlier time")
        last = on + timedelta(days=hour // 24)  # 24:00 is midnight
        start = f"{minute} {hour % 24} {last.day} {last.month} *"
        if Timetable(start, None, zone, last).next_start(moment) is not None:
            return start, last
    raise ValueError(f"{at} is over in {zone}; choose a later time")


def once_at(start: str, until: date | None, after: datetime) -> datetime | None:
    """The local time of the one start that these come to from then on; None when there may be more.

    >>> once_at("0 22 23 11 *", date(2026, 11, 23), datetime(2026, 11, 20))
    datetime.datetime(2026, 11, 23, 22, 0)
    """
    match = _CRON.fullmatch(start)
    if match is None or until is None or after.date() < until - _AHEAD - timedelta(days=1):
        return None
    minute, hour, day, month = map(int, match.groups())
    same = (day, month) == (until.day, until.month)
    return datetime(until.year, month, day, hour, minute) if same else None


def _parts(text: str) -> tuple[date | None, int, int]:
    match = _AT.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        day = None if match[1] is None else date.fromisoformat(match[1])
        return day, *time_of_day(match[2])
    except ValueError:
        raise ValueError(
            f"{text[:20]!r} is not a time; write it like 22:00 or 2026-11-23T22:00"
        ) from None
