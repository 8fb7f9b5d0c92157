"""Backends that come and go by the clock, which is set by hand here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import StorageFailed, Unavailable
from alongside.models import Spec
from alongside.platforms.shelf import Document
from alongside.schedules import ScheduleRecord
from alongside_service.schedule_keeper import Clock
from tests.doubles.hand_clock import HandClock, at
from tests.doubles.memory_platform import MemoryPlatform, MemoryShelf
from tests.service.conftest import Running, running

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SUNDAY = at("2026-06-07T12:00")
ONE = {"workers": 1, "cores": 1, "memory": "1 GiB"}
OFFICE_HOURS = {
    "name": "office hours",
    "launch": {"kind": "dask", "options": ONE},
    "days": "Mon-Fri",
    "from": "07:00",
    "to": "19:00",
    "zone": "America/New_York",
}


class Timed(Running):
    """A service that goes by `clock`."""

    clock: HandClock
    hours: str
    """Id of the schedule under test."""

    async def go(self, moment: datetime | str) -> None:
        await self.clock.go(
            self.service.schedule_keeper, at(moment) if isinstance(moment, str) else moment
        )

    async def jump(self, moment: str) -> None:
        await self.clock.jump(self.service.schedule_keeper, at(moment))

    async def make(self, **changes: Any) -> dict[str, Any]:
        answer = await self.user("ada").post("schedules", json=OFFICE_HOURS | changes)
        assert answer.status_code == 201, answer.text
        self.hours = answer.json()["id"]
        await self.clock.settled(self.service.schedule_keeper)
        return answer.json()

    async def show(self) -> dict[str, Any]:
        answer = await self.user("ada").get(f"schedules/{self.hours}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def patch(self, **changes: Any) -> dict[str, Any]:
        answer = await self.user("ada").patch(f"schedules/{self.hours}", json=changes)
        assert answer.status_code == 200, answer.text
        await self.clock.settled(self.service.schedule_keeper)
        return answer.json()

    @property
    def live(self) -> list[str]:
        """Ids of the backends that run."""
        return [id for id, o in self.platform.backends.items() if o.status.live and not o.spec.stop]

    async def outcomes(self) -> list[str]:
        return [past["outcome"] for past in (await self.show())["history"]]


@asynccontextmanager
async def timed(
    path: Path, clock: HandClock, platform: MemoryPlatform | None = None, **kwargs: Any
) -> AsyncIterator[Timed]:
    async with running(path, platform, clock=clock, **kwargs) as it:
        it.__class__ = Timed
        assert isinstance(it, Timed)
        it.clock = clock
        it.hub.add("ada")
        await clock.settled(it.service.schedule_keeper)
        yield it


@pytest.fixture
async def run(catalogue_path: Path) -> AsyncIterator[Timed]:
    async with timed(catalogue_path, HandClock(SUNDAY)) as it:
        yield it


@pytest.mark.shows("K74")
async def test_every_working_day_from_seven_to_seven(run: Timed) -> None:
    made = await run.make()
    assert (made["start"], made["stop"]) == ("0 7 * * 1-5", "0 19 * * 1-5")
    assert made["next_start"] == "2026-06-08T11:00:00Z"
    assert made["next_stop"] == "2026-06-08T23:00:00Z"
    seen = []
    for day in range(8, 22):
        await run.go(f"2026-06-{day:02}T06:59")
        assert not run.live
        await run.go(f"2026-06-{day:02}T18:59")
        seen.append(len(run.live))
        await run.go(f"2026-06-{day:02}T19:00")
        assert not run.live
    assert seen == [1, 1, 1, 1, 1, 0, 0] * 2
    assert len(set(run.platform.launched)) == len(run.platform.launched) == 10
    shown = await run.show()
    assert [past["due"] for past in shown["history"]] == [
        f"2026-06-{day}T11:00:00Z" for day in (16, 17, 18, 19)
    ]
    for past in shown["history"]:
        assert past["outcome"] == "started"
        assert past["stopped"] == past["due"].replace("T11", "T23")


@pytest.mark.shows("K74")
@pytest.mark.parametrize("begin", ["2026-03-01T12:00", "2026-10-25T12:00"])
async def test_one_start_a_day_when_the_clocks_are_changed(
    catalogue_path: Path, begin: str
) -> None:
    """At times of which one day has none, and another one two."""
    async with timed(catalogue_path, HandClock(at(begin))) as run:
        for name, start, stop in (
            ("a", "30 2 * * *", "0 4 * * *"),
            ("b", "30 1 * * *", "0 3 * * *"),
        ):
            await run.make(name=name, **_crons(start, stop))
        due: set[tuple[str, str]] = set()

        def note(_: ScheduleRecord | None, after: ScheduleRecord | None) -> None:
            if after is not None:
                due.update((after.name, f"{past.due:%Y-%m-%d %H}") for past in after.history)

        run.service.schedules.listen(note)
        await run.go(run.clock.moment + 14 * DAY)
        assert len(due) == len({(name, when[:10]) for name, when in due}) == 28
        assert len(run.platform.launched) == 28
        assert not run.live


def _crons(start: str, stop: str | None) -> dict[str, Any]:
    return {"days": None, "from": None, "to": None, "start": start, "stop": stop}


async def test_what_runs_is_told_in_the_view_and_by_events(run: Timed) -> None:
    await run.make()
    told, reader = await hearing(run)
    await run.go("2026-06-08T07:00")
    shown = await run.show()
    assert [shown["running"]] == run.live == [run.platform.launched[0]]
    assert shown["next_start"] == "2026-06-09T11:00:00Z"
    assert shown["next_stop"] == "2026-06-08T23:00:00Z"
    backend = (await run.user("ada").get(f"backends/{shown['running']}")).json()
    assert (backend["name"], backend["session"]) == ("office hours", None)
    await run.settled(lambda: "schedule" in told)
    reader.cancel()
    numbers = (await run.user("root", admin=True).get("metrics")).text
    assert 'alongside_schedule_starts_total{kind="dask"} 1.0' in numbers


async def hearing(run: Timed) -> tuple[list[str], asyncio.Task[None]]:
    """The sorts of events that ada is told of from now on, and the task that listens."""
    told: list[str] = []
    caller = await run.service.authority.caller("token-of-ada")

    async def read() -> None:
        async for message in run.service.events.stream(caller, "", _never):
            told.append(message.event)

    return told, asyncio.create_task(read())


async def _never() -> Any:
    raise AssertionError


@pytest.mark.shows("K74")
async def test_a_service_that_was_away_starts_late_while_it_would_run(catalogue_path: Path) -> None:
    clock, platform = HandClock(SUNDAY), MemoryPlatform()
    async with timed(catalogue_path, clock, platform) as run:
        made = await run.make()
    clock.moment = at("2026-06-08T07:05")
    async with timed(catalogue_path, clock, platform) as run:
        run.hours = made["id"]
        assert len(run.live) == 1
        assert await run.outcomes() == ["started"]
    clock.moment = at("2026-06-08T19:30")
    async with timed(catalogue_path, clock, platform) as run:
        run.hours = made["id"]
        assert not run.live, "its stop was missed too, and is made up for"
    clock.moment = at("2026-06-11T20:00")
    async with timed(catalogue_path, clock, platform) as run:
        run.hours = made["id"]
        assert not run.live
        assert await run.outcomes() == ["started", "missed", "missed", "missed"]
        assert (await run.show())["history"][-1]["remedy"]
        await run.go("2026-06-12T07:00")
        assert len(run.live) == 1


async def test_how_late_can_be_said(run: Timed) -> None:
    await run.make(tolerance="15 min")
    await run.jump("2026-06-08T07:16")
    assert await run.outcomes() == ["missed"]
    await run.jump("2026-06-09T07:14")
    assert await run.outcomes() == ["missed", "started"]
    numbers = (await run.user("root", admin=True).get("metrics")).text
    assert 'alongside_schedule_misses_total{kind="dask",outcome="missed"} 1.0' in numbers


async def test_without_a_stop_ten_minutes(run: Timed) -> None:
    await run.make(**_crons("0 7 * * *", None))
    await run.jump("2026-06-08T07:09")
    assert await run.outcomes() == ["started"]
    await run.jump("2026-06-09T07:10")
    assert await run.outcomes() == ["started", "missed"]


@pytest.mark.shows("K74")
async def test_a_start_takes_the_place_of_what_still_runs(run: Timed) -> None:
    await run.make(**_crons("0 7 * * *", None))
    await run.go("2026-06-08T07:00")
    (first,) = run.live
    await run.go("2026-06-09T07:00")
    (second,) = run.live
    assert first != second
    assert await run.outcomes() == ["started", "started"]
    assert (await run.show())["history"][0]["stopped"] == "2026-06-09T11:00:00Z"


async def test_or_is_skipped_where_that_is_wanted(run: Timed) -> None:
    await run.make(**_crons("0 7 * * *", "0 19 * * 5"), overlap="skip")
    await run.go("2026-06-12T18:59")
    assert len(run.platform.launched) == 1
    assert await run.outcomes() == ["skipped"] * 4
    await run.go("2026-06-12T19:00")
    assert not run.live
    await run.go("2026-06-13T07:00")
    assert len(run.live) == 1


async def test_what_its_owner_has_ended_stays_ended_that_day(run: Timed) -> None:
    await run.make()
    await run.go("2026-06-08T10:00")
    await run.user("ada").delete(f"backends/{run.live[0]}")
    assert (await run.show())["running"] is None
    await run.go("2026-06-09T06:59")
    assert len(run.platform.launched) == 1
    await run.go("2026-06-09T07:00")
    assert len(run.live) == 1


@pytest.mark.shows("K74")
async def test_a_hub_that_is_away_is_waited_for(run: Timed) -> None:
    await run.make()
    await run.go("2026-06-08T06:59")
    run.hub.down = True
    await run.go("2026-06-08T07:20")
    run.hub.down = False
    assert not run.live
    shown = await run.show()
    assert shown["history"][-1]["outcome"] == "trying"
    assert "hub does not answer" in shown["history"][-1]["message"]
    await run.go("2026-06-08T07:26")
    assert len(run.live) == 1
    assert await run.outcomes() == ["started"]


@pytest.mark.shows("K74")
async def test_without_room_it_is_tried_again_and_never_becomes_two(run: Timed) -> None:
    await run.make()
    ada = run.user("ada")
    for name in "abc":
        body = {"kind": "dask", "name": name, "options": ONE}
        assert (await ada.post("backends", json=body)).status_code == 202
    await run.go("2026-06-08T09:00")
    assert len(run.live) == 3
    assert "quota" in (await run.show())["history"][-1]["message"]
    await ada.delete(f"backends/{run.live[0]}")
    await run.go("2026-06-08T12:00")
    assert len(run.live) == 3
    assert len(run.platform.launched) == 4
    assert await run.outcomes() == ["started"]


async def test_what_is_refused_all_day_is_told_with_the_reason(
    run: Timed, catalogue_path: Path
) -> None:
    await run.make()
    text = catalogue_path.read_text()
    catalogue_path.write_text(text.replace("minimum: 1, maximum: 4", "minimum: 2, maximum: 4"))
    assert await asyncio.to_thread(run.service.catalogue.refresh)
    await run.go("2026-06-08T20:00")
    (past,) = (await run.show())["history"]
    assert past["outcome"] == "refused"
    assert "workers is too small" in past["message"]
    assert past["remedy"] == "Choose at least 2."
    assert not run.platform.launched
    await run.patch(launch={"kind": "dask"})
    await run.go("2026-06-09T07:00")
    assert len(run.live) == 1


async def test_what_is_corrected_in_time_is_started_at_once(run: Timed) -> None:
    await run.make()
    run.platform.fail("launch", Unavailable("No.", "Wait."), times=99)
    await run.go("2026-06-08T10:00")
    run.platform._failures.clear()
    await run.patch(launch={"kind": "dask", "options": ONE, "name": "other"})
    assert len(run.live) == 1
    assert run.platform.backends[run.live[0]].spec.name == "office hours", "what was begun goes on"


async def test_a_schedule_does_not_go_to_the_next_user_of_a_name(run: Timed) -> None:
    made = await run.make()
    run.hub.users.pop("ada")
    await run.go("2026-06-08T20:00")
    shown = (await run.client(run.hub.add("ada")).get(f"schedules/{made['id']}")).json()
    assert shown["suspended"]
    assert "no user" in shown["history"][-1]["message"]
    await run.go("2026-06-10T20:00")
    assert not run.platform.launched


async def test_while_suspended_nothing_starts_but_what_runs_stops(run: Timed) -> None:
    await run.make()
    await run.go("2026-06-08T12:00")
    assert (await run.patch(suspended=True))["next_start"] is None
    assert len(run.live) == 1
    await run.go("2026-06-08T19:00")
    assert not run.live
    await run.go("2026-06-10T12:00")
    resumed = await run.patch(suspended=False)
    assert not run.live, "what was due meanwhile is not made up for"
    assert resumed["next_start"] == "2026-06-11T11:00:00Z"
    await run.go("2026-06-11T07:00")
    assert len(run.live) == 1


async def test_a_change_while_it_can_not_start_lets_that_start_go(run: Timed) -> None:
    await run.make()
    run.platform.fail("launch", Unavailable("No.", "Wait."), times=99)
    await run.go("2026-06-08T10:00")
    await run.patch(start="0 11 * * 1-5", stop="0 19 * * 1-5")
    run.platform._failures.clear()
    (past,) = (await run.show())["history"]
    assert (past["outcome"], past["message"]) == (
        "skipped",
        "The schedule was changed before it could be started.",
    )
    await run.go("2026-06-08T11:00")
    assert len(run.live) == 1


async def test_another_stop_counts_for_what_runs(run: Timed) -> None:
    await run.make()
    await run.go("2026-06-08T12:00")
    await run.patch(days="Mon-Fri", **{"from": "07:00", "to": "21:00"})
    await run.go("2026-06-08T20:59")
    assert len(run.live) == 1
    await run.patch(stop="0 20 * * 1-5")
    assert not run.live


async def test_new_times_begin_with_what_comes(run: Timed) -> None:
    await run.make()
    await run.go("2026-06-07T23:00")
    await run.patch(zone="Asia/Tokyo")  # where it is noon on Monday
    assert not run.live
    assert (await run.show())["next_start"] == "2026-06-08T22:00:00Z"


async def test_after_its_last_day_there_is_no_more(run: Timed) -> None:
    await run.make(until="2026-06-09")
    await run.go("2026-06-20T12:00")
    assert len(run.platform.launched) == 2
    assert (await run.show())["next_start"] is None


async def test_fifty_schedules_at_the_same_moment(catalogue_path: Path) -> None:
    text = catalogue_path.read_text()
    catalogue_path.write_text(text.partition("quotas:")[0])
    async with timed(catalogue_path, HandClock(SUNDAY), most_schedules=50) as run:
        for number in range(50):
            await run.make(name=f"s{number}")
        await run.go("2026-06-08T07:00")
        assert len(run.live) == 50
        await run.go("2026-06-08T19:00")
        assert not run.live


async def test_one_that_fails_holds_up_no_other(run: Timed) -> None:
    await run.make(name="stuck", launch={"kind": "dask", "options": ONE, "name": "stuck"})
    await run.make(name="good")
    launch = run.platform.launch

    async def only_good(spec: Spec) -> None:
        if spec.name == "stuck":
            raise RuntimeError("on purpose")
        await launch(spec)

    run.platform.launch = only_good  # type: ignore[method-assign]  # a fault of its own
    await run.go("2026-06-08T08:00")
    assert len(run.live) == 1
    assert not run.ends, "the service goes on"


async def test_a_start_that_is_deleted_meanwhile_leaves_nothing(run: Timed) -> None:
    await run.make()
    release = run.platform.hold("launch")
    run.clock.moment = at("2026-06-08T07:00")
    run.clock._moved.set()
    await run.settled(lambda: "launch" in {step for step, _ in run.platform.calls})
    assert (await run.user("ada").delete(f"schedules/{run.hours}")).status_code == 204
    release()
    await run.clock.settled(run.service.schedule_keeper)
    assert not run.live


async def test_only_the_replica_that_acts_starts_anything(catalogue_path: Path) -> None:
    clock, platform = HandClock(SUNDAY), MemoryPlatform(takes_turns=True)
    async with timed(catalogue_path, clock, platform) as run:
        await run.settled(lambda: run.service.leading)
        made = await run.make()
        begin = platform.hold("leading")
        async with running(catalogue_path, platform, clock=clock) as other:
            await run.go("2026-06-08T07:00")
            assert len(platform.launched) == 1
            assert not list(other.service.schedules)
            begin()
            await other.settled(lambda: other.service.leading)
            assert [record.id for record in other.service.schedules] == [made["id"]]


@pytest.mark.shows("K74")
async def test_two_that_act_at_once_start_one(catalogue_path: Path) -> None:
    """As they should not, and do for a moment when one of them has been asleep."""
    platform, clocks = MemoryPlatform(), [HandClock(SUNDAY), HandClock(SUNDAY)]
    async with timed(catalogue_path, clocks[0], platform) as one:
        await one.make(**_crons("0 7 * * *", "0 19 * * *"))
        async with timed(catalogue_path, clocks[1], platform) as other:
            for day in range(8, 12):
                for hour in ("07", "19"):
                    moment = f"2026-06-{day:02}T{hour}:00"
                    await asyncio.gather(one.go(moment), other.go(moment))
                    assert len(one.live) == (hour == "07")
            assert len(platform.launched) == 4
            assert await one.outcomes() == ["started"] * 4
            assert not one.ends
            assert not other.ends


async def test_the_real_clock_waits_for_what_comes_first() -> None:
    clock, news = Clock(), asyncio.Event()
    await clock.wait(news, clock.now() - HOUR)
    await clock.wait(news, clock.now() + timedelta(milliseconds=20))
    asyncio.get_running_loop().call_later(0.02, news.set)
    async with asyncio.timeout(5):
        await clock.wait(news, clock.now() + HOUR)
        await clock.wait(news, None)


# -- what may go wrong between two steps -------------------------------------------------------


class Mortal(MemoryPlatform):
    """A platform whose service dies before or after one of the steps that last."""

    def __init__(self) -> None:
        super().__init__()
        self.documents = MortalShelf(self)
        self.steps: list[str] = []
        self.dies_at: tuple[int, bool] | None = None
        self.died = asyncio.Event()

    async def last(self, step: str, work: Callable[[], Awaitable[Any]]) -> Any:
        if self.died.is_set():
            await asyncio.Event().wait()
        self.steps.append(step)
        number = len(self.steps)
        if self.dies_at == (number, False):
            await self._die()
        result = await work()
        if self.dies_at == (number, True):
            await self._die()
        return result

    async def _die(self) -> None:
        self.died.set()
        await asyncio.Event().wait()

    def revive(self) -> None:
        self.dies_at = None
        self.died.clear()

    async def launch(self, spec: Spec) -> None:
        await self.last("launch", lambda: MemoryPlatform.launch(self, spec))

    async def claim(self, id: str, spec: Spec) -> bool:
        done: bool = await self.last("claim", lambda: MemoryPlatform.claim(self, id, spec))
        return done

    async def stop(self, id: str, *, forget: bool = True) -> None:
        await self.last("stop", lambda: MemoryPlatform.stop(self, id, forget=forget))


class MortalShelf(MemoryShelf):
    def __init__(self, owner: Mortal) -> None:
        super().__init__()
        self.owner = owner

    async def put(self, sort: str, id: str, text: str, after: str | None) -> Document:
        work = partial(MemoryShelf.put, self, sort, id, text, after)
        document: Document = await self.owner.last("put", work)
        return document


async def _until_it_dies(run: Timed, platform: Mortal, moment: datetime | str) -> None:
    going = asyncio.create_task(run.go(moment))
    dying = asyncio.create_task(platform.died.wait())
    await asyncio.wait((going, dying), return_when=asyncio.FIRST_COMPLETED, timeout=10)
    for task in (going, dying):
        task.cancel()
    await asyncio.gather(going, dying, return_exceptions=True)


STEPS = ["put", "launch", "put", "put", "stop", "put", "launch", "put"]
"""What lasts of two starts, of which the second takes the place of the first."""


@pytest.mark.shows("K74")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
async def test_killed_at_any_step_each_start_is_made_exactly_once(
    catalogue_path: Path, number: int, after: bool
) -> None:
    clock, platform = HandClock(SUNDAY), Mortal()
    async with timed(catalogue_path, clock, platform) as run:
        made = await run.make(**_crons("0 7 * * *", None), tolerance="3 h")
        platform.steps.clear()
        platform.dies_at = (number, after)
        await _until_it_dies(run, platform, "2026-06-09T07:00")
    assert platform.steps == STEPS[:number]
    platform.revive()
    clock.moment += HOUR
    async with timed(catalogue_path, clock, platform) as run:
        run.hours = made["id"]
        await run.go("2026-06-09T09:00")
        assert len(platform.launched) == len(set(platform.launched)) == 2
        assert run.live == [platform.launched[1]]
        shown = await run.show()
        assert shown["running"] == run.live[0]
        assert [past["outcome"] for past in shown["history"]] == ["started", "started"]
        assert [past["backend"] for past in shown["history"]] == platform.launched


@pytest.mark.shows("K74")
async def test_what_was_launched_and_has_ended_is_not_launched_again(catalogue_path: Path) -> None:
    """Killed right after the launch; when the next one comes, the backend is long over."""
    clock, platform = HandClock(SUNDAY), Mortal()
    async with timed(catalogue_path, clock, platform) as run:
        made = await run.make()
        platform.steps.clear()
        platform.dies_at = (2, True)
        await _until_it_dies(run, platform, "2026-06-08T07:00")
    assert platform.steps == ["put", "launch"]
    platform.revive()
    platform.finish(platform.launched[0], forget=False)
    platform.become(platform.launched[0], ended=datetime(2020, 1, 1, tzinfo=UTC))
    clock.moment = at("2026-06-08T12:00")
    async with timed(catalogue_path, clock, platform) as run:
        run.hours = made["id"]
        await run.settled(lambda: not platform.backends)
        await run.go("2026-06-08T18:00")
        assert len(platform.launched) == 1
        assert await run.outcomes() == ["started"]


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_a_claim_of_what_was_kept_ready(catalogue_path: Path, after: bool) -> None:
    text = catalogue_path.read_text()
    warm = "grace: 10 min\n        warm: 1"
    catalogue_path.write_text(text.replace("grace: 10 min", warm).replace("groups: [datf]", ""))
    clock, platform = HandClock(SUNDAY), Mortal()
    async with timed(catalogue_path, clock, platform) as run:
        made = await run.make(launch={"kind": "dask", "profile": "course"})
        await run.settled(lambda: len(platform.launched) == 1)
        platform.steps.clear()
        platform.dies_at = (2, after)
        await _until_it_dies(run, platform, "2026-06-08T07:00")
    assert platform.steps == ["put", "claim"]
    platform.revive()
    async with timed(catalogue_path, clock, platform) as run:
        run.hours = made["id"]
        await run.go("2026-06-08T08:00")
        (mine,) = (o.spec for o in platform.backends.values() if o.spec.owner == "ada")
        assert (await run.show())["running"] == mine.id == platform.launched[0]
        await run.go("2026-06-08T20:00")
        assert platform.backends[mine.id].spec.stop


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("number", range(4))
async def test_a_place_for_documents_that_fails_now_and_then(
    run: Timed, number: int, written: bool
) -> None:
    await run.make()
    failure = (StorageFailed("The disk is full.", "Free some space."), written)
    run.platform.documents.failures = [None] * number + [failure] * 2
    await run.go("2026-06-08T12:00")
    assert len(run.platform.launched) == 1
    assert await run.outcomes() == ["started"]
    await run.go("2026-06-08T20:00")
    assert not run.live
    assert len(run.platform.launched) == 1


async def test_a_stop_that_fails_is_made_later(run: Timed) -> None:
    await run.make()
    await run.go("2026-06-08T18:00")
    run.platform.fail("stop", Unavailable("No.", "Wait."), times=3)
    await run.go("2026-06-08T19:00")
    assert len(run.live) == 1
    await run.go("2026-06-08T19:01")
    assert not run.live
    assert (await run.show())["history"][0]["stopped"] == "2026-06-08T23:00:35Z"


async def test_schedules_that_can_not_be_read_at_first_are_read_later(
    catalogue_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, platform = HandClock(SUNDAY), MemoryPlatform()
    async with timed(catalogue_path, clock, platform) as run:
        await run.make()
    shown = platform.documents.documents

    async def silent(_: str) -> list[Document]:
        raise Unavailable("The API server does not answer.", "Try again in a moment.")

    monkeypatch.setattr(platform.documents, "documents", silent)
    async with timed(catalogue_path, clock, platform) as run:
        await run.go("2026-06-07T12:01")
        monkeypatch.setattr(platform.documents, "documents", shown)
        await run.go("2026-06-08T12:00")
        assert len(run.live) == 1
        assert not run.ends


async def test_a_schedule_that_was_deleted_in_the_cluster_starts_nothing(run: Timed) -> None:
    await run.make()
    run.platform.documents.kept.clear()
    await run.go("2026-06-08T12:00")
    assert not run.platform.launched
    assert (await run.user("ada").get("schedules")).json() == []


async def test_a_spoilt_schedule_is_left_out_and_the_others_work(catalogue_path: Path) -> None:
    clock, platform = HandClock(SUNDAY), MemoryPlatform()
    for id, text in (("bad", "{"), ("worse", '{"id": "worse"}')):
        await platform.documents.put("schedule", id, text, None)
    async with timed(catalogue_path, clock, platform) as run:
        await run.make()
        await run.go("2026-06-08T12:00")
        assert len(run.live) == 1
        assert len((await run.user("ada").get("schedules")).json()) == 1
    assert len(platform.documents.kept) == 3
