"""A real Dask cluster with TLS in a process of its own: a scheduler and workers of one thread.

Run as a script: ``cluster.py DIRECTORY WORKERS [VERSION]`` prints its address and ends when its
standard input does. VERSION is the distributed that
it finds to be installed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


def _security(directory: Path):
    from distributed import Security

    cert, key = str(directory / "cluster.pem"), str(directory / "cluster-key.pem")
    return Security(
        require_encryption=True,
        tls_ca_file=str(directory / "ca.pem"),
        **{f"tls_{role}_cert": cert for role in ("scheduler", "worker", "client")},
        **{f"tls_{role}_key": key for role in ("scheduler", "worker", "client")},
    )


async def main(directory: Path, workers: int, version: str) -> None:
    if version:
        record = directory / f"distributed-{version}.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Name: distributed\nVersion: {version}\n")
        sys.path.insert(0, str(directory))
    from distributed import Scheduler, Worker

    security = _security(directory)
    listen = {"protocol": "tls", "security": security, "host": "127.0.0.1"}
    async with Scheduler(**listen, dashboard_address="127.0.0.1:0") as scheduler:
        started = [
            await Worker(scheduler.address, nthreads=1, memory_limit="256 MiB", **listen)
            for _ in range(workers)
        ]
        print(scheduler.address, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for worker in started:
            await worker.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), (sys.argv[3:] or [""])[0]))
