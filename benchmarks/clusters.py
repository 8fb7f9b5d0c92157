"""From the request to two usable workers, and from two to three: ours and three peers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from distributed import Client, LocalCluster

import alongside
from benchmarks.measure import Row, alternate, clock, median
from tests.stack import Stack, free_port
from tests.waiting import wait_until

Times = dict[str, list[float]]


def trial(times: Times, make: Callable[[], Any]) -> Callable[[], None]:
    """A round with `make`, which gives an object with `scale` and `close` that a Client takes."""

    def once() -> None:
        with contextlib.ExitStack() as stack:
            with clock(times["start"]):
                cluster = make()
                stack.callback(cluster.close)
                client = stack.enter_context(Client(cluster))
                client.wait_for_workers(2, timeout=60)
            assert client.submit(sum, [1, 2], pure=False).result(timeout=60) == 3
            with clock(times["scale"]):
                cluster.scale(3)
                client.wait_for_workers(3, timeout=60)

    return once


def local_cluster() -> LocalCluster:
    return LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
    )


@contextlib.contextmanager
def dask_gateway() -> Iterator[Callable[[], Any] | None]:
    """A gateway server with its local backend, or None where it isn't installed."""
    try:
        from dask_gateway import BasicAuth, Gateway
    except ImportError:
        yield None
        return
    api, proxy, tcp = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "config.py"
        config.write_text(f"""
c = get_config()
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.address = "127.0.0.1:{api}"
c.Proxy.address = "127.0.0.1:{proxy}"
c.Proxy.tcp_address = "127.0.0.1:{tcp}"
c.ClusterConfig.scheduler_cmd = [{sys.executable!r}, "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = [{sys.executable!r}, "-m", "dask", "worker"]
c.ClusterConfig.worker_cores = 1
c.ClusterConfig.worker_memory = "1 G"
c.UnsafeLocalBackend.clusters_directory = {directory!r}
""")
        with (Path(directory) / "log").open("w") as log:
            server = subprocess.Popen(
                [str(Path(sys.executable).parent / "dask-gateway-server"), "-f", str(config)],
                stdout=log,
                stderr=log,
            )
        try:
            address = f"http://127.0.0.1:{proxy}"

            def answers() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return httpx.get(f"{address}/api/health", timeout=1).is_success
                return False

            wait_until("dask-gateway answers", answers, 30)

            def make() -> Any:
                gateway = Gateway(
                    address, proxy_address=f"tls://127.0.0.1:{tcp}", auth=BasicAuth("bench")
                )
                cluster = gateway.new_cluster()
                cluster.scale(2)
                return cluster

            yield make
        finally:
            server.terminate()
            server.wait(20)


def measure(stack: Stack, rounds: int) -> list[Row]:
    """The rows about clusters."""
    token = stack.token("bench")
    client = alongside.Client(url=f"{stack.url}/services/alongside/api/v1", token=token)

    def ours() -> Any:
        return client.launch("dask", workers=2, cores=1, memory="1 GiB", wait=False)

    mine: Times = {"start": [], "scale": []}
    local: Times = {"start": [], "scale": []}
    gateway: Times = {"start": [], "scale": []}
    with dask_gateway() as make_gateway:
        trials = [trial(mine, ours), trial(local, local_cluster)]
        if make_gateway:
            trials.append(trial(gateway, make_gateway))
        alternate(rounds, *trials)
    client.close()
    rows = []
    for key, what in (("start", "request → 2 workers usable"), ("scale", "2 → 3 workers")):
        rows.append(Row(what, median(mine[key]), "LocalCluster", median(local[key]), 0.35))
        if gateway[key]:
            rows.append(Row(what, median(mine[key]), "dask-gateway, local", median(gateway[key])))
    return rows


def recovery(stack: Stack, rounds: int) -> list[Row]:
    """kill -9 of the service: until a launch through it is usable again."""
    token = stack.token("bench")
    times: list[float] = []
    with stack.api(token) as api:
        for _ in range(rounds):
            # The process that serves; its parent, the keeper, forks another one.
            stack.find("-m alongside_service")[-1].kill()
            start = time.perf_counter()

            def back() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return bool(api.get("backends").is_success)
                return False

            wait_until("the service is back", back, 30, every=0.01)
            times.append(time.perf_counter() - start)
    middle = sorted(times)[len(times) // 2]
    return [Row("kill -9 of the service → usable again", middle, "dask-gateway (1.7 s)", 1.7, 1.0)]
