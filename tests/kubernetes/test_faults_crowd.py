"""Many backends at once, some of one owner: none gets in another's way."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from kubernetes_asyncio.client import ApiClient

from alongside.names import label_of
from alongside.platforms.kubernetes.objects import PREFIX
from tests.kubernetes import backends
from tests.kubernetes.backends import RUNNING, Bench

# The image has the Python of its distribution.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")
# A machine of two cores has them up in about 45 s; a larger one may be given more.
MANY = int(os.environ.get("ALONGSIDE_TEST_MANY", "20"))
OWNER = "Åsa Ünïcode 名前"


@pytest.mark.shows("K22")
@pytest.mark.timeout(900)
async def test_many_at_once_come_up_and_go(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    images: dict[str, str],
    dask_definitions: None,
) -> None:
    """Half of them one user's, whose name no label could have."""
    async with backends.bench(kubeconfig, kubernetes, namespace, images["session"]) as bench:
        begin = time.monotonic()
        owners = [OWNER if n % 2 else f"user-{n}" for n in range(MANY)]
        specs = await asyncio.gather(*(bench.launch(owner=owner) for owner in owners))
        await asyncio.gather(*(bench.until(spec, RUNNING, 600) for spec in specs))
        up = time.monotonic() - begin
        mine = f"{PREFIX}/owner={label_of(OWNER)}"
        assert len(await bench.items("daskclusters", mine)) == MANY // 2
        sums = [await total(bench, n) for n in range(4)]
        assert sums == [n * 10 for n in range(4)]
        begin = time.monotonic()
        await asyncio.gather(*(bench.platform.stop(spec.id) for spec in specs))
        await asyncio.gather(*(bench.until(spec, None, 300) for spec in specs))
        print(f"{MANY} backends up in {up:.1f} s, gone in {time.monotonic() - begin:.1f} s")
        for spec in specs:
            assert not await bench.left(spec)


async def total(bench: Bench, number: int) -> int:
    """What the backend of this number computes: another sum each, by itself."""
    spec = (await bench.platform.observed())[number].spec
    async with bench.connected(spec) as client:
        assert len((await client.scheduler.identity())["workers"]) == 1
        found: int = await client.submit(sum, [number] * 10, pure=False)
        return found
