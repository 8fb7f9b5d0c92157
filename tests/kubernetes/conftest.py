"""A cluster for the tests in this folder: the one that `KUBECONFIG` names.

They run when asked for (``make test-kubernetes``, or pytest with a path in here), never because a
cluster happens to be configured. Each test has a namespace of its own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import new_client_from_config

from tests.house.scripts import script
from tests.kubernetes import backends, watching
from tests.kubernetes.backends import Bench
from tests.kubernetes.dask_definitions import install

HERE = Path(__file__).resolve().parent
# Everything that we deploy runs under the strictest of Kubernetes' own standards.
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is in here, and say why, unless a path in here was asked for."""
    asked = [Path(config.invocation_params.dir, arg.partition("::")[0]) for arg in config.args]
    if any(path.resolve().is_relative_to(HERE) for path in asked):
        return
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.skip(reason="needs a cluster: make test-kubernetes"))


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """The path of the file that says where the cluster is, and who we are there."""
    path = os.environ.get("KUBECONFIG", "")
    if not Path(path).is_file():
        pytest.exit(
            "These tests need a Kubernetes cluster. Name it by KUBECONFIG, the path of one file.",
            returncode=4,
        )
    return path


@pytest.fixture
async def kubernetes(kubeconfig: str) -> AsyncIterator[ApiClient]:
    """The cluster's API, for the classes of `kubernetes_asyncio.client`."""
    async with await new_client_from_config(kubeconfig, persist_config=False) as api:
        yield api


@pytest.fixture(scope="session")
def dask_definitions(kubeconfig: str) -> None:
    """The cluster knows `DaskCluster` and its companions. They stay when the tests are over."""
    asyncio.run(install(kubeconfig))


@pytest.fixture
async def namespace(kubernetes: ApiClient) -> AsyncIterator[str]:
    """A namespace for one test, restricted; gone with all that is in it when the test is over."""
    core = CoreV1Api(kubernetes)
    name = f"alongside-test-{secrets.token_hex(4)}"
    await core.create_namespace({"metadata": {"name": name, "labels": RESTRICTED}})
    try:
        # Before that no pod can be made in it.
        await watching.until(
            core.list_namespaced_service_account,
            name,
            field_selector="metadata.name=default",
            condition=lambda account: True,
        )
        yield name
    finally:
        await core.delete_namespace(name, grace_period_seconds=0)
        await watching.until_gone(
            core.list_namespace, field_selector=f"metadata.name={name}", limit_s=120
        )


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """The images' names in the cluster by what they are: `session`, `service`, `hub`."""
    tool = script("images")
    return {target: tool.name_of(target) for target in tool.TARGETS}


@pytest.fixture
async def bench(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    images: dict[str, str],
    dask_definitions: None,
) -> AsyncIterator[Bench]:
    """A platform that acts, in a namespace of its own; nothing of its backends is left."""
    async with backends.bench(kubeconfig, kubernetes, namespace, images["session"]) as it:
        yield it
