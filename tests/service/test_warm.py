"""Backends that are kept ready, and the launches that they meet."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alongside.errors import StorageFailed, Unavailable
from alongside.models import Pod, Spec, Status, now
from alongside.phases import Phase
from alongside.platforms.base import Observed
from alongside.testing.waiting import make_spec
from alongside_service import warm as stock
from alongside_service.claims import claimed, fits
from alongside_service.warm import Plan, plan
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.conftest import CATALOGUE, Running, running

LAUNCH = {"kind": "dask", "profile": "small"}


def warm(count: int, text: str = CATALOGUE) -> str:
    """The catalogue with so many small ones kept ready."""
    return text.replace(
        "    backends:\n      dask:\n", f"    backends:\n      dask:\n        warm: {count}\n", 1
    )


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claimed ones are replaced sooner than where sessions start."""
    monkeypatch.setattr(stock, "BEHIND", 0.2)


@pytest.fixture
def warm_catalogue(catalogue_path: Path) -> Path:
    catalogue_path.write_text(warm(3))
    return catalogue_path


@pytest.fixture
async def stocked(warm_catalogue: Path) -> AsyncIterator[Running]:
    """A service that keeps three ready."""
    async with running(warm_catalogue) as run:
        await run.settled(lambda: ready(run) == 3)
        yield run


def unclaimed(run: Running) -> list[Observed]:
    return [o for o in run.platform.backends.values() if o.spec.unclaimed]


def ready(run: Running) -> int:
    return sum(o.status.phase is Phase.RUNNING for o in run.service.registry.of(""))


def of(run: Running, answer: httpx.Response) -> Spec:
    assert answer.status_code == 202, answer.text
    return run.platform.backends[answer.json()["id"]].spec


async def test_a_launch_of_the_default_size_gets_one_that_is_ready(stocked: Running) -> None:
    stocked.platform.automatic = False  # what is started from now on stays pending
    ada = stocked.user("ada")
    body = LAUNCH | {"name": "etl", "session": "", "lifetime": {"idle": "10 min"}, "keep": True}
    answer = await ada.post("backends", json=body)
    shown = answer.json()
    assert (shown["phase"], shown["owner"], shown["name"]) == ("running", "ada", "etl")
    spec = of(stocked, answer)
    assert (spec.owner, spec.session, spec.keep, spec.generation) == ("ada", "", True, 2)
    assert spec.lifetime.idle == timedelta(minutes=10)
    assert spec.lifetime.maximum == timedelta(hours=8)
    assert now() - spec.created < timedelta(seconds=10)
    assert [one["id"] for one in (await ada.get("backends")).json()] == [spec.id]
    assert (await ada.get("me")).json()["used"]["backends"] == 1
    assert (await ada.get(f"backends/{spec.id}/connection")).status_code == 200
    await stocked.settled(lambda: len(unclaimed(stocked)) == 3)  # refilled behind


async def test_whoever_claimed_has_the_machine_first(
    stocked: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "BEHIND", 3.0)
    began = time.monotonic()
    await stocked.user("ada").post("backends", json=LAUNCH)
    assert len(unclaimed(stocked)) == 2
    await stocked.settled(lambda: len(unclaimed(stocked)) == 3)
    assert time.monotonic() - began > 2.9


async def test_another_size_another_container_or_another_account_is_started_anew(
    stocked: Running,
) -> None:
    stocked.user("ada")
    for extra in (
        {"options": {"workers": 3}},
        {"pod": {"image": "another"}},
        {"account": "ada"},
    ):
        body = LAUNCH | {"owner": "ada", "name": str(extra)[:60]} | extra
        spec = of(stocked, await stocked.spawner.post("backends", json=body))
        assert not spec.claimed
    assert ready(stocked) == 3


async def test_of_many_launches_at_once_as_many_as_are_ready_are_met(stocked: Running) -> None:
    stocked.platform.automatic = False
    clients = [stocked.user(f"user{n}") for n in range(50)]
    answers = await asyncio.gather(*(c.post("backends", json=LAUNCH) for c in clients))
    specs = [of(stocked, answer) for answer in answers]
    assert len({spec.id for spec in specs}) == 50
    phases = Counter(answer.json()["phase"] for answer in answers)
    assert phases == {"running": 3, "pending": 47}
    assert sum(bool(spec.claimed) for spec in specs) == 3
    metrics = (await stocked.spawner.get("metrics")).text
    assert 'alongside_claimed_total{kind="dask",platform="local"} 3.0' in metrics


