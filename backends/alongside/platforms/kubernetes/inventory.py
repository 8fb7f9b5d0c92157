"""What there is in the cluster, as last heard of; records turned into backends for watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from alongside.platforms.base import Change, Observed, Removed
from alongside.platforms.feeds import Feeds
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.growth import FIELDS, Growth
from alongside.platforms.kubernetes.reflector import Reflector
from alongside.platforms.kubernetes.resources import (
    ARKOUDA_CLUSTERS,
    CONFIG_MAPS,
    DASK_CLUSTERS,
    DEPLOYMENTS,
    EVENTS,
    PODS,
    Object,
    Resource,
)
from alongside.platforms.refusals import unknown

_CUSTOM = (DASK_CLUSTERS, ARKOUDA_CLUSTERS)


class Inventory:
    """The records, and by backend the objects that they own.

    `heard` is called with the id of a backend of which something has changed, and with its record
    if that has: the new one, or None when it is gone. `growth` says for which pods nodes are added.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, heard: Callable[[str, bool, Object | None], None]
    ) -> None:
        self._namespace = namespace
        self._tell_owner = heard
        self._feeds = Feeds[Change]()
        self.growth = Growth()
        self._by_id: dict[Resource, dict[str, dict[str, Object]]] = {
            resource: {} for resource in (PODS, DEPLOYMENTS, *_CUSTOM)
        }
        self._reflectors = {
            resource: self._reflector(cluster, resource, component, optional)
            for resource, component, optional in (
                (CONFIG_MAPS, "record", False),
                (PODS, "backend", False),
                (DEPLOYMENTS, "backend", False),
                (DASK_CLUSTERS, "backend", False),
                (ARKOUDA_CLUSTERS, "backend", True),  # not everybody has our operator
            )
        }
        # A Role that somebody wrote by hand may be without.
        self._reflectors[EVENTS] = Reflector(
            cluster, EVENTS, namespace, "", self.growth.heard, optional=True, fields=FIELDS
        )

    def _reflector(
        self, cluster: Cluster, resource: Resource, component: str, optional: bool
    ) -> Reflector:
        def heard(item: Object, there: bool) -> None:
            self._heard(resource, item, there)

        labels = objects.selector(component=component)
        return Reflector(cluster, resource, self._namespace, labels, heard, optional=optional)

    async def load(self) -> None:
        """Take stock. Raises AlongsideError."""
        await asyncio.gather(*(each.load() for each in self._reflectors.values()))

    async def follow(self) -> None:
        """Hear of every change, for ever."""
        await asyncio.gather(*(each.follow() for each in self._reflectors.values()))

    # -- hearing ---------------------------------------------------------------------------

    def wrote(self, resource: Resource, item: Object) -> None:
        """Take over what the server has made of a write."""
        self._reflectors[resource].wrote(item)

    def _heard(self, resource: Resource, item: Object, there: bool) -> None:
        id, name = objects.id_of(item), item["metadata"]["name"]
        if resource == CONFIG_MAPS:
            self._heard_record(id, item, there)
            return
        known = self._by_id[resource]
        if there:
            known.setdefault(id, {})[name] = item
        else:
            known.get(id, {}).pop(name, None)
            if not known.get(id):
                known.pop(id, None)
        self._tell_owner(id, False, None)

    def _heard_record(self, id: str, item: Object, there: bool) -> None:
        if not there:
            self._tell_owner(id, True, None)
            self._feeds.tell(id, Removed(id))
            return
        if (seen := _observed(item)) is not None:
            self._feeds.tell(id, seen)
        self._tell_owner(id, True, item)

    # -- backends --------------------------------------------------------------------------

    def observed(self) -> list[Observed]:
        """All backends whose records can be read."""
        return [seen for item in self.records() if (seen := _observed(item)) is not None]

    def watch(self) -> AsyncGenerator[Change, None]:
        """First all of them, then every change."""
        return self._feeds.watch({seen.spec.id: seen for seen in self.observed()})

    def find(self, id: str) -> tuple[Observed, Object]:
        """A backend and its record. Raises NotFound."""
        item = self.record(id)
        seen = None if item is None else _observed(item)
        if item is None or seen is None:
            raise unknown()
        return seen, item

    def is_without(self, resource: Resource) -> bool:
        """Whether the cluster knows no such objects, or doesn't let us see them."""
        return bool(self._reflectors[resource].refused)

    # -- objects ---------------------------------------------------------------------------

    def records(self) -> list[Object]:
        """All records, spoilt ones included."""
        return list(self._reflectors[CONFIG_MAPS].objects.values())

    def record(self, id: str) -> Object | None:
        """The record of a backend, spoilt or not."""
        key = (self._namespace, objects.record_name(id))
        return self._reflectors[CONFIG_MAPS].objects.get(key)

    def pods(self, id: str) -> list[Object]:
        """The pods of a backend."""
        return list(self._by_id[PODS].get(id, {}).values())

    def deployments(self, id: str) -> list[Object]:
        """The Deployments of a backend."""
        return list(self._by_id[DEPLOYMENTS].get(id, {}).values())

    def customs(self) -> list[tuple[str, Resource, Object]]:
        """All custom resources: the ids of their backends, what they are, and themselves."""
        return [
            (id, resource, one)
            for resource in _CUSTOM
            for id, all in self._by_id[resource].items()
            for one in all.values()
        ]

    def custom(self, id: str) -> Object | None:
        """The custom resource of a backend."""
        for resource in _CUSTOM:
            for one in self._by_id[resource].get(id, {}).values():
                return one
        return None


def _observed(item: Object) -> Observed | None:
    try:
        return Observed(*objects.parse_record(item))
    except ValueError:
        return None  # told once, by whoever would look after it
