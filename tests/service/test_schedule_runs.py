"""Workflows that are submitted by the clock, which is set by hand here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import Unavailable
from alongside_workflows.executors.base import Credentials
from alongside_workflows.runs import RunSpec, State
from tests.doubles.hand_clock import HandClock, at
from tests.doubles.memory_executor import MemoryExecutor
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.test_schedule_keeper import (
    DAY,
    SUNDAY,
    Mortal,
    Timed,
    _until_it_dies,
    hearing,
    timed,
)

FLOW: dict[str, Any] = {"name": "report", "steps": [{"name": "fit", "command": ["true"]}]}
NIGHTLY = {"days": "weekdays", "from": "22:00"}
TONIGHT = {"days": None, "from": None, "at": "22:00"}


def wish(**changes: Any) -> dict[str, Any]:
    """What changes the schedule of a backend into one of a workflow."""
    return {"name": "nightly", "launch": None, "submit": {"workflow": FLOW}, "to": None, **changes}


def submitted(run: Timed) -> list[str]:
    return [id for method, id in run.executor.calls if method == "submit"]


@pytest.fixture
async def run(catalogue_path: Path) -> AsyncIterator[Timed]:
    async with timed(catalogue_path, HandClock(SUNDAY)) as it:
        yield it


async def test_a_workflow_tonight_at_ten(run: Timed) -> None:
    made = await run.make(**wish(**TONIGHT))
    assert (made["once"], made["workflow"]) == ("2026-06-07T22:00:00", "report")
    assert made["next_start"] == "2026-06-08T02:00:00Z"
    assert made["submit"] == {"workflow": FLOW}
    await run.go("2026-06-07T21:59")
    assert not submitted(run)
    await run.go("2026-06-07T22:00")
    (id,) = submitted(run)
    shown = await run.show()
    assert (shown["running"], shown["next_start"]) == (id, None)
    ada = run.user("ada")
    told = (await ada.get(f"runs/{id}")).json()
    assert (told["origin"], told["owner"], told["session"]) == ("schedule nightly", "ada", None)
    run.executor.become(id, State.FAILED)
    await run.settled(lambda: not run.service.runs.is_live(id))
    (listed,) = (await ada.get("schedules")).json()
    assert listed["submit"] is None, "what may be long is told of one at a time"
    assert listed["running"] is None
    (past,) = listed["history"]
    assert (past["outcome"], past["run"], past["state"]) == ("started", id, "failed")
    await run.go("2026-06-12T12:00")
    assert submitted(run) == [id]
    numbers = (await run.user("root", admin=True).get("metrics")).text
    assert 'alongside_schedule_starts_total{kind="workflow"} 1.0' in numbers


async def test_and_every_weekday_through_a_change_of_the_clocks(catalogue_path: Path) -> None:
    async with timed(catalogue_path, HandClock(at("2026-10-25T12:00"))) as run:
        made = await run.make(**wish(**NIGHTLY))
        assert (made["start"], made["overlap"], made["once"]) == ("0 22 * * 1-5", "skip", None)
        for day in range(14):
            await run.go(at("2026-10-25T23:30") + day * DAY)
            for id in submitted(run):
                run.executor.become(id, State.SUCCEEDED)
            await run.settled(lambda: not any(map(run.service.runs.is_live, submitted(run))))
        assert len(set(submitted(run))) == len(submitted(run)) == 10
        history = (await run.show())["history"]
        assert [past["due"][11:13] for past in history] == ["02"] * 5 + ["03"] * 5
        assert {past["state"] for past in history} == {"succeeded"}


async def test_how_its_run_goes_is_told_to_those_who_look(run: Timed) -> None:
    await run.make(**wish(**TONIGHT))
    await run.go("2026-06-07T22:00")
    told, reader = await hearing(run)
    await run.settled(lambda: told == ["snapshot"])
    run.executor.become(submitted(run)[0], State.SUCCEEDED)
    await run.settled(lambda: sorted(told[1:]) == ["run", "schedule"])
    reader.cancel()


async def test_one_that_still_runs_is_not_joined_by_another(run: Timed) -> None:
    await run.make(**wish(**NIGHTLY))
    await run.go("2026-06-09T23:00")
    (id,) = submitted(run)
    assert await run.outcomes() == ["started", "skipped"]
    assert (await run.show())["history"][-1]["run"] == id
    run.executor.become(id, State.SUCCEEDED)
    await run.go("2026-06-10T22:00")
    assert len(submitted(run)) == 2


async def test_or_is_where_that_is_wanted(run: Timed) -> None:
    await run.make(**wish(**NIGHTLY, overlap="together"))
    await run.go("2026-06-10T23:00")
    assert len(set(submitted(run))) == 3
    assert all(map(run.service.runs.is_live, submitted(run)))
    assert await run.outcomes() == ["started"] * 3


async def test_a_service_that_was_away_submits_the_last_one_late(catalogue_path: Path) -> None:
    clock, platform, executor = HandClock(SUNDAY), MemoryPlatform(), MemoryExecutor()
    async with timed(catalogue_path, clock, platform, executor=executor) as run:
        made = await run.make(**wish(**NIGHTLY))
    clock.moment = at("2026-06-12T09:00")  # Monday to Thursday were due
    async with timed(catalogue_path, clock, platform, executor=executor) as run:
        run.hours = made["id"]
        assert len(submitted(run)) == 1
        assert await run.outcomes() == ["missed"] * 3 + ["started"]
    clock.moment = at("2026-06-13T12:00")  # Friday's is too late by now
    async with timed(catalogue_path, clock, platform, executor=executor) as run:
        run.hours = made["id"]
        assert len(submitted(run)) == 1
        assert (await run.outcomes())[-1] == "missed"


async def test_what_can_not_be_submitted_is_tried_again_and_told(run: Timed) -> None:
    await run.make(**wish(**TONIGHT))
    run.executor.failures["submit"] = [Unavailable("No disk.", "Wait.")] * 2
    await run.go("2026-06-07T22:01")
    assert await run.outcomes() == ["started"]
    assert len(set(submitted(run))) == 1


async def test_it_is_submitted_only_for_an_owner_that_the_hub_knows(run: Timed) -> None:
    made = await run.make(**wish(**NIGHTLY))
    run.hub.users.pop("ada")
    await run.go("2026-06-09T12:00")
    assert not submitted(run)
    shown = (await run.client(run.hub.add("ada")).get(f"schedules/{made['id']}")).json()
    assert shown["suspended"]


async def test_the_quota_is_that_of_the_moment(catalogue_path: Path) -> None:
    async with timed(catalogue_path, HandClock(SUNDAY), most_live_runs=1) as run:
        ada = run.user("ada")
        other = (await ada.post("runs", json={"workflow": FLOW})).json()["id"]
        await run.make(**wish(**TONIGHT))
        await run.go("2026-06-07T23:00")
        (past,) = (await run.show())["history"]
        assert past["outcome"] == "trying"
        assert "under way" in past["message"]
        run.executor.become(other, State.SUCCEEDED)
        await run.settled(lambda: not run.service.runs.is_live(other))
        await run.go("2026-06-07T23:10")
        assert await run.outcomes() == ["started"]


async def test_its_oldest_runs_make_room_and_those_of_people_do_not(catalogue_path: Path) -> None:
    async with timed(catalogue_path, HandClock(SUNDAY), most_runs=3) as run:
        ada = run.user("ada")
        mine = (await ada.post("runs", json={"workflow": FLOW})).json()["id"]
        await run.make(**wish(**NIGHTLY))
        for day in range(8, 12):
            await run.go(f"2026-06-{day:02}T22:00")
            for id in run.executor.runs:
                run.executor.become(id, State.SUCCEEDED)
            await run.settled(lambda: not any(map(run.service.runs.is_live, run.executor.runs)))
        assert await run.outcomes() == ["started"] * 4
        assert set(run.executor.runs) == {mine, *submitted(run)[-2:]}


@pytest.mark.parametrize("stop", ["", "true"])
async def test_delete_ends_what_runs_only_if_asked(run: Timed, stop: str) -> None:
    made = await run.make(**wish(**TONIGHT))
    await run.go("2026-06-07T22:00")
    params = {"stop": stop} if stop else {}
    path = f"schedules/{made['id']}"
    assert (await run.user("ada").delete(path, params=params)).status_code == 204
    (id,) = submitted(run)
    assert run.executor.runs[id].status.state.final == bool(stop)


async def test_once_becomes_every_day_and_back(run: Timed) -> None:
    await run.make(**wish(**TONIGHT))
    changed = await run.patch(days="daily", **{"from": "21:00"})
    assert (changed["once"], changed["until"]) == (None, None)
    changed = await run.patch(at="2026-06-09T20:00")
    assert (changed["once"], changed["until"]) == ("2026-06-09T20:00:00", "2026-06-09")
    await run.go("2026-06-20T12:00")
    assert len(submitted(run)) == 1


async def test_another_workflow_from_the_next_time_on(run: Timed) -> None:
    await run.make(**wish(**NIGHTLY))
    changed = await run.patch(submit={"workflow": {**FLOW, "name": "summary"}})
    assert changed["workflow"] == "summary"
    await run.go("2026-06-08T22:00")
    assert submitted(run)[0].startswith("summary-")
    refused = await run.user("ada").patch(
        f"schedules/{run.hours}", json={"launch": {"kind": "dask"}}
    )
    assert refused.status_code == 422
    assert "either of a backend or of a workflow" in refused.text


async def test_one_that_is_over_makes_room_for_another(catalogue_path: Path) -> None:
    async with timed(catalogue_path, HandClock(SUNDAY), most_schedules=1) as run:
        first = await run.make(**wish(**TONIGHT))
        again = await run.user("ada").post(
            "schedules", json={"zone": "UTC", **wish(name="b", **NIGHTLY)}
        )
        assert again.status_code == 403, "it is still to come"
        await run.go("2026-06-07T22:00")
        await run.make(**wish(name="b", **NIGHTLY))
        (left,) = (await run.user("ada").get("schedules")).json()
        assert left["id"] == run.hours != first["id"]
        assert len(submitted(run)) == 1


SESSION = {"steps": [{"name": "fit", "command": ["true"], "backend": "session"}]}
TOO_MUCH = {"kind": "dask", "options": {"workers": 99}}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"submit": {}}, "submit.workflow", "missing"),
        ({"submit": {"workflow": {**FLOW, "steps": []}}}, "submit.workflow.steps", ""),
        ({"submit": {"workflow": FLOW, "session": ""}}, "submit", "no session"),
        ({"submit": {"workflow": FLOW, "owner": "bob"}}, "submit", "owner"),
        ({"submit": {"workflow": FLOW, "account": "root"}}, "submit", "account"),
        ({"submit": {"workflow": FLOW | SESSION}}, "submit", "a backend of its own"),
        ({"submit": {"workflow": FLOW, "executor": "argo"}}, "executor", "no executor"),
        ({"submit": {"workflow": {**FLOW, "pod": {"image": "x"}}}}, "", "Only the hub"),
        (
            {"submit": {"workflow": {**FLOW, "backends": {"b": TOO_MUCH}}}},
            "workflow.backends.b.options.workers",
            "too large",
        ),
        ({"at": "2020-01-01T22:00", "days": None, "from": None}, "at", "is over"),
    ],
)
async def test_what_could_never_be_submitted_is_refused_at_once(
    run: Timed, changes: dict[str, Any], field: str, words: str
) -> None:
    body = {"zone": "UTC", **wish(**NIGHTLY), **changes}
    answer = await run.user("ada").post("schedules", json=body)
    assert answer.status_code in {403, 422}, answer.text
    problem = answer.json()
    assert field in problem.get("field", "") + str(problem.get("errors", ""))
    assert words in answer.text
    assert problem["remedy"]
    assert not run.platform.documents.kept


class MortalExecutor(MemoryExecutor):
    """Its service dies before or after a run is handed over, as that of a mortal platform."""

    def __init__(self, platform: Mortal) -> None:
        super().__init__()
        self.platform = platform

    async def submit(self, spec: RunSpec, credentials: Credentials) -> None:
        await self.platform.last("submit", lambda: MemoryExecutor.submit(self, spec, credentials))


STEPS = ["put", "submit", "put"]


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
async def test_killed_at_any_step_a_run_is_submitted_exactly_once(
    catalogue_path: Path, number: int, after: bool, ended: bool
) -> None:
    clock, platform = HandClock(SUNDAY), Mortal()
    executor = MortalExecutor(platform)
    async with timed(catalogue_path, clock, platform, executor=executor) as run:
        made = await run.make(**wish(**NIGHTLY))
        platform.steps.clear()
        platform.dies_at = (number, after)
        await _until_it_dies(run, platform, "2026-06-08T22:00")
    assert platform.steps == STEPS[:number]
    platform.revive()
    for id in executor.runs if ended else ():
        executor.become(id, State.SUCCEEDED)
    clock.moment = at("2026-06-08T23:00")
    async with timed(catalogue_path, clock, platform, executor=executor) as run:
        run.hours = made["id"]
        await run.go("2026-06-09T21:00")
        (id,) = executor.runs
        (past,) = (await run.show())["history"]
        assert (past["outcome"], past["run"]) == ("started", id)
