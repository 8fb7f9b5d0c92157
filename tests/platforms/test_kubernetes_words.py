"""What Kubernetes says, in words that help: pods in trouble, refusals, quotas. No cluster."""

from __future__ import annotations

from typing import Any

import pytest

from alongside.errors import (
    AlongsideError,
    CapacityExceeded,
    Conflict,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from alongside.models import Resources
from alongside.platforms.kubernetes import trouble
from alongside.platforms.kubernetes.answers import Refused, Undefined, refusal
from alongside.platforms.kubernetes.capacity import amount, room_of
from alongside.platforms.kubernetes.resources import DASK_CLUSTERS, DEPLOYMENTS


def pod(*, conditions: Any = (), container: Any = None, **status: Any) -> dict[str, Any]:
    containers = [] if container is None else [container]
    return {
        "metadata": {"name": "p"},
        "status": {"conditions": conditions, "containerStatuses": containers, **status},
    }


def unscheduled(message: str) -> list[dict[str, str]]:
    return [{"type": "PodScheduled", "status": "False", "message": message}]


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"image": "a:1", "state": {"waiting": {"reason": reason, "message": message}}, **more}


def ended(reason: str, code: int = 1, message: str = "") -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "message": message}}


@pytest.mark.parametrize(
    ("item", "reason", "words", "final"),
    [
        (
            pod(conditions=unscheduled("0/2 nodes are available: 2 Insufficient cpu.")),
            "Unschedulable",
            "2 Insufficient cpu",
            False,
        ),
        (
            pod(conditions=unscheduled('persistentvolumeclaim "data" not found')),
            "VolumeMissing",
            '"data" not found',
            True,
        ),
        (pod(container=waiting("ErrImagePull", "no route")), "ImageNotPulled", "no route", True),
        (pod(container=waiting("ImagePullBackOff")), "ImageNotPulled", "a:1", True),
        (
            pod(container=waiting("CreateContainerConfigError", 'secret "x" not found')),
            "ContainerNotStarted",
            'secret "x" not found',
            True,
        ),
        (
            pod(
                container=waiting(
                    "CrashLoopBackOff",
                    "back-off 10s restarting",
                    lastState=ended("StartError", 128, 'exec: "python": not found'),
                )
            ),
            "ContainerNotStarted",
            'exec: "python": not found',
            True,
        ),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on memory."),
            "Evicted",
            "low on memory",
            False,
        ),
        (pod(phase="Failed"), "PodFailed", "worker-1", False),
    ],
)
def test_a_pod_in_trouble(item: dict[str, Any], reason: str, words: str, final: bool) -> None:
    found = trouble.trouble_of(item, "worker-1")
    assert found
    assert (found.reason, found.final) == (reason, final)
    assert words in found.message
    assert found.remedy


@pytest.mark.parametrize(
    "item",
    [
        {"metadata": {"name": "new"}},
        pod(),
        pod(container=waiting("ContainerCreating")),
        pod(container=waiting("CrashLoopBackOff", lastState=ended("Error"))),
        pod(container={"state": {"running": {}}, "lastState": ended("StartError", 128)}),
        pod(conditions=[{"type": "PodScheduled", "status": "True"}]),
    ],
)
def test_a_pod_that_is_in_none(item: dict[str, Any]) -> None:
    assert trouble.trouble_of(item, "worker-1") is None


def test_long_messages_are_cut() -> None:
    found = trouble.trouble_of(pod(conditions=unscheduled("x\n " * 1000)), "worker-1")
    assert found
    assert len(found.message) < 400
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("message", "reason", "final"),
    [
        (
            "exceeded quota: q, requested: cpu=1, used: cpu=4, limited: cpu=4",
            "QuotaExceeded",
            False,
        ),
        ("maximum memory usage per Container is 64Mi", "PodRefused", True),
        ('violates PodSecurity "restricted:latest"', "PodRefused", True),
    ],
)
def test_a_deployment_without_pods(message: str, reason: str, final: bool) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}
    found = trouble.trouble_of_deployment({"status": {"conditions": [condition]}})
    assert found
    assert (found.reason, found.final) == (reason, final)
    assert message in found.message
    assert trouble.trouble_of_deployment({}) is None


