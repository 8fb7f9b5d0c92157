"""A cluster for the tests in this folder: the one that `KUBECONFIG` names.

They run when asked for (``make test-kubernetes``, or pytest with a path in here), never because a
cluster happens to be configured. Each test has a namespace of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import kr8s
import pytest
import pytest_asyncio
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import new_client_from_config

from alongside.platforms.kubernetes.api import Cluster
from alongside_workflows.executors.argo.executor import ArgoExecutor
from tests.house.scripts import script
from tests.kubernetes import backends, namespaces, rights
from tests.kubernetes.argo_stage import WORKFLOWS, Stage, stage
from tests.kubernetes.backends import Bench
from tests.kubernetes.dask_definitions import install
from tests.kubernetes.dask_operator import dask_operator as operating
from tests.kubernetes.namespaces import new_namespace
from tests.kubernetes.release import Chart, installed

HERE = Path(__file__).resolve().parent


# A request that is cancelled while it connects leaves its socket to the garbage collector: kr8s,
# by way of httpx and anyio. It would be blamed on whichever test runs when that comes round.
ABANDONED = [
    f"ignore:Exception ignored in. <{what}:pytest.PytestUnraisableExceptionWarning"
    for what in (r"socket\.socket", r"function _SelectorTransport")
]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is in here, and say why, unless a path in here was asked for."""
    asked = [Path(config.invocation_params.dir, arg.partition("::")[0]) for arg in config.args]
    here = [item for item in items if item.path.is_relative_to(HERE)]
    for item in here:
        for warning in ABANDONED:
            item.add_marker(pytest.mark.filterwarnings(warning))
    if not any(path.resolve().is_relative_to(HERE) for path in asked):
        for item in here:
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


@pytest.fixture(scope="session")
def argo_definitions(kubeconfig: str) -> None:
    """The cluster knows Argo's workflows. Skips where it doesn't."""
    try:
        kr8s.api(kubeconfig=kubeconfig).lookup_kind(WORKFLOWS)
    except ValueError:
        pytest.skip("this cluster has no Argo Workflows")


@pytest.fixture(scope="module")
def chart(
    kubeconfig: str,
    dask_definitions: None,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Chart:
    """Installs the chart with the images under test; nothing of it is left afterwards."""
    return partial(installed, kubeconfig, images, tmp_path_factory.mktemp("values"))


@pytest.fixture(scope="session", autouse=True)
def namespaces_gone(kubeconfig: str) -> Iterator[None]:
    """Nothing is left of the tests' namespaces when all are over."""

    async def gone() -> None:
        async with await new_client_from_config(kubeconfig, persist_config=False) as api:
            await namespaces.all_gone(api)

    yield
    asyncio.run(gone())


@pytest.fixture
async def namespace(kubernetes: ApiClient) -> AsyncIterator[str]:
    """A namespace for one test, restricted; deleted with all that is in it afterwards."""
    async with new_namespace(kubernetes) as name:
        yield name


@pytest.fixture
def dask_operator(kubeconfig: str, namespace: str) -> Iterator[None]:
    """The operator of dask-kubernetes looks after the test's namespace; other tests have none."""
    with operating(kubeconfig, namespace):
        yield


@pytest.fixture
async def cluster(kubeconfig: str) -> AsyncIterator[Cluster]:
    """One way to the API server."""
    cluster = Cluster(kubeconfig)
    await cluster.open()
    yield cluster
    await cluster.close()


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


@pytest.fixture
def granted(kubeconfig: str, kubernetes: ApiClient, namespace: str, tmp_path: Path) -> Any:
    """Makes an account with these rights and no others; its kubeconfig."""
    return partial(rights.grant, kubeconfig, kubernetes, namespace, tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def argo_stage(
    kubeconfig: str, argo_definitions: None, images: dict[str, str]
) -> AsyncIterator[Stage]:
    """Where Argo carries runs out for the tests of a module."""
    async with stage(kubeconfig, images["session"]) as it:
        yield it


@pytest.fixture
async def argo(argo_stage: Stage) -> AsyncIterator[ArgoExecutor]:
    """An open executor; nothing of its runs is left."""
    async with argo_stage.executor() as executor:
        yield executor
