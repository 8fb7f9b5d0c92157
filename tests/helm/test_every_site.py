"""One definition for every kind of site: what differs is where the hub is, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from ruamel.yaml import YAML
from traitlets.config import Config

from tests.helm.chart import Object, environment, named, objects, pod_specs, render
from tests.house.test_source import ROOT

HOW_TO = ROOT / "docs" / "how-to"
CATALOGUE = (ROOT / "deploy" / "helm" / "alongside" / "files" / "catalogue.yaml").read_text("utf-8")
CHARTS: dict[str, Object] = {
    "a plain hub": {"hub__enabled": True},
    "z2jh": {},
    "a hub of one's own": {
        "connection__apiUrl": "http://my-hub.hubs:8081/hub/api",
        "connection__namespace": "hubs",
        "connection__hubPods": {"app": "my-hub"},
        "connection__proxyPods": {"app": "my-proxy"},
    },
}


def first_block(page: str, containing: str) -> str:
    """The first Python of a guide in which these words are."""
    text = (HOW_TO / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return dedent(next(block for block in found if containing in block))


PORTAL = first_block("sign-in-by-header", "jwks_url")
"""How a hub is told of the portal that its users come from."""


def by_lines(*blocks: str) -> Config:
    """A configuration of such Python."""
    c = Config()
    for block in blocks:
        exec(block, {"c": c})
    return c


def one_machine(_: Path) -> Config:
    return by_lines(first_block("add-to-my-hub", "configure("), PORTAL)


def own_hub(_: Path) -> Config:
    return by_lines(first_block("kubernetes-plain-hub", "configure("), PORTAL)


def z2jh(_: Path) -> Config:
    values = YAML(typ="safe").load(ROOT / "deploy" / "z2jh" / "values.yaml")
    return by_lines(values["hub"]["extraConfig"]["alongside"], PORTAL)


def plain_hub(folder: Path) -> Config:
    """As the chart's hub reads it."""
    found = objects(render(folder, hub__enabled=True, hub__extraConfig=PORTAL))
    for name, text in named(found, "ConfigMap", "alongside-hub")["data"].items():
        (folder / name).write_text(text)
    hub = JupyterHub()
    hub.load_config_file(str(folder / "jupyterhub_config.py"))
    return hub.config


HUBS: dict[str, Callable[[Path], Config]] = {
    "one machine": one_machine,
    "a plain hub": plain_hub,
    "z2jh": z2jh,
    "a hub of one's own": own_hub,
}


@pytest.mark.shows("T149")
def test_hubs_of_all_kinds_are_behind_one_portal_by_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And give the service the same rights, sessions the same form."""
    for name in ("USER_PASSWORD", "ADMIN_PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"ALONGSIDE_{name}", name * 4)
    configured = {}
    for site, configure in HUBS.items():
        monkeypatch.setenv("ALONGSIDE_TOKEN", "TOKEN" * 4)  # who reads it takes it away
        configured[site] = configure(tmp_path)
    portals, roles, spawners = [], [], {}
    for site, c in configured.items():
        assert c.JupyterHub.authenticator_class == "alongside-header", site
        portals.append(dict(c.HeaderAuthenticator))
        (service,) = c.JupyterHub.services
        assert service["name"] == "alongside"
        roles.append(c.JupyterHub.load_roles)
        spawners[site] = c.JupyterHub.spawner_class
    assert all(one == portals[0] for one in portals)
    assert all(one == roles[0] for one in roles)
    assert spawners.pop("one machine") == "alongside-local"
    assert set(spawners.values()) == {"alongside-kubernetes"}


@pytest.mark.shows("T149")
def test_the_service_is_the_same_at_each_kind_of_hub(tmp_path: Path) -> None:
    """One catalogue; the pods differ by the hub's address, the networks by its place."""
    services: list[Any] = []
    for site, values in CHARTS.items():
        settings = {"catalogue__text": CATALOGUE, "connection__token__value": "known"}
        found = objects(render(tmp_path, **values, **settings))
        catalogue = named(found, "ConfigMap", "alongside-catalogue")["data"]["catalogue.yaml"]
        assert catalogue == CATALOGUE, site
        file = named(found, "ConfigMap", "alongside-service")["data"]["service.json"]
        told = json.loads(file)
        peer = told["KubernetesPlatform"].pop("session_peer")
        pod = dict(pod_specs(found))["Deployment alongside"]
        variables = environment(pod["containers"][0])
        address = variables.pop("JUPYTERHUB_API_URL")
        pod["containers"][0]["env"] = variables
        assert ("hubs" in address, "hubs" in str(peer)) == 2 * (site == "a hub of one's own",)
        rights = [o["rules"] for o in found if o["kind"] == "Role" and "-hub" not in str(o)]
        services.append((told, pod, rights))
    assert all(one == services[0] for one in services)
