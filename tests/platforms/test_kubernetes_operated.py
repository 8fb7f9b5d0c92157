"""Backends on Kubernetes that an operator of ours runs: what the platform does and tells.

The cluster is in memory, and the test speaks for the operator; tests/kubernetes has the real ones.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from alongside.errors import InvalidRequest
from alongside.kinds import get_kind
from alongside.models import Pod, Spec
from alongside.phases import Phase
from alongside.platforms.kubernetes import (
    KubernetesPlatform,
    by_operator,
    clearing,
    finalizers,
    objects,
    reflector,
)
from alongside.platforms.kubernetes import platform as platform_module
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.resources import (
    ARKOUDA_CLUSTERS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    POLICIES,
    SECRETS,
)
from alongside.testing import make_spec
from tests.doubles.memory_cluster import MemoryCluster
from tests.platforms.operated import MARK, Stage, spec_of

RUNNING, SCALING, STOPPED, FAILED = Phase.RUNNING, Phase.SCALING, Phase.STOPPED, Phase.FAILED
UNSCHEDULABLE = "No node has room for locale 1."


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> MemoryCluster:
    cluster = MemoryCluster()
    monkeypatch.setattr(platform_module, "Cluster", lambda *_: cluster)
    monkeypatch.setattr(by_operator, "_UNHEEDED", 0.2)
    monkeypatch.setattr(clearing, "_ASK_AGAIN", 0.2)
    monkeypatch.setattr(finalizers, "_INTERVAL", 0.2)
    monkeypatch.setattr(reflector, "_REFUSED_PAUSE", 0.2)
    return cluster


@pytest.fixture
async def stage(cluster: MemoryCluster) -> AsyncIterator[Stage]:
    platform = KubernetesPlatform(namespace="here", image="session:1", lease_duration=3.0)
    await platform.open()
    try:
        await platform.leading()
        yield Stage(platform, cluster)
    finally:
        await platform.close()


async def test_only_what_the_operator_does_not_make_is_made(stage: Stage) -> None:
    spec = await stage.launched()
    await stage.report(spec, phase="Starting", message="0 of 2 accept SSH.")
    await stage.until(spec, lambda s: any("accept SSH" in line.message for line in s.stages))
    assert stage.left() == {"configmaps", "secrets", "networkpolicies", "arkoudaclusters"}
    secret = stage.cluster.one(SECRETS, f"alongside-{spec.id}")
    assert secret
    assert objects.secret_contents(secret).keys() == {"token"}


@pytest.mark.shows("K3")
async def test_from_launch_to_the_end(stage: Stage) -> None:
    spec = await stage.launched()
    await stage.report(spec, phase="Starting", localesReady=2, message="The server is started.")
    status = await stage.until(spec, lambda s: s.ready == 2)
    assert (status.phase, status.wanted) == (Phase.STARTING, 3)
    await stage.report(spec, phase="Running", address=f"{spec.id}.here:5555")
    status = await stage.until(spec, RUNNING)
    assert (status.ready, status.wanted, status.reason) == (3, 3, "")
    assert status.address == f"tcp://{spec.id}.here:5555"
    connection = await stage.platform.connection(spec.id)
    assert connection.address == status.address
    assert connection.credentials["token"] not in repr(connection)
    await stage.platform.stop(spec.id, forget=False)
    await stage.until(spec, Phase.STOPPING)
    await stage.report(spec, phase="Stopping")
    assert stage.cluster.one(ARKOUDA_CLUSTERS, spec.id), "the operator is still at work"
    await stage.release(spec)
    status = await stage.until(spec, STOPPED)
    assert status.reason == "Requested"
    assert stage.left() == {"configmaps"}


@pytest.mark.shows("K12")
async def test_another_size_is_scaling_until_the_operator_says_so(stage: Stage) -> None:
    spec = await stage.running(3)
    options = spec.options | {"locales": 5}
    spec = spec.model_copy(update={"options": options, "generation": 2})
    await stage.platform.update(spec)
    status = await stage.until(spec, SCALING)
    assert (status.wanted, status.generation) == (5, 2)
    await stage.cluster.until(lambda: stage.resource(spec)["spec"]["locales"] == 5)
    await stage.report(spec, phase="Starting", reason="Relaunching", message="Anew, with 5.")
    await stage.until(spec, lambda s: any("Anew" in line.message for line in s.stages))
    await stage.report(spec, phase="Running", address="a:1", heeded=False)  # still of before
    await stage.report(spec, phase="Running", address="a:1")
    status = await stage.until(spec, RUNNING)
    assert (status.ready, status.wanted) == (5, 5)


async def test_a_number_written_by_hand_is_put_right(stage: Stage) -> None:
    spec = await stage.running(3)
    await stage.cluster.patch(ARKOUDA_CLUSTERS, "here", spec.id, {"spec": {"locales": 9}})
    await stage.until(spec, SCALING)
    await stage.cluster.until(lambda: stage.resource(spec)["spec"]["locales"] == 3)
    await stage.report(spec, phase="Running", address="a:1")
    assert (await stage.until(spec, RUNNING)).ready == 3


async def test_a_failure_is_passed_on_and_nothing_is_left_but_the_record(stage: Stage) -> None:
    spec = await stage.running()
    name = await stage.pod(spec, "server")
    stage.cluster.logs[name] = ["it went wrong"]
    await stage.until(spec, lambda s: "server" in s.roles)
    await stage.report(spec, phase="Failed", reason="LocaleLost", message="It lost locale 2.")
    await stage.until(spec, Phase.STOPPING)
    await stage.release(spec)
    status = await stage.until(spec, FAILED)
    assert (status.reason, status.message) == ("LocaleLost", "It lost locale 2.")
    assert status.remedy
    assert stage.left() == {"configmaps"}
    lines = [line async for line in stage.platform.logs(spec.id, "server", 10, False)]
    assert lines == ["it went wrong"]
    assert stage.cluster.containers == ["server"]


async def test_what_the_operator_replaces_is_scaling_meanwhile(stage: Stage) -> None:
    spec = await stage.running()
    await stage.report(spec, phase="Starting", reason="Relaunching", message="It lost locale 2.")
    status = await stage.until(spec, SCALING)
    assert (status.message, status.reason) == ("It lost locale 2.", "Relaunching")
    await stage.report(spec, phase="Running", address="a:1")
    assert (await stage.until(spec, RUNNING)).reason == ""


async def test_one_that_does_not_come_back_is_given_up(stage: Stage) -> None:
    spec = await stage.running(start_timeout=1)
    await stage.report(spec, phase="Pending", reason="Unschedulable", message=UNSCHEDULABLE)
    await stage.until(spec, Phase.STOPPING)
    await stage.release(spec)
    status = await stage.until(spec, FAILED)
    assert status.reason == "Unschedulable"
    assert "No node has room" in status.message


async def test_a_start_that_waits_says_why_and_ends_in_time(stage: Stage) -> None:
    spec = await stage.launched(start_timeout=1)
    await stage.report(spec, phase="Pending", reason="Unschedulable", message=UNSCHEDULABLE)
    status = await stage.until(spec, lambda s: s.reason == "Unschedulable")
    assert status.phase is Phase.STARTING
    assert status.message == UNSCHEDULABLE
    assert status.remedy
    await stage.until(spec, Phase.STOPPING)
    await stage.release(spec)
    assert (await stage.until(spec, FAILED)).reason == "Unschedulable"


async def test_without_an_operator_it_says_so_and_ends_in_time(stage: Stage) -> None:
    spec = await stage.launched(start_timeout=1)
    status = await stage.until(spec, lambda s: s.reason == "OperatorMissing")
    assert "operator" in status.remedy
    status = await stage.until(spec, FAILED)
    assert status.reason == "OperatorMissing"
    assert stage.left() == {"configmaps"}


async def test_an_operator_that_is_gone_holds_nothing(stage: Stage) -> None:
    """The steward ends the server in its place, then lets the rest go."""
    spec = await stage.running()
    server = await stage.pod(spec, "server")
    await stage.pod(spec, "locale", 0)
    await stage.until(spec, lambda s: s.roles == ("locale-1", "server"))
    hold = {"metadata": {"finalizers": ["test/held"]}}
    await stage.cluster.patch(PODS, "here", server, hold)
    await stage.platform.stop(spec.id, forget=False)
    await stage.cluster.until(lambda: stage.is_ending(server))
    assert not stage.is_ending(f"{spec.id}-locale-0")
    await stage.cluster.patch(PODS, "here", server, {"metadata": {"finalizers": []}})
    await stage.until(spec, STOPPED)
    assert stage.left() == {"configmaps"}


async def test_an_operator_that_is_ending_it_is_not_overtaken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = await stage.running()
    await stage.platform.stop(spec.id)
    await stage.until(spec, Phase.STOPPING)
    await stage.report(spec, phase="Stopping")
    before = stage.cluster.asked.count(("delete", ARKOUDA_CLUSTERS))
    await stage.cluster.until(
        lambda: stage.cluster.asked.count(("delete", ARKOUDA_CLUSTERS)) > before + 2
    )
    assert MARK in stage.resource(spec)["metadata"]["finalizers"]
    monkeypatch.setattr(clearing, "_OVERDUE", -60.0)  # unless it takes too long over it
    await stage.until(spec, None)


async def test_deleted_by_hand_it_has_ended(stage: Stage) -> None:
    spec = await stage.running()
    await stage.release(spec)
    await stage.cluster.remove(ARKOUDA_CLUSTERS, spec.id)
    status = await stage.until(spec, STOPPED)
    assert status.reason == "Deleted"
    assert stage.left() == {"configmaps"}


async def test_what_is_left_of_a_deleted_record_is_let_go(stage: Stage) -> None:
    spec = await stage.running()
    await stage.cluster.remove(CONFIG_MAPS, f"alongside-{spec.id}")
    await stage.until(spec, None)
    await stage.cluster.until(lambda: not stage.left())


async def test_it_may_be_stopped_before_the_operator_has_seen_it(stage: Stage) -> None:
    spec = spec_of()
    await stage.platform.launch(spec)
    await stage.platform.stop(spec.id)
    await stage.until(spec, None)
    assert not stage.left()


async def test_who_shares_it_is_let_in(stage: Stage) -> None:
    spec = await stage.running()
    shares = ({"user": "bob", "access": "attach"},)
    wish = Spec.model_validate(spec.model_dump() | {"shares": shares, "generation": 2})
    await stage.platform.update(wish)
    await stage.until(spec, lambda s: s.generation == 2)
    policy = stage.cluster.one(POLICIES, f"alongside-{spec.id}")
    assert policy
    assert len(policy["spec"]["ingress"][1]["from"]) == 2


async def test_one_kept_ready_is_given_away(stage: Stage) -> None:
    spec = await stage.running(owner="")
    wish = spec_of(owner="ada").model_copy(update={"id": spec.id, "generation": 2})
    assert await stage.platform.claim(spec.id, wish)
    await stage.until(spec, lambda s: s.generation == 2)
    assert stage.resource(spec)["metadata"]["annotations"][f"{PREFIX}/owner"] == "ada"


# -- a cluster without them --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["undefined", "refused"])
async def test_without_definitions_everything_else_goes_on(
    cluster: MemoryCluster, stage: Stage, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    arkouda = get_kind("arkouda")
    assert stage.platform.obstacle(arkouda) is None
    await stage.platform.close()
    caplog.set_level(logging.INFO, "alongside.kubernetes")
    caplog.clear()
    getattr(cluster, how).add(ARKOUDA_CLUSTERS)
    await stage.platform.open()
    await stage.platform.leading()
    obstacle = stage.platform.obstacle(arkouda)
    assert obstacle
    assert "no operator" in obstacle.message
    assert stage.platform.obstacle(get_kind("dask")) is None
    dask = make_spec("dask", {"workers": 1})
    await stage.platform.launch(dask)
    await cluster.until(lambda: any(key[0] == DEPLOYMENTS for key in cluster.objects))
    asked = cluster.asked.count(("list", ARKOUDA_CLUSTERS))
    await cluster.until(lambda: cluster.asked.count(("list", ARKOUDA_CLUSTERS)) > asked + 1)
    told = [record for record in caplog.records if "arkoudaclusters" in record.getMessage()]
    assert [record.levelname for record in told] == ["INFO"], "once, and as no fault"
    getattr(cluster, how).clear()  # they have been installed
    spec = await stage.running()
    assert stage.platform.obstacle(arkouda) is None
    await stage.platform.stop(spec.id)


async def test_a_launch_without_definitions_says_what_is_missing(
    cluster: MemoryCluster, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.undefined.add(ARKOUDA_CLUSTERS)
    spec = spec_of(start_timeout=1)
    await stage.platform.launch(spec)
    status = await stage.until(spec, FAILED)
    assert status.reason == "DefinitionsMissing"
    assert "arkoudaclusters" in status.message
    assert "definitions" in status.remedy
    assert stage.left() == {"configmaps"}


async def test_without_an_image_of_its_own_it_is_refused(stage: Stage) -> None:
    with pytest.raises(InvalidRequest, match="No image is known for the Arkouda") as refused:
        await stage.platform.launch(spec_of(pod=Pod()))
    assert "images" in refused.value.remedy
