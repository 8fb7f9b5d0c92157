"""On Kubernetes, from the request to an Arkouda server that answers: ours, and a bare pod.

The bare pod has the same image and runs the server alone, from its creation until it answers; the
server is the double of the tests. ``python -m benchmarks.kubernetes --parts groups``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.config import new_client_from_config

from alongside.errors import NotReady
from alongside.kinds.arkouda import flags
from alongside.kinds.arkouda.messages import ask
from alongside.kinds.arkouda.options import ArkoudaOptions
from benchmarks.measure import Row, clock, median, quiet
from benchmarks.pods import IMAGE
from tests.kubernetes import arkouda_groups
from tests.kubernetes.arkouda_groups import GroupBench, groups
from tools import images

LOCALES = (1, 3)
TOKEN = "token"
WITHIN = 120.0  # seconds for anything


async def ours(bench: GroupBench, locales: int, into: list[float]) -> None:
    """Through platform and operator, as the service uses them."""
    with clock(into):
        spec = await bench.launch({"locales": locales})
        await bench.settled(spec, locales)
        assert (await bench.said(spec, "ruok")).good
    await bench.clear()


async def bare(core: CoreV1Api, namespace: str, image: str, into: list[float]) -> None:
    """The server in a pod, made by nobody in particular."""
    name = f"bare-{secrets.token_hex(3)}"
    words = " ".join(flags.arguments(ArkoudaOptions(locales=1), flags.PORT))
    script = (
        f"mkdir -p /tmp/a/.arkouda && cd /tmp/a && echo {TOKEN} >{flags.TOKENS}"
        f" && exec arkouda_server {words}"
    )
    container = {"name": "server", "image": image, "command": ["sh", "-c", script]}
    pod = {
        "metadata": {"name": name},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    with clock(into):
        await core.create_namespaced_pod(namespace, pod)
        address = await _address(core, namespace, name)
        await asyncio.to_thread(_answers, f"tcp://{address}:{flags.PORT}")
    await core.delete_namespaced_pod(name, namespace)


async def _address(core: CoreV1Api, namespace: str, name: str) -> str:
    async with asyncio.timeout(WITHIN):
        while True:
            found = await core.read_namespaced_pod(name, namespace)
            if found.status.phase == "Running" and found.status.pod_ip:
                return str(found.status.pod_ip)
            await asyncio.sleep(0.02)


def _answers(address: str) -> None:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        try:
            if ask(address, TOKEN, "ruok", timeout=1.0).good:
                return
        except NotReady:
            time.sleep(0.01)
    raise TimeoutError(address)


@asynccontextmanager
async def _namespace(core: CoreV1Api) -> AsyncIterator[str]:
    name = f"alongside-bench-{secrets.token_hex(3)}"
    await core.create_namespace({"metadata": {"name": name}})
    try:
        yield name
    finally:
        await core.delete_namespace(name)


async def _measured(kubeconfig: str, folder: Path, rounds: int) -> list[Row]:
    image = images.name_of(images.DOUBLE)
    names = {
        "session": IMAGE,
        "service": images.name_of("service"),
        images.DOUBLE: image,
    }
    await arkouda_groups.install(kubeconfig)
    times: dict[int, list[float]] = {locales: [] for locales in LOCALES}
    alone: list[float] = []
    async with await new_client_from_config(kubeconfig, persist_config=False) as api:
        core = CoreV1Api(api)
        async with (
            _namespace(core) as name,
            groups(kubeconfig, api, name, names, folder / "operator.log") as bench,
        ):
            for _ in range(rounds + 1):
                for locales, into in times.items():
                    await asyncio.to_thread(quiet, 40.0, 20.0)
                    await ours(bench, locales, into)
                await asyncio.to_thread(quiet, 40.0, 20.0)
                await bare(core, name, image, alone)
                print(f"groups: {[t[-1] for t in times.values()]} {alone[-1]:.2f}", flush=True)
    peer = "a bare pod with the server"
    return [
        Row(
            f"request → Arkouda answers, locales: {locales}", median(into), peer, median(alone), 1.3
        )
        for locales, into in times.items()
    ]


def measure(kubeconfig: str, folder: Path, rounds: int) -> list[Row]:
    """Groups of one locale and of several, against one pod."""
    return asyncio.run(_measured(kubeconfig, folder, rounds))
