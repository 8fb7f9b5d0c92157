"""A namespace with an operator of `ArkoudaCluster` objects, and what tests do with groups there.

The operator is a process of this host; in a pod, with its Role, the test of the chart shows it.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api, CustomObjectsApi
from kubernetes_asyncio.config import load_kube_config
from kubernetes_asyncio.stream import WsApiClient

from alongside.kinds.arkouda.messages import ask
from tests.kubernetes import arkouda_groups, watching
from tests.kubernetes.arkouda_groups import GROUPS, PLURAL, Operator

LIMIT = 120.0  # seconds for what takes five to ten, on a machine that others use too
SOON = 30.0  # seconds until a reason is told
EVERYBODY = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]


@pytest.fixture(scope="session")
def definition(kubeconfig: str) -> None:
    """The cluster knows `ArkoudaCluster`."""
    asyncio.run(arkouda_groups.install(kubeconfig))


class Place:
    """A namespace with an operator."""

    def __init__(
        self, api: ApiClient, namespace: str, operator: Operator, image: str, kubeconfig: str
    ) -> None:
        self.api, self.namespace, self.operator, self.image = api, namespace, operator, image
        self.kubeconfig = kubeconfig
        self.core, self.customs = CoreV1Api(api), CustomObjectsApi(api)
        self.where = (*GROUPS, namespace, PLURAL)
        self.token = secrets.token_hex(16)

    async def make(self, name: str, age: str = "2026", **spec: Any) -> None:
        """A group of small locales, in the form in which `kubectl apply` makes it."""
        body = {
            "apiVersion": "/".join(GROUPS),
            "kind": "ArkoudaCluster",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "locales": 1,
                "cpuRequest": "20m",
                "memory": 256 * 2**20,
                "image": self.image,
                "secretName": "token",
                "clients": EVERYBODY,
                # Numbers locales as they call back, as GASNet does.
                "server": {"env": {"ARKOUDA_DOUBLE_AGE": age, "ARKOUDA_DOUBLE_GASNET": "1"}},
                **spec,
            },
        }
        await self.customs.create_namespaced_custom_object(*self.where, body)

    async def make_token(self) -> None:
        data = {"token": base64.b64encode(self.token.encode()).decode()}
        await self.core.create_namespaced_secret(
            self.namespace, {"metadata": {"name": "token"}, "data": data}
        )

    async def change(self, name: str, **spec: Any) -> None:
        """What `kubectl patch` does."""
        await self.customs.patch_namespaced_custom_object(
            *self.where, name, {"spec": spec}, _content_type="application/merge-patch+json"
        )

    async def delete(self, name: str) -> None:
        await self.customs.delete_namespaced_custom_object(*self.where, name)

    async def until(
        self, name: str, condition: Callable[[dict[str, Any]], bool], limit_s: float = LIMIT
    ) -> dict[str, Any]:
        """The group's status, as soon as that is so."""
        item = await watching.until(
            self.customs.list_namespaced_custom_object,
            *self.where,
            field_selector=f"metadata.name={name}",
            condition=lambda item: condition(item.get("status") or {}),
            limit_s=limit_s,
        )
        return dict(item["status"])

    async def running(self, name: str, locales: int) -> dict[str, Any]:
        return await self.until(
            name, lambda s: s.get("phase") == "Running" and s.get("localesReady") == locales
        )

    async def failing(self, name: str, reason: str, limit_s: float = SOON) -> str:
        """The message that comes with a reason."""
        status = await self.until(name, lambda s: s.get("reason") == reason, limit_s)
        return str(status["message"])

    async def until_gone(self, name: str, limit_s: float = LIMIT) -> None:
        """Until neither the group nor anything of it is there."""
        label = f"alongside.jupyter.org/group={name}"
        async with asyncio.timeout(limit_s):
            while True:
                found = await self.customs.list_namespaced_custom_object(
                    *self.where, field_selector=f"metadata.name={name}"
                )
                if not found["items"]:
                    break
                await asyncio.sleep(0.2)
        for list_them in (
            self.core.list_namespaced_pod,
            self.core.list_namespaced_service,
            self.core.list_namespaced_secret,
        ):
            await watching.until_gone(list_them, self.namespace, label_selector=label)

    async def pods(self, name: str) -> dict[str, Any]:
        """The pods of a group that are there to stay, by name."""
        label = f"alongside.jupyter.org/group={name}"
        found = await self.core.list_namespaced_pod(self.namespace, label_selector=label)
        return {p.metadata.name: p for p in found.items if not p.metadata.deletion_timestamp}

    async def said(self, name: str, command: str) -> str:
        """What the server answers."""
        server = (await self.pods(name))[f"{name}-server"]
        address = f"tcp://{server.status.pod_ip}:5555"
        return (await asyncio.to_thread(ask, address, self.token, command, (), 10)).text

    async def run(self, pod: str, *command: str, container: str = "server") -> str:
        """What a command in a server's container says, or in a locale's."""
        configuration = Configuration()
        await load_kube_config(
            self.kubeconfig, client_configuration=configuration, persist_config=False
        )
        async with WsApiClient(configuration) as sockets:
            return str(
                await CoreV1Api(sockets).connect_get_namespaced_pod_exec(
                    pod,
                    self.namespace,
                    command=list(command),
                    container=container,
                    stderr=True,
                    stdout=True,
                    stdin=False,
                    tty=False,
                )
            )


@pytest.fixture
async def place(
    kubeconfig: str,
    kubernetes: ApiClient,
    namespace: str,
    images: dict[str, str],
    definition: None,
    tmp_path: Path,
) -> AsyncIterator[Place]:
    """An operator that acts in a namespace of its own, where there is a token."""
    operator = Operator(kubeconfig, namespace, images["service"], tmp_path / "operator.log")
    image = images["service"].replace("service", "arkouda-double")
    it = Place(kubernetes, namespace, operator, image, kubeconfig)
    await it.make_token()
    operator.start()
    try:
        yield it
    finally:
        # Without the operator, what waits for it would hold the namespace.
        listed = await it.customs.list_namespaced_custom_object(*it.where)
        for item in listed["items"]:
            await it.delete(item["metadata"]["name"])
        for item in listed["items"]:
            await it.until_gone(item["metadata"]["name"])
        operator.kill()
