"""Locales on several nodes: their memory counts together, and all of them write to one place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from alongside import elsewhere
from tests.client.arkouda_kernel import imported
from tests.kubernetes.arkouda_place import Place, definition, place

__all__ = ["definition", "place"]

pytestmark = pytest.mark.timeout(400)
MEMORY = 256 * 2**20  # of each locale
SIZE = 33_800_000  # values of 8 bytes, which are more than that, and of which 7919 is no factor
VOLUME = {
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    "volume_mounts": [{"name": "data", "mountPath": "/data"}],
}


@pytest.fixture
def ak(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client in this process."""
    with imported("2026", monkeypatch) as module:
        yield module


async def attach(place: Place, name: str) -> None:
    """Connect the client of this process, by the address of the server's pod."""
    server = (await place.pods(name))[f"{name}-server"]
    await asyncio.to_thread(elsewhere.attach, server.status.pod_ip, 5555, place.token)


async def resident(place: Place, pods: dict[str, Any]) -> dict[str, int]:
    """Bytes that the largest process, which is the server or its locale, has in memory, by pod."""
    script = "sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/[0-9]*/status"
    found = {}
    for name in pods:
        container = "server" if name.endswith("-server") else "locale"
        said = await place.run(name, "/bin/sh", "-c", script, container=container)
        found[name] = 1024 * max(int(line) for line in said.split())
    return found


@pytest.mark.shows("K49")
async def test_an_array_larger_than_one_locales_memory_is_sorted_over_several_nodes(
    place: Place, ak: Any
) -> None:
    await place.make("sums", locales=3, memory=MEMORY)
    await place.running("sums", 3)
    pods = await place.pods("sums")
    assert len({pod.spec.node_name for pod in pods.values()}) == 2
    await attach(place, "sums")
    before = await resident(place, pods)
    assert SIZE * 8 > MEMORY

    def mixed() -> Any:
        """Each number below the size once, in no order; two arrays at most are there at once."""
        numbers = ak.arange(SIZE)
        products = numbers * 7919
        del numbers
        return products % SIZE

    array = await asyncio.to_thread(mixed)
    ordered = await asyncio.to_thread(ak.sort, array)
    taken = {name: now - before[name] for name, now in (await resident(place, pods)).items()}
    each = 2 * SIZE * 8 / 3
    for name, grown in taken.items():
        assert 0.8 * each < grown < 1.25 * each, f"{name}: {taken}"
    # by a function that looks it up: a thread holds for a moment what it was given to call
    assert await asyncio.to_thread(lambda: array.sum()) == SIZE * (SIZE - 1) // 2
    array = None
    assert await asyncio.to_thread(lambda: (ordered == ak.arange(SIZE)).sum()) == SIZE
    # what the three can't hold together is refused, and they go on
    with pytest.raises(RuntimeError, match="memory"):
        await asyncio.to_thread(ak.arange, 3 * SIZE)
    assert await place.said("sums", "ruok") == "imok"


@pytest.mark.shows("K39", "K40")
async def test_what_all_locales_have_written_is_read_after_a_new_start(
    place: Place, ak: Any
) -> None:
    """V38: Parquet and HDF5 of a random column of 10^7 values, as another user's files (V27)."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    await place.core.create_namespaced_persistent_volume_claim(place.namespace, claim)
    user = {"uid": 1009, "gid": 1019}
    # twice as much: whoever hands 80 MB to a client has them several times over
    await place.make("sums", locales=3, memory=2 * MEMORY, user=user, pod=VOLUME)
    await place.running("sums", 3)
    assert len({pod.spec.node_name for pod in (await place.pods("sums")).values()}) == 2
    await attach(place, "sums")
    values = np.random.default_rng(7).integers(-(2**62), 2**62, 10**7)

    def write() -> None:
        array = ak.array(values)
        ak.to_parquet({"x": array}, "/data/x.parquet")
        ak.to_hdf({"x": array}, "/data/x.h5")

    await asyncio.to_thread(write)
    listed = await place.run("sums-server", "/bin/sh", "-c", "stat -c '%n %u:%g' /data/x_*")
    files = dict(line.split() for line in listed.strip().splitlines())
    assert len(files) == 6, files
    assert set(files.values()) == {"1009:1019"}
    await place.change("sums", locales=2)
    await place.running("sums", 2)
    await attach(place, "sums")

    def read(form: str) -> Any:
        names = [f"/data/x_LOCALE000{number}.{form}" for number in range(3)]
        found = (ak.read_parquet if form == "parquet" else ak.read_hdf)(names)
        return (found["x"] if isinstance(found, dict) else found).to_ndarray()

    for form in ("parquet", "h5"):
        assert np.array_equal(await asyncio.to_thread(read, form), values), form
