"""Spawners of session pods without a cluster: their manifests are all there is to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import kube_config
from kubespawner import clients
from traitlets.config import Config

from alongside.models import Pod
from alongside_spawners.choice import Choice
from alongside_spawners.kubernetes import AlongsideKubeSpawner

NOWHERE = """
apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {}}]
"""


def without_cluster(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Let KubeSpawner find the description of a cluster that isn't there."""
    file = place / "nowhere.kubeconfig"
    file.write_text(NOWHERE)
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    clients.load_config.cache_clear()


def make_spawner(settings: dict[str, Any] | None = None, **ours: Any) -> AlongsideKubeSpawner:
    """A spawner with these settings of KubeSpawner's, and of ours."""
    config = Config()
    config.KubeSpawner.update({"image": "registry.example/lab:1", "namespace": "hub"})
    config.KubeSpawner.update(settings or {})
    config.AlongsideMixin.service_url = "http://127.0.0.1:1/services/alongside/api/v1"
    config.AlongsideKubeSpawner.update(ours)
    spawner = AlongsideKubeSpawner(_mock=True, config=config)
    spawner.api_token = "not-a-secret"
    spawner.server_token_scopes = []
    return spawner


def choice(cores: int | None = None, memory: int | None = None, **pod: Any) -> Choice:
    """What the service has allowed: a size, and additions to the pod."""
    return Choice(cores=cores, memory=memory, pod=Pod(**pod))


async def manifest(spawner: AlongsideKubeSpawner, chosen: Choice | None) -> dict[str, Any]:
    """The pod of one start, as it would be sent; the settings are as before afterwards."""
    spawner._choice = chosen
    try:
        await spawner.load_user_options()
        pod = await spawner.get_pod_manifest()
    finally:
        spawner._give_back()
        spawner._choice = None
    async with ApiClient() as client:
        sent: dict[str, Any] = client.sanitize_for_serialization(pod)
    return sent


def notebook(pod: dict[str, Any]) -> dict[str, Any]:
    """The container of the notebook server."""
    (container,) = (c for c in pod["spec"]["containers"] if c["name"] == "notebook")
    return dict(container)


def environment(pod: dict[str, Any]) -> dict[str, str]:
    """Its environment variables."""
    return {entry["name"]: entry.get("value", "") for entry in notebook(pod)["env"]}
