"""Backends on a cluster: a platform for a test, its objects as they are, clients from this host."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from distributed import Client, Security
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from alongside.kinds import get_kind
from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.base import Observed
from alongside.platforms.kubernetes import KubernetesPlatform
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.testing import make_spec, until

RUNNING, SCALING, FAILED, STOPPED = Phase.RUNNING, Phase.SCALING, Phase.FAILED, Phase.STOPPED
SMALL = {"workers": 1, "memory": "256 MiB"}
# What the host, where the tests run, is to the cluster's network policies.
ANYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
NOWHERE = {"node_selector": {"alongside.test/such": "none"}}
"""For `Spec.pod`: pods that take no room, since no node is like that."""
LIMIT = 120.0  # seconds for what takes three, on a machine that others use too
_OURS = {
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "pods": "/api/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "daskclusters": "/apis/kubernetes.dask.org/v1",
}


async def this_host(api: ApiClient) -> list[dict[str, Any]]:
    """NetworkPolicyPeers that are this host as the cluster's pods see it, and nobody else."""
    dns = (await CoreV1Api(api).list_namespaced_pod("kube-system")).items[0].status.pod_ip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect((dns, 53))
        return [{"ipBlock": {"cidr": f"{route.getsockname()[0]}/32"}}]


def make_platform(
    kubeconfig: str, namespace: str, image: str, **settings: Any
) -> KubernetesPlatform:
    """A platform whose backends this host may connect to. Not opened."""
    return KubernetesPlatform(
        **{
            "kubeconfig": kubeconfig,
            "namespace": namespace,
            "image": image,
            "service_peers": ANYWHERE,
            "client_peers": ANYWHERE,
            "core_overcommit": 20.0,
            "lease_duration": 20.0,  # on a busy machine a test may not get a word in for a while
            **settings,
        }
    )


class Bench:
    """A platform that acts in a namespace of its own, and what is in there.

    `kind` and `small` are what is launched unless a test says more; `places` are where the API
    server has what a backend may consist of.
    """

    kind = "dask"
    small: Mapping[str, Any] = SMALL
    places: Mapping[str, str] = _OURS

    def __init__(self, api: ApiClient, namespace: str, platform: KubernetesPlatform) -> None:
        self.api = api
        self.core = CoreV1Api(api)
        self.namespace = namespace
        self.platform = platform

    # -- wishes ----------------------------------------------------------------------------

    def spec(self, options: dict[str, Any] | None = None, **changes: Any) -> Spec:
        """The specification of one."""
        return make_spec(
            self.kind, {**self.small, **(options or {})}, platform="kubernetes", **changes
        )

    async def launch(self, options: dict[str, Any] | None = None, **changes: Any) -> Spec:
        """Ask for a small one, or for what the options say."""
        spec = self.spec(options, **changes)
        await self.platform.launch(spec)
        return spec

    async def running(self, options: dict[str, Any] | None = None, **changes: Any) -> Spec:
        """One that runs."""
        spec = await self.launch(options, **changes)
        await self.until(spec, RUNNING)
        return spec

    async def patched(self, spec: Spec, patch: dict[str, Any], **changes: Any) -> Spec:
        """The specification after a PATCH of its options, and after others' changes to itself."""
        kind = get_kind(self.kind)
        options = kind.change(kind.Options.model_validate(spec.options), patch)
        changes |= {"options": options, "generation": spec.generation + 1}
        spec = spec.model_copy(update=changes)
        await self.platform.update(spec)
        return spec

    async def until(self, spec: Spec, wish: Any, limit_s: float = LIMIT) -> Observed:
        """As `alongside.testing.until`."""
        return await until(self.platform, spec.id, wish, limit_s)

    async def settled(self, spec: Spec, members: int) -> Observed:
        """Runs at this size, as this version of its specification has it."""
        return await self.until(
            spec, lambda s: (s.generation, s.phase, s.ready) == (spec.generation, RUNNING, members)
        )

    async def clear(self) -> None:
        """End all backends."""
        for seen in await self.platform.observed():
            await self.platform.stop(seen.spec.id)
        for seen in await self.platform.observed():
            await until(self.platform, seen.spec.id, None, LIMIT)

    # -- what there is ---------------------------------------------------------------------

    async def items(self, plural: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of one sort, as the API server has them."""
        found = await self.api.call_api(
            f"{self.places[plural]}/namespaces/{self.namespace}/{plural}",
            "GET",
            query_params=[("labelSelector", selector)],
            header_params={"Accept": "application/json"},
            response_types_map={200: "object"},
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
        )
        return list(found["items"])

    async def left(self, spec: Spec) -> set[str]:
        """All objects of a backend, as ``plural/name``."""
        found = {
            f"{plural}/{item['metadata']['name']}"
            for plural in self.places
            for item in await self.items(plural, f"{PREFIX}/id={spec.id}")
        }
        return found | {  # what others make of ours bears no label of ours
            f"{plural}/{item['metadata']['name']}"
            for plural in self.places
            for item in await self.items(plural)
            if spec.id in item["metadata"]["name"]
        }

    async def pods(self, spec: Spec, process: str = "") -> list[dict[str, Any]]:
        """Its pods that are there to stay, of one process or of all."""
        selector = f"{PREFIX}/id={spec.id}"
        if process:
            selector += f",{PREFIX}/process={process}"
        found = await self.items("pods", selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    async def pod(self, spec: Spec, process: str) -> dict[str, Any]:
        """The only pod of a process."""
        (pod,) = await self.pods(spec, process)
        return pod

    async def kill(self, spec: Spec, process: str) -> None:
        """Delete its pod at once, as the loss of a node would."""
        pod = await self.pod(spec, process)
        await self.core.delete_namespaced_pod(
            pod["metadata"]["name"], self.namespace, grace_period_seconds=0
        )

    # -- clients ---------------------------------------------------------------------------

    @asynccontextmanager
    async def connected(self, spec: Spec) -> AsyncIterator[Client]:
        """A client on this host, which knows no names of the cluster."""
        address = (await self.pod(spec, "scheduler"))["status"]["podIP"]
        connection = await self.platform.connection(spec.id)
        async with Client(
            f"tls://{address}:8786",
            security=security(connection.credentials),
            asynchronous=True,
            timeout=30,
        ) as client:
            yield client


def security(credentials: Any) -> Security:
    """As a session's client has it."""
    return Security(
        require_encryption=True,
        tls_ca_file=credentials["ca"],
        tls_client_cert=credentials["cert"],
        tls_client_key=credentials["key"],
    )


_B = TypeVar("_B", bound=Bench)


@asynccontextmanager
async def bench_of(
    sort: type[_B], kubeconfig: str, api: ApiClient, namespace: str, image: str, **settings: Any
) -> AsyncIterator[_B]:
    """Afterwards nothing of its backends is left, also when a test went wrong."""
    platform = make_platform(kubeconfig, namespace, image, **settings)
    await platform.open()
    try:
        await platform.leading()
        it = sort(api, namespace, platform)
        yield it
        await it.clear()
    finally:
        await platform.close()


def bench(
    kubeconfig: str, api: ApiClient, namespace: str, image: str, **settings: Any
) -> AbstractAsyncContextManager[Bench]:
    """The same, for most."""
    return bench_of(Bench, kubeconfig, api, namespace, image, **settings)
