"""Schedules over the local platform, with real processes; only the clock is set by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.testing import until
from alongside_service.service import Service
from alongside_workflows.executors.local import LocalExecutor
from tests.doubles.hand_clock import HandClock, at
from tests.platforms.local_home import _installed_toy, home, leftovers, only_toys, settings
from tests.service.conftest import Running, running

__all__ = ["_installed_toy", "home", "only_toys", "settings"]
CATALOGUE = "profiles: {toys: {title: Toys, default: toy, backends: {toy: {}}}}\n"
BODY = {
    "name": "office hours",
    "launch": {"kind": "toy", "options": {"sleepers": 1}},
    "days": "daily",
    "from": "07:00",
    "to": "19:00",
    "zone": "America/New_York",
}


@pytest.mark.shows("K74")
@pytest.mark.usefixtures("only_toys")
async def test_up_at_seven_down_at_seven_through_two_restarts(
    settings: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    catalogue, clock = tmp_path / "catalogue.yaml", HandClock(at("2026-10-31T12:00"))
    catalogue.write_text(CATALOGUE)

    def serving() -> Any:
        return running(catalogue, LocalPlatform(**settings), clock=clock)  # type: ignore[arg-type]  # a real one

    async with serving() as run:
        made = await run.user("ada").post("schedules", json=BODY)
        assert made.status_code == 201, made.text
        path = f"schedules/{made.json()['id']}"
        await clock.go(run.service.schedule_keeper, at("2026-11-01T06:59"))  # clocks were put back
        assert not await _phases(run.service)
        await clock.go(run.service.schedule_keeper, at("2026-11-01T07:00"))
        id = (await run.user("ada").get(path)).json()["running"]
        await until(_platform(run), id, Phase.RUNNING, 30)
    assert leftovers(home), "it runs on without the service"
    clock.moment = at("2026-11-01T12:00")
    async with serving() as run:
        run.hub.add("ada")
        await clock.settled(run.service.schedule_keeper)
        assert await _phases(run.service) == {id: Phase.RUNNING}
    clock.moment = at("2026-11-01T20:00")
    async with serving() as run:
        run.hub.add("ada")
        await clock.settled(run.service.schedule_keeper)
        await until(_platform(run), id, Phase.STOPPED, 30)
        (past,) = (await run.user("ada").get(path)).json()["history"]
        assert (past["outcome"], past["backend"]) == ("started", id)
        assert past["stopped"] == "2026-11-02T01:00:00Z"
        assert (await run.user("ada").delete(path)).status_code == 204
        await _platform(run).stop(id)
        await until(_platform(run), id, None, 30)
    assert not leftovers(home)
    assert not list((home / "shelf" / "schedule").iterdir())


@pytest.mark.usefixtures("only_toys")
@pytest.mark.parametrize("stop", [False, True])
async def test_deleting_a_schedule_ends_what_runs_only_if_asked(
    settings: dict[str, Any], home: Path, tmp_path: Path, stop: bool
) -> None:
    catalogue, clock = tmp_path / "catalogue.yaml", HandClock(at("2026-06-08T06:00"))
    catalogue.write_text(CATALOGUE)
    async with running(catalogue, LocalPlatform(**settings), clock=clock) as run:  # type: ignore[arg-type]  # a real one
        ada = run.user("ada")
        path = f"schedules/{(await ada.post('schedules', json=BODY)).json()['id']}"
        await clock.go(run.service.schedule_keeper, at("2026-06-08T07:00"))
        id = (await ada.get(path)).json()["running"]
        await until(_platform(run), id, Phase.RUNNING, 30)
        answer = await ada.delete(path, params={"stop": "true"} if stop else {})
        assert answer.status_code == 204
        await clock.go(run.service.schedule_keeper, at("2026-06-10T12:00"))
        if not stop:
            assert await _phases(run.service) == {id: Phase.RUNNING}
            await _platform(run).stop(id)
        await until(_platform(run), id, None, 30)
    assert not leftovers(home)


@pytest.mark.usefixtures("only_toys")
async def test_a_workflow_tonight_is_carried_out_while_nobody_looks(
    settings: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    catalogue, clock = tmp_path / "catalogue.yaml", HandClock(at("2026-11-23T18:00"))
    catalogue.write_text(CATALOGUE)
    go, done = tmp_path / "go", tmp_path / "done"
    script = f"until [ -e {go} ]; do sleep 0.05; done; echo $TONIGHT >> {done}"
    step = {"name": "wait", "command": ["sh", "-c", script], "environment": {"TONIGHT": "yes"}}
    body = {
        "name": "tonight",
        "submit": {"workflow": {"name": "report", "steps": [step]}},
        "at": "22:00",
        "zone": "America/New_York",
    }

    def serving() -> Any:
        platform, executor = LocalPlatform(**settings), LocalExecutor(home, warm=False)
        executors = {"local": executor}
        return running(catalogue, platform, clock=clock, executors=executors)  # type: ignore[arg-type]  # a real one

    async with serving() as run:
        made = await run.user("ada").post("schedules", json=body)
        assert made.status_code == 201, made.text
    clock.moment = at("2026-11-23T22:20")
    async with serving() as run:
        run.hub.add("ada")  # who has no session, and sends no token
        await clock.settled(run.service.schedule_keeper)
        (begun,) = run.service.runs
    go.touch()
    async with serving() as run:
        ada, id = run.user("ada"), begun.spec.id
        await run.settled(lambda: not run.service.runs.is_live(id))
        (schedule,) = (await ada.get("schedules")).json()
        (past,) = schedule["history"]
        assert (past["run"], past["state"]) == (id, "succeeded")
        assert (await ada.get(f"runs/{id}")).json()["origin"] == "schedule tonight"
        assert done.read_text() == "yes\n"
        assert (await ada.delete(f"runs/{id}")).status_code == 204
        await run.settled(lambda: not list(run.service.runs))


def _platform(run: Running) -> Any:
    return run.platform


async def _phases(service: Service) -> dict[str, Phase]:
    return {o.spec.id: o.status.phase for o in service.registry}