@pytest.mark.parametrize(
    ("state", "count", "words"),
    [
        ({"restartCount": 2, "lastState": ended("OOMKilled", 137)}, 2, "more memory than it may"),
        ({"restartCount": 1, "lastState": ended("Error", 3)}, 1, "exit status 3"),
    ],
)
def test_restarts(state: dict[str, Any], count: int, words: str) -> None:
    found, how = trouble.restarts_of(pod(container=state))
    assert found == count
    assert words in how
    assert trouble.restarts_of(pod()) == (0, "")


def test_what_stands_beside_a_process_is_not_taken_for_it() -> None:
    item = pod(container={"name": "exporter", "restartCount": 3, "lastState": ended("Error", 3)})
    item["status"]["containerStatuses"].append(
        {"name": "server", "state": {"running": {"startedAt": "now"}}}
    )
    item["spec"] = {"containers": [{"name": "server"}, {"name": "exporter"}]}
    assert trouble.restarts_of(item)[0] == 0
    assert trouble.stage_of(item, "server") == "server started"


def test_a_pod_that_is_leaving_has_no_address() -> None:
    item = pod(podIP="10.0.0.1")
    assert trouble.address_of(item) == "10.0.0.1"
    item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not trouble.address_of(item)


# -- refusals ----------------------------------------------------------------------------------

NAMED = {"details": {"name": "x"}}


@pytest.mark.parametrize(
    ("code", "status", "error", "words"),
    [
        (403, {"message": 'exceeded quota: tight, requested: "a"'}, CapacityExceeded, "tight"),
        (403, {"message": "u cannot create resource"}, Refused, "cannot create"),
        (401, {"message": "Unauthorized"}, Refused, "deployments"),
        (404, {"message": "not here"}, Undefined, "has no deployments (apps/v1)"),
        (404, NAMED | {"message": 'pods "x" not found'}, NotFound, 'pods "x"'),
        (409, {"message": "changed"}, Conflict, "changed"),
        (422, {"message": "Invalid value"}, InvalidRequest, "Invalid value"),
        (400, {}, InvalidRequest, "does not accept"),
        (429, {}, Unavailable, "429"),
        (500, {"message": "etcd"}, Unavailable, "etcd"),
        (503, {}, Unavailable, "503"),
    ],
)
def test_refusals(
    code: int, status: dict[str, Any], error: type[AlongsideError], words: str
) -> None:
    found = refusal(code, status, DEPLOYMENTS)
    assert type(found) is error
    assert words in found.message
    assert found.remedy


def test_a_missing_definition_is_told_from_a_missing_object() -> None:
    found = refusal(404, {}, DASK_CLUSTERS)
    assert "has no daskclusters (kubernetes.dask.org/v1)" in found.message
    assert "definitions" in found.remedy


# -- how much there is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("500m", 0.5),
        ("1Ki", 1024),
        ("1.5Gi", 1.5 * 2**30),
        ("2e3", 2000),
        ("3M", 3_000_000),
        ("1E", 10**18),
        ("100n", 1e-7),
    ],
)
def test_quantities(text: str, value: float) -> None:
    assert float(amount(text)) == value


@pytest.mark.parametrize("text", ["", "x", "1gi", "Gi", "--1"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        amount(text)


def test_the_tightest_quota_counts() -> None:
    quotas = [
        {"spec": {"hard": {"requests.cpu": "8", "limits.memory": "16Gi", "pods": "10"}}},
        {"status": {"hard": {"cpu": "4500m", "requests.nvidia.com/gpu": "2"}}},
    ]
    assert room_of(quotas) == Resources(cores=4, memory=16 * 2**30, gpus=2)
    assert room_of([]) == Resources()
