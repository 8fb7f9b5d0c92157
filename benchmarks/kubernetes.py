"""The measurements on Kubernetes: ``python -m benchmarks.kubernetes``.

`KUBECONFIG` names a cluster whose service names resolve here, with the images, the definitions of
dask-kubernetes and Argo Workflows in it; `HELM` or `PATH` says where Helm is.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks import argo_steps, idle_backends, pod_groups, pod_sessions, pods
from benchmarks.measure import HEAD, Row
from tests.kubernetes.dask_definitions import install

PARTS: dict[str, Callable[[str, Path, int], list[Row]]] = {
    "workers": lambda kubeconfig, folder, rounds: asyncio.run(pods.measure(rounds)),
    "sessions": pod_sessions.measure,
    "groups": pod_groups.measure,
    "workflows": argo_steps.measure,
    "idle": lambda kubeconfig, folder, rounds: idle_backends.measure(kubeconfig, folder),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-kubernetes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="rounds a measurement (median)")
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="only these")
    options = parser.parse_args()
    kubeconfig = os.environ["KUBECONFIG"]
    asyncio.run(install(kubeconfig))
    rows: list[Row] = []
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            rows += PARTS[part](kubeconfig, Path(folder), options.rounds)
    table = "\n".join([HEAD, *(row.markdown() for row in rows)])
    machine = f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"
    text = f"{table}\n\nMedians of {options.rounds} alternating rounds on {machine}, 2 nodes.\n"
    print(text)
    if options.write:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
