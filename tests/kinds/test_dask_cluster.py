"""Real Dask clusters on this machine: right results whatever happens, and nobody else gets in."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import ssl
import stat as modes
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, Security, wait

from alongside.errors import InvalidRequest
from alongside.kinds import get_kind
from alongside.kinds.dask.control import UnixConnection
from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.base import Platform
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.process import descendants
from alongside.testing import make_spec, until
from tests.waiting import awaited

RUNNING, FAILED, STOPPED = Phase.RUNNING, Phase.FAILED, Phase.STOPPED
MIB = 2**20


async def running(platform: Platform, options: dict[str, Any], **changes: Any) -> Spec:
    spec = make_spec("dask", options, **changes)
    await platform.launch(spec)
    await until(platform, spec.id, RUNNING)
    return spec


async def patched(platform: Platform, spec: Spec, patch: dict[str, Any]) -> Spec:
    """The specification after a PATCH of its options."""
    kind = get_kind("dask")
    options = kind.change(kind.Options.model_validate(spec.options), patch)
    spec = spec.model_copy(update={"options": options, "generation": spec.generation + 1})
    await platform.update(spec)
    return spec


async def settled(platform: Platform, spec: Spec, workers: int) -> None:
    await until(
        platform,
        spec.id,
        lambda s: (s.generation, s.phase, s.ready) == (spec.generation, RUNNING, workers),
    )


@asynccontextmanager
async def connected(platform: Platform, spec: Spec) -> AsyncIterator[Client]:
    connection = await platform.connection(spec.id)
    async with Client(
        connection.address, security=security(connection.credentials), asynchronous=True
    ) as client:
        yield client


def security(credentials: dict[str, str]) -> Security:
    return Security(
        require_encryption=True,
        tls_ca_file=credentials["ca"],
        tls_client_cert=credentials["cert"],
        tls_client_key=credentials["key"],
    )


def worker_pids(home: Path, platform: LocalPlatform, spec: Spec) -> dict[str, int]:
    supervisor = platform._home.folder(spec.id).supervisor()
    assert supervisor is not None
    found = {}
    for seen in descendants(supervisor.pid):
        words = psutil.Process(seen.pid).cmdline()
        if "--name" in words:
            found[words[words.index("--name") + 1]] = seen.pid
        elif "scheduler" in words:
            found["scheduler"] = seen.pid
    return found


def _make_slowly() -> Callable[[int], int]:
    def slowly(number: int) -> int:
        time.sleep(0.05)
        return number + 1

    return slowly  # a function within a function travels whole: the workers don't have the tests


slowly = _make_slowly()


@pytest.mark.shows("K12")
async def test_it_grows_and_shrinks_under_a_computation_with_the_right_result(
    platform: LocalPlatform,
) -> None:
    spec = await running(platform, {"workers": 2, "memory": "512 MiB"})
    async with connected(platform, spec) as client:
        futures = client.map(slowly, range(150))
        spec = await patched(platform, spec, {"workers": 5})
        await settled(platform, spec, 5)
        spec = await patched(platform, spec, {"workers": 2})
        total = await client.submit(sum, futures)
        await settled(platform, spec, 2)
        assert total == sum(range(1, 151))


@pytest.mark.shows("K15", "K23")
async def test_persisted_data_survives_scaling_down(platform: LocalPlatform) -> None:
    spec = await running(platform, {"workers": 4, "memory": "512 MiB"})
    async with connected(platform, spec) as client:
        futures = client.map(lambda n: bytes([n]) * MIB, range(40))
        await wait(futures)
        holders = await client.scheduler.who_has(keys=[f.key for f in futures])
        assert len({worker for workers in holders.values() for worker in workers}) == 4
        calls = client.map(lambda n: (n, time.monotonic_ns()), range(40), pure=False)
        before = await client.gather(calls)
        spec = await patched(platform, spec, {"workers": 1})
        await settled(platform, spec, 1)
        data = await client.gather(futures)
        assert [piece[0] for piece in data] == list(range(40))
        assert await client.gather(calls) == before, "moved, not computed again"


@pytest.mark.shows("K15")
async def test_an_adaptive_cluster_follows_the_work_up_and_back(platform: LocalPlatform) -> None:
    bounds = {"adaptive": {"minimum": 1, "maximum": 3}}
    spec = await running(platform, {"memory": "512 MiB"} | bounds)
    assert (await until(platform, spec.id, RUNNING)).status.wanted == 1
    async with connected(platform, spec) as client:
        futures = client.map(lambda _: time.sleep(1), range(40), pure=False)
        await until(platform, spec.id, lambda s: s.ready == 3)
        await client.cancel(futures)
        await until(platform, spec.id, lambda s: s.phase is RUNNING and s.ready == 1, 60)
        assert await client.submit(slowly, 1) == 2


@pytest.mark.shows("K15")
async def test_a_fixed_cluster_becomes_adaptive_and_fixed_again(platform: LocalPlatform) -> None:
    spec = await running(platform, {"workers": 2, "memory": "512 MiB"})
    spec = await patched(platform, spec, {"adaptive": {"minimum": 1, "maximum": 2}})
    await settled(platform, spec, 1)
    spec = await patched(platform, spec, {"workers": 2})
    assert spec.options["adaptive"] is None
    await settled(platform, spec, 2)


@pytest.mark.shows("K23")
async def test_a_killed_worker_is_replaced_and_the_result_is_right(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform, {"workers": 2, "memory": "512 MiB"})
    async with connected(platform, spec) as client:
        futures = client.map(slowly, range(60))
        await wait(futures[:5])
        os.kill(worker_pids(home, platform, spec)["worker-1"], signal.SIGKILL)
        lost = "worker-1 ended unexpectedly"
        await until(platform, spec.id, lambda s: any(lost in stage.message for stage in s.stages))
        assert await client.submit(sum, futures) == sum(range(1, 61))
        await settled(platform, spec, 2)


@pytest.mark.parametrize("phase", [Phase.STARTING, RUNNING])
async def test_a_killed_scheduler_ends_the_cluster(
    platform: LocalPlatform, home: Path, phase: Phase
) -> None:
    spec = make_spec("dask", {"memory": "512 MiB"})
    await platform.launch(spec)
    await until(platform, spec.id, phase)

    def begun() -> dict[str, int]:
        found = worker_pids(home, platform, spec)
        return found if "scheduler" in found else {}

    pids = await awaited("the scheduler", begun, every=0.005)
    os.kill(pids["scheduler"], signal.SIGKILL)
    seen = await until(platform, spec.id, FAILED)
    assert seen.status.reason == "SchedulerLost"
    assert not [name for name, pid in pids.items() if psutil.pid_exists(pid)]


@pytest.mark.shows("K102")
async def test_it_answers_only_to_its_own_credentials(platform: LocalPlatform) -> None:
    spec = await running(platform, {"workers": 1, "memory": "512 MiB"})
    other = await running(platform, {"workers": 1, "memory": "512 MiB"})
    address = (await platform.connection(spec.id)).address
    foreign = security((await platform.connection(other.id)).credentials)
    assert address.startswith("tls://127.0.0.1:")
    for attempt, way in ((address, foreign), (address.replace("tls", "tcp"), None)):
        with pytest.raises((OSError, ssl.SSLError)):
            await Client(attempt, security=way, asynchronous=True, timeout=1)
    async with connected(platform, spec) as client:
        assert await client.submit(slowly, 1) == 2


@pytest.mark.shows("K102", "K14")
async def test_its_web_pages_are_on_a_private_socket_and_on_no_port(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform, {"workers": 2, "memory": "512 MiB"})
    address = (await platform.connection(spec.id)).address
    ports = {
        name: [c.laddr.port for c in psutil.Process(pid).net_connections() if c.status == "LISTEN"]
        for name, pid in worker_pids(home, platform, spec).items()
    }
    assert ports["scheduler"] == [int(address.rsplit(":", 1)[1])]
    assert all(len(found) == 1 for found in ports.values())
    pages = await platform.dashboard(spec.id)
    assert pages is not None
    socket = pages.socket
    assert socket is not None
    assert modes.S_IMODE(socket.stat().st_mode) == 0o600
    for folder in (socket.parent, socket.parent.parent / "secrets"):
        assert modes.S_IMODE(folder.stat().st_mode) == 0o700
    for page in ("/status", "/api/v1", "/metrics", "/health"):
        assert (await asyncio.to_thread(get, socket, page)) == 200
    async with connected(platform, spec) as client:
        assert client.dashboard_link


def get(socket: Path, page: str) -> int:
    connection = UnixConnection(socket, 10)
    try:
        connection.request("GET", page)
        response: http.client.HTTPResponse = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


async def test_no_secret_is_in_arguments_environment_or_logs(
    platform: LocalPlatform, home: Path
) -> None:
    spec = await running(platform, {"workers": 1, "memory": "512 MiB"})
    key = (await platform.connection(spec.id)).credentials["key"].splitlines()[1]
    for pid in worker_pids(home, platform, spec).values():
        assert key not in " ".join(psutil.Process(pid).cmdline())
        assert key not in str(psutil.Process(pid).environ())
    for log in (home / "backends" / spec.id / "logs").iterdir():
        assert key not in log.read_text()
    assert key not in (home / "backends" / spec.id / "spec.json").read_text()


@pytest.mark.shows("K21")
async def test_it_tells_its_versions(platform: LocalPlatform) -> None:
    import distributed

    spec = await running(platform, {"workers": 1, "memory": "512 MiB"})
    versions = (await until(platform, spec.id, RUNNING)).status.versions
    assert versions["distributed"] == distributed.__version__
    assert versions["python"].startswith("3.")


@pytest.mark.shows("K24")
async def test_data_larger_than_one_workers_memory_is_processed(platform: LocalPlatform) -> None:
    import dask.array

    spec = await running(platform, {"workers": 2, "memory": "400 MiB"})
    async with connected(platform, spec) as client:
        numbers = dask.array.ones((100, 2**20), chunks=(5, 2**20))  # 800 MiB in 40 MiB pieces
        total = await client.compute((numbers * 2).sum())
        assert total == 2 * 100 * 2**20
        kept = client.persist(numbers + 1)
        await wait(kept)
        assert await client.compute(kept.sum()) == 2 * 100 * 2**20


@pytest.mark.shows("K125", "T33")
async def test_a_worker_that_takes_too_much_memory_is_ended_and_the_rest_lives(
    platform: LocalPlatform, home: Path
) -> None:
    def hog() -> int:
        blocks: list[bytearray] = []
        while len(blocks) < 2000:
            blocks.append(bytearray(os.urandom(2**20)))
            time.sleep(0.001)
        return len(blocks)

    spec = await running(platform, {"workers": 2, "memory": "512 MiB"})
    async with connected(platform, spec) as client:
        scheduler = worker_pids(home, platform, spec)["scheduler"]
        greedy = client.submit(hog, retries=0)
        seen = await until(
            platform, spec.id, lambda s: any("more than its 512 MiB" in t.message for t in s.stages)
        )
        assert seen.status.live
        await client.cancel(greedy, force=True)
        await settled(platform, spec, 2)
        assert await client.gather(client.map(slowly, range(10))) == list(range(1, 11))
        assert worker_pids(home, platform, spec)["scheduler"] == scheduler


@pytest.mark.shows("T32")
async def test_work_keeps_it_alive_and_idleness_ends_it(platform: LocalPlatform) -> None:
    spec = await running(platform, {"workers": 1, "memory": "512 MiB"}, idle=3)
    async with connected(platform, spec) as client:
        begun = time.monotonic()
        assert await client.submit(lambda: time.sleep(5) or 7) == 7
        assert time.monotonic() - begun >= 5
    seen = await until(platform, spec.id, STOPPED)
    assert seen.status.reason == "Idle"


async def test_workers_keep_to_their_cores(platform: LocalPlatform, home: Path) -> None:
    spec = await running(platform, {"workers": 2, "cores": 1, "memory": "512 MiB"})
    pids = worker_pids(home, platform, spec)
    cpus = [os.sched_getaffinity(pids[name]) for name in ("worker-1", "worker-2")]
    assert all(len(found) == 1 for found in cpus)
    if len(os.sched_getaffinity(0)) > 1:
        assert cpus[0] != cpus[1]


async def test_modules_beside_the_notebook_can_be_imported(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    (tmp_path / "my_methods.py").write_text("def answer():\n    return 42\n")
    spec = await running(platform, {"workers": 1, "memory": "512 MiB"}, directory=str(tmp_path))

    def use() -> Any:
        import my_methods

        return my_methods.answer()

    async with connected(platform, spec) as client:
        assert await client.submit(use) == 42
        assert await client.submit(os.getcwd) == str(tmp_path)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"cores": 2}, "options.cores"),
        ({"memory": "2 GiB"}, "options.memory"),
        ({"workers": 2, "adaptive": {"minimum": 1, "maximum": 2}}, "options.adaptive"),
    ],
)
def test_what_cannot_change_while_it_runs_is_refused(patch: dict[str, Any], field: str) -> None:
    kind = get_kind("dask")
    with pytest.raises(InvalidRequest) as caught:
        kind.change(kind.Options.model_validate({}), patch)
    assert caught.value.field == field
    assert caught.value.remedy


def test_importing_the_kind_does_not_import_dask() -> None:
    import subprocess
    import sys

    code = "import sys, alongside.kinds.dask; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
