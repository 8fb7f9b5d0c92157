"""Writing wishes into records, whoever else writes there at the same time."""

from __future__ import annotations

from collections.abc import Callable

from alongside.errors import AlongsideError, Conflict, StorageFailed
from alongside.models import Spec, Status
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object, Resource
from alongside.platforms.refusals import unknown

_TRIES = 20  # of a change that others get in the way of


class Records:
    """The records of a namespace. `wrote` is told what the server made of our writes."""

    def __init__(
        self, cluster: Cluster, namespace: str, wrote: Callable[[Resource, Object], None]
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._wrote = wrote

    async def create(self, spec: Spec) -> None:
        """A record with this specification, unless there is one. Raises StorageFailed."""
        try:
            made = await self._cluster.create(
                CONFIG_MAPS, self._namespace, objects.record(spec, Status())
            )
        except AlongsideError as error:
            raise StorageFailed(
                f"The backend can't be recorded: {error.message}", error.remedy
            ) from None
        if made is None:
            made = await self._cluster.get(
                CONFIG_MAPS, self._namespace, objects.record_name(spec.id)
            )
        if made is not None:
            self._wrote(CONFIG_MAPS, made)

    async def change(self, id: str, change: Callable[[Spec, Status], Spec | None]) -> bool:
        """Replace the specification in a record, unless somebody else just did: then again.

        False when `change` returns None, which means that nothing is to be changed. Raises
        NotFound, or StorageFailed.
        """
        name = objects.record_name(id)
        for _ in range(_TRIES):
            item = await self._cluster.get(CONFIG_MAPS, self._namespace, name)
            if item is None:
                raise unknown()
            try:
                wanted = change(*objects.parse_record(item))
            except ValueError:
                raise unknown() from None
            if wanted is None:
                return False
            patch = {
                "metadata": {
                    "resourceVersion": item["metadata"]["resourceVersion"],
                    **objects.ownership(wanted),
                },
                "data": objects.spec_data(wanted),
            }
            try:
                written = await self._cluster.patch(CONFIG_MAPS, self._namespace, name, patch)
            except Conflict:
                continue
            if written is None:
                raise unknown()
            self._wrote(CONFIG_MAPS, written)
            return True
        raise StorageFailed("Its record changes all the time.", "Try again.")
