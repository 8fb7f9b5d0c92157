"""What the chart comes to."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.helm.chart import (
    CHART,
    NAMESPACE,
    Object,
    broken_bindings,
    combinations,
    environment,
    named,
    objects,
    pod_specs,
    render,
)

EVERYTHING = dict(combinations()).popitem()[1]
HUB = {"hub__enabled": True}
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "Namespace", "PersistentVolume"}


def rendered(folder: Path, **values: Any) -> list[Object]:
    """The objects for these values."""
    return objects(render(folder, **values))


@pytest.mark.shows("K97", "K106")
def test_every_combination_of_switches_renders_to_what_a_cluster_can_take(tmp_path: Path) -> None:
    """Nothing twice, no binding to what isn't there, nothing over the whole cluster."""
    for name, values in combinations():
        found = rendered(tmp_path, **values)
        places = [
            (o["kind"], o["metadata"].get("namespace", NAMESPACE), o["metadata"]["name"])
            for o in found
        ]
        assert len(places) == len(set(places)), name
        assert not broken_bindings(found), name
        assert not CLUSTER_WIDE & {o["kind"] for o in found}, name
        assert sum(o["kind"] == "Deployment" for o in found) == (3 if "hub" in name else 1)


@pytest.mark.shows("K97")
def test_a_binding_to_a_role_that_is_not_there_is_found() -> None:
    """So that the test before this one can fail."""
    account = {"kind": "ServiceAccount", "metadata": {"name": "server"}}
    binding = {
        "kind": "RoleBinding",
        "metadata": {"name": "server"},
        "roleRef": {"kind": "Role", "name": "srever"},
        "subjects": [{"kind": "ServiceAccount", "name": "server"}],
    }
    assert broken_bindings([account, binding]) == ["server: no Role srever"]
    elsewhere = {"kind": "Role", "metadata": {"name": "srever", "namespace": "other"}}
    assert broken_bindings([account, binding, elsewhere]) == ["server: no Role srever"]
    assert not broken_bindings([account, binding, {**elsewhere, "metadata": {"name": "srever"}}])


