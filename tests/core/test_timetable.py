"""When schedules are due, in all zones and across changes of the clocks."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alongside.timetable import Timetable, check_cron, plain, zone_of

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NEW_YORK = "America/New_York"
ODD_ZONES = (
    NEW_YORK,
    "Europe/London",
    "Australia/Lord_Howe",  # half an hour
    "America/Santiago",  # at midnight
    "Africa/Casablanca",  # summer time with a pause
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/St_Johns",
    "Asia/Beirut",
    "UTC",
)


def at(text: str, zone: str = "UTC") -> datetime:
    """A moment by a clock somewhere; the first one where there are two."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(moment: datetime | None, zone: str) -> str:
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %z}"


def firsts(times: Timetable, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        following = times.next_start(after)
        assert following is not None
        found.append(after := following)
    return found


@pytest.mark.shows("K74")
def test_seven_to_five_eastern_is_so_in_winter_and_summer() -> None:
    times = Timetable("0 7 * * *", "0 17 * * *", NEW_YORK)
    for day, offset in (("2026-03-07", "-0500"), ("2026-03-08", "-0400"), ("2026-11-01", "-0500")):
        start = times.next_start(at(day, NEW_YORK))
        assert local(start, NEW_YORK) == f"{day} 07:00 {offset}"
        assert start is not None
        assert local(times.stop_after(start), NEW_YORK) == f"{day} 17:00 {offset}"


@pytest.mark.shows("K74")
@pytest.mark.parametrize(
    ("start", "zone", "day", "due"),
    [
        # left out: at the change
        ("30 2 * * *", NEW_YORK, "2026-03-08", "2026-03-08 03:00 -0400"),
        ("0 2 * * *", NEW_YORK, "2026-03-08", "2026-03-08 03:00 -0400"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", "2026-10-04 02:30 +1100"),
        ("0 0 * * *", "America/Santiago", "2026-09-06", "2026-09-06 01:00 -0300"),
        # twice: the first
        ("30 1 * * *", NEW_YORK, "2026-11-01", "2026-11-01 01:30 -0400"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", "2026-04-05 01:45 +1100"),
    ],
)
def test_a_time_that_is_left_out_or_comes_twice_is_once(
    start: str, zone: str, day: str, due: str
) -> None:
    times = Timetable(start, None, zone)
    before = at(day, zone) - 12 * HOUR
    due_then = [d for d in firsts(times, before, 3) if local(d, zone).startswith(day)]
    assert [local(d, zone) for d in due_then] == [due]


def test_a_day_that_the_date_line_took_is_made_up_for_at_once() -> None:
    times = Timetable("0 7 * * *", None, "Pacific/Apia")
    found = firsts(times, at("2011-12-29T00:00", "Pacific/Apia"), 3)
    assert [local(d, "Pacific/Apia") for d in found] == [
        "2011-12-29 07:00 -1000",
        "2011-12-31 00:00 +1400",
        "2011-12-31 07:00 +1400",
    ]


@pytest.mark.shows("K74")
@settings(max_examples=150, deadline=None, database=None)
@given(
    zone=st.sampled_from(ODD_ZONES) | st.sampled_from(sorted(available_timezones())),
    day=st.dates(date(2015, 1, 1), date(2035, 12, 1)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_once_every_day_wherever_and_whenever(zone: str, day: date, hour: int, minute: int) -> None:
    """For 14 days one start each, in order, and looking back finds the same."""
    try:
        there = zone_of(zone)
    except ValueError:
        return  # the system has it for other purposes
    times = Timetable(f"{minute} {hour} * * *", None, zone)
    wanted = [datetime.combine(day + n * DAY, time(hour, minute)) for n in range(14)]
    begin = datetime.combine(day, time()).replace(tzinfo=there).astimezone(UTC) - SECOND
    found = firsts(times, begin, 15)
    assert times.starts(begin, found[-1], 99) == found
    # one of the day before may have been put off until midnight
    found = found[1:] if on_the_wall(found[0], there) < wanted[0] else found[:-1]
    for due, meant in zip(found, wanted, strict=True):
        assert due.microsecond == 0
        if on_the_wall(due, there) != meant:  # that time was left out
            assert on_the_wall(due - SECOND, there) < meant < on_the_wall(due, there)


def on_the_wall(moment: datetime, there: ZoneInfo) -> datetime:
    return moment.astimezone(there).replace(tzinfo=None)


def test_a_time_left_out_before_midnight_is_taken_at_midnight() -> None:
    """The clocks of Pyongyang went from 23:30 to 0:00 on 4 May 2018."""
    zone = "Asia/Pyongyang"
    found = firsts(Timetable("45 23 * * *", None, zone), at("2018-05-04T12:00", zone), 2)
    assert [local(d, zone) for d in found] == ["2018-05-05 00:00 +0900", "2018-05-05 23:45 +0900"]


@settings(max_examples=100, deadline=None, database=None)
@given(
    zone=st.sampled_from(ODD_ZONES),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    cron=st.sampled_from(["0 * * * *", "30 */2 * * *", "15 1-3 * * *", "0 9 1 * *", "5 4 * * 1-5"]),
)
def test_forward_and_backward_agree(zone: str, moment: datetime, cron: str) -> None:
    times = Timetable(cron, None, zone)
    found = firsts(times, moment, 6)
    assert found == sorted(set(found))
    assert found[0] > moment
    assert times.starts(moment, found[-1], 99) == found
    assert times.starts(moment, found[-1] - timedelta(seconds=1), 99) == found[:-1]
    assert times.starts(moment, found[-1], 2) == found[-2:]


def test_after_the_last_day_nothing_starts() -> None:
    times = Timetable("0 22 * * *", None, NEW_YORK, until=date(2026, 7, 1))
    last = at("2026-07-01T22:00", NEW_YORK)  # already the 2nd in UTC
    assert times.next_start(last - HOUR) == last
    assert times.next_start(last) is None
    assert times.starts(last - 2 * DAY, last + 3000 * DAY, 9) == [last - DAY, last]


@pytest.mark.parametrize(
    ("stop", "tolerance", "closes"),
    [
        ("0 19 * * *", None, 12 * HOUR),
        ("0 19 * * *", HOUR, HOUR),
        ("0 19 * * *", DAY, 12 * HOUR),
        (None, None, timedelta(minutes=10)),
        (None, 2 * HOUR, 2 * HOUR),
        (None, 2 * DAY, DAY),
    ],
)
def test_how_late_a_start_may_be(
    stop: str | None, tolerance: timedelta | None, closes: timedelta
) -> None:
    times = Timetable("0 7 * * *", stop, "UTC")
    due = at("2026-06-01T07:00")
    assert times.closes(due, tolerance, timedelta(minutes=10)) == due + closes


@pytest.mark.shows("K74")
@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* 7 * * *", 'means every minute of an hour; for once write "0 7 * * *"'),
        ("* 07 * * *", 'for once write "0 07 * * *"'),
        ("*/15 7 * * *", 'means 4 times an hour; for once write "0 7 * * *"'),
        ("30,31 * * * *", 'means 2 times an hour; for once write "30 * * * *"'),
        ("0 0 7 * * *", "five fields"),
        ("0 7 * *", "five fields"),
        ("@daily", "five fields"),
        ("61 7 * * *", "five fields"),
        ("0 7 31 2 *", "five fields"),
        ("", "five fields"),
        ("0 7 * * " + "1," * 99, "five fields"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_what_could(cron: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check_cron(cron)


def test_expressions_are_kept_with_single_spaces() -> None:
    assert check_cron("  0   7 * *\t1-5 ") == "0 7 * * 1-5"


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../UTC", "/etc/passwd", "America", "x" * 999])
def test_zones_that_are_none(zone: str) -> None:
    with pytest.raises(ValueError, match="America/New_York"):
        zone_of(zone)


@pytest.mark.shows("K74")
@pytest.mark.parametrize(
    ("days", "begin", "end", "start", "stop"),
    [
        ("Mon-Fri", "07:00", "19:00", "0 7 * * 1-5", "0 19 * * 1-5"),
        ("monday - friday", "7:00", None, "0 7 * * 1-5", None),
        ("daily", "07:30", "17:00", "30 7 * * *", "0 17 * * *"),
        ("Mon,Wed,Fri", "09:05", "10:00", "5 9 * * 1,3,5", "0 10 * * 1,3,5"),
        ("Sat-Sun", "08:00", "24:00", "0 8 * * 0,6", "0 0 * * 0-1"),
        ("Fri-Mon", "22:00", "06:00", "0 22 * * 0-1,5-6", "0 6 * * 0-2,6"),
        ("Mo", "00:00", "00:30", "0 0 * * 1", "30 0 * * 1"),
    ],
)
def test_the_plain_form(days: str, begin: str, end: str | None, start: str, stop: str) -> None:
    assert plain(days, begin, end) == (start, stop)
    assert check_cron(start) == start


@pytest.mark.parametrize(
    ("days", "begin", "end"),
    [
        ("Mon-Fri", "7", "19:00"),
        ("Mon-Fri", "07:60", None),
        ("Mon-Fri", "24:30", None),
        ("Mon-Fri", "07:00", "07:00"),
        ("Mon-Fri", "00:00", "24:00"),
        ("Mon-Foo", "07:00", None),
        ("M", "07:00", None),
        ("", "07:00", None),
        ("Mon-", "07:00", None),
    ],
)
def test_a_plain_form_that_is_none(days: str, begin: str, end: str | None) -> None:
    with pytest.raises(ValueError, match=";"):
        plain(days, begin, end)


@pytest.mark.parametrize(
    ("start", "stop", "until", "apart", "words"),
    [
        ("0 7 * * *", "0 7 * * *", None, True, "start and stop at the same time"),
        ("0 7 * * 1-5", "0 7 * * 3", None, False, "start and stop at the same time"),
        ("0 7 * * *", "0 19 * * 5", None, True, "the next start comes before the stop"),
        ("0 7 * * *", None, date(2026, 5, 31), True, "nothing would ever be started"),
    ],
)
def test_times_that_contradict_each_other(
    start: str, stop: str | None, until: date | None, apart: bool, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Timetable(start, stop, "UTC", until).check(at("2026-06-01T12:00"), apart=apart)


@pytest.mark.parametrize(
    ("start", "stop", "apart"),
    [
        ("0 7 * * 1-5", "0 19 * * 1-5", True),
        ("0 22 * * *", "0 6 * * *", True),
        ("0 7 * * 1", "0 19 * * 5", True),
        ("0 7 * * *", "0 19 * * 5", False),
        ("0 7 * * *", None, True),
        ("0 7 29 2 *", "0 19 29 2 *", True),
    ],
)
def test_times_that_agree(start: str, stop: str | None, apart: bool) -> None:
    Timetable(start, stop, NEW_YORK).check(at("2026-06-01T12:00"), apart=apart)
