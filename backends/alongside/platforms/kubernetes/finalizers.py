"""The mark of an operator that is no longer there to take it off.

The Dask operator marks the custom resources that it sees, so that they stay until it has noticed
their end, and with them all that they own. It has nothing to clear away there that we don't, and
after it was uninstalled nobody would take its mark off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from alongside.errors import AlongsideError, Conflict
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.api import CONFIG_MAPS, DASK_CLUSTERS, Cluster, Object
from alongside.platforms.kubernetes.inventory import Inventory

_OPERATOR = "kopf.zalando.org/KopfFinalizerMarker"
_INTERVAL = 5.0  # seconds between two looks, in which an operator that is there is done

_log = logging.getLogger("alongside.kubernetes")


def is_held(custom: Object | None) -> bool:
    """Whether a custom resource that is to go stays for that mark."""
    metadata = (custom or {}).get("metadata", {})
    return "deletionTimestamp" in metadata and _OPERATOR in (metadata.get("finalizers") or [])


async def release(cluster: Cluster, namespace: str, custom: Object) -> None:
    """Let it go, as far as it is for that mark. Raises AlongsideError."""
    metadata = custom["metadata"]
    others = [holder for holder in metadata["finalizers"] if holder != _OPERATOR]
    version = metadata["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version, "finalizers": others}}
    with contextlib.suppress(Conflict):
        await cluster.patch(DASK_CLUSTERS, namespace, metadata["name"], patch)


class Orphans:
    """Custom resources whose record somebody has deleted, so that no steward looks after them."""

    def __init__(self, cluster: Cluster, namespace: str, inventory: Inventory) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._inventory = inventory
        self._known: set[str] = set()

    async def run(self) -> None:
        """Let them go, for ever. Looks only at what has been heard of."""
        while True:
            found = {
                id: custom
                for id, custom in self._inventory.customs()
                if is_held(custom) and self._inventory.record(id) is None
            }
            for id in self._known & found.keys():
                try:
                    await self._let_go(id, found[id])
                except AlongsideError as error:
                    _log.warning("What is left of %s can't be let go: %s", id, error)
            self._known = set(found)
            await asyncio.sleep(_INTERVAL)

    async def _let_go(self, id: str, custom: Object) -> None:
        name = objects.record_name(id)
        if await self._cluster.get(CONFIG_MAPS, self._namespace, name) is None:
            await release(self._cluster, self._namespace, custom)
