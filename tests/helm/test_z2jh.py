"""What is added to a Zero to JupyterHub release fits the chart."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from traitlets.config import Config

from tests.helm.chart import Object, named, objects, pod_specs, render
from tests.house.test_source import ROOT


@pytest.fixture
def z2jh() -> Object:
    """The values for z2jh."""
    return dict(YAML(typ="safe").load(ROOT / "deploy" / "z2jh" / "values.yaml"))


def test_its_configuration_sets_up_spawner_service_and_roles(
    z2jh: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as z2jh runs it: after its own, with services and roles that are lists already."""
    monkeypatch.setenv("ALONGSIDE_TOKEN", "given")
    c = Config()
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.services, c.JupyterHub.load_roles = [{"name": "culler"}], []
    exec(z2jh["hub"]["extraConfig"]["alongside"], {"c": c})
    assert c.JupyterHub.spawner_class == "alongside-kubernetes"
    (_, service) = c.JupyterHub.services
    assert service["api_token"] == "given"
    assert service["url"].startswith("http://alongside")
    assert "command" not in service
    assert {role["name"] for role in c.JupyterHub.load_roles} == {"alongside-service", "user"}


def test_it_takes_the_token_that_the_chart_makes(z2jh: Object, tmp_path: Path) -> None:
    """From the Secret of that name and key."""
    place = z2jh["hub"]["extraEnv"]["ALONGSIDE_TOKEN"]["valueFrom"]["secretKeyRef"]
    secret = named(objects(render(tmp_path)), "Secret", place["name"])
    assert place["key"] in secret["data"]


def test_sessions_and_service_are_let_through_to_each_other(z2jh: Object, tmp_path: Path) -> None:
    """By labels that the pods have, in both charts' network policies."""
    found = objects(render(tmp_path))
    labels = named(found, "Deployment", "alongside")["spec"]["template"]["metadata"]["labels"]
    egress = z2jh["singleuser"]["networkPolicy"]["egress"]
    (to_service,) = (
        rule["to"][0]["podSelector"]["matchLabels"]
        for rule in egress
        if rule["ports"][0]["port"] == 8790
    )
    assert to_service.items() <= labels.items()
    # z2jh's hub takes requests from pods that are labelled so
    assert labels["hub.jupyter.org/network-access-hub"] == "true"
    policy = named(found, "NetworkPolicy", "alongside")
    peers = [peer["podSelector"]["matchLabels"] for peer in policy["spec"]["ingress"][0]["from"]]
    assert {"app": "jupyterhub", "component": "hub"} in peers
    assert {"app": "jupyterhub", "component": "proxy"} in peers
    assert dict(pod_specs(found))["Deployment alongside"]
