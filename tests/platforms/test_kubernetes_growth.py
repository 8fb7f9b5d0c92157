"""Pods that wait for a node or for a volume, in words that help. No cluster."""

from __future__ import annotations

from typing import Any

import pytest

from alongside.platforms.kubernetes.growth import Growth
from alongside.platforms.kubernetes.trouble import trouble_of

FULL = "0/2 nodes are available: 2 Insufficient cpu."


def waiting(message: str = FULL, uid: str = "one") -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    return {"metadata": {"name": uid, "uid": uid}, "status": {"conditions": [condition]}}


def event(reason: str, message: str = "", version: int = 1, uid: str = "one") -> dict[str, Any]:
    return {
        "metadata": {"name": f"e{version}", "uid": f"e{version}", "resourceVersion": str(version)},
        "involvedObject": {"kind": "Pod", "uid": uid},
        "reason": reason,
        "message": message,
    }


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_a_node_that_is_being_added_is_told_of(reason: str) -> None:
    growth = Growth()
    growth.heard(event(reason, "pod triggered scale-up: [{workers 1->2 (max: 8)}]"), True)
    found = trouble_of(waiting(), "worker-1", growth)
    assert found
    assert found.reason == "WaitingForNode"
    assert "the cluster is adding one" in found.message
    assert "Insufficient cpu" in found.message
    assert not found.final
    other = trouble_of(waiting(uid="two"), "worker-2", growth)
    assert other
    assert other.reason == "Unschedulable"


def test_that_no_node_can_be_added_is_told_with_why() -> None:
    growth = Growth()
    why = "pod didn't trigger scale-up: 1 max node group size reached"
    growth.heard(event("NotTriggerScaleUp", why), True)
    found = trouble_of(waiting(), "worker-1", growth)
    assert found
    assert found.reason == "Unschedulable"
    assert "max node group size reached" in found.message


def test_the_newest_word_counts_and_an_event_that_is_gone_does_not() -> None:
    growth = Growth()
    no, yes = event("NotTriggerScaleUp", "full", 3), event("TriggeredScaleUp", "", 5)
    for one in (yes, no, event("Scheduled", "", 7)):
        growth.heard(one, True)
    assert growth.is_coming(waiting())
    assert not growth.refusal(waiting())
    growth.heard(no, False)
    assert growth.is_coming(waiting())
    growth.heard(yes, False)
    assert not growth.is_coming(waiting())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("pod has unbound immediate PersistentVolumeClaims.", "VolumeNotReady"),
        ("2 node(s) had volume node affinity conflict.", "VolumeElsewhere"),
        ("1 node(s) didn't match PersistentVolume's node affinity.", "VolumeElsewhere"),
    ],
)
def test_a_volume_that_only_some_nodes_have(said: str, reason: str) -> None:
    found = trouble_of(waiting(f"0/2 nodes are available: {said}"), "worker-1")
    assert found
    assert found.reason == reason
    assert said in found.message
    assert "administrator" in found.remedy


def test_a_registry_that_the_nodes_do_not_trust() -> None:
    said = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    state = {"waiting": {"reason": "ErrImagePull", "message": said}}
    pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"state": state}]}}
    found = trouble_of(pod, "worker-1")
    assert found
    assert "unknown authority" in found.message
    assert "certificate" in found.remedy
    assert "authority" in found.remedy
