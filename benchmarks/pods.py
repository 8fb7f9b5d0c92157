"""On Kubernetes, from the request to two usable workers: ours, bare pods, and KubeCluster.

Bare pods are the very same scheduler and worker pods, created at once with nothing around them but
the Service and the Secret that they need.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from distributed import Client, Security

from alongside.kinds import get_kind
from alongside.models import Connection, Spec
from alongside.phases import Phase
from alongside.platforms.kubernetes import KubernetesPlatform, objects, processes
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import PODS, SECRETS, SERVICES, Object, Resource
from alongside.platforms.kubernetes.setting import Setting
from alongside.testing import make_spec, until
from benchmarks.measure import Row, clock, median, quiet
from tools import images

ANYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
NAMESPACES = Resource("v1", "namespaces")
OPTIONS = {"workers": 2, "cores": 1, "memory": "512 MiB"}
OVERCOMMIT = 20.0
_TRIES = 3
IMAGE = images.name_of("session")
Trial = Callable[[list[float], list[float]], Awaitable[None]]


def connected(connection: Connection) -> Any:
    """A client of a cluster of ours."""
    credentials = connection.credentials
    security = Security(
        require_encryption=True,
        tls_ca_file=credentials["ca"],
        tls_client_cert=credentials["cert"],
        tls_client_key=credentials["key"],
    )
    return Client(
        connection.address, security=security, asynchronous=True, timeout=60, set_as_default=False
    )


async def usable(client: Client, workers: int) -> None:
    """Wait for so many workers, and for one result."""
    waiting: Any = client.wait_for_workers(workers, timeout=120)  # said to give None
    await waiting
    assert await client.submit(sum, [1, 2], pure=False) == 3


class Ours:
    """Through the platform, as the service uses it."""

    def __init__(self, platform: KubernetesPlatform) -> None:
        self.platform = platform

    async def trial(self, start: list[float], scale: list[float]) -> None:
        spec = make_spec("dask", OPTIONS)
        with clock(start):
            await self.platform.launch(spec)
            seen = await until(self.platform, spec.id, lambda status: bool(status.address), 120)
            client = await connected(await self.platform.connection(seen.spec.id))
            await usable(client, 2)
        await until(self.platform, spec.id, Phase.RUNNING, 60)
        with clock(scale):
            options = spec.options | {"workers": 3}
            await self.platform.update(
                spec.model_copy(update={"options": options, "generation": 2})
            )
            await usable(client, 3)
        await client.close()
        await self.platform.stop(spec.id)
        await until(self.platform, spec.id, None, 120)


class Warm:
    """The same, met by a backend that is kept ready and nobody's; what fills up isn't timed."""

    def __init__(self, platform: KubernetesPlatform) -> None:
        self.platform = platform

    async def trial(self, start: list[float], scale: list[float]) -> None:
        ready = make_spec("dask", OPTIONS, owner="")
        await self.platform.launch(ready)
        await until(self.platform, ready.id, Phase.RUNNING, 120)
        with clock(start):
            wish = ready.model_copy(update={"owner": "ada", "generation": 2, "claimed": "x"})
            assert await self.platform.claim(ready.id, wish)
            client = await connected(await self.platform.connection(ready.id))
            await usable(client, 2)
        scale.append(0.0)
        await client.close()
        await self.platform.stop(ready.id)
        await until(self.platform, ready.id, None, 120)


class Bare:
    """The same pods, created at once, by nobody in particular."""

    def __init__(self, cluster: Cluster, setting: Setting) -> None:
        self.cluster = cluster
        self.setting = setting

    async def trial(self, start: list[float], scale: list[float]) -> None:
        spec = make_spec("dask", OPTIONS)
        kind = get_kind("dask")
        credentials = kind.secrets(spec)
        namespace = self.setting.namespace
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "uid": "n"}}
        secret = objects.secret(spec, credentials, owner)
        roles = kind.roles(kind.Options.model_validate(spec.options))
        service = objects.service(spec, roles, owner)
        for item in (secret, service):
            del item["metadata"]["ownerReferences"]
        pods = [self._pod(spec, role, name) for role in roles for name in _names(role)]
        with clock(start):
            await self.cluster.create(SECRETS, namespace, secret)
            await asyncio.gather(
                self.cluster.create(SERVICES, namespace, service),
                *(self.cluster.create(PODS, namespace, pod) for pod in pods),
            )
            address = f"tls://{service['metadata']['name']}.{namespace}:8786"
            await self._until_it_has_an_address(pods[0]["metadata"]["name"])
            client = await connected(kind.connection(spec, address, credentials))
            await usable(client, 2)
        third = self._pod(spec, roles[1], "worker-3")
        with clock(scale):
            await self.cluster.create(PODS, namespace, third)
            await usable(client, 3)
        await client.close()
        for pod in (*pods, third):
            await self.cluster.delete(PODS, namespace, pod["metadata"]["name"], grace=1)
        await self.cluster.delete(SERVICES, namespace, service["metadata"]["name"])
        await self.cluster.delete(SECRETS, namespace, secret["metadata"]["name"])

    def _pod(self, spec: Spec, role: Any, name: str) -> Object:
        roles = get_kind("dask").roles(get_kind("dask").Options.model_validate(spec.options))
        command = get_kind("dask").command(role, name, spec, processes.place(spec, roles))
        made = processes.deployment(
            spec,
            role,
            name,
            command,
            self.setting,
            {"apiVersion": "", "kind": "", "metadata": {"name": "", "uid": ""}},
        )
        template = made["spec"]["template"]
        labels = template["metadata"]["labels"] | {f"{objects.PREFIX}/component": "bare"}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": made["metadata"]["name"], "labels": labels},
            "spec": template["spec"],
        }

    async def _until_it_has_an_address(self, name: str) -> None:
        async with asyncio.timeout(120):
            while True:
                pod = await self.cluster.get(PODS, self.setting.namespace, name)
                if pod and pod["status"].get("phase") == "Running":
                    return
                await asyncio.sleep(0.1)


class Peer:
    """dask-kubernetes' KubeCluster with its operator, without TLS."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    async def trial(self, start: list[float], scale: list[float]) -> None:
        """One that its operator overlooks, as happens, is left out."""
        for _ in range(_TRIES):
            try:
                return await self._trial(start, scale)
            except TimeoutError as error:
                print(f"KubeCluster, again: {error}", flush=True)
        raise TimeoutError("The peer does not come up.")

    async def _trial(self, start: list[float], scale: list[float]) -> None:
        from dask_kubernetes.operator import KubeCluster, make_cluster_spec

        resources = {
            "requests": {"cpu": "50m", "memory": "512Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        }
        name = f"peer-{secrets.token_hex(3)}"
        spec = make_cluster_spec(
            name=name,
            image=IMAGE,
            n_workers=2,
            resources=resources,
            worker_command=["python", "-m", "dask", "worker"],
        )
        scheduler = spec["spec"]["scheduler"]["spec"]["containers"][0]
        scheduler["args"] = ["python", "-m", "dask", "scheduler", "--host", "0.0.0.0"]
        for part in ("scheduler", "worker"):
            pod = spec["spec"][part]["spec"]
            for container in pod["containers"]:
                container["imagePullPolicy"] = "IfNotPresent"
                container["command"] = container.pop("args")
        with clock(start):
            cluster = await KubeCluster(
                custom_cluster_spec=spec, namespace=self.namespace, asynchronous=True
            )
            client = await Client(cluster, asynchronous=True, set_as_default=False)
            await usable(client, 2)
        with clock(scale):
            await cluster.scale(3)
            await usable(client, 3)
        await client.close()
        await cluster.close()


def _names(role: Any) -> list[str]:
    return [f"{role.name}-{n + 1}" for n in range(role.count)] if role.members else [role.name]


@contextlib.contextmanager
def operator() -> Iterator[None]:
    """The Dask operator, as a process here."""
    command = [
        *(sys.executable, "-m", "kopf", "run", "-m", "dask_kubernetes.operator.controller"),
        *("--all-namespaces", "--standalone"),
    ]
    with Path(os.devnull).open("w") as nothing:
        process = subprocess.Popen(command, stdout=nothing, stderr=nothing)
    try:
        yield
    finally:
        process.kill()  # asked kindly, it waits for handlers that wait for others
        process.wait(30)


@contextlib.asynccontextmanager
async def namespace(cluster: Cluster) -> AsyncIterator[str]:
    """A namespace for this run."""
    name = f"alongside-bench-{secrets.token_hex(3)}"
    await cluster.create(NAMESPACES, "", {"metadata": {"name": name}})
    try:
        yield name
    finally:
        await cluster.delete(NAMESPACES, "", name)


async def measure(rounds: int) -> list[Row]:
    """The rows of the table."""
    cluster = Cluster()
    await cluster.open()
    times: dict[str, tuple[list[float], list[float]]] = {}
    async with namespace(cluster) as name:
        platform = KubernetesPlatform(
            namespace=name,
            image=IMAGE,
            service_peers=ANYWHERE,
            client_peers=ANYWHERE,
            core_overcommit=OVERCOMMIT,
        )
        await platform.open()
        await platform.leading()
        trials: dict[str, Trial] = {
            "ours": Ours(platform).trial,
            "warm": Warm(platform).trial,
            "bare": Bare(cluster, platform._setting).trial,
            "KubeCluster": Peer(name).trial,
        }
        with operator():
            for _ in range(rounds + 1):
                for who, trial in trials.items():
                    await asyncio.to_thread(quiet, 40.0, 20.0)
                    start, scale = times.setdefault(who, ([], []))
                    await trial(start, scale)
                    print(f"{who}: {start[-1]:.2f} {scale[-1]:.2f}", flush=True)
        await platform.close()
    await cluster.close()
    mid = {who: (median(start), median(scale)) for who, (start, scale) in times.items()}
    first, more = "request → 2 workers usable", "2 → 3 workers"
    return [
        Row(first, mid["ours"][0], "the same pods, bare", mid["bare"][0], 1.3),
        Row(first, mid["ours"][0], "KubeCluster", mid["KubeCluster"][0], 1.0),
        Row("the same, one kept warm", mid["warm"][0], "KubeCluster", mid["KubeCluster"][0], 0.3),
        Row(more, mid["ours"][1], "the same pod, bare", mid["bare"][1]),
        Row(more, mid["ours"][1], "KubeCluster", mid["KubeCluster"][1]),
    ]
