"""Sites with a proxy to the outside, a registry, an authority or a cloud of their own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in its types

import httpx
import pytest
from ruamel.yaml import YAML

from tests.helm.chart import (
    CHART,
    Object,
    environment,
    helm,
    named,
    objects,
    pod_specs,
    render,
)
from tests.house.test_source import ROOT, tracked

PROXY = {
    "outgoingProxy__http": "http://proxy.example.org:3128",
    "outgoingProxy__https": "http://proxy.example.org:3129",
    "outgoingProxy__exceptions": ["10.96.0.0/12"],
}
EVERY_PART = {"hub__enabled": True, "operator__enabled": True, "workflows__enabled": True}
ELSEWHERE = {
    "backends__namespace": "dask",
    "connection__namespace": "hubs",
    "workflows__enabled": True,
    "operator__enabled": True,
}
AUTHORITY = {"certificateAuthority__configMap": "site-certificates"}
AUTHORITY_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def settings(found: list[Object], name: str, key: str) -> Object:
    return dict(json.loads(named(found, "ConfigMap", name)["data"][key]))


def surroundings(found: list[Object]) -> Iterator[tuple[str, Object]]:
    """The environment of each container of ours that asks others for something, now or later."""
    for name, pod in pod_specs(found):
        if name.startswith("Deployment") and not name.endswith("-proxy"):
            yield name, environment(pod["containers"][0])
    service = settings(found, "alongside-service", "service.json")
    yield "backends", service["KubernetesPlatform"]["pod"]["environment"]
    yield "steps", service["ArgoRuns"]["pod"]["environment"]
    if [o for o in found if o["metadata"]["name"] == "alongside-hub"]:
        yield "sessions", settings(found, "alongside-hub", "hub.json")["environment"]


@pytest.mark.shows("K115")
def test_all_pods_know_the_proxy_those_that_are_made_later_too(tmp_path: Path) -> None:
    """In both cases of letters, as no two libraries look at the same."""
    names = []
    for name, variables in surroundings(objects(render(tmp_path, **PROXY, **EVERY_PART))):
        for letters in (str.upper, str.lower):
            assert variables[letters("http_proxy")] == PROXY["outgoingProxy__http"], name
            assert variables[letters("https_proxy")] == PROXY["outgoingProxy__https"], name
        assert variables["NO_PROXY"] == variables["no_proxy"], name
        names.append(name)
    assert len(names) == 6


@pytest.mark.shows("K115")
@pytest.mark.parametrize("values", [EVERY_PART, ELSEWHERE], ids=["one place", "several"])
def test_calls_within_the_cluster_go_past_the_proxy(
    tmp_path: Path, values: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what Python's own library and httpx make of the exceptions, for each address that any
    pod is told, and for the API server."""
    text = render(tmp_path, **PROXY, **values)
    inside = set(re.findall(r"https?://[\w.-]+(?::\d+)?", text)) - {
        PROXY["outgoingProxy__http"],
        PROXY["outgoingProxy__https"],
        "http://0.0.0.0:8790",  # where things listen
        "http://0.0.0.0:8080",
    }
    assert len(inside) >= 2
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, variables in surroundings(objects(text)):
        for variable, value in variables.items():
            if variable.lower().endswith("_proxy"):
                # as Kubernetes fills it in
                monkeypatch.setenv(
                    variable, value.replace("$(KUBERNETES_SERVICE_HOST)", "172.20.0.1")
                )
        with httpx.Client() as client:
            direct = client._transport_for_url(httpx.URL("http://localhost"))
            for url in (*inside, "https://172.20.0.1:443"):
                host = urlsplit(url).hostname or ""
                assert proxy_bypass_environment(host), (name, url)
                assert client._transport_for_url(httpx.URL(url)) is direct, (name, url)
            outside = httpx.URL("https://pypi.org/simple")
            assert client._transport_for_url(outside) is not direct, name
        assert not proxy_bypass_environment("pypi.org"), name


