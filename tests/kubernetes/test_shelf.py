"""The shelf of the Kubernetes platform, on a real API server."""

from __future__ import annotations

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.objects import selector
from alongside.platforms.kubernetes.shelf import KubernetesShelf
from tests.platforms.test_shelf import ShelfSuite


class TestKubernetes(ShelfSuite):
    @pytest.fixture
    def shelf(self, cluster: Cluster, namespace: str) -> KubernetesShelf:
        return KubernetesShelf(cluster, namespace)

    @pytest.fixture
    def other(self, cluster: Cluster, namespace: str) -> KubernetesShelf:
        return KubernetesShelf(cluster, namespace)

    async def test_documents_are_no_records_and_what_is_spoilt_is_left_out(
        self, shelf: KubernetesShelf, kubernetes: ApiClient, namespace: str
    ) -> None:
        good = await shelf.put("schedule", "a", "1", None)
        await shelf.put("schedule", "b", "2", None)
        core = CoreV1Api(kubernetes)
        await core.patch_namespaced_config_map(
            "alongside.schedule.b", namespace, {"data": {"text": None}}
        )
        assert await shelf.documents("schedule") == [good]
        assert await shelf.get("schedule", "b") is None
        records = await core.list_namespaced_config_map(
            namespace, label_selector=selector(component="record")
        )
        assert not records.items
