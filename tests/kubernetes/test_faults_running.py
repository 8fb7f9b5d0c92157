"""Backends that run and lose something: results stay right, and what happened is told."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from distributed import wait
from kubernetes_asyncio.client import AppsV1Api, CustomObjectsApi

from alongside.models import Spec
from alongside.phases import USABLE, Phase
from alongside.platforms.kubernetes import clearing
from alongside.platforms.kubernetes.objects import PREFIX, process_of
from tests.kubernetes import watching
from tests.kubernetes.backends import FAILED, NOWHERE, RUNNING, SCALING, STOPPED, Bench

# The image has the Python of its distribution.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")
GROUP = ("kubernetes.dask.org", "v1")


async def computes(bench: Bench, spec: Spec) -> None:
    async with bench.connected(spec) as client:
        assert await client.submit(sum, [1, 2]) == 3


async def until_told(bench: Bench, spec: Spec, words: str) -> None:
    await bench.until(spec, lambda s: any(words in stage.message for stage in s.stages))


def record_only(spec: Spec) -> set[str]:
    return {f"configmaps/alongside-{spec.id}"}


# -- workers -----------------------------------------------------------------------------------


@pytest.mark.shows("K23")
async def test_results_are_right_though_a_worker_is_killed_in_between(bench: Bench) -> None:
    spec = await bench.running({"workers": 2})
    async with bench.connected(spec) as client:
        futures = client.map(lambda n: (time.sleep(0.3), n * n)[1], range(60))
        await wait(futures[:4])
        await bench.kill(spec, "worker-1")
        assert await client.gather(futures) == [n * n for n in range(60)]
    seen = await bench.settled(spec, 2)
    assert not seen.status.reason


async def test_the_deployment_of_a_worker_is_made_again(bench: Bench) -> None:
    spec = await bench.running({"workers": 2})
    name = f"{spec.id}-default-worker-2"
    await AppsV1Api(bench.api).delete_namespaced_deployment(name, bench.namespace)
    seen = await bench.until(spec, SCALING)
    assert seen.status.message
    await bench.settled(spec, 2)
    assert len(await bench.items("deployments", f"{PREFIX}/id={spec.id}")) == 3


async def test_a_worker_that_is_scaled_by_hand_is_put_right_or_told(bench: Bench) -> None:
    """The number of a Deployment is not how the size of a backend is changed."""
    spec = await bench.running()
    apps = AppsV1Api(bench.api)
    place = (f"{spec.id}-default-worker-1", bench.namespace)
    await apps.patch_namespaced_deployment_scale(*place, {"spec": {"replicas": 0}})
    await until_told(bench, spec, "worker-1 was stopped in Kubernetes")
    await bench.settled(spec, 1)
    await computes(bench, spec)
    await apps.patch_namespaced_deployment_scale(*place, {"spec": {"replicas": 2}})
    await until_told(bench, spec, "worker-1 was scaled to 2 in Kubernetes")
    await apps.patch_namespaced_deployment_scale(*place, {"spec": {"replicas": 1}})
    await bench.settled(spec, 1)


async def test_a_worker_that_needs_too_much_memory_is_started_again(bench: Bench) -> None:
    spec = await bench.running()
    async with bench.connected(spec) as client:
        greedy = client.submit(lambda: len(b"x" * 2**30))
        await until_told(bench, spec, "it used more memory than it may")
        await client.cancel([greedy], force=True)
        await bench.settled(spec, 1)
        assert await client.submit(sum, [1, 2]) == 3


@pytest.mark.shows("K12", "K15")
async def test_it_grows_and_shrinks_and_keeps_its_data(bench: Bench) -> None:
    spec = await bench.running({"workers": 2})
    data = [bytes([n]) * 500_000 for n in range(20)]
    async with bench.connected(spec) as client:
        # scattered, so that nothing can be computed again
        futures = await client.scatter(data)
        for workers in (3, 1):
            begin = time.monotonic()
            spec = await bench.patched(spec, {"workers": workers})
            await bench.settled(spec, workers)
            print(f"to {workers} workers in {time.monotonic() - begin:.1f} s")
            assert await client.gather(futures) == data
        # Which of them stays is the scheduler's choice.
        there = {process_of(item) for item in bench.platform.inventory.deployments(spec.id)}
        gone = ", ".join({"worker-1", "worker-2", "worker-3"} - there)
        await watching.until_gone(
            bench.core.list_namespaced_pod,
            bench.namespace,
            label_selector=f"{PREFIX}/process in ({gone})",
        )
        assert await client.gather(futures) == data


@pytest.mark.shows("K15")
async def test_an_adaptive_one_follows_the_work_and_keeps_its_data(
    bench: Bench, dask_operator: None
) -> None:
    spec = await bench.running({"adaptive": {"minimum": 1, "maximum": 4}})
    data = [bytes([n]) * 100_000 for n in range(8)]
    async with bench.connected(spec) as client:
        futures = await client.scatter(data)  # nothing that could be computed again
        work = client.map(lambda n: (time.sleep(1), n)[1], range(200))
        seen = await bench.until(spec, lambda s: s.ready == 4)
        assert seen.status.phase in USABLE
        kept = await client.scatter(data)  # on all four
        assert await client.gather(work[:40]) == list(range(40))
        del work
        await bench.until(spec, lambda s: (s.phase, s.ready, s.wanted) == (RUNNING, 1, 1))
        assert await client.gather(futures) == data
        assert await client.gather(kept) == data
    spec = await bench.patched(spec, {"workers": 2})
    await bench.settled(spec, 2)


# -- the scheduler -----------------------------------------------------------------------------


async def until_replaced(bench: Bench, spec: Spec) -> None:
    seen = await bench.until(spec, lambda s: s.reason == "SchedulerLost")
    assert seen.status.phase is SCALING
    assert "scheduler was lost" in seen.status.message
    assert seen.status.remedy
    await bench.until(spec, lambda s: s.phase is RUNNING and not s.reason)
    await computes(bench, spec)


async def test_a_lost_scheduler_is_replaced(bench: Bench) -> None:
    spec = await bench.running({"workers": 2})
    await bench.kill(spec, "scheduler")
    await until_replaced(bench, spec)


async def test_a_scheduler_whose_deployment_is_deleted_is_replaced(bench: Bench) -> None:
    spec = await bench.running()
    name = f"{spec.id}-scheduler"
    await AppsV1Api(bench.api).delete_namespaced_deployment(name, bench.namespace)
    await until_replaced(bench, spec)


async def test_a_scheduler_that_is_scaled_away_by_hand_is_replaced(bench: Bench) -> None:
    spec = await bench.running()
    await AppsV1Api(bench.api).patch_namespaced_deployment_scale(
        f"{spec.id}-scheduler", bench.namespace, {"spec": {"replicas": 0}}
    )
    await until_replaced(bench, spec)


async def test_a_scheduler_that_does_not_come_back_is_the_end(bench: Bench) -> None:
    spec = await bench.patched(await bench.running(), {}, start_timeout=timedelta(seconds=15))
    quota: Any = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await bench.core.create_namespaced_resource_quota(bench.namespace, quota)
    await watching.until(
        bench.core.list_namespaced_resource_quota,
        bench.namespace,
        condition=lambda one: one.status and one.status.hard,
    )
    await bench.kill(spec, "scheduler")
    seen = await bench.until(spec, FAILED)
    assert seen.status.reason == "SchedulerLost"
    assert "exceeded quota" in seen.status.message
    assert seen.status.remedy
    assert await bench.left(spec) == record_only(spec)


# -- by hand -----------------------------------------------------------------------------------


async def test_a_deleted_record_takes_everything_with_it(bench: Bench) -> None:
    spec = await bench.running()
    await bench.core.delete_namespaced_config_map(f"alongside-{spec.id}", bench.namespace)
    await bench.until(spec, None)
    await until_nothing_is_left(bench, spec)


async def until_nothing_is_left(bench: Bench, spec: Spec) -> None:
    """By the cluster's own doing."""
    label = f"{PREFIX}/id={spec.id}"
    for list_them in (
        AppsV1Api(bench.api).list_namespaced_deployment,
        AppsV1Api(bench.api).list_namespaced_replica_set,
        bench.core.list_namespaced_pod,
        bench.core.list_namespaced_secret,
        bench.core.list_namespaced_service,
    ):
        await watching.until_gone(list_them, bench.namespace, label_selector=label, limit_s=90)
    assert not await bench.left(spec)