async def test_they_are_nobodys(stocked: Running) -> None:
    ada, root = stocked.user("ada"), stocked.user("root", admin=True)
    id = unclaimed(stocked)[0].spec.id
    assert (await ada.get("backends")).json() == []
    for path in (f"backends/{id}", f"backends/{id}/connection", f"backends/{id}/logs"):
        assert (await ada.get(path)).status_code == 404
    assert (await ada.delete(f"backends/{id}")).status_code == 404
    assert len((await root.get("backends")).json()) == 3
    for client in (root, stocked.spawner):
        assert (await client.get(f"backends/{id}")).status_code == 200
        assert (await client.get(f"backends/{id}/connection")).status_code == 403
        change = await client.patch(f"backends/{id}", json={"options": {"workers": 1}})
        assert change.status_code == 403
    metrics = (await root.get("metrics")).text
    assert 'alongside_warm_backends{kind="dask",phase="running",platform="local"} 3.0' in metrics
    assert "alongside_backends{" not in metrics


async def test_they_end_neither_with_sessions_nor_with_users(stocked: Running) -> None:
    stocked.user("ada")
    await stocked.service.reaper.look()
    await stocked.service.reaper.look()
    for observed in unclaimed(stocked):
        stocked.platform.become(observed.spec.id, idle_since=now() - timedelta(days=2))
    await stocked.settled(lambda: all(o.status.idle_since for o in stocked.service.registry))
    assert not [call for call in stocked.platform.calls if call[0] == "stop"]
    # and the time before the claim does not count after it
    spec = of(stocked, await stocked.user("bob").post("backends", json=LAUNCH))
    assert spec.claimed
    stocked.service.reconciler.look(spec.id)
    await stocked.settled(lambda: len(unclaimed(stocked)) == 3)
    assert not stocked.platform.backends[spec.id].spec.stop


async def test_a_quota_counts_as_for_any_other(stocked: Running) -> None:
    ada = stocked.user("ada")
    for number in range(3):
        assert (await ada.post("backends", json=LAUNCH | {"name": f"b{number}"})).is_success
        await stocked.settled(lambda: ready(stocked) == 3)
    refused = await ada.post("backends", json=LAUNCH | {"name": "one more"})
    assert refused.json()["type"].endswith("quota-exceeded")
    assert ready(stocked) == 3


async def test_a_request_repeated_after_a_crash_finds_what_it_claimed(warm_catalogue: Path) -> None:
    """The service is gone between the claim and its answer."""
    platform = MemoryPlatform()
    key = {"Idempotency-Key": "once"}
    async with running(warm_catalogue, platform) as run:
        await run.settled(lambda: ready(run) == 3)
        platform.fail("claim", Unavailable("gone", ""), after=True)
        answer = await run.user("ada").post("backends", json=LAUNCH, headers=key)
        assert answer.status_code == 503
    (mine,) = [o.spec.id for o in platform.backends.values() if o.spec.owner == "ada"]
    async with running(warm_catalogue, platform) as run:
        ada = run.user("ada")
        for _ in range(2):
            answer = await ada.post("backends", json=LAUNCH, headers=key)
            assert answer.json()["id"] == mine
        other = await ada.post("backends", json=LAUNCH | {"options": {"workers": 1}}, headers=key)
        assert other.status_code == 422
        await run.settled(lambda: len(unclaimed(run)) == 3)


@pytest.mark.parametrize("after", [True, False])
async def test_a_claim_without_an_answer_is_not_made_twice(stocked: Running, after: bool) -> None:
    stocked.platform.hold("watch")
    stocked.platform.break_watches()  # nobody tells what has become of it
    stocked.platform.fail("claim", Unavailable("gone", ""), after=after)
    ada, key = stocked.user("ada"), {"Idempotency-Key": "once"}
    assert (await ada.post("backends", json=LAUNCH, headers=key)).status_code == 503
    assert (await ada.post("backends", json=LAUNCH, headers=key)).status_code == 202
    owned = [o.spec for o in stocked.platform.backends.values() if o.spec.owner == "ada"]
    assert len(owned) == 1


