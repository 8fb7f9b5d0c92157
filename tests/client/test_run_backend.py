"""In the step of a workflow: calls that name no backend mean the one that the step computes on."""

from __future__ import annotations

import pytest
from distributed import Client as DaskClient

import alongside
from alongside.client import Client
from alongside.endpoint import ATTACHED, Endpoint
from alongside.errors import Conflict, NotFound
from alongside.kinds.dask import comm
from alongside.models import Connection
from tests.client.fake_service import FakeService


@pytest.fixture(autouse=True)
def _no_routes() -> None:
    comm.ROUTES.known.clear()
    comm.ROUTES._failed.clear()


@pytest.fixture
def step(
    session: dict[str, str],
    service: FakeService,
    cluster: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The id of the step's cluster; the session has another one, which nothing answers for."""
    service.add()
    id = service.add("fit-abc234", session=None, run="report-abcdefghijklmnop")
    service.connections[id] = cluster
    monkeypatch.setenv(ATTACHED, id)
    return id


def test_the_endpoint_of_a_step_names_its_backend(session: dict[str, str], step: str) -> None:
    assert Endpoint.find().attached == step
    elsewhere = Endpoint.find(url="https://hub.example.org", token="x")
    assert elsewhere.attached == ""


@pytest.mark.shows("K56")
def test_what_names_no_backend_means_the_steps(step: str, service: FakeService) -> None:
    with Client() as client:
        assert client.backend().id == step
        assert client.backend(kind="dask").id == step
        assert client.backend("dask").id != step
    assert ("GET", "me") not in service.requests


@pytest.mark.shows("K56")
async def test_the_same_for_asyncio(step: str) -> None:
    from alongside.async_client import AsyncClient

    async with AsyncClient() as client:
        assert (await client.backend()).id == step


def test_another_kind_than_the_steps_is_told(step: str) -> None:
    with Client() as client, pytest.raises(Conflict, match=r"computes on the Dask cluster fit-abc"):
        client.backend(kind="arkouda")


def test_a_backend_that_is_gone_is_told(
    step: str, session: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ATTACHED, "fit-abcdefghijklmnop")
    with Client() as client, pytest.raises(NotFound):
        client.backend()


@pytest.mark.shows("K56")
def test_client_without_arguments_reaches_the_steps_cluster(step: str) -> None:
    with DaskClient() as client:
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3
        assert step in client.dashboard_link
    with alongside.attach() as client:
        assert client.submit(sum, [3, 4]).result(timeout=20) == 7
