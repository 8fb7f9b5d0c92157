"""Backends that can't come up: a clear reason soon, an end in time, and nothing left but a record.

Each test spoils one thing; the cluster refuses by itself.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from alongside.models import Spec, Status
from alongside.phases import Phase
from alongside.platforms.base import Observed
from tests.kubernetes import backends, watching
from tests.kubernetes.backends import FAILED, NOWHERE, Bench

# The image has the Python of its distribution.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")
SOON = 30.0  # seconds in which a reason is told


async def told(bench: Bench, spec: Spec, reason: str) -> Status:
    """The status that first gives this reason, while it still tries."""
    begin = time.monotonic()
    seen = await bench.until(spec, lambda s: s.reason == reason)
    assert time.monotonic() - begin < SOON
    assert seen.status.phase is Phase.STARTING
    assert seen.status.message in {stage.message for stage in seen.status.stages}
    assert seen.status.remedy
    return seen.status


async def ended(bench: Bench, spec: Spec) -> Observed:
    """What is left of one that has failed: its record alone."""
    seen = await bench.until(spec, FAILED)
    assert seen.status.message
    assert seen.status.remedy
    assert seen.status.ready == 0
    assert await bench.left(spec) == {f"configmaps/alongside-{spec.id}"}
    return seen


@pytest.mark.shows("K6")
async def test_more_than_any_node_has(bench: Bench) -> None:
    spec = await bench.launch({"cores": 1000}, start_timeout=20)
    begin = time.monotonic()
    status = await told(bench, spec, "Unschedulable")
    assert "Insufficient cpu" in status.message
    seen = await ended(bench, spec)
    assert seen.status.reason == "Unschedulable"
    assert "Insufficient cpu" in seen.status.message
    assert 18 < time.monotonic() - begin < 60
    other = await bench.launch()  # and the next one is not held up by it
    await bench.until(other, backends.RUNNING)


@pytest.mark.shows("K6")
async def test_an_image_that_does_not_exist(bench: Bench) -> None:
    spec = await bench.launch(pod={"image": "localhost/no-such-image:1"})
    status = await told(bench, spec, "ImageNotPulled")
    assert "localhost/no-such-image:1" in status.message
    seen = await ended(bench, spec)
    assert seen.status.reason == "ImageNotPulled"
    assert "localhost/no-such-image:1" in seen.status.message


async def test_an_image_without_dask(bench: Bench) -> None:
    spec = await bench.launch(pod={"image": "localhost/base:1"})
    seen = await ended(bench, spec)
    assert seen.status.reason == "ContainerNotStarted"
    assert "python" in seen.status.message


async def test_a_claim_that_is_not_there(bench: Bench) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "missing"}}
    spec = await bench.launch(pod={"volumes": (volume,)})
    await told(bench, spec, "VolumeMissing")
    seen = await ended(bench, spec)
    assert seen.status.reason == "VolumeMissing"
    assert '"missing" not found' in seen.status.message


async def quota(bench: Bench, **hard: str) -> None:
    names = {name.replace("__", "/").replace("_", "."): value for name, value in hard.items()}
    body: Any = {"metadata": {"name": "tight"}, "spec": {"hard": names}}
    await bench.core.create_namespaced_resource_quota(bench.namespace, body)
    await watching.until(
        bench.core.list_namespaced_resource_quota,
        bench.namespace,
        condition=lambda one: one.status and one.status.hard,
    )


@pytest.mark.parametrize("hard", [{"requests_cpu": "60m"}, {"count__deployments_apps": "2"}])
async def test_a_quota_of_the_namespace(bench: Bench, hard: dict[str, str]) -> None:
    """For pods, which a controller makes, and for what the platform makes itself."""
    await quota(bench, **hard)
    spec = await bench.launch({"workers": 3}, start_timeout=15)
    reason = "QuotaExceeded"
    status = await told(bench, spec, reason)
    assert "exceeded quota: tight" in status.message
    seen = await ended(bench, spec)
    assert seen.status.reason == reason
    assert "exceeded quota: tight" in seen.status.message


async def test_a_quota_holds_up_growth_and_nothing_else(bench: Bench) -> None:
    spec = await bench.running()
    await quota(bench, count__deployments_apps="2")
    spec = await bench.patched(spec, {"workers": 2})
    seen = await bench.until(spec, lambda s: "exceeded quota" in s.message)
    assert (seen.status.phase, seen.status.ready) == (Phase.SCALING, 1)
    async with bench.connected(spec) as client:
        assert await client.submit(sum, [1, 2]) == 3
    spec = await bench.patched(spec, {"workers": 1})
    seen = await bench.settled(spec, 1)
    assert not seen.status.reason


async def test_a_namespace_that_refuses_such_pods(bench: Bench) -> None:
    """Here by a LimitRange; by any admission rule in the same way."""
    body: Any = {
        "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]},
    }
    await bench.core.create_namespaced_limit_range(bench.namespace, body)
    spec = await bench.launch()
    status = await told(bench, spec, "PodRefused")
    assert "64Mi" in status.message
    assert (await ended(bench, spec)).status.reason == "PodRefused"


async def test_something_that_kubernetes_does_not_accept(bench: Bench) -> None:
    spec = await bench.launch(pod={"tolerations": ({"operator": "Sometimes"},)})
    await told(bench, spec, "InvalidRequest")
    seen = await ended(bench, spec)
    assert "Sometimes" in seen.status.message


async def test_processes_that_end_at_once(bench: Bench) -> None:
    spec = await bench.launch(pod={"environment": {"PYTHONHOME": "/nowhere"}})
    seen = await ended(bench, spec)
    assert seen.status.reason.endswith("Crashing")
    logs = bench.platform.logs(spec.id, "scheduler", 50, False)
    assert any("PYTHONHOME" in line for line in [line async for line in logs])


async def test_one_that_waits_for_room_can_be_stopped(bench: Bench) -> None:
    spec = await bench.launch(pod=NOWHERE)
    await told(bench, spec, "Unschedulable")
    begin = time.monotonic()
    await bench.platform.stop(spec.id)
    await bench.until(spec, None)
    assert time.monotonic() - begin < SOON
    assert not await bench.left(spec)
