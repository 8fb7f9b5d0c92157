"""What is asked of our operator on Kubernetes, and how its answers are read. No cluster."""

from __future__ import annotations

from typing import Any

import pytest

from alongside.errors import InvalidRequest
from alongside.kinds import get_kind
from alongside.models import Pod, Spec
from alongside.platforms.kubernetes import custom, objects
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.policy import policy
from alongside.platforms.kubernetes.report import Report
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.setting import Setting
from alongside.testing import make_spec
from tests.platforms.operated import spec_of

OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "uid": "0815"}}


# -- what is asked of the operator -------------------------------------------------------------


@pytest.mark.shows("K29")
@pytest.mark.parametrize("locales", [1, 3, 16])
def test_the_size_is_said_once(locales: int) -> None:
    spec = spec_of(locales, start_timeout=90)
    body = custom.operated(spec, Setting("here", "session:1", overcommit=4), OWNER)
    assert (body["apiVersion"], body["kind"]) == (
        "alongside.jupyter.org/v1alpha1",
        "ArkoudaCluster",
    )
    assert body["metadata"]["name"] == spec.id
    assert body["metadata"]["labels"] == objects.labels_of(spec, "backend")
    assert body["metadata"]["ownerReferences"][0]["uid"] == "0815"
    assert body["spec"] == {
        "locales": locales,
        "cores": 2,
        "cpuRequest": "500m",
        "memory": 2**30,
        "image": "arkouda:1",
        "imagePullPolicy": "IfNotPresent",
        "secretName": f"alongside-{spec.id}",
        "policy": "fail",
        "startSeconds": 90,
        "user": {"uid": 1000},
        "server": {"port": 5555},
        "pod": {},
    }


def test_what_a_profile_adds_goes_along_and_the_image_apart() -> None:
    pod = Pod(image="mine:2", node_selector={"disk": "fast"}, environment={"A": "b"})
    base = Pod(image="session:2", labels={"team": "red"})
    setting = Setting("here", "session:1", pod=base, images={"arkouda": "arkouda:1"})
    spec = custom.operated(spec_of(pod=pod), setting, OWNER)["spec"]
    assert spec["image"] == "mine:2"
    assert spec["pod"] == {
        "node_selector": {"disk": "fast"},
        "environment": {"A": "b"},
        "labels": {"team": "red"},
    }
    plain = custom.operated(spec_of(pod=Pod()), setting, OWNER)["spec"]
    assert plain["image"] == "arkouda:1", "never that of sessions"


def test_a_kind_that_the_operator_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="does not know how to run"):
        custom.operated(make_spec("dask"), Setting("here", "x"), OWNER)


def test_clients_come_to_the_server_and_the_service_to_the_exporter() -> None:
    setting = Setting("here", "x", service_peers=({"podSelector": {}},))
    spec = spec_of(owner="ada")
    doors = custom.doors_of("arkouda", get_kind("arkouda").roles(options_of(spec)))
    rules = policy(spec, doors, setting, OWNER)["spec"]["ingress"]
    ports = [[port["port"] for port in rule.get("ports", ())] for rule in rules]
    assert ports == [[], [5555], [5080]]
    assert all(rule["from"] for rule in rules)


def options_of(spec: Spec) -> Any:
    return get_kind("arkouda").Options.model_validate(spec.options)


@pytest.mark.parametrize(
    ("name", "labels", "process"),
    [
        ("etl-1-server", {"role": "server"}, "server"),
        ("etl-1-locale-0", {"role": "locale"}, "locale-1"),
        ("etl-1-locale-11", {"role": "locale"}, "locale-12"),
        ("etl-worker-3", {"role": "worker", "process": "worker-3"}, "worker-3"),
        ("stray-7", {}, "stray-7"),
    ],
)
def test_pods_have_the_names_that_people_know(
    name: str, labels: dict[str, str], process: str
) -> None:
    ours = {f"{PREFIX}/{key}": value for key, value in labels.items()}
    assert objects.process_of({"metadata": {"name": name, "labels": ours}}) == process


def test_the_log_is_that_of_the_server_not_of_what_stands_beside_it() -> None:
    pod: Object = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "server"}]}}
    pod["spec"]["containers"].append({"name": "exporter"})
    assert objects.main_container(pod) == "server"
    pod["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "exporter"}
    assert objects.main_container(pod) == "exporter"
    assert not objects.main_container({"metadata": {"name": "p"}})


# -- what is read of it ------------------------------------------------------------------------


def resource(generation: int = 2, locales: int = 3, **status: Any) -> Object:
    return {
        "metadata": {"name": "x", "generation": generation},
        "spec": {"locales": locales},
        "status": status,
    }


@pytest.mark.parametrize(
    ("item", "heeded", "runs", "stuck"),
    [
        (resource(), False, False, False),
        (resource(phase="Running", observedGeneration=1), False, False, False),
        (resource(phase="Running", observedGeneration=2), True, True, False),
        (resource(locales=5, phase="Running", observedGeneration=2), True, False, False),
        (
            resource(phase="Starting", observedGeneration=2, reason="Relaunching"),
            True,
            False,
            False,
        ),
        (
            resource(phase="Pending", observedGeneration=2, reason="Unschedulable"),
            True,
            False,
            True,
        ),
        (resource(phase="Failed", observedGeneration=2), True, False, False),
    ],
)
def test_a_report(item: Object, heeded: bool, runs: bool, stuck: bool) -> None:
    found = Report.of(item, {"locales": 3})
    assert (found.heeded, found.runs, found.stuck) == (heeded, runs, stuck)
    if found.phase == "Failed" or stuck:
        assert found.reason
        assert found.remedy
