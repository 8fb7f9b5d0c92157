"""What is open to whom: one door from outside, everything else shut unless it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helm.chart import NAMESPACE, SWITCHES, Object, objects, pod_specs, render

EVERY_PART = {
    "hub__enabled": True,
    "operator__enabled": True,
    "workflows__enabled": True,
    "tests__storage__enabled": True,
    "monitoring__serviceMonitor__enabled": True,
}


def templates(found: list[Object]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Kind and name, namespace and labels of all pods that stay."""
    for one in found:
        if one["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
            name = f"{one['kind']} {one['metadata']['name']}"
            space = one["metadata"].get("namespace", NAMESPACE)
            yield name, space, one["spec"]["template"]["metadata"]["labels"]


def policies(found: list[Object], space: str, labels: dict[str, str]) -> list[Object]:
    """The network policies that hold for a pod."""
    return [
        one["spec"]
        for one in found
        if one["kind"] == "NetworkPolicy"
        and one["metadata"].get("namespace", NAMESPACE) == space
        and one["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ]


@pytest.mark.shows("K104")
def test_nothing_can_be_reached_from_outside_unless_it_is_opened(tmp_path: Path) -> None:
    """By no switch, nor by all: no port of a node, no load balancer, no Ingress."""
    together = {name: value for values in SWITCHES.values() for name, value in values.items()}
    for name, values in {**SWITCHES, "as it comes": {}, "all": together | EVERY_PART}.items():
        found = objects(render(tmp_path, **values))
        assert not {"Ingress", "HTTPRoute", "Gateway"} & {o["kind"] for o in found}, name
        for service in (o["spec"] for o in found if o["kind"] == "Service"):
            assert service["type"] == "ClusterIP", name
            assert not {"externalIPs", "externalName", "loadBalancerIP"} & service.keys(), name
            assert not [port for port in service["ports"] if "nodePort" in port], name
        for pod, spec in pod_specs(found):
            assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), (name, pod)
            ports = [p for c in spec["containers"] for p in c.get("ports", [])]
            assert not [p for p in ports if "hostPort" in p], (name, pod)


@pytest.mark.shows("K104")
@pytest.mark.parametrize("way", ["NodePort", "LoadBalancer"])
def test_one_door_is_opened_and_it_is_the_proxys(tmp_path: Path, way: str) -> None:
    found = objects(render(tmp_path, **EVERY_PART, hub__proxy__type=way))
    services = {
        o["metadata"]["name"]: o["spec"]
        for o in found
        if o["kind"] == "Service" and o["spec"]["type"] != "ClusterIP"
    }
    assert services.keys() == {"alongside-proxy"}
    (port,) = services["alongside-proxy"]["ports"]
    assert port["targetPort"] == "http"  # not the one by which the hub tells it where things are


@pytest.mark.shows("K103")
def test_each_pod_is_behind_a_policy_that_names_who_may_enter(tmp_path: Path) -> None:
    """And only to the proxy's front door may anybody come."""
    found = objects(render(tmp_path, **EVERY_PART))
    names = []
    for name, space, labels in templates(found):
        held = policies(found, space, labels)
        assert held, f"{name} has no policy"
        assert all("Ingress" in one["policyTypes"] for one in held), name
        rules = [rule for one in held for rule in one.get("ingress", [])]
        anybody = [[port["port"] for port in r["ports"]] for r in rules if not r.get("from")]
        assert anybody == ([[8000]] if name.endswith("-proxy") else []), name
        assert all(rule.get("ports") for rule in rules), name
        names.append(name)
    assert len(names) == 4


@pytest.mark.shows("K103")
def test_helm_test_tries_the_network_with_a_pod_that_no_policy_names(tmp_path: Path) -> None:
    """Unless such a pod might be let in, or there are no policies."""

    def strangers(**values: Any) -> list[dict[str, str]]:
        found = objects(render(tmp_path, **values))
        return [
            o["metadata"]["labels"]
            for o in found
            if o["kind"] == "Pod" and o["metadata"]["name"] == "alongside-test-network"
        ]

    (labels,) = strangers()
    found = objects(render(tmp_path))
    (policy,) = (o for o in found if o["kind"] == "NetworkPolicy")
    for rule in policy["spec"]["ingress"]:
        for peer in rule["from"]:
            assert not peer["podSelector"]["matchLabels"].items() <= labels.items()
    assert not strangers(networkPolicies__enabled=False)
    assert not strangers(networkPolicies__alsoFrom=[{"podSelector": {}}])
    assert not strangers(networkPolicies__metricsFrom=[{"podSelector": {}}])
