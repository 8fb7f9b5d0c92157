"""The service, and its way to the API server: cut, killed, without rights. Backends go on."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import (
    ApiClient,
    AuthorizationV1Api,
    CoreV1Api,
    CustomObjectsApi,
    RbacAuthorizationV1Api,
)
from kubernetes_asyncio.config import new_client_from_config

from alongside.errors import StorageFailed, Unavailable
from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.kubernetes import custom, inventory
from alongside.platforms.kubernetes.answers import Refused
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Resource
from alongside.testing import make_spec
from tests.kubernetes import backends
from tests.kubernetes.backends import FAILED, NOWHERE, RUNNING, SMALL, Bench, make_platform
from tests.kubernetes.rights import chart_rules, without
from tests.kubernetes.road import Road, road

# The image has the Python of its distribution.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")
BRIEF: dict[str, Any] = {"lease_duration": 6.0}
MORTAL = Path(__file__).with_name("mortal.py")
UNKNOWN = Resource("kubernetes.dask.org/v9", "daskclusters")


@pytest.fixture
def image(images: dict[str, str], dask_definitions: None) -> str:
    return images["session"]


@asynccontextmanager
async def another(kubeconfig: str, namespace: str, image: str) -> AsyncIterator[Any]:
    """One more platform, which need not have its turn."""
    it = make_platform(kubeconfig, namespace, image)
    await it.open()
    try:
        yield it
    finally:
        await it.close()


async def computes(bench: Bench, spec: Spec) -> None:
    async with bench.connected(spec) as client:
        assert await client.submit(sum, [1, 2]) == 3


# -- the API server ----------------------------------------------------------------------------


@pytest.fixture
async def way(kubeconfig: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with road(kubeconfig, tmp_path) as it:
        yield it


@pytest.mark.timeout(300)
async def test_without_an_api_server_backends_go_on_and_the_next_service_finds_them(
    kubeconfig: str, kubernetes: ApiClient, namespace: str, image: str, way: Road
) -> None:
    first = make_platform(way.kubeconfig, namespace, image, **BRIEF)
    await first.open()
    try:
        await first.leading()
        bench = Bench(kubernetes, namespace, first)
        spec = await bench.running()
        async with bench.connected(spec) as client:
            way.cut()
            with pytest.raises(StorageFailed) as refused:
                await bench.launch()
            assert refused.value.remedy
            # its time is over, as its process should be
            await asyncio.wait_for(first.deposed(), 30)
            assert await client.submit(sum, [1, 2]) == 3
            with pytest.raises(Unavailable):
                await make_platform(way.kubeconfig, namespace, image).open()
    finally:
        await asyncio.wait_for(first.close(), 30)
    way.mend()
    async with backends.bench(way.kubeconfig, kubernetes, namespace, image) as after:
        seen = await after.until(spec, RUNNING)
        assert seen.spec == spec
        await computes(after, spec)
        await after.settled(await after.patched(spec, {"workers": 2}), 2)


@pytest.mark.timeout(300)
async def test_an_api_server_that_is_gone_for_a_while_is_made_up_for(
    kubernetes: ApiClient, namespace: str, image: str, way: Road
) -> None:
    """Shorter than the Lease lasts: the same service sees what happened meanwhile."""
    async with backends.bench(
        way.kubeconfig, kubernetes, namespace, image, lease_duration=120.0
    ) as bench:
        spec = await bench.running()
        way.cut()
        await bench.kill(spec, "worker-1")
        await bench.core.delete_namespaced_service(f"{spec.id}-scheduler", namespace)
        with pytest.raises(StorageFailed):
            await bench.launch()
        way.mend()
        await bench.until(spec, lambda s: any("to 1 worker" in x.message for x in s.stages))
        await bench.settled(spec, 1)
        await computes(bench, spec)
        await bench.running()


async def test_ways_to_the_api_server_do_not_share_connections(
    kubeconfig: str, kubernetes: ApiClient, namespace: str
) -> None:
    """One that is closed takes no other's watches with it."""
    one, other = Cluster(kubeconfig), Cluster(kubeconfig)
    await one.open()
    await other.open()
    try:
        _, version = await one.list(CONFIG_MAPS, namespace)
        changes = one.watch(CONFIG_MAPS, namespace, "made-by=hand", version)
        first = asyncio.create_task(anext(changes))
        await other.list(CONFIG_MAPS, namespace)
        await other.close()
        await CoreV1Api(kubernetes).create_namespaced_config_map(
            namespace, {"metadata": {"name": "x", "labels": {"made-by": "hand"}}}
        )
        change, item = await asyncio.wait_for(first, 30)
        assert (change, item["metadata"]["name"]) == ("ADDED", "x")
        await changes.aclose()
    finally:
        await one.close()
        await other.close()


# -- the service -------------------------------------------------------------------------------


