"""What a schedule may say, and what is decided about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from alongside.errors import InvalidRequest
from alongside.requests import Launch, parse
from alongside.schedule_requests import NewSchedule, SchedulePatch
from alongside.schedules import Outcome, Schedule, ScheduleRecord
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
    assert crons.overlap == "replace"


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
