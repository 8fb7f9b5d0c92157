"""What the chart makes so that steps of workflows run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alongside_service.settings import AlongsideService
from alongside_workflows.executors.argo.executor import ArgoExecutor
from tests.helm.chart import Object, broken_bindings, named, objects, pod_specs, render

ON = {"workflows__enabled": True}
HOME = {"workflows__home__claim": "home-{user_server}"}
ARGO = "argoproj.io"


def argo_rules(role: Object) -> list[Object]:
    return [rule for rule in role["rules"] if ARGO in rule["apiGroups"]]


def test_without_them_nothing_is_said_of_argo(tmp_path: Path) -> None:
    found = objects(render(tmp_path))
    assert not [o for o in found if "steps" in o["metadata"]["name"]]
    assert ARGO not in json.dumps(found)


@pytest.mark.shows("K94", "K96")
def test_steps_and_service_have_the_rights_that_they_need(tmp_path: Path) -> None:
    """Where backends run, and nowhere else."""
    found = objects(render(tmp_path, **ON, backends__namespace="dask"))
    ours = [o for o in found if o["metadata"]["name"] == "alongside-steps"]
    kinds = {o["kind"] for o in ours}
    assert kinds == {"ServiceAccount", "Role", "RoleBinding", "NetworkPolicy"}
    assert {o["metadata"]["namespace"] for o in ours} == {"dask"}
    assert not broken_bindings(found)
    account = named(found, "ServiceAccount", "alongside-steps")
    assert account["automountServiceAccountToken"] is False
    steps = named(found, "Role", "alongside-steps")["rules"]
    assert steps == [
        {"apiGroups": [ARGO], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    ]
    (service,) = argo_rules(named(found, "Role", "alongside-backends"))
    assert service["resources"] == ["workflows"]
    assert set(service["verbs"]) == {"get", "list", "watch", "create", "patch"}


@pytest.mark.shows("K94")
def test_steps_reach_the_service_and_nobody_reaches_steps(tmp_path: Path) -> None:
    found = objects(render(tmp_path, **ON, backends__namespace="dask"))
    peers = named(found, "NetworkPolicy", "alongside")["spec"]["ingress"][0]["from"]
    assert {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dask"}},
        "podSelector": {"matchLabels": {"alongside.jupyter.org/component": "step"}},
    } in peers
    closed = named(found, "NetworkPolicy", "alongside-steps")["spec"]
    assert closed["podSelector"]["matchLabels"] == {"alongside.jupyter.org/component": "step"}
    assert "ingress" not in closed


def test_the_service_makes_an_executor_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the real one reads its file: with homes, certificates and the address in the cluster."""
    more = {
        **ON,
        **HOME,
        "workflows__image": "registry.example.org/steps:3",
        "workflows__files__claim": "runs",
        "certificateAuthority__configMap": "site-certificates",
        "connection__baseUrl": "/lab/",
    }
    found = objects(render(tmp_path, **more))
    file = tmp_path / "service.json"
    file.write_text(named(found, "ConfigMap", "alongside-service")["data"]["service.json"])
    application = AlongsideService()
    application.initialize(["--config", str(file)])
    application.home = str(tmp_path)
    monkeypatch.setenv("POD_IP", "10.0.0.1")
    service = application.make_service("http://hub", "token")
    assert service.api == "http://alongside.jhub:8790/lab/services/alongside/api/v1"
    executor = service.executors["argo"]
    assert isinstance(executor, ArgoExecutor)
    settings = executor._settings
    assert settings.image == "registry.example.org/steps:3"
    assert settings.service_account == "alongside-steps"
    assert settings.pod.environment["HOME"] == "/home/jovyan"
    assert [v["name"] for v in settings.pod.volumes] == ["authority", "home"]
    assert settings.pod.volumes[1]["persistentVolumeClaim"] == {"claimName": "home-{user_server}"}
    assert settings.shared is not None
    pod = dict(pod_specs(found))["Deployment alongside"]
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "runs")
    assert mount["mountPath"] == str(settings.shared.path)
    (volume,) = (v for v in pod["volumes"] if v["name"] == "runs")
    assert volume["persistentVolumeClaim"] == {"claimName": "runs"}


def test_the_platforms_own_pods_have_no_home(tmp_path: Path) -> None:
    """Backends get it from the spawner, if at all."""
    found = objects(render(tmp_path, **ON, **HOME))
    data = named(found, "ConfigMap", "alongside-service")["data"]["service.json"]
    assert "volumes" not in json.loads(data)["KubernetesPlatform"]["pod"]
