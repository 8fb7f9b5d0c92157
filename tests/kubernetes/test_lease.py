"""Who acts, by a Lease of a real API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, CoordinationV1Api

from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.lease import Lease, Record, Renew, Take, Wait, decide
from tests.kubernetes import watching

NAME = "turns"
OURS = Record("a", 15.0, "", "10:00", 3, "7")
THEIRS = Record("b", 15.0, "", "10:00", 3, "7")
FREE = Record("", 1.0, "", "10:00", 3, "7")


@pytest.mark.parametrize(
    ("record", "moment", "action"),
    [
        (None, 100.0, Take(None)),
        (FREE, 100.0, Take(FREE)),
        (OURS, 100.0, Renew(OURS)),
        (OURS, 200.0, Renew(OURS)),
        (THEIRS, 100.0, Wait(15.0)),
        (THEIRS, 114.0, Wait(1.0)),
        (THEIRS, 115.0, Take(THEIRS)),
    ],
)
def test_the_rule(record: Record | None, moment: float, action: object) -> None:
    assert decide(record, 100.0, "a", moment) == action


def test_a_deadline_after_the_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="deadline"):
        Lease(Cluster(), "n", NAME, "a", duration=5, deadline=5)


@pytest.fixture
async def candidate(cluster: Cluster, namespace: str) -> AsyncIterator[Callable[..., Lease]]:
    """Makes candidates, with times that fit a test; all have let go at its end."""
    made: list[Lease] = []

    def make(identity: str, through: Cluster = cluster, **times: float) -> Lease:
        times = {"duration": 3.0, "deadline": 2.0, "retry": 0.3, "poll": 0.3} | times
        made.append(Lease(through, namespace, NAME, identity, **times))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def soon(wish: Any, within: float = 10.0) -> float:
    """How many seconds that took."""
    begin = time.monotonic()
    await asyncio.wait_for(wish, within)
    return time.monotonic() - begin


async def stored(client: ApiClient, namespace: str) -> Any:
    return (await CoordinationV1Api(client).read_namespaced_lease(NAME, namespace)).spec


async def test_the_first_holds_it_and_the_next_has_it_at_once_when_it_lets_go(
    kubernetes: ApiClient, namespace: str, candidate: Callable[..., Lease]
) -> None:
    first, second = candidate("first"), candidate("second", duration=30.0, deadline=20.0)
    await soon(first.acquired())
    waiting = asyncio.create_task(second.acquired())
    # longer than it would last without being renewed
    assert not (await asyncio.wait({waiting}, timeout=4.0))[0]
    assert first.held
    await first.close()
    assert not first.held
    await soon(first.lost())
    assert await soon(waiting) < 1.5
    spec = await stored(kubernetes, namespace)
    assert (spec.holder_identity, spec.lease_transitions) == ("second", 1)


async def test_of_many_at_the_same_time_one_holds_it(candidate: Callable[..., Lease]) -> None:
    many = [candidate(f"c{n}") for n in range(8)]
    waiting = [asyncio.create_task(one.acquired()) for one in many]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    for _ in range(len(many)):
        held = [one for one in many if one.held]
        assert len(held) == 1
        await held[0].close()
        left = [w for w in waiting if not w.done()]
        if left:
            await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED, timeout=10)


async def test_one_that_died_is_followed_when_its_time_is_over(
    candidate: Callable[..., Lease],
) -> None:
    dead, heir = candidate("dead"), candidate("heir")
    await soon(dead.acquired())
    _kill(dead)
    assert 2.0 < await soon(heir.acquired()) < 5.0


async def test_its_own_successor_need_not_wait(
    kubernetes: ApiClient, namespace: str, candidate: Callable[..., Lease]
) -> None:
    dead = candidate("pod", duration=30.0, deadline=20.0)
    await soon(dead.acquired())
    _kill(dead)
    assert await soon(candidate("pod", duration=30.0, deadline=20.0).acquired()) < 1.0
    assert (await stored(kubernetes, namespace)).lease_transitions == 0


class Road(Cluster):
    """A way to the API server that can be cut: what is asked then is not answered."""

    def __init__(self, kubeconfig: str) -> None:
        super().__init__(kubeconfig)
        self.there = asyncio.Event()
        self.there.set()

    async def _ask(self, *args: Any, **kwargs: Any) -> Any:
        await self.there.wait()
        return await super()._ask(*args, **kwargs)


@pytest.fixture
async def road(kubeconfig: str) -> AsyncIterator[Road]:
    road = Road(kubeconfig)
    await road.open()
    yield road
    await road.close()


async def test_one_that_cannot_renew_is_deposed_before_another_may_begin(
    road: Road, candidate: Callable[..., Lease]
) -> None:
    cut, heir = candidate("cut", road), candidate("heir")
    await soon(cut.acquired())
    waiting = asyncio.create_task(heir.acquired())
    road.there.clear()
    await soon(cut.lost())
    assert not cut.held
    assert not waiting.done()
    await soon(waiting)


async def test_a_short_absence_of_the_api_server_changes_nothing(
    road: Road, candidate: Callable[..., Lease]
) -> None:
    holder = candidate("holder", road)
    await soon(holder.acquired())
    losing = asyncio.create_task(holder.lost())
    road.there.clear()
    assert not (await asyncio.wait({losing}, timeout=1.0))[0]
    road.there.set()
    assert not (await asyncio.wait({losing}, timeout=3.0))[0]
    losing.cancel()
    await holder.close()


async def test_one_that_is_taken_away_is_lost(
    kubernetes: ApiClient, namespace: str, candidate: Callable[..., Lease]
) -> None:
    holder = candidate("holder")
    await soon(holder.acquired())
    api = CoordinationV1Api(kubernetes)
    await api.patch_namespaced_lease(NAME, namespace, {"spec": {"holderIdentity": "other"}})
    await soon(holder.lost())
    await holder.close()
    assert (await stored(kubernetes, namespace)).holder_identity == "other"


async def test_one_that_is_deleted_is_made_again(
    kubernetes: ApiClient, namespace: str, candidate: Callable[..., Lease]
) -> None:
    holder = candidate("holder")
    await soon(holder.acquired())
    api = CoordinationV1Api(kubernetes)
    await api.delete_namespaced_lease(NAME, namespace)
    await watching.until(
        api.list_namespaced_lease, namespace, condition=lambda one: one.metadata.name == NAME
    )
    assert holder.held


async def test_an_empty_one_is_taken(
    kubernetes: ApiClient, namespace: str, candidate: Callable[..., Lease]
) -> None:
    empty = {"metadata": {"name": NAME}}
    await CoordinationV1Api(kubernetes).create_namespaced_lease(namespace, empty)
    await soon(candidate("first").acquired())


def _kill(lease: Lease) -> None:
    """What the end of its process does: nothing is renewed, nothing given back."""
    assert lease._task
    lease._task.cancel()
    lease._lost.set()