async def test_deleting_the_custom_resource_means_the_backend(bench: Bench) -> None:
    spec = await bench.running()
    custom = CustomObjectsApi(bench.api)
    await custom.delete_namespaced_custom_object(*GROUP, bench.namespace, "daskclusters", spec.id)
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == "Deleted"
    assert await bench.left(spec) == record_only(spec)


async def test_a_number_written_into_the_custom_resource_is_put_right(bench: Bench) -> None:
    """An operator that is there would follow it, and nobody's quota would have been asked."""
    spec = await bench.running()
    custom = CustomObjectsApi(bench.api)
    place = (*GROUP, bench.namespace, "daskclusters")

    async def until_it_says(workers: int) -> None:
        await watching.until(
            custom.list_namespaced_custom_object,
            *place,
            condition=lambda one: one["spec"]["worker"]["replicas"] == workers,
        )

    await until_it_says(1)
    await custom.patch_namespaced_custom_object(
        *place,
        spec.id,
        {"spec": {"worker": {"replicas": 5}}},
        _content_type="application/merge-patch+json",
    )
    await until_it_says(1)
    await bench.settled(spec, 1)
    spec = await bench.patched(spec, {"workers": 2})
    await until_it_says(2)


@pytest.mark.parametrize("spoilt", [{"spec": "{"}, {"spec": None}, {"status": "[]"}])
async def test_a_spoilt_record_harms_no_other(bench: Bench, spoilt: dict[str, Any]) -> None:
    spec = await bench.launch(pod=NOWHERE)
    await bench.until(spec, lambda s: s.reason == "Unschedulable")
    name = f"alongside-{spec.id}"
    await bench.core.patch_namespaced_config_map(name, bench.namespace, {"data": spoilt})
    other = await bench.running()
    await computes(bench, other)
    await bench.core.delete_namespaced_config_map(name, bench.namespace)
    await until_nothing_is_left(bench, spec)