async def test_one_that_ended_just_now_is_no_hindrance(stocked: Running) -> None:
    stocked.platform.hold("watch")
    stocked.platform.break_watches()
    gone = min(unclaimed(stocked), key=lambda o: o.spec.created).spec.id
    del stocked.platform.backends[gone]
    spec = of(stocked, await stocked.user("ada").post("backends", json=LAUNCH))
    assert spec.claimed
    assert spec.id != gone


async def test_what_the_catalogue_says_is_kept_ready(
    stocked: Running, warm_catalogue: Path
) -> None:
    before = {o.spec.id for o in unclaimed(stocked)}
    warm_catalogue.write_text(warm(1))
    await stocked.settled(lambda: len(unclaimed(stocked)) == 1, within=15)
    assert {o.spec.id for o in unclaimed(stocked)} < before
    warm_catalogue.write_text(warm(2).replace("workers: {default: 2", "workers: {default: 3"))
    await stocked.settled(
        lambda: [o.spec.options["workers"] for o in unclaimed(stocked)] == [3, 3], within=15
    )
    warm_catalogue.write_text(CATALOGUE)
    await stocked.settled(lambda: not unclaimed(stocked), within=15)


async def test_a_platform_that_cannot_give_them_away_keeps_none(warm_catalogue: Path) -> None:
    platform = MemoryPlatform()
    platform.claims = False
    async with running(warm_catalogue, platform) as run:
        assert (await run.user("ada").post("backends", json=LAUNCH)).status_code == 202
        assert not unclaimed(run)


async def test_a_platform_that_refuses_is_asked_again(warm_catalogue: Path) -> None:
    platform = MemoryPlatform()
    platform.fail("launch", StorageFailed("full", ""), times=2)
    async with running(warm_catalogue, platform) as run:
        await run.settled(lambda: ready(run) == 3, within=15)


MODEL = make_spec("dask", {"workers": 2}, owner="")
MOMENT = MODEL.created + timedelta(hours=1)


def one(phase: Phase = Phase.RUNNING, age: float = 1, status: Any = None, **spec: Any) -> Observed:
    """One that was made `age` hours ago."""
    created = MOMENT - timedelta(hours=age)
    changed = MODEL.model_copy(update={"created": created, "id": f"{phase}-{age}", **spec})
    return Observed(changed, Status(phase=phase, **(status or {})))


@pytest.mark.parametrize(
    ("count", "there", "wanted"),
    [
        (0, [], Plan()),
        (2, [], Plan((MODEL, MODEL))),
        (2, [one(), one(Phase.PENDING)], Plan()),
        (1, [one(), one(Phase.PENDING, 0.5)], Plan((), (one(Phase.PENDING, 0.5),))),
        (1, [one(age=2), one(age=1)], Plan((), (one(age=2),))),
        (1, [one(age=25)], Plan((MODEL,), (one(age=25),))),
        (1, [one(Phase.STOPPING)], Plan((MODEL,))),
        (1, [one(stop=True)], Plan((MODEL,))),
        (1, [one(pod=Pod(image="old"))], Plan((MODEL,), (one(pod=Pod(image="old")),))),
        (0, [one()], Plan((), (one(),))),
        (1, [one(Phase.FAILED, status={"ended": MOMENT - timedelta(seconds=30)})], Plan()),
        (1, [one(Phase.FAILED, status={"ended": MOMENT - timedelta(hours=1)})], Plan((MODEL,))),
        (1, [one(profile="other")], Plan((MODEL,), (one(profile="other"),))),
    ],
)
def test_the_plan(count: int, there: list[Observed], wanted: Plan) -> None:
    assert plan([(MODEL, count)], there, MOMENT) == wanted


def test_what_is_not_ready_or_not_free_fits_nobody() -> None:
    wish = MODEL.model_copy(update={"owner": "ada", "id": "wish"})
    assert fits(one(), wish)
    for other in (one(Phase.PENDING), one(Phase.STOPPING), one(stop=True), one(owner="bob")):
        assert not fits(other, wish)
    taken = claimed(one().spec, wish)
    assert (taken.id, taken.claimed, taken.owner) == (one().spec.id, "wish", "ada")
