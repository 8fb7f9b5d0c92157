"""All backends of all platforms, as last heard of: a cache; the platforms hold the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from alongside.errors import Unavailable
from alongside.models import Backend, Resources, Spec
from alongside.platforms.base import Observed, Platform
from alongside.quotas import total
from alongside_service.mirror import Mirror


class Registry(Mirror[Observed]):
    """The backends of all platforms."""

    def __init__(self) -> None:
        super().__init__()
        self._claimed: dict[str, str] = {}
        self._changed = asyncio.Event()

    def launched(self, id: str) -> Observed | None:
        """The backend of the launch that comes to this id: its own, or one that it claimed."""
        return self._known.get(self._claimed.get(id, id))

    def used(self, owner: str, without: str = "") -> Resources:
        """What this user's live backends take, apart from the one of id `without`."""
        return total(
            o.spec.resources for o in self.of(owner) if o.status.live and o.spec.id != without
        )

    def put(self, observed: Observed) -> None:
        """Take note of a backend. News older than what we wrote ourselves only bring a status."""
        id = observed.spec.id
        before = self._known.get(id)
        if before and before.spec.generation > observed.spec.generation:
            observed = Observed(before.spec, observed.status)
        elif before and before.spec.stop and not observed.spec.stop:
            stopping = observed.spec.model_copy(update={"stop": True})
            observed = Observed(stopping, observed.status)
        if before == observed:
            return
        if observed.spec.claimed:
            self._claimed[observed.spec.claimed] = id
        self._keep(observed)

    def replace(self, spec: Spec) -> Observed | None:
        """Take note of a new specification, unless the backend has gone meanwhile."""
        current = self._known.get(spec.id)
        if current is None:
            return None
        self.put(Observed(spec, current.status))
        return self._known[spec.id]

    async def change(self, timeout: float) -> None:
        """Return at the next change of any backend, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return

    def _source(self, seen: Observed) -> str:
        return seen.spec.platform

    def _view(self, seen: Observed) -> bytes:
        return Backend.of(seen.spec, seen.status).model_dump_json().encode()

    def _tell(self, id: str, before: Observed | None, after: Observed | None) -> None:
        if before is not None and after is None:
            self._claimed.pop(before.spec.claimed, None)
        self._changed.set()
        self._changed = asyncio.Event()
        super()._tell(id, before, after)


def platform_of(platforms: Mapping[str, Platform], spec: Spec) -> Platform:
    """Where a backend runs. Raises Unavailable when that has been taken out of the settings."""
    try:
        return platforms[spec.platform]
    except KeyError:
        raise Unavailable(
            f"Platform {spec.platform} is not set up in this service.", "Ask an administrator."
        ) from None
