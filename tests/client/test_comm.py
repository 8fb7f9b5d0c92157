"""``alongside://``: how a kernel's `Client()` finds the session's cluster. Real Dask, real TLS."""

from __future__ import annotations

import os
import threading
import time
import warnings

import dask.array as da
import pytest
from distributed import Client, get_client

import alongside
from alongside.kinds.dask import comm
from alongside.models import Connection
from alongside.phases import Phase
from tests.client.conftest import Clusters
from tests.client.fake_service import TOKEN, FakeService
from tests.waiting import wait_until

SESSION = "alongside://session"


@pytest.fixture(autouse=True)
def _no_routes() -> None:
    comm.ROUTES.known.clear()
    comm.ROUTES._failed.clear()


@pytest.fixture
def backend(service: FakeService, cluster: Connection) -> str:
    """The session's cluster, which runs."""
    id = service.add()
    service.connections[id] = cluster
    return id


@pytest.mark.shows("K4")
def test_client_without_arguments_reaches_the_sessions_cluster(
    session: dict[str, str], backend: str
) -> None:
    with Client() as client:
        client.wait_for_workers(2, timeout=20)
        assert len(client.scheduler_info()["workers"]) == 2
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3
        assert da.ones(1_000_000, chunks=100_000).sum().compute() == 1_000_000


def test_all_that_a_client_does_works_through_it(session: dict[str, str], backend: str) -> None:
    with Client() as client:
        client.wait_for_workers(2, timeout=20)
        scattered = client.scatter(list(range(4)))
        assert client.gather(client.map(lambda x: x + 1, scattered)) == [1, 2, 3, 4]
        assert client.gather(scattered, direct=True) == [0, 1, 2, 3]
        assert client.gather(client.scatter([7], direct=True)) == [7]
        persisted = da.ones(10, chunks=5).persist()
        assert float(persisted.sum().compute()) == 10
        assert len(client.run(os.getpid)) == 2
        assert client.get_worker_logs()
        client.get_versions(check=True)
        assert "processes=2" in repr(client)
        assert "tls://127.0.0.1" in repr(client)
        assert client.submit(lambda: get_client().submit(sum, [3, 4]).result()).result() == 7
        assert get_client(SESSION) is client


def test_the_dashboard_is_the_one_behind_the_hubs_login(
    session: dict[str, str], backend: str
) -> None:
    path = f"/services/alongside/backends/{backend}/dashboard/status"
    with Client() as client:
        assert client.dashboard_link == path
        assert path in client._repr_html_()


def test_a_cluster_has_an_address_by_name_and_by_id(
    session: dict[str, str], service: FakeService, cluster: Connection
) -> None:
    id = service.add("my etl: no. 1", session="another")
    service.connections[id] = cluster
    for target in ("my etl: no. 1", id):
        with Client(comm.address(target)) as client:
            assert client.submit(sum, [1, 2]).result(timeout=20) == 3
            assert id in client.dashboard_link


def test_a_session_without_a_cluster_is_told_how_to_launch_one(session: dict[str, str]) -> None:
    begin = time.monotonic()
    with pytest.raises(OSError, match=r"This session has no Dask cluster\. Launch one with along"):
        Client()
    assert time.monotonic() - begin < 25, "it isn't waited for until Dask gives up"


def test_a_cluster_that_has_failed_says_why(session: dict[str, str], service: FakeService) -> None:
    service.add(phase=Phase.FAILED, message="The disk is full.", remedy="Delete something.")
    with pytest.raises(comm.CannotConnect, match=r"The disk is full\. Delete something"):
        Client()


