"""What the cluster says of a pod becomes a sentence and a remedy; nothing fatal is waited for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alongside.errors import NotAllowed, QuotaExceeded, Unavailable
from alongside_spawners.pod_story import sentence
from alongside_spawners.pod_trouble import refused, trouble_of
from alongside_spawners.session_start import SessionFailed


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """A pod whose container waits."""
    container = {"name": "notebook", "image": "registry.example/lab:1", "ready": False}
    state = {"waiting": {"reason": reason, "message": message}}
    return {"status": {"phase": "Pending", "containerStatuses": [container | {"state": state}]}}


def unscheduled(message: str) -> dict[str, Any]:
    """A pod that no node takes."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return {"status": {"phase": "Pending", "conditions": [condition | {"message": message}]}}


@pytest.mark.parametrize("status", [{}, {"phase": "Pending"}, {"phase": "Running"}])
def test_a_pod_on_its_way_is_in_no_trouble(status: dict[str, Any]) -> None:
    assert trouble_of({"status": status}) is None
    assert trouble_of(waiting("ContainerCreating")) is None
    assert trouble_of(waiting("PodInitializing")) is None


def test_the_schedulers_reason_is_told_and_waited_for() -> None:
    found = trouble_of(
        unscheduled(
            "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to "
            "deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found."
        )
    )
    assert found is not None
    assert found.message == (
        "Waiting for a node with room: 0/2 nodes are available: 1 Insufficient cpu, "
        "1 Insufficient memory."
    )
    assert found.patience is None


def test_a_missing_volume_claim_is_named() -> None:
    found = trouble_of(
        unscheduled('0/2 nodes are available: persistentvolumeclaim "home-ada" not found.')
    )
    assert found is not None
    assert "home-ada" in found.message
    assert found.patience is not None


@pytest.mark.parametrize(
    ("pod", "words", "patience"),
    [
        (waiting("ImagePullBackOff", 'Back-off pulling image "x"'), "can't be fetched", 15),
        (waiting("ErrImagePull", "registry.example/lab:1: not found"), "not found", 3),
        (waiting("ErrImageNeverPull", "not present"), "not present", 3),
        (waiting("InvalidImageName", "invalid"), "not the name of an image", 0),
        (waiting("CreateContainerConfigError", 'secret "s" not found'), 'secret "s"', 10),
        ({"metadata": {"deletionTimestamp": "now"}, "status": {}}, "was deleted", 0),
        ({"status": {"phase": "Failed", "reason": "Evicted"}}, "Evicted", 0),
    ],
)
def test_what_does_not_pass_ends_the_start_soon(
    pod: dict[str, Any], words: str, patience: float
) -> None:
    found = trouble_of(pod)
    assert found is not None
    assert words in found.message
    assert found.patience == patience
    assert found.remedy


@pytest.mark.parametrize("key", ["state", "lastState"])
def test_a_notebook_server_that_ended_leaves_its_last_words(key: str) -> None:
    ended = {"exitCode": 3, "reason": "Error", "message": "line 1\nno such\x1b module\n\n"}
    status: Any = {"name": "notebook", key: {"terminated": ended}}
    pod = {"status": {"containerStatuses": [status]}}
    found = trouble_of(pod)
    assert found is not None
    assert found.message == (
        "The notebook server ended with status 3 before it was ready. "
        "Its last words: line 1 no such module"
    )
    status[key]["terminated"]["reason"] = "OOMKilled"
    found = trouble_of(pod)
    assert found is not None
    assert "memory" in found.message


def test_an_init_container_that_is_done_is_no_trouble() -> None:
    done = {"name": "prepare", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    assert trouble_of({"status": {"initContainerStatuses": [done]}}) is None


QUOTA = (
    'pods "jupyter-ada" is forbidden: exceeded quota: users, requested: limits.cpu=2,pods=1, '
    "used: limits.cpu=3,pods=2, limited: limits.cpu=4,pods=2"
)


@pytest.mark.parametrize(
    ("status", "message", "error", "words"),
    [
        (403, QUOTA, QuotaExceeded, "it needs limits.cpu=2,pods=1, in use are"),
        (403, "violates PodSecurity: runAsUser=0", SessionFailed, "does not admit"),
        (403, 'User "hub" cannot create resource "pods"', NotAllowed, "The hub may not"),
        (404, 'namespaces "x" not found', SessionFailed, "no place"),
        (422, "spec.containers[0].image: Required value", SessionFailed, "Required value"),
        (503, "starting", Unavailable, "at the moment"),
        (0, "", SessionFailed, "no reason is given"),
    ],
)
def test_a_refused_pod_is_explained(
    status: int, message: str, error: type[Exception], words: str
) -> None:
    found = refused(status, json.dumps({"kind": "Status", "message": message}))
    assert type(found) is error
    assert words in found.message
    assert found.remedy
    assert not found.message.startswith("{")


@pytest.mark.parametrize("body", [None, "", b"not json", "[]", "5", b"\xff"])
def test_an_answer_that_is_not_from_kubernetes_is_no_fault_of_ours(body: Any) -> None:
    assert isinstance(refused(500, body), Unavailable)


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        (
            "FailedScheduling",
            "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available.",
            "Waiting for a node with room: 0/1 nodes are available: 1 Insufficient cpu.",
        ),
        (
            "Scheduled",
            "Successfully assigned hub/jupyter-ada to node1",
            "There is room on node node1.",
        ),
        ("Pulling", 'Pulling image "lab:1"', "Fetching the image lab:1."),
        ("Pulled", 'Container image "lab:1" already present', "The image lab:1 is there."),
        ("Started", "Container started", "The notebook server is starting."),
        ("TriggeredScaleUp", "pod triggered scale-up", "The cluster is adding a node; that can"),
        ("FailedMount", "MountVolume.SetUp failed", "Waiting for a volume: MountVolume"),
        ("Unheard", "of\nthis", "The cluster warns: of this."),
    ],
)
def test_events_are_told_in_sentences(reason: str, message: str, expected: str) -> None:
    event = {"reason": reason, "message": message, "type": "Warning"}
    assert sentence(event).startswith(expected)
