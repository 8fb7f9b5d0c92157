"""Arkouda groups on the Kubernetes platform: our operator, real pods, real sshd, a double's server.

What the operator does by itself is tested in tests of its own; here it is the platform that asks.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient

from alongside.kinds import get_kind
from alongside.models import Pod, Spec
from alongside.phases import Phase
from alongside.platforms.kubernetes import KubernetesPlatform, custom, inventory
from alongside.platforms.kubernetes.resources import DASK_CLUSTERS, Resource
from alongside.testing import PlatformSuite, until
from tests.kubernetes import arkouda_groups, backends
from tests.kubernetes.arkouda_groups import GroupBench, groups
from tests.kubernetes.backends import FAILED, RUNNING, SCALING, STOPPED, make_platform
from tests.kubernetes.rights import chart_rules

SOON = 15.0  # seconds in which a reason is told
UNKNOWN = Resource("alongside.jupyter.org/v9", "arkoudaclusters")


@pytest.fixture(scope="session")
def arkouda_definitions(kubeconfig: str) -> None:
    """The cluster knows `ArkoudaCluster`. It stays when the tests are over."""
    asyncio.run(arkouda_groups.install(kubeconfig))


@pytest.fixture(scope="session")
def all_images(images: dict[str, str]) -> dict[str, str]:
    """The project's images, and that of the double."""
    name = images["service"].replace("service", "arkouda-double")
    return {**images, "arkouda-double": name}


@pytest.fixture
async def bench(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    all_images: dict[str, str],
    dask_definitions: None,
    arkouda_definitions: None,
    tmp_path: Path,
) -> AsyncIterator[GroupBench]:
    """A platform and an operator that act, in a namespace of their own; nothing is left."""
    place = (kubeconfig, kubernetes, namespace, all_images, tmp_path / "operator.log")
    async with groups(*place) as it:
        yield it


@pytest.fixture
def platform(bench: GroupBench) -> KubernetesPlatform:
    return bench.platform


class TestKubernetesPlatformWithArkouda(PlatformSuite):
    kind = "arkouda"
    size = "locales"
    log_role = "server"
    timeout = 120.0

    @pytest.fixture(autouse=True)
    def _image(self, all_images: dict[str, str]) -> None:
        self.pod = Pod(image=all_images["arkouda-double"])

    @pytest.fixture
    def another(
        self, kubeconfig: str, namespace: str, images: dict[str, str]
    ) -> Callable[[], KubernetesPlatform]:
        return lambda: make_platform(kubeconfig, namespace, images["session"])

    def spec(self, members: int = 1, **changes: Any) -> Spec:
        options = {"memory": "256 MiB", **changes.pop("options", {})}
        return super().spec(members, options=options, **{"pod": self.pod, **changes})


# -- from launch to end ------------------------------------------------------------------------


def record_only(spec: Spec) -> set[str]:
    return {f"configmaps/alongside-{spec.id}"}


async def locales(bench: GroupBench, spec: Spec) -> int:
    """How many the server says it has."""
    return int(json.loads((await bench.said(spec, "getconfig")).text)["numLocales"])


@pytest.mark.shows("K2", "K3", "K12", "K29")
async def test_three_locales_then_five_then_none(bench: GroupBench) -> None:
    spec = await bench.running({"locales": 3})
    seen = await bench.settled(spec, 3)
    assert seen.status.roles == ("locale-1", "locale-2", "server")
    assert await locales(bench, spec) == 3
    told = [stage.message for stage in seen.status.stages]
    order = ["accept SSH", "the server", "Running with 3 locales"]
    places = [next(n for n, line in enumerate(told) if word in line) for word in order]
    assert places == sorted(places), told
    seen = await bench.until(spec, lambda s: s.idle_since is not None)
    assert seen.status.versions, "what the server says of itself"

    begin = time.monotonic()
    spec = await bench.patched(spec, {"locales": 5})
    await bench.until(spec, SCALING)
    seen = await bench.settled(spec, 5)
    assert time.monotonic() - begin < backends.LIMIT
    assert await locales(bench, spec) == 5
    assert len(seen.status.roles) == 5

    await bench.platform.stop(spec.id, forget=False)
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == "Requested"
    assert await bench.left(spec) == record_only(spec)
    lines = [line async for line in bench.platform.logs(spec.id, "server", 50, False)]
    assert lines
    connections = [stage.message for stage in seen.status.stages]
    assert not any("token" in line.lower() for line in connections)


async def test_ten_at_once(bench: GroupBench) -> None:
    specs = [await bench.launch(name=f"group {number}") for number in range(10)]
    await asyncio.gather(*(bench.until(spec, RUNNING) for spec in specs))
    await asyncio.gather(*(bench.platform.stop(spec.id) for spec in specs))
    await asyncio.gather(*(bench.until(spec, None) for spec in specs))


