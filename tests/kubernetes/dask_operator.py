"""The operator of dask-kubernetes, as a process of this host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def dask_operator(kubeconfig: str, namespace: str) -> Iterator[None]:
    """It looks after one namespace, while the block lasts. Most tests have none."""
    command = [
        *(sys.executable, "-m", "kopf", "run", "-m", "dask_kubernetes.operator.controller"),
        *("--namespace", namespace, "--standalone"),
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "KUBECONFIG": kubeconfig},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert process.poll() is None, "the operator has ended"
    finally:
        process.kill()  # asked kindly, it waits for handlers that wait for others
        process.wait(30)
