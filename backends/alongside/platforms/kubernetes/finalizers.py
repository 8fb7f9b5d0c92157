"""The mark of an operator that is no longer there to take it off.

Operators mark the custom resources that they see, so that these stay until they have noticed their
end, and with them all that they own. The Dask operator has nothing to clear away there that we
don't; ours ends processes in their order, and says so in the status. After an operator was
uninstalled nobody would take its mark off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from alongside.errors import AlongsideError, Conflict
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.inventory import Inventory
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object, Resource

_MARKS = frozenset({"kopf.zalando.org/KopfFinalizerMarker", "alongside.jupyter.org/server-first"})
_INTERVAL = 5.0  # seconds between two looks, in which an operator that is there has noticed
_ENDING = 60.0  # seconds after which one that was ending it is taken to be gone too

_log = logging.getLogger("alongside.kubernetes")


def is_held(custom: Object | None) -> bool:
    """Whether a custom resource that is to go stays for such a mark."""
    metadata = (custom or {}).get("metadata", {})
    marked = not _MARKS.isdisjoint(metadata.get("finalizers") or ())
    return "deletionTimestamp" in metadata and marked


def is_attended(custom: Object) -> bool:
    """Whether its operator says that it is ending what belongs to it."""
    return bool((custom.get("status") or {}).get("phase") == "Stopping")


async def release(cluster: Cluster, namespace: str, resource: Resource, custom: Object) -> None:
    """Let it go, as far as it is for such a mark. Raises AlongsideError."""
    metadata = custom["metadata"]
    others = [holder for holder in metadata["finalizers"] if holder not in _MARKS]
    version = metadata["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version, "finalizers": others}}
    with contextlib.suppress(Conflict):
        await cluster.patch(resource, namespace, metadata["name"], patch)


class Orphans:
    """Custom resources whose record somebody has deleted, so that no steward looks after them."""

    def __init__(self, cluster: Cluster, namespace: str, inventory: Inventory) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._inventory = inventory
        self._since: dict[str, float] = {}

    async def run(self) -> None:
        """Let them go, for ever. Looks only at what has been heard of."""
        while True:
            moment = time.monotonic()
            found = {
                id: (resource, custom)
                for id, resource, custom in self._inventory.customs()
                if is_held(custom) and self._inventory.record(id) is None
            }
            self._since = {id: self._since.get(id, moment) for id in found}
            for id, (resource, custom) in found.items():
                waited = moment - self._since[id]
                if waited > (_ENDING if is_attended(custom) else 0):
                    try:
                        await self._let_go(id, resource, custom)
                    except AlongsideError as error:
                        _log.warning("What is left of %s can't be let go: %s", id, error)
            await asyncio.sleep(_INTERVAL)

    async def _let_go(self, id: str, resource: Resource, custom: Object) -> None:
        name = objects.record_name(id)
        if await self._cluster.get(CONFIG_MAPS, self._namespace, name) is None:
            await release(self._cluster, self._namespace, resource, custom)
