"""Saying to Kubernetes which replica answers: an EndpointSlice of a Service without a selector.

All replicas are ready, so that an update can roll over them; but requests must reach only the one
that acts. So that one says itself, in one slice of a fixed name, that it is where they go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

from alongside.errors import AlongsideError, Conflict
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import ENDPOINT_SLICES, SERVICES, Object

_log = logging.getLogger("alongside.endpoints")
_AGAIN = 30.0  # seconds after which it is looked whether it still stands
_FIRST_RETRY, _LAST_RETRY = 0.2, 5.0
_PORT_NAME = "http"
_WITHDRAWAL = 3.0


class Announcement:
    """That the requests to a Service go to this replica.

    service : ``namespace/name`` of the Service, whose port is named ``http``; the slice gets the
        same name
    address : the address of this pod
    pod : its name, for people who look
    """

    def __init__(self, service: str, address: str, port: int, pod: str = "") -> None:
        self._namespace, _, self._name = service.partition("/")
        if not (self._namespace and self._name and address):
            raise ValueError("it takes namespace/name of a Service and the pod's address")
        self._address, self._port, self._pod = address, port, pod
        self._cluster = Cluster()
        self._open = False
        self._owner: list[Object] = []

    async def keep(self) -> None:
        """Say it, and again when somebody has changed it, until cancelled."""
        pause = _FIRST_RETRY
        while True:
            try:
                await self._say()
            except AlongsideError as error:
                _log.warning("Requests can't be directed to this replica: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_RETRY)
            else:
                pause = _FIRST_RETRY
                await asyncio.sleep(_AGAIN)

    async def withdraw(self) -> None:
        """Say no longer that it is this one, unless another has said so of itself meanwhile."""
        if not self._open:
            return
        self._open = False
        with contextlib.suppress(AlongsideError, TimeoutError):
            async with asyncio.timeout(_WITHDRAWAL):
                found = await self._find()
                if found is not None and self._is_ours(found):
                    version = found["metadata"]["resourceVersion"]
                    patch = {"metadata": {"resourceVersion": version}, "endpoints": []}
                    await self._cluster.patch(ENDPOINT_SLICES, self._namespace, self._name, patch)
        await self._cluster.close()

    async def _say(self) -> None:
        if not self._open:
            await self._cluster.open()
            self._open = True
            self._owner = await self._service()
        wanted = self._slice()
        found = await self._find()
        if found is not None and self._is_ours(found):
            return
        if found is None:
            if await self._cluster.create(ENDPOINT_SLICES, self._namespace, wanted) is None:
                raise Conflict("Somebody made it at the same time.")
        elif not await self._cluster.patch(ENDPOINT_SLICES, self._namespace, self._name, wanted):
            raise Conflict("Somebody deleted it at the same time.")
        _log.info("Requests to %s/%s go to this replica now.", self._namespace, self._name)

    async def _find(self) -> Object | None:
        return await self._cluster.get(ENDPOINT_SLICES, self._namespace, self._name)

    async def _service(self) -> list[Object]:
        """The Service as its owner: when that is deleted, the slice goes too."""
        try:
            found = await self._cluster.get(SERVICES, self._namespace, self._name)
        except AlongsideError as error:
            _log.info("The slice will stay when its Service is deleted: %s", error)
            return []
        if found is None:
            return []
        uid = found["metadata"]["uid"]
        return [{"apiVersion": "v1", "kind": "Service", "name": self._name, "uid": uid}]

    def _slice(self) -> Object:
        endpoint: Object = {"addresses": [self._address], "conditions": {"ready": True}}
        if self._pod:
            endpoint["targetRef"] = {
                "kind": "Pod",
                "name": self._pod,
                "namespace": self._namespace,
            }
        return {
            "apiVersion": ENDPOINT_SLICES.version,
            "kind": "EndpointSlice",
            "metadata": {
                "name": self._name,
                "labels": {
                    "kubernetes.io/service-name": self._name,
                    "endpointslice.kubernetes.io/managed-by": "alongside",
                    "app.kubernetes.io/managed-by": "alongside",
                },
                "ownerReferences": self._owner,
            },
            "addressType": "IPv6" if ":" in self._address else "IPv4",
            "endpoints": [endpoint],
            "ports": [{"name": _PORT_NAME, "port": self._port, "protocol": "TCP"}],
        }

    def _is_ours(self, found: Object) -> bool:
        """Whether it says of us, and nobody else, what we would say."""
        wanted = self._slice()
        labels = (found["metadata"].get("labels") or {}).items()
        return bool(
            found.get("endpoints") == wanted["endpoints"]
            and found.get("ports") == wanted["ports"]
            and wanted["metadata"]["labels"].items() <= labels
        )


def announcement(service: str, port: int) -> Announcement:
    """As this pod's environment says (``POD_IP``, ``POD_NAME``). Raises ValueError."""
    address, pod = os.environ.get("POD_IP", ""), os.environ.get("POD_NAME", "")
    if not address:
        raise ValueError("POD_IP is not set: give the container its pod's address by it")
    return Announcement(service, address, port, pod)
