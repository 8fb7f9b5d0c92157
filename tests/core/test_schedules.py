"""What a schedule may say, and what is decided about it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from alongside.errors import InvalidRequest
from alongside.once import once, once_at
from alongside.requests import Launch, parse
from alongside.schedule_requests import NewSchedule, SchedulePatch
from alongside.schedules import Outcome, Schedule, ScheduleRecord
from alongside.timetable import Timetable
from tests.doubles.hand_clock import at

NEW = {"name": "a", "launch": {"kind": "dask"}, "zone": "Europe/Berlin"}
NOON = at("2026-06-08T12:00", "UTC")


def record(**changes: Any) -> ScheduleRecord:
    given = {
        "id": "a-x",
        "owner": "ada",
        "name": "a",
        "launch": Launch(kind="dask"),
        "start": "0 7 * * *",
        "stop": "0 19 * * *",
        "zone": "UTC",
        "overlap": "replace",
        "tolerance": None,
        "suspended": False,
        "until": None,
        "created": NOON,
        "handled": NOON,
    }
    return ScheduleRecord.model_validate(given | changes)


@pytest.mark.shows("K74")
def test_times_are_crons_or_as_people_write_them() -> None:
    crons = parse(NewSchedule, {**NEW, "start": "0 7 * * 1-5", "stop": " 0  19 * * 1-5"})
    people = parse(NewSchedule, {**NEW, "days": "Mon-Fri", "from": "07:00", "to": "19:00"})
    assert crons.crons() == people.crons() == ("0 7 * * 1-5", "0 19 * * 1-5")
    assert parse(NewSchedule, {**NEW, "from": "07:00"}).crons() == ("0 7 * * *", None)
    assert crons.overlapping == "replace"
    weekdays = parse(NewSchedule, {**NEW, "days": "weekdays", "from": "22:00"})
    assert weekdays.crons() == ("0 22 * * 1-5", None)


RUN = {"workflow": {"name": "report", "steps": []}}
OF_A_RUN = {"name": "a", "zone": "Europe/Berlin", "submit": RUN}


def test_a_workflow_is_skipped_while_it_runs_and_once_is_a_time() -> None:
    wish = parse(NewSchedule, {**OF_A_RUN, "at": "22:00"})
    assert (wish.overlapping, wish.crons()) == ("skip", (None, None))
    ends = parse(NewSchedule, {**NEW, "at": "2026-06-08T22:00", "to": "06:00"})
    assert ends.crons() == (None, "0 6 * * *")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({**OF_A_RUN, "at": "tonight"}, "write it like 22:00"),
        ({**OF_A_RUN, "at": "2026-02-30T22:00"}, "is not a time"),
        ({**OF_A_RUN, "at": "22:00", "days": "daily"}, "use either"),
        ({**OF_A_RUN, "at": "22:00", "until": "2026-06-09"}, "leave it out beside `at`"),
        ({**NEW, "at": "22:00", "to": "06:00", "stop": "0 6 * * *"}, "use either"),
        ({**OF_A_RUN, "from": "22:00", "to": "23:00"}, "give the workflow a `timeout`"),
        ({**OF_A_RUN, "from": "22:00", "overlap": "replace"}, "choose `skip` or `together`"),
        ({**NEW, "from": "22:00", "overlap": "together"}, "choose `replace` or `skip`"),
        ({**OF_A_RUN, "from": "22:00", "launch": {"kind": "dask"}}, "give either `launch`"),
        ({"name": "a", "zone": "UTC", "from": "22:00"}, "give either `launch`"),
    ],
)
def test_what_is_not_meant_for_a_workflow_or_for_once_is_refused(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse(NewSchedule, given)
    assert words.lower() in str(error.value).lower()


@pytest.mark.parametrize(
    ("at_", "zone", "moment", "due"),
    [
        ("22:00", "Europe/Berlin", "2026-06-08T12:00", "2026-06-08T20:00"),
        ("14:00", "Europe/Berlin", "2026-06-08T12:00", "2026-06-09T12:00"),
        ("24:00", "UTC", "2026-12-31T12:00", "2027-01-01T00:00"),
        ("2026-11-23T22:00", "Asia/Tokyo", "2026-06-08T12:00", "2026-11-23T13:00"),
        # left out, and twice, by a change of the clocks
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-01T12:00", "2026-03-29T01:00"),
        ("02:30", "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T00:30"),
        ("02:30", "Europe/Berlin", "2026-10-25T00:45", "2026-10-26T01:30"),
    ],
)
def test_once_is_the_next_time_that_a_clock_shows_it(
    at_: str, zone: str, moment: str, due: str
) -> None:
    start, until = once(at_, zone, at(moment, "UTC"))
    times = Timetable(start, None, zone, until)
    assert times.next_start(at(moment, "UTC")) == at(due, "UTC")
    assert times.next_start(at(due, "UTC")) is None
    told = once_at(start, until, at(moment, "UTC"))
    assert told is not None
    assert told.strftime("%H:%M") == at_[-5:].replace("24", "00")


def test_what_is_over_is_not_once() -> None:
    with pytest.raises(ValueError, match="is over in UTC"):
        once("2026-06-08T11:00", "UTC", NOON)
    for late in ("2027-06-09T22:00", "9999-12-31T24:00"):
        with pytest.raises(ValueError, match="a year ahead"):
            once(late, "UTC", NOON)
    assert once_at("0 7 * * *", NOON.date(), NOON) is None
    assert once_at("0 7 8 6 *", None, NOON) is None
    assert once_at("0 7 8 6 *", date(2028, 6, 8), NOON) is None, "three times"


@pytest.mark.shows("K74")
@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({}, "The request", "`start` is missing"),
        ({"start": "* 7 * * *"}, "start", 'For once write "0 7 * * *"'),
        ({"start": "0 7 * * *", "stop": "* 17 * * *"}, "stop", '"0 17 * * *"'),
        ({"start": "0 7 * * *", "zone": "Mars"}, "zone", "Europe/Berlin"),
        ({"start": "0 7 * * *", "zone": None}, "zone", "text"),
        ({"start": "0 7 * * *", "from": "07:00"}, "The request", "Use either"),
        ({"to": "07:00"}, "The request", "`from` is missing"),
        ({"from": "25:00"}, "The request", "not a time of day"),
        ({"days": "Someday", "from": "07:00"}, "The request", "is not a day"),
        ({"start": "0 7 * * *", "tolerance": "5 s"}, "tolerance", "Choose at least 1 min"),
        ({"start": "0 7 * * *", "tolerance": "0 s"}, "tolerance", "length of time"),
        ({"start": "0 7 * * *", "overlap": "both"}, "overlap", ""),
        ({"start": "0 7 * * *", "until": "someday"}, "until", ""),
        ({"start": "0 7 * * *", "history": []}, "history", "not known"),
        ({"from": "07:00", "launch": {"kind": "dask", "session": ""}}, "launch", "no session"),
        ({"from": "07:00", "launch": {"kind": "dask", "account": "root"}}, "launch", "account"),
        ({"from": "07:00", "launch": {"kind": "dask", "pod": {}}}, "launch", "pod"),
        ({"from": "07:00", "launch": {"kind": "dask", "owner": "bob"}}, "launch", "owner"),
        ({"from": "07:00", "launch": {}}, "launch.kind", "missing"),
        ({"from": "07:00", "name": None}, "name", "text"),
    ],
)
def test_what_can_not_be_is_refused_with_field_and_remedy(
    changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse(NewSchedule, {**NEW, **changes})
    assert field in str(error.value)
    assert words in str(error.value)
    assert error.value.remedy


def test_a_change_is_what_is_given() -> None:
    assert parse(SchedulePatch, {}).changes() == {}
    assert parse(SchedulePatch, {"stop": None}).changes() == {"stop": None}
    assert parse(SchedulePatch, {"from": "08:00"}).changes() == {"start": "0 8 * * *", "stop": None}
    assert parse(SchedulePatch, {"suspended": False}).changes() == {"suspended": False}
    cleared = parse(SchedulePatch, {"until": None, "tolerance": None, "name": None})
    assert cleared.changes() == {"until": None, "tolerance": None}


def test_the_last_four_outcomes_are_kept() -> None:
    known = record()
    for day in (3, 1, 2, 4, 5, 6):
        due = datetime(2026, 6, day, tzinfo=NOON.tzinfo)
        known = known.with_outcome(Outcome(due=due, outcome="missed", at=NOON))
    again = Outcome(due=known.history[-1].due, outcome="started", at=NOON, backend="b")
    known = known.with_outcome(again, handled=NOON)
    assert [past.due.day for past in known.history] == [3, 4, 5, 6]
    assert [past.outcome for past in known.history] == ["missed"] * 3 + ["started"]


def test_the_key_of_a_start_is_the_same_for_everybody_and_for_no_other_start() -> None:
    one, other = record(), record(id="b-y", zone="Europe/Berlin")
    assert one.key(NOON) == record(name="new", zone="Europe/Berlin").key(NOON)
    assert len({one.key(NOON), other.key(NOON), one.key(NOON + timedelta(minutes=1))}) == 3


def test_it_is_kept_as_text_and_newer_keys_are_passed_over() -> None:
    known = record(tolerance=timedelta(minutes=5), trying=None)
    text = known.model_dump_json()
    assert ScheduleRecord.model_validate_json(text) == known
    assert ScheduleRecord.model_validate_json(text[:-1] + ',"newer":1}') == known


def test_the_view_says_when() -> None:
    view = Schedule.of(record(), NOON, live=False)
    assert view.next_start == at("2026-06-09T07:00", "UTC")
    assert view.next_stop == at("2026-06-09T19:00", "UTC")
    assert Schedule.of(record(suspended=True), NOON, live=False).next_start is None
    running = record(running={"due": at("2026-06-08T07:00", "UTC"), "backend": "b"})
    view = Schedule.of(running, NOON, live=True)
    assert (view.running, view.next_stop) == ("b", at("2026-06-08T19:00", "UTC"))
    assert Schedule.of(running, NOON, live=False).running is None
