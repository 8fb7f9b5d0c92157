"""The operator as the chart installs it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from alongside_operator import doors
from alongside_operator.group import CLUSTERS, KIND, Group
from tests.helm.chart import (
    CHART,
    Object,
    broken_bindings,
    environment,
    named,
    objects,
    pod_specs,
    render,
)
from tests.house.test_source import ROOT
from tests.operators.world import World

ON = {"operator__enabled": True}


def definition() -> Object:
    return dict(YAML(typ="safe").load(CHART / "crds" / "arkoudaclusters.yaml"))


def test_it_is_there_when_it_is_wanted(tmp_path: Path) -> None:
    assert not [o for o in objects(render(tmp_path)) if "operator" in o["metadata"]["name"]]
    found = objects(render(tmp_path, **ON, backends__namespace="dask"))
    kinds = {o["kind"] for o in found if o["metadata"]["name"] == "alongside-operator"}
    assert kinds == {"Deployment", "NetworkPolicy", "Role", "RoleBinding", "ServiceAccount"}
    assert not broken_bindings(found)
    role = named(found, "Role", "alongside-operator")
    assert role["metadata"]["namespace"] == "dask"
    deployment = named(found, "Deployment", "alongside-operator")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "--namespace=dask" in container["command"]


def test_it_makes_secrets_and_reads_none(tmp_path: Path) -> None:
    rules = named(objects(render(tmp_path, **ON)), "Role", "alongside-operator")["rules"]
    verbs = {(g, r): set(rule["verbs"]) for rule in rules for g in rule["apiGroups"]
             for r in rule["resources"]}  # fmt: skip
    assert verbs["", "secrets"] == {"create", "delete"}
    assert not [place for place in verbs if "*" in place or place[1].endswith(("exec", "attach"))]


def test_its_pod_is_restricted(tmp_path: Path) -> None:
    pod = dict(pod_specs(objects(render(tmp_path, **ON))))["Deployment alongside-operator"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.shows("K118")
def test_who_may_read_metrics_may_read_those_of_groups(tmp_path: Path) -> None:
    values = {"monitoring__serviceMonitor__enabled": True}
    labels = {"release": "kube-stack"}
    found = objects(render(tmp_path, **ON, **values, monitoring__serviceMonitor__labels=labels))
    monitor = named(found, "ServiceMonitor", "alongside-arkouda")
    assert monitor["spec"]["endpoints"][0]["port"] == "http-exporter"
    assert monitor["metadata"]["labels"]["release"] == "kube-stack"
    # by which it finds the Services that the operator makes, whatever their namespace
    world = World()
    assert world.custom
    service, _ = doors.services(Group.of(world.custom))
    labels, selector = service["metadata"]["labels"], monitor["spec"]["selector"]
    assert selector["matchLabels"].items() <= labels.items()
    assert all(one["key"] in labels for one in selector["matchExpressions"])
    assert "http-exporter" in {port["name"] for port in service["spec"]["ports"]}
    place = {"backends__namespace": "dask", "monitoring__serviceMonitor__namespace": "prometheus"}
    elsewhere = named(
        objects(render(tmp_path, **ON, **values, **place)), "ServiceMonitor", "alongside-arkouda"
    )
    assert elsewhere["metadata"]["namespace"] == "prometheus"
    assert elsewhere["spec"]["namespaceSelector"] == {"matchNames": ["dask"]}
    pod = dict(pod_specs(found))["Deployment alongside-operator"]
    peers = json.loads(environment(pod["containers"][0])["ALONGSIDE_METRICS_PEERS"])
    assert peers[0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    own = [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]
    found = objects(render(tmp_path, **ON, **values, networkPolicies__metricsFrom=own))
    pod = dict(pod_specs(found))["Deployment alongside-operator"]
    assert json.loads(environment(pod["containers"][0])["ALONGSIDE_METRICS_PEERS"]) == own


def test_the_definition_is_of_what_the_operator_speaks() -> None:
    one = definition()["spec"]
    (version,) = one["versions"]
    assert f"{one['group']}/{version['name']}" == CLUSTERS.version
    assert (one["names"]["plural"], one["names"]["kind"]) == (CLUSTERS.plural, KIND)
    scale = version["subresources"]["scale"]
    assert scale["specReplicasPath"] == ".spec.locales"
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    assert scale["statusReplicasPath"].rpartition(".")[2] in properties["status"]["properties"]
    columns = [c["name"] for c in version["additionalPrinterColumns"] if not c.get("priority")]
    assert columns == ["Locales", "Ready", "Phase", "Address", "Age"]


def test_the_group_in_the_guide_is_one() -> None:
    """As the definition has it, and with no field that it doesn't know."""
    page = (ROOT / "docs" / "how-to" / "arkouda-on-kubernetes.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```{code-block} yaml\n(apiVersion.*?)```", page, re.DOTALL)
    group = YAML(typ="safe").load(text)
    assert (group["apiVersion"], group["kind"]) == (CLUSTERS.version, KIND)
    schema = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    jsonschema.validate(group, schema)
    known = schema["properties"]["spec"]["properties"]
    assert set(group["spec"]) <= set(known)