@pytest.mark.shows("K116")
def test_one_value_takes_all_images_from_a_private_registry(tmp_path: Path) -> None:
    """Those of pods that are made later too, with the registry's password and no other place."""
    place = "registry.example.org:5000/team"
    values = {"images__registry": place, "images__tag": "1.2", "images__pullSecrets": ["registry"]}
    found = objects(render(tmp_path, **values, **EVERY_PART, tests__storage__enabled=True))
    for name, pod in pod_specs(found):
        assert all(c["image"].startswith(f"{place}/") for c in pod["containers"]), name
        assert pod["imagePullSecrets"] == [{"name": "registry"}], name
        for container in pod["containers"]:  # what an operator makes pods of
            images = [v for n, v in environment(container).items() if n.endswith("_IMAGE")]
            assert all(image.startswith(f"{place}/") for image in images), name
    service = settings(found, "alongside-service", "service.json")
    assert service["KubernetesPlatform"]["image"] == f"{place}/alongside-session:1.2"
    assert service["KubernetesPlatform"]["pod"]["image_pull_secrets"] == ["registry"]
    assert service["ArgoRuns"]["pod"]["image_pull_secrets"] == ["registry"]
    spawner = settings(found, "alongside-hub", "hub.json")["settings"]["KubeSpawner"]
    assert spawner["image"] == f"{place}/alongside-session:1.2"
    assert spawner["image_pull_secrets"] == ["registry"]


@pytest.mark.shows("K116")
def test_the_sites_certificates_are_in_all_pods(tmp_path: Path) -> None:
    """In a file, which all libraries are told of."""
    found = objects(render(tmp_path, **AUTHORITY, **EVERY_PART))
    for name, variables in surroundings(found):
        assert {variables[v] for v in AUTHORITY_FILES} == {"/etc/alongside-ca/ca.crt"}, name
    pods = [pod for _, pod in pod_specs(found)]
    mounted = [pod for pod in pods if "SSL_CERT_FILE" in environment(pod["containers"][0])]
    service = settings(found, "alongside-service", "service.json")
    spawner = settings(found, "alongside-hub", "hub.json")["settings"]["KubeSpawner"]
    platform, steps = service["KubernetesPlatform"]["pod"], service["ArgoRuns"]["pod"]
    volumes = [one["volumes"] for one in (*mounted, platform, steps, spawner)]
    mounts = [pod["containers"][0]["volumeMounts"] for pod in mounted]
    mounts += [one["volume_mounts"] for one in (platform, steps, spawner)]
    assert len(volumes) == len(mounts) == 6
    for each in volumes:
        (volume,) = (one for one in each if one["name"] == "authority")
        assert volume["configMap"]["name"] == "site-certificates"
    for each in mounts:
        (mount,) = (one for one in each if one["name"] == "authority")
        assert mount["mountPath"] == "/etc/alongside-ca"


CLOUDS = re.compile(
    r"\b(aws|amazon\w*|eks|ec2|gke|gcp|google\w*|azure|aks|digitalocean|ibmcloud|openstack)\b",
    re.IGNORECASE,
)
OURS = ("backends", "service", "spawners", "authenticators", "operators", "workflows", "deploy")


@pytest.mark.shows("K111")
def test_no_cloud_is_named_in_what_we_ship() -> None:
    """Nor anything that only one of them knows."""
    found = []
    for place in tracked():
        ours = place.parts[0] in OURS and place.suffix in {".py", ".yaml", ".json", ".tpl", ".txt"}
        if ours and place.name != "package-lock.json":
            lines = (ROOT / place).read_text(encoding="utf-8").splitlines()
            found += [f"{place}:{n}" for n, line in enumerate(lines, 1) if CLOUDS.search(line)]
    assert not found


@pytest.mark.shows("K111")
def test_each_kubernetes_gets_the_same() -> None:
    """From the oldest that the chart allows, by stable interfaces only."""
    oldest = str(YAML(typ="safe").load(CHART / "Chart.yaml")["kubeVersion"])
    found = set()
    for version in (oldest.removeprefix(">=").removesuffix("-0"), "1.31.0", "1.34.0", "1.36.0"):
        parts = ("operator.enabled=true", "workflows.enabled=true", "connection.token.value=known")
        values = [word for part in parts for word in ("--set", part)]
        done = helm("template", "alongside", str(CHART), "--kube-version", version, *values)
        found.add(done.stdout)
    (text,) = found
    versions = {o["apiVersion"] for o in objects(text)}
    assert not [one for one in versions if "beta" in one or "alpha" in one]
