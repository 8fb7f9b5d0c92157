"""What follows from what is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alongside.errors import StorageFailed, Unavailable
from alongside.models import Lifetime, Resources, Spec, Status
from alongside.phases import Phase
from alongside.platforms.base import Observed
from alongside_service.reconciler import SLACK, STOPPING, Detach, Facts, Stop, Wait, decide
from tests.service.conftest import Running
from tests.waiting import awaited

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = Facts(now=T0)


def backend(phase: Phase = Phase.RUNNING, status: Any = None, **spec: Any) -> Observed:
    """A backend of the default session that has been running for an hour."""
    values: dict[str, Any] = {
        "id": "etl-x",
        "name": "etl",
        "kind": "dask",
        "platform": "local",
        "profile": "small",
        "owner": "ada",
        "session": "",
        "options": {},
        "resources": Resources(),
        "created": T0 - HOUR,
    }
    return Observed(Spec(**{**values, **spec}), Status(phase=phase, **(status or {})))


GONE = replace(FACTS, session_gone=T0 - timedelta(minutes=1))


@pytest.mark.shows("K5", "T28", "T32")
@pytest.mark.parametrize(
    ("observed", "facts", "action"),
    [
        (backend(), FACTS, Wait()),
        (backend(session=None), GONE, Wait()),
        (backend(), GONE, Stop("its session has ended", forget=True)),
        (backend(keep=True), GONE, Detach()),
        (
            backend(),
            replace(GONE, grace=timedelta(minutes=5)),
            Wait(T0 + timedelta(minutes=4)),
        ),
        (backend(keep=True), replace(FACTS, owner_gone=True), Stop("its owner is gone", True)),
        (backend(stop=True), GONE, Wait(T0 + STOPPING)),
        (backend(Phase.STOPPING), GONE, Wait(T0 + STOPPING)),
        (
            backend(lifetime=Lifetime(maximum="1 h")),
            FACTS,
            Wait(T0 + SLACK),
        ),
        (
            backend(lifetime=Lifetime(maximum="1 min")),
            FACTS,
            Stop("its maximum lifetime is over", forget=False),
        ),
        (
            backend(status={"idle_since": T0 - HOUR}, lifetime=Lifetime(idle="30 min")),
            FACTS,
            Stop("it had nothing to do for too long", forget=False),
        ),
        (
            backend(status={"idle_since": T0}, lifetime=Lifetime(idle="30 min", maximum="8 h")),
            FACTS,
            Wait(T0 + timedelta(minutes=30) + SLACK),
        ),
        (
            backend(Phase.FAILED, {"ended": T0 - HOUR / 4}),
            FACTS,
            Wait(T0 + HOUR * 3 / 4),
        ),
        (
            backend(Phase.STOPPED, {"ended": T0 - timedelta(days=2)}),
            FACTS,
            Stop("its record is of no use any more", forget=True),
        ),
        (
            backend(Phase.FAILED, {"ended": T0}),
            replace(FACTS, superseded=True),
            Stop("its record is of no use any more", forget=True),
        ),
    ],
)
def test_the_decision(observed: Observed, facts: Facts, action: object) -> None:
    assert decide(observed, facts) == action


async def session_is_gone(run: Running, user: str) -> None:
    """The hub has said twice that the session is gone."""
    run.hub.servers[user] = set()
    await run.service.reaper.look()
    await run.service.reaper.look()


@pytest.mark.shows("K5")
async def test_a_backend_ends_with_its_session(run: Running) -> None:
    ada = run.user("ada")
    tied = (await ada.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    free = (await ada.post("backends", json={"kind": "dask", "name": "free"})).json()["id"]
    await run.service.reaper.look()
    await session_is_gone(run, "ada")
    await run.settled(lambda: run.service.registry.get(tied) is None)
    assert free in run.platform.backends


@pytest.mark.shows("K5")
async def test_one_that_is_kept_goes_on_without_its_session(run: Running) -> None:
    ada = run.user("ada")
    body = {"kind": "dask", "session": "", "keep": True}
    id = (await ada.post("backends", json=body)).json()["id"]
    await session_is_gone(run, "ada")
    await run.settled(lambda: run.service.registry.get(id).spec.session is None)
    assert run.platform.backends[id].spec.session is None
    assert (await ada.get("me")).json()["used"]["backends"] == 1


async def test_a_session_missing_once_is_not_gone(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    run.hub.servers["ada"] = set()
    await run.service.reaper.look()
    run.hub.servers["ada"] = {""}
    await run.service.reaper.look()
    run.hub.servers["ada"] = set()
    await run.service.reaper.look()
    assert run.service.reaper.session_gone(run.service.registry.get(id).spec) is None


async def test_a_hub_that_does_not_answer_ends_nothing(run: Running) -> None:
    ada = run.user("ada")
    await ada.post("backends", json={"kind": "dask", "session": ""})
    run.hub.down = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await run.service.reaper.look()
    assert len(run.platform.backends) == 1


async def test_a_service_that_may_not_see_all_users_ends_nothing(run: Running) -> None:
    await run.user("ada").post("backends", json={"kind": "dask", "session": ""})
    run.hub.scopes = frozenset({"list:users!group=staff", "read:servers"})
    run.hub.servers["ada"] = set()
    for _ in range(3):
        with pytest.raises(Unavailable, match="lacks the hub scopes list:users"):
            await run.service.reaper.look()
    assert len(run.platform.backends) == 1


async def test_the_backends_of_a_deleted_user_end(run: Running) -> None:
    ada = run.user("ada")
    for name, keep in (("tied", True), ("free", False)):
        await ada.post("backends", json={"kind": "dask", "name": name, "keep": keep})
    del run.hub.users["ada"]
    await run.service.reaper.look()
    await run.service.reaper.look()
    await run.settled(lambda: not len(run.service.registry))
    assert not run.platform.backends


@pytest.mark.shows("K5")
async def test_the_spawner_says_that_a_session_has_ended(run: Running) -> None:
    ada = run.user("ada", "datf")
    tied = (await ada.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    body = {"kind": "dask", "session": "", "name": "kept", "keep": True}
    kept = (await ada.post("backends", json=body)).json()["id"]
    body = {"kind": "dask", "session": "", "name": "waits", "profile": "course"}
    waits = (await ada.post("backends", json=body)).json()["id"]
    query = "backends?owner=ada&session="
    assert (await run.user("mallory").delete(query)).status_code == 403
    answer = await run.spawner.delete(query)
    assert {b["id"] for b in answer.json()} == {tied, kept, waits}
    await run.settled(lambda: run.service.registry.get(tied) is None)
    assert run.platform.backends[kept].spec.session is None
    assert not run.platform.backends[waits].spec.stop
    assert [b["id"] for b in (await run.spawner.delete(query)).json()] == [waits]


async def test_an_end_that_fails_is_tried_again(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    run.platform.fail("stop", StorageFailed("The disk is full.", ""), times=2)
    await session_is_gone(run, "ada")
    await run.settled(lambda: run.service.registry.get(id) is None, within=10)
    assert [c for c in run.platform.calls if c == ("stop", id)] == [("stop", id)] * 3


async def test_a_backend_that_hangs_does_not_hold_up_another(run: Running) -> None:
    ada, bob = run.user("ada"), run.user("bob")
    await ada.post("backends", json={"kind": "dask", "session": ""})
    other = (await bob.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    release = run.platform.hold("stop")
    await session_is_gone(run, "ada")
    await awaited("a stop", lambda: "stop" in {step for step, _ in run.platform.calls})
    run.platform._gates.clear()
    await session_is_gone(run, "bob")
    await run.settled(lambda: run.service.registry.get(other) is None)
    release()


async def test_a_watch_that_breaks_is_begun_anew_and_nothing_is_missed(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    await run.settled(lambda: run.service.registry.get(id).status.phase == Phase.RUNNING)
    run.platform.break_watches()
    await run.settled(lambda: not run.platform._watchers)
    del run.platform.backends[id]
    await run.settled(lambda: run.service.registry.get(id) is None)


async def test_news_that_were_lost_are_made_up_for(run: Running) -> None:
    ada = run.user("ada")
    kept, lost = [
        (await ada.post("backends", json={"kind": "dask", "name": name})).json()["id"]
        for name in ("kept", "lost")
    ]
    known = run.platform.backends.pop(lost)
    await run.service.registry.load(run.platform)
    assert [o.spec.id for o in run.service.registry] == [kept]
    run.platform.backends[lost] = known
    await run.service.registry.load(run.platform)
    assert {o.spec.id for o in run.service.registry} == {kept, lost}