@asynccontextmanager
async def mortal(settings: dict[str, Any], spec: Spec, deed: str, writes: int = 0) -> Any:
    """A platform in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(MORTAL),
        json.dumps(settings),
        spec.model_dump_json(),
        deed,
        str(writes),
        stdout=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def settings_of(kubeconfig: str, namespace: str, image: str, **more: Any) -> dict[str, Any]:
    it = make_platform(kubeconfig, namespace, image, **more)
    names = ("kubeconfig", "namespace", "image", "service_peers", "client_peers")
    return {n: getattr(it, n) for n in (*names, "core_overcommit", "lease_duration", "lease")}


async def killed_after(
    writes: int, deed: str, spec: Spec, kubeconfig: str, namespace: str, image: str
) -> bool:
    """Whether it came to so many writes."""
    # a Lease of its own, so that none has to wait for a dead one's time to pass
    settings = settings_of(kubeconfig, namespace, image, lease=f"{deed}-{writes}")
    async with mortal(settings, spec, deed, writes) as process:
        code = await asyncio.wait_for(process.wait(), 150)
    assert code in (0, -signal.SIGKILL)
    return bool(code)


@pytest.mark.shows("K22", "K23")
@pytest.mark.timeout(900)
async def test_a_service_killed_after_any_write_is_followed_by_one_that_finishes(
    kubeconfig: str, kubernetes: ApiClient, namespace: str, image: str
) -> None:
    """First at launch, then at the end: nothing twice, nothing left."""
    place = (kubeconfig, namespace, image)
    specs = [make_spec("dask", SMALL, platform="kubernetes") for _ in range(9)]
    for writes, spec in enumerate(specs, start=1):
        assert await killed_after(writes, "launch", spec, *place)
    platform = make_platform(*place)
    await platform.open()
    bench = Bench(kubernetes, namespace, platform)
    try:
        for spec in specs:
            await bench.until(spec, RUNNING, 300)
            left = Counter(name.partition("/")[0] for name in await bench.left(spec))
            assert left == {
                **dict.fromkeys(("configmaps", "secrets", "services"), 1),
                **dict.fromkeys(("networkpolicies", "daskclusters"), 1),
                **dict.fromkeys(("deployments", "replicasets", "pods"), 2),
            }
            await computes(bench, spec)
    finally:
        await platform.close()
    died = [await killed_after(n, "stop", spec, *place) for n, spec in enumerate(specs, start=1)]
    assert died[:7] == [True] * 7, "a stop has at least that many writes"
    async with backends.bench(*place[:1], kubernetes, *place[1:]) as last:
        for spec in specs:
            await last.until(spec, None)
            assert not await last.left(spec)


async def test_a_dead_leader_is_followed_by_one_that_waits(
    kubeconfig: str, kubernetes: ApiClient, namespace: str, image: str
) -> None:
    place = (kubeconfig, namespace, image)
    some = make_spec("dask", SMALL, platform="kubernetes")
    settings = settings_of(*place, **BRIEF)
    async with mortal(settings, some, "watch") as leader:
        await asyncio.wait_for(leader.stdout.readline(), 60)
        async with another(*place) as waiting:
            bench = Bench(kubernetes, namespace, waiting)
            spec = await bench.running()  # wished here, done there
            leader.kill()
            await leader.wait()
            late = await bench.launch()
            await asyncio.wait_for(waiting.leading(), 60)
            await bench.until(late, RUNNING)
            seen = await bench.until(spec, RUNNING)
            assert not any("lost" in stage.message for stage in seen.status.stages)
            await bench.clear()


# -- definitions and rights --------------------------------------------------------------------


async def test_without_dasks_definitions_it_says_so_and_does_not_begin(
    kubeconfig: str, namespace: str, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a version that no cluster has: taking away the real ones would end others' backends."""
    monkeypatch.setattr(inventory, "DASK_CLUSTERS", UNKNOWN)
    with pytest.raises(Refused, match="has no daskclusters") as refused:
        await make_platform(kubeconfig, namespace, image).open()
    assert "custom resource definitions" in refused.value.remedy