def test_all_pods_are_restricted(tmp_path: Path) -> None:
    """As the strictest Pod Security standard wants it, and a little more."""
    tests = {"networkPolicies__enabled": True, "tests__storage__enabled": True}
    pods = list(pod_specs(rendered(tmp_path, **EVERYTHING, **tests)))
    assert len(pods) == 7
    for name, pod in pods:
        assert pod["enableServiceLinks"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name
        assert all({"emptyDir", "configMap", "persistentVolumeClaim"} & set(v) for v in
                   pod.get("volumes", [])), name  # fmt: skip


def test_only_those_who_ask_the_cluster_have_a_token_of_it(tmp_path: Path) -> None:
    """The service and the hub."""
    tokens = {n: p["automountServiceAccountToken"] for n, p in pod_specs(rendered(tmp_path, **HUB))}
    assert tokens == {
        "Deployment alongside": True,
        "Deployment alongside-hub": True,
        "Deployment alongside-proxy": False,
        "Pod alongside-test": False,
        "Pod alongside-test-network": False,
    }


def test_secrets_are_made_up_when_none_are_given(tmp_path: Path) -> None:
    """Each time others; no default, none in a ConfigMap, an environment or an argument."""
    texts = [render(tmp_path, **HUB) for _ in range(2)]
    made = []
    for text in texts:
        secrets = [o for o in objects(text) if o["kind"] == "Secret"]
        values = [base64.b64decode(v).decode() for o in secrets for v in o["data"].values()]
        assert len(values) == 5
        assert all(len(value) >= 40 for value in values)
        assert not [value for value in values if value in text]
        made += values
    assert len(set(made)) == 10
    cookie = named(objects(texts[0]), "Secret", "alongside-hub")["data"]["cookie-secret"]
    assert len(bytes.fromhex(base64.b64decode(cookie).decode())) == 32


def test_own_secrets_are_taken(tmp_path: Path) -> None:
    """A token as a value, or in a Secret that is there."""
    found = rendered(tmp_path, connection__token__value="of-my-own")
    data = named(found, "Secret", "alongside-token")["data"]
    assert base64.b64decode(data["token"]) == b"of-my-own"
    there = {"connection__token__existingSecret": "hub", "connection__token__key": "its.key"}
    found = rendered(tmp_path, **there)
    assert not [o for o in found if o["kind"] == "Secret"]
    pod = dict(pod_specs(found))["Deployment alongside"]
    source = environment(pod["containers"][0])["JUPYTERHUB_API_TOKEN"]
    assert source == {"secretKeyRef": {"name": "hub", "key": "its.key"}}


def test_images_come_from_one_registry(tmp_path: Path) -> None:
    """One value moves all of them, credentials included."""
    values = {
        "images__registry": "registry.example.org:5000/team/",
        "images__tag": "1.2",
        "images__pullSecrets": ["registry"],
    }
    found = rendered(tmp_path, **HUB, **values)
    images = {c["image"] for _, pod in pod_specs(found) for c in pod["containers"]}
    place = "registry.example.org:5000/team"
    assert images == {f"{place}/alongside-service:1.2", f"{place}/alongside-hub:1.2"}
    assert all(pod["imagePullSecrets"] == [{"name": "registry"}] for _, pod in pod_specs(found))
    spawner = hub_settings(found)["settings"]["KubeSpawner"]
    assert spawner["image"] == f"{place}/alongside-session:1.2"
    assert spawner["image_pull_secrets"] == ["registry"]


def hub_settings(found: list[Object]) -> Object:
    """What the plain hub is told."""
    data = named(found, "ConfigMap", "alongside-hub")["data"]
    return dict(json.loads(data["hub.json"]))


def service_settings(found: list[Object]) -> Object:
    """The service's configuration file."""
    return dict(json.loads(named(found, "ConfigMap", "alongside-service")["data"]["service.json"]))


def test_a_site_behind_a_proxy_tells_every_pod(tmp_path: Path) -> None:
    """In both cases of letters; the cluster's own names and API are reached directly."""
    values = {
        "outgoingProxy__http": "http://proxy.example.org:3128",
        "outgoingProxy__https": "http://proxy.example.org:3129",
        "outgoingProxy__exceptions": ["10.0.0.0/8"],
    }
    found = rendered(tmp_path, **HUB, **values)
    pods = dict(pod_specs(found))
    own = [environment(pods[f"Deployment {n}"]["containers"][0]) for n in
           ("alongside", "alongside-hub")]  # fmt: skip
    for variables in [*own, hub_settings(found)["environment"]]:
        assert variables["HTTP_PROXY"] == variables["http_proxy"] == values["outgoingProxy__http"]
        assert variables["HTTPS_PROXY"] == variables["https_proxy"]
        exceptions = variables["NO_PROXY"].split(",")
        assert variables["no_proxy"] == variables["NO_PROXY"]
        assert {"localhost", f".{NAMESPACE}", ".svc", "10.0.0.0/8"} <= set(exceptions)
        assert "$(KUBERNETES_SERVICE_HOST)" in exceptions
    assert "HTTP_PROXY" not in environment(pods["Deployment alongside-proxy"]["containers"][0])


def test_the_catalogue_is_mounted_so_that_edits_arrive(tmp_path: Path) -> None:
    """A whole folder, and no restart when only the catalogue changes."""
    text = "# mine\nprofiles:\n  z: {title: Z}\n  a: {title: A}\n"
    before, after = (rendered(tmp_path, **v) for v in ({}, {"catalogue__text": text}))
    assert named(after, "ConfigMap", "alongside-catalogue")["data"]["catalogue.yaml"] == text
    assert named(before, "Deployment", "alongside") == named(after, "Deployment", "alongside")
    pod = dict(pod_specs(after))["Deployment alongside"]
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "catalogue")
    assert "subPath" not in mount
    path = environment(pod["containers"][0])["ALONGSIDE_CATALOGUE"]
    assert path == f"{mount['mountPath']}/catalogue.yaml"
    mine = rendered(tmp_path, catalogue__existingConfigMap="mine")
    assert not [o for o in mine if o["metadata"]["name"] == "alongside-catalogue"]


def test_a_changed_setting_restarts_the_service(tmp_path: Path) -> None:
    """It reads its settings at the start only."""
    settings = {"AlongsideService": {"grace": 300}, "KubernetesPlatform": {"namespace": "x"}}
    before, after = (rendered(tmp_path, **v) for v in ({}, {"service__settings": settings}))
    assert service_settings(after)["AlongsideService"]["grace"] == 300
    assert service_settings(after)["AlongsideService"]["platforms"] == ["kubernetes"]
    assert service_settings(after)["KubernetesPlatform"]["namespace"] == "x"
    assert named(before, "Deployment", "alongside") != named(after, "Deployment", "alongside")