async def test_the_token_is_in_the_secret_alone(bench: GroupBench) -> None:
    spec = await bench.running({"locales": 2})
    token = (await bench.platform.connection(spec.id)).credentials["token"]
    for plural in sorted(bench.places.keys() - {"secrets"}):
        assert token not in json.dumps(await bench.items(plural)), plural
    for role in ("server", "locale-1"):
        lines = [line async for line in bench.platform.logs(spec.id, role, 1000, False)]
        assert not any(token in line for line in lines)


async def test_only_a_new_start_brings_another_size(bench: GroupBench) -> None:
    """A number written by hand is put right, as for what we run ourselves."""
    spec = await bench.running({"locales": 2})
    api, place = bench.custom
    patch = {"spec": {"locales": 3}}
    merge = "application/merge-patch+json"
    await api.patch_namespaced_custom_object(*place, spec.id, patch, _content_type=merge)
    await bench.until(spec, SCALING)
    await bench.settled(spec, 2)
    assert await locales(bench, spec) == 2


@pytest.mark.shows("K94", "K95")
async def test_the_charts_role_is_enough_for_a_whole_life(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    all_images: dict[str, str],
    dask_definitions: None,
    arkouda_definitions: None,
    granted: Any,
    tmp_path: Path,
) -> None:
    """Of the service, that is: what it need not do, the operator does."""
    limited = await granted(chart_rules(tmp_path))
    place = (kubeconfig, kubernetes, namespace, all_images, tmp_path / "operator.log")
    async with groups(*place, account=limited) as bench:
        spec = await bench.running({"locales": 2})
        for role in ("server", "locale-1"):
            assert [line async for line in bench.platform.logs(spec.id, role, 5, False)]
        spec = await bench.patched(spec, {"locales": 1})
        await bench.settled(spec, 1)
        await bench.platform.stop(spec.id, forget=False)
        await bench.until(spec, STOPPED)
        await bench.platform.stop(spec.id)
        await bench.until(spec, None)
        assert not await bench.left(spec)


async def test_a_role_from_before_there_were_groups_harms_nothing_else(
    kubernetes: ApiClient,
    namespace: str,
    all_images: dict[str, str],
    dask_definitions: None,
    arkouda_definitions: None,
    granted: Any,
    tmp_path: Path,
) -> None:
    rules = [r for r in chart_rules(tmp_path) if "arkoudaclusters" not in r["resources"]]
    limited = await granted(rules)
    async with backends.bench(limited, kubernetes, namespace, all_images["session"]) as bench:
        assert bench.platform.obstacle(get_kind("arkouda"))
        await bench.running()


# -- faults ------------------------------------------------------------------------------------


async def test_without_an_operator_it_says_so_and_goes_on_once_there_is_one(
    bench: GroupBench,
) -> None:
    bench.operator.kill()
    spec = await bench.launch({"locales": 2})
    seen = await bench.until(spec, lambda s: s.reason == "OperatorMissing")
    assert "operator" in seen.status.remedy
    lost = await bench.launch(start_timeout=15)
    seen = await bench.until(lost, FAILED)
    assert seen.status.reason == "OperatorMissing"
    assert await bench.left(lost) == record_only(lost)
    bench.operator.start()
    seen = await bench.settled(spec, 2)
    assert not seen.status.reason


@pytest.mark.parametrize("by_hand", [False, True])
async def test_an_operator_that_is_gone_holds_up_nothing(bench: GroupBench, by_hand: bool) -> None:
    spec = await bench.running({"locales": 2})
    bench.operator.kill()
    assert await locales(bench, spec) == 2, "what runs goes on"
    if by_hand:
        api, place = bench.custom
        await api.delete_namespaced_custom_object(*place, spec.id)
    else:
        await bench.platform.stop(spec.id, forget=False)
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == ("Deleted" if by_hand else "Requested")
    await bench.until_left(spec, record_only(spec))
    bench.operator.start()


async def test_an_operator_that_is_replaced_midway_goes_on(bench: GroupBench) -> None:
    def replaced() -> None:
        bench.operator.kill()
        bench.operator.start()

    spec = await bench.launch({"locales": 3})
    await bench.until(spec, lambda s: bool(s.roles))
    replaced()
    await bench.settled(spec, 3)
    spec = await bench.patched(spec, {"locales": 2})
    await bench.until(spec, lambda s: any("anew" in stage.message for stage in s.stages))
    replaced()
    await bench.settled(spec, 2)
    assert await locales(bench, spec) == 2
    await bench.platform.stop(spec.id, forget=False)
    await bench.until(spec, Phase.STOPPING)
    replaced()
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == "Requested"
    await bench.until_left(spec, record_only(spec))