async def test_definitions_that_vanish_fail_the_next_backend_only(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with backends.bench(kubeconfig, kubernetes, namespace, image) as bench:
        with monkeypatch.context() as patch:
            patch.setattr(custom, "DASK_CLUSTERS", UNKNOWN)
            spec = await bench.launch()
            seen = await bench.until(spec, FAILED)
            assert seen.status.reason == "DefinitionsMissing"
            assert "has no daskclusters" in seen.status.message
            assert "custom resource definitions" in seen.status.remedy
            assert await bench.left(spec) == {f"configmaps/alongside-{spec.id}"}
        await bench.running()


async def test_definitions_that_vanish_end_a_backend_that_runs(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kubernetes deletes the resources of a kind with their definition, and what they own."""
    async with backends.bench(kubeconfig, kubernetes, namespace, image) as bench:
        spec = await bench.running()
        with monkeypatch.context() as patch:
            patch.setattr(custom, "DASK_CLUSTERS", UNKNOWN)
            await CustomObjectsApi(kubernetes).delete_namespaced_custom_object(
                "kubernetes.dask.org", "v1", namespace, "daskclusters", spec.id
            )
            seen = await bench.until(spec, FAILED)
        assert seen.status.reason == "DefinitionsMissing"
        assert "has no daskclusters" in seen.status.message
        assert "custom resource definitions" in seen.status.remedy
        assert await bench.left(spec) == {f"configmaps/alongside-{spec.id}"}


DENIED = [
    ("create", "", "pods", ""),
    ("create", "", "pods", "exec"),
    ("list", "", "secrets", ""),
    ("update", "", "secrets", ""),
    ("patch", "apps", "deployments", ""),
    ("create", "", "serviceaccounts", "token"),
    ("create", "rbac.authorization.k8s.io", "roles", ""),
    ("create", "rbac.authorization.k8s.io", "rolebindings", ""),
    ("delete", "", "resourcequotas", ""),
    ("deletecollection", "", "pods", ""),
    ("impersonate", "", "users", ""),
]


@pytest.mark.shows("K94")
@pytest.mark.timeout(300)
async def test_the_charts_role_is_enough_for_a_whole_life_and_not_for_more(
    kubernetes: ApiClient, namespace: str, image: str, granted: Any, tmp_path: Path
) -> None:
    limited = await granted(chart_rules(tmp_path))
    async with backends.bench(limited, kubernetes, namespace, image) as bench:
        spec = await bench.running()
        assert [line async for line in bench.platform.logs(spec.id, "worker-1", 5, False)]
        assert await bench.platform.dashboard(spec.id)
        await bench.platform.capacity()
        await computes(bench, spec)
        for workers in (2, 1):
            spec = await bench.patched(spec, {"workers": workers})
            await bench.settled(spec, workers)
        shares = ({"user": "bob", "access": "attach"},)
        spec = Spec.model_validate(
            spec.model_dump() | {"generation": spec.generation + 1, "shares": shares}
        )
        await bench.platform.update(spec)
        await bench.until(spec, lambda s: s.generation == spec.generation)
        await bench.platform.stop(spec.id, forget=False)
        await bench.until(spec, backends.STOPPED)
        await bench.platform.stop(spec.id)
        await bench.until(spec, None)
        assert not await bench.left(spec)
    async with await new_client_from_config(limited, persist_config=False) as api:
        for verb, group, resource, part in DENIED:
            assert not await may(api, namespace, verb, group, resource, part), (verb, resource)
        for verb in ("list", "get", "create", "delete"):
            for resource in ("configmaps", "secrets", "pods"):
                assert not await may(api, "kube-system", verb, "", resource)
            assert not await may(api, "", verb, "", "nodes")


async def may(
    api: ApiClient, namespace: str, verb: str, group: str, resource: str, part: str = ""
) -> bool:
    """What the API server says that this account may do."""
    attributes = {
        "namespace": namespace,
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": part,
    }
    answer = await AuthorizationV1Api(api).create_self_subject_access_review(
        {"spec": {"resourceAttributes": attributes}}
    )
    return bool(answer.status.allowed)


@pytest.mark.parametrize(
    ("resource", "verb"),
    [("deployments", "create"), ("secrets", "create"), ("networkpolicies", "create")],
)
async def test_a_role_that_lacks_something_is_named_and_nothing_is_left(
    resource: str,
    verb: str,
    kubernetes: ApiClient,
    namespace: str,
    image: str,
    granted: Any,
    tmp_path: Path,
) -> None:
    limited = await granted(without(chart_rules(tmp_path), resource, verb))
    async with backends.bench(limited, kubernetes, namespace, image) as bench:
        spec = await bench.launch()
        told = await bench.until(spec, lambda s: s.reason == "Refused", 10)
        assert told.status.phase is Phase.STARTING
        seen = await bench.until(spec, FAILED)
        assert seen.status.reason == "Refused"
        assert f'cannot {verb} resource "{resource}"' in seen.status.message
        assert "Role" in seen.status.remedy
        assert await bench.left(spec) == {f"configmaps/alongside-{spec.id}"}


async def test_a_role_without_a_list_is_named_at_once(
    namespace: str, image: str, granted: Any, tmp_path: Path
) -> None:
    limited = await granted(without(chart_rules(tmp_path), "daskclusters", "list"))
    with pytest.raises(Refused, match='cannot list resource "daskclusters"') as refused:
        await make_platform(limited, namespace, image).open()
    assert "Role" in refused.value.remedy


async def test_a_right_to_delete_that_is_missing_is_told(
    kubernetes: ApiClient, namespace: str, image: str, granted: Any, tmp_path: Path
) -> None:
    """It stays `stopping`, says why, and ends when it may."""
    limited = await granted(without(chart_rules(tmp_path), "secrets", "delete"))
    async with backends.bench(limited, kubernetes, namespace, image) as bench:
        spec = await bench.launch(pod=NOWHERE)
        await bench.until(spec, lambda s: s.reason == "Unschedulable")
        await bench.platform.stop(spec.id)
        words = 'cannot delete resource "secrets"'
        seen = await bench.until(spec, lambda s: any(words in x.message for x in s.stages))
        assert seen.status.phase is Phase.STOPPING
        rbac = RbacAuthorizationV1Api(kubernetes)
        rules = {"rules": chart_rules(tmp_path)}
        await rbac.patch_namespaced_role("tried", namespace, rules)
        await bench.until(spec, None)