def test_the_service_reads_its_file(tmp_path: Path) -> None:
    """As the real one does."""
    from alongside_service.settings import AlongsideService

    found = rendered(tmp_path, service__settings={"AlongsideService": {"grace": 300}})
    data = named(found, "ConfigMap", "alongside-service")["data"]["service.json"]
    file = tmp_path / "service.json"
    file.write_text(data)
    service = AlongsideService()
    service.initialize(["--config", str(file)])
    assert service.platforms == ["kubernetes"]
    assert service.end_with_parent is False
    assert service.grace == 300


def test_the_hub_reads_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that a site may add: settings by class, and Python of its own."""
    from jupyterhub.app import JupyterHub

    found = rendered(
        tmp_path,
        **HUB,
        hub__settings={"KubeSpawner": {"mem_limit": "4G"}},
        hub__extraConfig="c.JupyterHub.named_server_limit_per_user = 3\n",
        connection__baseUrl="/lab/",
    )
    for name, text in named(found, "ConfigMap", "alongside-hub")["data"].items():
        (tmp_path / name).write_text(text)
    for name in ("USER_PASSWORD", "ADMIN_PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"ALONGSIDE_{name}", name * 4)
    hub = JupyterHub()
    hub.load_config_file(str(tmp_path / "jupyterhub_config.py"))
    c = hub.config
    assert c.JupyterHub.hub_connect_url == "http://alongside-hub.jhub:8081"
    assert c.ConfigurableHTTPProxy.api_url == "http://alongside-proxy-api.jhub:8001"
    assert c.JupyterHub.spawner_class == "alongside-kubernetes"
    assert c.JupyterHub.services[0]["url"] == "http://alongside.jhub:8790"
    assert c.JupyterHub.services[0]["api_token"] == c.AlongsideMixin.service_token == "TOKEN" * 4
    assert c.JupyterHub.base_url == "/lab/"
    assert c.JupyterHub.named_server_limit_per_user == 3
    assert c.KubeSpawner.mem_limit == "4G"
    assert c.KubeSpawner.image.partition(":")[0] == "alongside-session"


@pytest.mark.shows("K87")
def test_another_storage_class_is_one_value(tmp_path: Path) -> None:
    """Nothing else of the manifests changes with it."""
    rest = set()
    for name in ("nfs", "ceph", "local-path"):
        text = render(tmp_path, **HUB, hub__storage__className=name, connection__token__value="x")
        found = [o for o in objects(text) if o["kind"] != "Secret"]
        claim = named(found, "PersistentVolumeClaim", "alongside-hub")
        assert claim["spec"].pop("storageClassName") == name
        rest.add(json.dumps(found, sort_keys=True))
    assert len(rest) == 1


def test_several_installations_share_nothing(tmp_path: Path) -> None:
    """Development and production, side by side in one namespace or in two."""
    both = [
        {(o["kind"], o["metadata"]["name"]) for o in rendered(tmp_path, **values)}
        for values in (HUB, {**HUB, "fullnameOverride": "alongside-dev"})
    ]
    assert not both[0] & both[1]


def test_prometheus_finds_the_service_by_labels_of_the_site(tmp_path: Path) -> None:
    """The labels that it selects by are values; each replica is asked."""
    labels = {"release": "kube-stack"}
    found = rendered(
        tmp_path,
        monitoring__serviceMonitor__enabled=True,
        monitoring__serviceMonitor__labels=labels,
        monitoring__serviceMonitor__namespace="prometheus",
    )
    monitor = named(found, "ServiceMonitor", "alongside")
    assert labels.items() <= monitor["metadata"]["labels"].items()
    service = named(found, "Service", "alongside-metrics")
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    pods = named(found, "Deployment", "alongside")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= pods.items()
    assert service_settings(found)["AlongsideService"]["metrics_without_token"] is True
    closed = rendered(
        tmp_path,
        monitoring__serviceMonitor__enabled=True,
        monitoring__serviceMonitor__token__existingSecret="prometheus-token",
    )
    assert service_settings(closed)["AlongsideService"]["metrics_without_token"] is False
    assert "selector" not in named(found, "Service", "alongside")["spec"]


def test_the_shipped_catalogue_is_one() -> None:
    """As the service reads it."""
    from alongside.catalogue_file import load

    catalogue = load(CHART / "files" / "catalogue.yaml")
    assert catalogue.platforms == {"kubernetes"}