async def test_deleting_its_resource_means_the_group(bench: GroupBench) -> None:
    spec = await bench.running({"locales": 2})
    api, place = bench.custom
    await api.delete_namespaced_custom_object(*place, spec.id)
    seen = await bench.until(spec, STOPPED)
    assert seen.status.reason == "Deleted"
    assert await bench.left(spec) == record_only(spec)


async def test_deleting_its_record_takes_all_away(bench: GroupBench) -> None:
    spec = await bench.running({"locales": 2})
    await bench.core.delete_namespaced_config_map(f"alongside-{spec.id}", bench.namespace)
    await bench.until(spec, None)
    await bench.until_left(spec, set())


@pytest.mark.shows("K6")
async def test_more_than_any_node_has(bench: GroupBench) -> None:
    begin = time.monotonic()
    spec = await bench.launch({"locales": 2, "cores": 1000}, start_timeout=20)
    seen = await bench.until(spec, lambda s: s.reason == "Unschedulable")
    assert time.monotonic() - begin < SOON
    assert "Insufficient cpu" in seen.status.message
    seen = await bench.until(spec, FAILED)
    assert "Insufficient cpu" in seen.status.message
    assert seen.status.remedy
    assert await bench.left(spec) == record_only(spec)


async def test_an_image_that_does_not_exist(bench: GroupBench) -> None:
    spec = await bench.launch({"locales": 2}, pod={"image": "localhost/no-such-image:1"})
    seen = await bench.until(spec, FAILED)
    assert seen.status.reason == "ImageNotPulled"
    assert "localhost/no-such-image:1" in seen.status.message
    assert await bench.left(spec) == record_only(spec)


async def test_a_size_for_which_there_is_no_room(bench: GroupBench) -> None:
    """The old group is gone by then; what was saved is not."""
    spec = await bench.running({"locales": 2})
    spec = await bench.patched(spec, {"cores": 1000}, start_timeout=timedelta(seconds=20))
    seen = await bench.until(spec, lambda s: s.reason == "Unschedulable")
    assert seen.status.phase is SCALING
    seen = await bench.until(spec, FAILED)
    assert "Insufficient cpu" in seen.status.message
    assert await bench.left(spec) == record_only(spec)


@pytest.mark.parametrize("role", ["locale-1", "server"])
async def test_what_is_lost_is_the_end(bench: GroupBench, role: str) -> None:
    spec = await bench.running({"locales": 2})
    name = {"locale-1": f"{spec.id}-locale-0", "server": f"{spec.id}-server"}[role]
    await bench.core.delete_namespaced_pod(name, bench.namespace, grace_period_seconds=0)
    seen = await bench.until(spec, FAILED)
    assert seen.status.reason in {"LocaleLost", "ServerLost", "ServerEnded"}
    assert seen.status.message
    assert seen.status.remedy
    assert await bench.left(spec) == record_only(spec)


async def test_a_server_that_was_shut_down_by_a_client(bench: GroupBench) -> None:
    spec = await bench.running({"locales": 2})
    await bench.said(spec, "shutdown")
    seen = await bench.until(spec, FAILED)
    assert seen.status.reason == "ShutDown"
    lines = [line async for line in bench.platform.logs(spec.id, "server", 50, False)]
    assert lines, "its log is kept"


async def test_one_that_starts_can_be_stopped(bench: GroupBench) -> None:
    for _ in range(3):
        spec = await bench.launch({"locales": 3})
        await bench.until(spec, lambda s: bool(s.roles))
        await bench.platform.stop(spec.id)
        await bench.until(spec, None)
        assert not await bench.left(spec)


async def test_without_the_definition_only_arkouda_is_missing(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    all_images: dict[str, str],
    dask_definitions: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a version that no cluster has: taking away the real one would end others' groups."""
    monkeypatch.setattr(inventory, "ARKOUDA_CLUSTERS", UNKNOWN)
    monkeypatch.setattr(inventory, "_CUSTOM", (DASK_CLUSTERS, UNKNOWN))
    monkeypatch.setattr(custom, "ARKOUDA_CLUSTERS", UNKNOWN)
    place = (kubeconfig, kubernetes, namespace, all_images["session"])
    async with backends.bench(*place) as bench:
        await bench.running()
        obstacle = bench.platform.obstacle(get_kind("arkouda"))
        assert obstacle
        assert "no operator" in obstacle.message
        group = GroupBench(kubernetes, namespace, bench.platform)
        group.image = all_images["arkouda-double"]
        spec = await group.launch(start_timeout=5)
        seen = await until(bench.platform, spec.id, FAILED, 60)
        assert seen.status.reason == "DefinitionsMissing"