def test_a_process_outside_of_a_session_is_told_what_is_missing(
    session: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALONGSIDE_API")
    with pytest.raises(comm.CannotConnect, match="ALONGSIDE_API is not set"):
        Client(SESSION)


def test_a_cluster_that_is_starting_is_waited_for(
    session: dict[str, str], service: FakeService, cluster: Connection
) -> None:
    id = service.add(phase=Phase.STARTING)

    def come_up() -> None:
        wait_until("looks", lambda: service.requests.count(("GET", f"backends/{id}")) >= 5)
        service.set(id, phase=Phase.RUNNING)
        asked = ("GET", f"backends/{id}/connection")
        wait_until("the question", lambda: asked in service.requests)
        service.connections[id] = cluster

    thread = threading.Thread(target=come_up)
    thread.start()
    with Client(timeout=20) as client:
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3
    thread.join()


def test_a_service_that_is_away_for_a_while_is_no_trouble(
    session: dict[str, str], service: FakeService, backend: str
) -> None:
    service.drop = 6
    with Client() as client:
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3


def test_the_waiting_ends_and_says_what_for(
    session: dict[str, str], service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    service.add(phase=Phase.STARTING, message="The scheduler starts.", ready=0)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        pytest.raises(comm.CannotConnect, match=r"is still starting.*The scheduler starts"),
    ):
        Client()


def test_a_replaced_cluster_is_found_again_by_the_next_client(
    session: dict[str, str], service: FakeService, clusters: Clusters
) -> None:
    first, second = clusters.start(1), clusters.start(1)
    id = service.add()
    service.connections[id] = first
    with Client() as client:
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3
    clusters.kill(first)
    service.set(id, phase=Phase.STOPPED)
    service.connections[service.add()] = second
    with Client() as client:
        assert client.submit(sum, [3, 4]).result(timeout=20) == 7


def test_a_client_that_lost_its_cluster_goes_on_with_the_one_that_replaced_it(
    session: dict[str, str], service: FakeService, clusters: Clusters
) -> None:
    first, second = clusters.start(1), clusters.start(1)
    id = service.add()
    service.connections[id] = first
    with Client() as client:
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3
        service.set(id, phase=Phase.STOPPED)
        service.connections[service.add()] = second
        clusters.kill(first)
        wait_until(
            "the other cluster", lambda: client.scheduler_info()["address"] == second.address
        )
        assert client.submit(sum, [3, 4]).result(timeout=20) == 7


def test_the_certificates_of_another_cluster_open_nothing(
    session: dict[str, str], service: FakeService, cluster: Connection, clusters: Clusters
) -> None:
    other = clusters.start(0)
    id = service.add()
    service.connections[id] = cluster.model_copy(update={"credentials": other.credentials})
    with pytest.raises(OSError, match="certificate"):
        Client()


@pytest.mark.shows("K16", "K20")
def test_a_handle_is_a_cluster_object_for_distributed_and_for_executors(
    url: str, service: FakeService, cluster: Connection
) -> None:
    class DaskPipelineExecutor:
        """The arguments and the choice of DASF's executor."""

        def __init__(
            self, address=None, port=8786, local=False, cluster=None, daskjob=False, **kwargs
        ):
            if daskjob:
                self.client = Client()
            elif cluster is not None:
                self.client = Client(cluster)
            else:
                self.client = Client(f"{address}:{port}")

    with alongside.Client(url, TOKEN) as hub:
        handle = hub.launch("dask", workers=2, wait=False)
        service.connections[handle.id] = cluster
        executor = DaskPipelineExecutor(cluster=handle)
        with executor.client as client:
            assert client.submit(sum, [1, 2]).result(timeout=20) == 3
            assert client.gather(client.scatter([1]), direct=True) == [1]
            assert client.cluster is handle
            assert handle.id in client.dashboard_link
            assert handle.name in client._repr_html_()
            assert handle.scale(4).state.wanted == 4
            handle.close()


@pytest.mark.shows("K20")
def test_an_executor_in_a_job_uses_client_without_arguments(
    session: dict[str, str], backend: str
) -> None:
    with Client() as client:  # daskjob=True
        assert client.map(abs, [-1, -2])[1].result(timeout=20) == 2


async def test_asynchronous_clients_work_too(
    session: dict[str, str], service: FakeService, cluster: Connection
) -> None:
    async with alongside.AsyncClient() as hub:
        handle = await hub.launch("dask", wait=False)
        service.connections[handle.id] = cluster
        async with await handle.client() as client:
            assert await client.submit(sum, [1, 2]) == 3
    async with Client(asynchronous=True) as client:
        assert await client.submit(sum, [3, 4]) == 7


@pytest.mark.shows("K21")
def test_attach_names_both_versions_before_work_starts_when_they_differ(
    session: dict[str, str], service: FakeService, cluster: Connection
) -> None:
    import distributed

    id = service.add("etl", versions={"distributed": "2026.6.1", "python": "3.11.0.final.0"})
    service.connections[id] = cluster
    with (
        pytest.warns(UserWarning, match=f"2026.6.1 there, {distributed.__version__} here"),
        alongside.attach("etl") as client,
    ):
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3


@pytest.mark.shows("K21")
def test_attach_is_silent_when_versions_are_the_same(
    session: dict[str, str], service: FakeService, cluster: Connection
) -> None:
    import distributed

    id = service.add("etl", versions={"distributed": distributed.__version__})
    service.connections[id] = cluster
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with alongside.attach("etl") as client:
            assert client.submit(sum, [1, 2]).result(timeout=20) == 3


@pytest.mark.shows("K21")
def test_a_plain_client_is_told_of_other_versions_by_the_scheduler(
    session: dict[str, str], service: FakeService, clusters: Clusters
) -> None:
    from distributed.versions import VersionMismatchWarning

    service.connections[service.add()] = clusters.start(1, version="2026.6.1")
    with pytest.warns(VersionMismatchWarning, match="2026.6.1"), Client() as client:
        assert client.submit(sum, [1, 2]).result(timeout=20) == 3


def test_no_secret_is_shown(session: dict[str, str], backend: str, cluster: Connection) -> None:
    handle = alongside.backends()[0]
    shown = repr(handle) + handle._repr_html_() + str(handle._repr_mimebundle_())
    shown += repr(alongside.Client()) + repr(handle.security) + repr(handle.connection())
    for secret in (TOKEN, *cluster.credentials.values()):
        assert secret not in shown


def test_markup_in_names_stays_text(service: FakeService, client: alongside.Client) -> None:
    service.add("<script>alert(1)</script>", message="<b>")
    html = client.backends()[0]._repr_html_()
    assert "<script" not in html
    assert "<b>" not in html
