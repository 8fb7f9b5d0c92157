"""The Kubernetes platform does what every platform must."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from alongside.platforms.kubernetes import KubernetesPlatform
from alongside.testing import PlatformSuite, until
from tests.kubernetes import watching

# What the host, where the tests run, is to the cluster's network policies.
ANYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]


def make_platform(kubeconfig: str, namespace: str, image: str) -> KubernetesPlatform:
    return KubernetesPlatform(
        kubeconfig=kubeconfig,
        namespace=namespace,
        image=image,
        service_peers=ANYWHERE,
        client_peers=ANYWHERE,
        core_overcommit=20.0,
    )


@pytest.fixture
async def platform(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    images: dict[str, str],
    dask_definitions: None,
) -> AsyncIterator[KubernetesPlatform]:
    """An open platform that acts. Afterwards nothing of its backends is left."""
    platform = make_platform(kubeconfig, namespace, images["session"])
    await platform.open()
    await platform.leading()
    yield platform
    for seen in await platform.observed():
        await platform.stop(seen.spec.id)
    for seen in await platform.observed():
        await until(platform, seen.spec.id, None, 60)
    core = CoreV1Api(kubernetes)
    await watching.until_gone(core.list_namespaced_pod, namespace, limit_s=60)
    await platform.close()


class TestKubernetesPlatform(PlatformSuite):
    timeout = 90.0

    @pytest.fixture
    def another(
        self, kubeconfig: str, namespace: str, images: dict[str, str]
    ) -> Callable[[], KubernetesPlatform]:
        return lambda: make_platform(kubeconfig, namespace, images["session"])