async def test_a_pod_that_does_not_end_is_told_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here for a finalizer. One whose node is gone is taken out of the books after that time."""
    monkeypatch.setattr(clearing, "_OVERDUE", 1.0)
    spec = await bench.running()
    name = (await bench.pod(spec, "worker-1"))["metadata"]["name"]

    async def hold(*finalizers: str) -> None:
        patch = {"metadata": {"finalizers": list(finalizers) or None}}
        await bench.core.patch_namespaced_pod(name, bench.namespace, patch)

    await hold("alongside.test/held")
    await bench.platform.stop(spec.id, forget=False)
    try:
        await until_told(bench, spec, f"does not take these away: {name}")
        seen = await bench.until(spec, Phase.STOPPING)
        await watching.until(  # also asked for without any grace
            bench.core.list_namespaced_pod,
            bench.namespace,
            condition=lambda pod: pod.metadata.deletion_grace_period_seconds == 0,
        )
    finally:
        await hold()
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == "Requested"
    assert await bench.left(spec) == record_only(spec)


async def mark(bench: Bench, spec: Spec) -> tuple[CustomObjectsApi, tuple[str, ...]]:
    """As the Dask operator marks what it sees; uninstalled, it no longer takes its mark off."""
    custom = CustomObjectsApi(bench.api)
    place = (*GROUP, bench.namespace, "daskclusters", spec.id)
    patch = {"metadata": {"finalizers": ["kopf.zalando.org/KopfFinalizerMarker"]}}
    merge = "application/merge-patch+json"
    await custom.patch_namespaced_custom_object(*place, patch, _content_type=merge)
    return custom, place


async def test_nor_does_it_hold_one_whose_record_is_deleted(bench: Bench) -> None:
    spec = await bench.running()
    await mark(bench, spec)
    await bench.core.delete_namespaced_config_map(f"alongside-{spec.id}", bench.namespace)
    await bench.until(spec, None)
    await until_nothing_is_left(bench, spec)


@pytest.mark.parametrize("by_hand", [False, True])
async def test_what_an_operator_holds_that_is_gone_is_let_go(bench: Bench, by_hand: bool) -> None:
    spec = await bench.running()
    custom, place = await mark(bench, spec)
    if by_hand:
        await custom.delete_namespaced_custom_object(*place)
    else:
        await bench.platform.stop(spec.id, forget=False)
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == ("Deleted" if by_hand else "Requested")
    assert await bench.left(spec) == record_only(spec)


async def test_one_that_is_stopped_while_it_is_made_leaves_nothing(bench: Bench) -> None:
    """Nothing comes after it, either, from controllers that had not yet noticed."""
    for _ in range(5):
        spec = await bench.launch({"workers": 3}, pod=NOWHERE)
        await watching.until(
            AppsV1Api(bench.api).list_namespaced_deployment,
            bench.namespace,
            label_selector=f"{PREFIX}/id={spec.id}",
            condition=lambda one: True,
        )
        await bench.platform.stop(spec.id)
        await bench.until(spec, None)
        assert not await bench.left(spec)


# -- nodes -------------------------------------------------------------------------------------


async def test_a_drained_node_is_left_and_it_recovers(bench: Bench) -> None:
    nodes = [node.metadata.name for node in (await bench.core.list_node()).items]
    if len(nodes) < 2:
        pytest.skip("needs two nodes")
    spec = await bench.running({"workers": 2})
    drained = (await bench.pod(spec, "scheduler"))["spec"]["nodeName"]
    await bench.core.patch_node(drained, {"spec": {"unschedulable": True}})
    try:
        for pod in await bench.pods(spec):
            if pod["spec"]["nodeName"] == drained:
                name = pod["metadata"]["name"]
                await bench.core.create_namespaced_pod_eviction(
                    name, bench.namespace, {"metadata": {"name": name}}
                )
        await until_replaced(bench, spec)
        assert drained not in {pod["spec"]["nodeName"] for pod in await bench.pods(spec)}
    finally:
        await bench.core.patch_node(drained, {"spec": {"unschedulable": None}})
