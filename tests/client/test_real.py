"""Clients, handles and commands with the real service, the local platform and real clusters."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import dask
import dask.array as da
import pytest
from distributed import Client

import alongside
from alongside.errors import NotFound
from alongside.kinds.dask import comm
from alongside.phases import Phase
from tests.client.real import RealService, real_service


@pytest.fixture(scope="module")
def real() -> Iterator[RealService]:
    with real_service() as service:
        yield service


@pytest.fixture
def in_session(real: RealService, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealService]:
    """The environment of a kernel in a session of ada's."""
    comm.ROUTES.known.clear()
    for name, value in real.environment.items():
        monkeypatch.setenv(name, value)
    settings = {
        "scheduler-address": "alongside://session",
        "distributed.client.security-loader": "alongside.kinds.dask.comm.load_security",
    }
    with dask.config.set(settings):
        yield real
    for backend in alongside.backends():
        backend.stop(wait=True)
    alongside.session.close()


@pytest.mark.shows("K4", "K12", "K16", "K24")
def test_a_kernel_launches_computes_scales_and_ends(in_session: RealService) -> None:
    with alongside.launch("dask", workers=2, memory="256 MiB") as backend:
        with Client() as client:
            client.wait_for_workers(2, timeout=30)
            client.get_versions(check=True)
            assert client.submit(sum, [1, 2]).result(timeout=30) == 3
            # 320 MB: more than a worker of 256 MiB could hold
            data = da.ones((8, 5_000_000), chunks=(1, 1_000_000))
            assert float(data.sum().compute()) == 40_000_000
            scattered = client.scatter(list(range(20)))
            assert backend.scale(3, wait=True).state.ready == 3
            assert backend.scale(1, wait=True).state.ready == 1
            assert client.gather(scattered) == list(range(20))
            client.restart(timeout=60)
            assert client.submit(sum, [3, 4]).result(timeout=30) == 7
            assert client.dashboard_link.endswith(f"/backends/{backend.id}/dashboard/status")
        assert any("Scheduler at" in line for line in backend.logs("scheduler"))
    assert backend.phase is Phase.STOPPING


@pytest.mark.shows("K16", "K20", "K21")
def test_a_handle_is_a_cluster_and_attach_is_silent_in_the_same_environment(
    in_session: RealService,
) -> None:
    backend = alongside.launch("dask", name="etl", workers=1)
    with Client(backend) as client:
        assert client.submit(sum, [1, 2]).result(timeout=30) == 3
        assert client.gather(client.scatter([5]), direct=True) == [5]
    with alongside.attach("etl") as client:
        assert client.submit(sum, [3, 4]).result(timeout=30) == 7
    assert backend.state.versions["distributed"]
    backend.stop(wait=True)
    with pytest.raises(NotFound):
        alongside.attach("etl")


def test_events_tell_the_story_of_a_launch(in_session: RealService) -> None:
    service = alongside.Client()
    backend = service.launch("dask", workers=1)
    snapshot, *_ = itertools.islice(service.events(), 1)
    assert snapshot.name == "snapshot"
    assert [one["id"] for one in snapshot.data["backends"]] == [backend.id]
    service.close()


async def test_asyncio_does_it_too(in_session: RealService) -> None:
    async with (
        alongside.AsyncClient() as service,
        await service.launch("dask", workers=1) as backend,
        await backend.client() as client,
    ):
        assert await client.submit(sum, [1, 2]) == 3
        lines = [line async for line in backend.logs("scheduler", lines=5)]
        assert lines


SCRIPT = """
import sys
from distributed import Client
import alongside

url, token = sys.argv[1:]
with alongside.Client(url, token) as hub:
    with hub.launch("dask", name="script", workers=3, memory="256 MiB") as cluster:
        with Client(cluster) as client:
            assert len(client.scheduler_info(n_workers=-1)["workers"]) == 3
            assert sum(client.gather(client.map(lambda x: x * x, range(10)))) == 285
        cluster.stop(wait=True)
    assert not [b for b in hub.backends() if b.name == "script"]
"""


@pytest.mark.shows("K8")
def test_a_plain_script_outside_of_the_hub_does_the_same(real: RealService) -> None:
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "JUPYTERHUB"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, real.url, real.token],
        env=outside,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.shows("T131")
def test_the_command_line_does_each_action(in_session: RealService) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alongside.cli", *arguments],
            env={**os.environ, **in_session.environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "2 of 2 ready" in run("launch", "dask", "--workers", "2", "--idle", "30 min")
    assert "dask" in run("list")
    assert "3 of 3 ready" in run("scale", "dask", "3", "--wait")
    assert "dask answers, 3 workers" in run("doctor")
    assert "Scheduler at" in run("logs", "dask", "scheduler")
    assert "phase" in run("show").lower()
    assert "has ended" in run("stop", "dask", "--wait")


def test_following_a_log_ends_with_the_backend(in_session: RealService) -> None:
    backend = alongside.launch("dask", workers=1)
    process = subprocess.Popen(
        [sys.executable, "-m", "alongside.cli", "logs", "dask", "scheduler", "--follow"],
        env={**os.environ, **in_session.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline()
        begin = time.monotonic()
        backend.stop()
        process.stdout.read()
        assert process.wait(30) == 0
        assert time.monotonic() - begin < 30
