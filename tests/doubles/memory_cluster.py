"""An API server in memory: objects, versions, owners and finalizers, without any controllers.

For what the platform does on its own. What depends on a real cluster's behaviour is tested there.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any

from alongside.errors import Conflict
from alongside.platforms.kubernetes.answers import Refused, refusal
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, PODS, Object, Resource

Key = tuple[Resource, str, str]
_KINDS = {CONFIG_MAPS: "ConfigMap", PODS: "Pod"}


class MemoryCluster(Cluster):
    """Keeps what it is given.

    `undefined` are resources that it knows nothing of, `refused` those that it lets nobody see,
    `logs` what pods have printed, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.namespace = "here"
        self.objects: dict[Key, Object] = {}
        self.undefined: set[Resource] = set()
        self.refused: set[Resource] = set()
        self.logs: dict[str, list[str]] = {}
        self.asked: list[tuple[str, Resource]] = []
        self.containers: list[str] = []
        self._news = asyncio.Event()
        self._versions = itertools.count(1)
        self._watchers: list[tuple[Resource, asyncio.Queue[tuple[str, Object]]]] = []

    async def open(self) -> None:
        """It is there."""

    async def close(self) -> None:
        """It stays."""

    # -- as the platform uses it -----------------------------------------------------------

    async def create(self, resource: Resource, namespace: str, body: Object) -> Object | None:
        self._check("create", resource)
        key = (resource, namespace, body["metadata"]["name"])
        if key in self.objects:
            return None
        item = copy.deepcopy(body)
        item.setdefault("apiVersion", resource.version)
        item.setdefault("kind", _KINDS.get(resource, resource.plural))
        number = next(self._versions)
        item["metadata"] |= {
            "namespace": namespace,
            "uid": f"uid-{number}",
            "generation": 1,
            "resourceVersion": str(number),
        }
        self.objects[key] = item
        self._tell("ADDED", resource, item)
        return copy.deepcopy(item)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        self._check("get", resource)
        return copy.deepcopy(self.objects.get((resource, namespace, name)))

    async def patch(
        self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> Object | None:
        self._check("patch", resource)
        item = self.objects.get((resource, namespace, name))
        if item is None:
            return None
        version = patch.get("metadata", {}).get("resourceVersion")
        if version is not None and version != item["metadata"]["resourceVersion"]:
            raise Conflict("It has been changed meanwhile.")
        changed = _merged(item, patch)
        changed["metadata"]["resourceVersion"] = str(next(self._versions))
        if changed.get("spec") != item.get("spec"):
            changed["metadata"]["generation"] += 1
        self.objects[resource, namespace, name] = changed
        self._tell("MODIFIED", resource, changed)
        self._sweep()
        answer: Object = copy.deepcopy(changed)
        return answer

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, grace: int | None = None
    ) -> None:
        self.asked.append(("delete", resource))
        self._news.set()
        item = self.objects.get((resource, namespace, name))
        if item is not None and "deletionTimestamp" not in item["metadata"]:
            item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            item["metadata"]["resourceVersion"] = str(next(self._versions))
            self._tell("MODIFIED", resource, item)
            self._sweep()

    async def list(
        self, resource: Resource, namespace: str, labels: str = "", fields: str = ""
    ) -> tuple[list[Object], str]:
        self._check("list", resource)
        found = [item for key, item in self.objects.items() if key[:2] == (resource, namespace)]
        wanted = [copy.deepcopy(item) for item in found if _bears(item, labels)]
        return wanted, str(next(self._versions))

    async def watch(
        self, resource: Resource, namespace: str, labels: str, version: str, fields: str = ""
    ) -> AsyncGenerator[tuple[str, Object], None]:
        self._check("watch", resource)
        queue: asyncio.Queue[tuple[str, Object]] = asyncio.Queue()
        self._watchers.append((resource, queue))
        since = int(version)
        for item in list(self.objects.values()):  # what came between list and watch
            if int(item["metadata"]["resourceVersion"]) > since:
                self._tell_one(queue, "MODIFIED", item, resource)
        while True:
            change, item = await queue.get()
            if _bears(item, labels):
                yield change, item

    async def log(
        self,
        namespace: str,
        pod: str,
        *,
        lines: int | None,
        follow: bool,
        previous: bool = False,
        container: str = "",
    ) -> AsyncIterator[str]:
        self.containers.append(container)
        for line in self.logs.get(pod, []):
            yield line

    # -- as others in the cluster do -------------------------------------------------------

    def one(self, resource: Resource, name: str) -> Object | None:
        """An object as it is now."""
        return self.objects.get((resource, self.namespace, name))

    async def remove(self, resource: Resource, name: str) -> None:
        """By hand."""
        await self.delete(resource, self.namespace, name)

    async def until(self, condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        """Return when the condition holds; it is looked at whenever somebody asks something."""
        async with asyncio.timeout(limit_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    # -- inside ----------------------------------------------------------------------------

    def _check(self, verb: str, resource: Resource) -> None:
        self.asked.append((verb, resource))
        self._news.set()
        if resource in self.undefined:
            raise refusal(404, {}, resource)
        if resource in self.refused:
            raise Refused(f"Kubernetes does not let the service work with {resource.plural}.")

    def _sweep(self) -> None:
        """Remove what is deleted and held by nobody, and what it owned."""
        while True:
            uids = {item["metadata"]["uid"] for item in self.objects.values()}
            for key, item in self.objects.items():
                metadata = item["metadata"]
                owners = metadata.get("ownerReferences") or ()
                orphan = owners and all(owner["uid"] not in uids for owner in owners)
                if orphan and "deletionTimestamp" not in metadata:
                    metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
                    metadata["resourceVersion"] = str(next(self._versions))
                    self._tell("MODIFIED", key[0], item)
                    break
                if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
                    del self.objects[key]
                    metadata["resourceVersion"] = str(next(self._versions))
                    self._tell("DELETED", key[0], item)
                    break
            else:
                return

    def _tell(self, change: str, resource: Resource, item: Object) -> None:
        self._news.set()
        for watched, queue in self._watchers:
            if watched == resource:
                queue.put_nowait((change, copy.deepcopy(item)))

    def _tell_one(
        self, queue: asyncio.Queue[tuple[str, Object]], change: str, item: Object, of: Resource
    ) -> None:
        if (of, item["metadata"]["namespace"], item["metadata"]["name"]) in self.objects:
            queue.put_nowait((change, copy.deepcopy(item)))


def _merged(there: Any, patch: Any) -> Any:
    """A JSON merge patch."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(there) if isinstance(there, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return copy.deepcopy(result)


def _bears(item: Object, labels: str) -> bool:
    wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
    return wanted.items() <= (item["metadata"].get("labels") or {}).items()
