"""All backends of all platforms, as last heard of: a cache; the platforms hold the truth."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator

from alongside.models import Backend, Resources, Spec
from alongside.platforms.base import Observed, Platform, Removed
from alongside.quotas import total

Listener = Callable[[Observed | None, Observed | None], None]
"""Called with a backend before and after a change; None before it exists and after it is gone."""

_log = logging.getLogger("alongside.registry")
_FIRST_RETRY, _LAST_RETRY = 0.2, 10.0


class Registry:
    """Fed by `follow`, read by everybody; tells its listeners of every change."""

    def __init__(self) -> None:
        self._known: dict[str, Observed] = {}
        self._json: dict[str, bytes] = {}
        self._claimed: dict[str, str] = {}
        self._listeners: list[Listener] = []
        self._changed = asyncio.Event()
        self.restarts: Counter[str] = Counter()
        """How often the watch of each platform was begun anew."""

    def __iter__(self) -> Iterator[Observed]:
        return iter(list(self._known.values()))

    def __len__(self) -> int:
        return len(self._known)

    def get(self, id: str) -> Observed | None:
        """The backend of this id, if it is known."""
        return self._known.get(id)

    def launched(self, id: str) -> Observed | None:
        """The backend of the launch that comes to this id: its own, or one that it claimed."""
        return self._known.get(self._claimed.get(id, id))

    def of(self, owner: str) -> list[Observed]:
        """All backends of one user, ended ones with a record included."""
        return [o for o in self._known.values() if o.spec.owner == owner]

    def used(self, owner: str, without: str = "") -> Resources:
        """What this user's live backends take, apart from the one of id `without`."""
        return total(
            o.spec.resources for o in self.of(owner) if o.status.live and o.spec.id != without
        )

    def json(self, observed: Observed) -> bytes:
        """The public view of a backend as JSON, made once for each state."""
        id = observed.spec.id
        cached = self._json.get(id) if self._known.get(id) is observed else None
        if cached is None:
            cached = Backend.of(observed.spec, observed.status).model_dump_json().encode()
            if self._known.get(id) is observed:
                self._json[id] = cached
        return cached

    def listen(self, listener: Listener) -> None:
        """Call this for every change from now on."""
        self._listeners.append(listener)

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
        self._known[id] = observed
        if observed.spec.claimed:
            self._claimed[observed.spec.claimed] = id
        self._tell(id, before, observed)

    def replace(self, spec: Spec) -> Observed | None:
        """Take note of a new specification, unless the backend has gone meanwhile."""
        current = self._known.get(spec.id)
        if current is None:
            return None
        self.put(Observed(spec, current.status))
        return self._known[spec.id]

    def drop(self, id: str) -> None:
        """Forget a backend of which nothing is left."""
        before = self._known.pop(id, None)
        if before:
            self._claimed.pop(before.spec.claimed, None)
            self._tell(id, before, None)

    def _tell(self, id: str, before: Observed | None, after: Observed | None) -> None:
        self._json.pop(id, None)
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self._listeners:
            listener(before, after)

    async def change(self, timeout: float) -> None:
        """Return at the next change of any backend, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return

    async def load(self, platform: Platform) -> None:
        """Learn all backends of a platform at once, and forget those that it has no more."""
        known = {o.spec.id for o in self if o.spec.platform == platform.name}
        observed = await platform.observed()
        for gone in known - {o.spec.id for o in observed}:
            self.drop(gone)  # what was recorded since we asked is not among `known`
        for found in observed:
            self.put(found)

    async def follow(self, platform: Platform) -> None:
        """Take note of whatever a platform tells, for ever; a watch that breaks begins anew."""
        pause = _FIRST_RETRY
        self.restarts[platform.name] += 0
        while True:
            try:
                async for change in platform.watch():
                    pause = _FIRST_RETRY
                    if isinstance(change, Removed):
                        self.drop(change.id)
                    else:
                        self.put(change)
                _log.warning("The watch of platform %s ended; beginning anew.", platform.name)
            except Exception:
                _log.exception("The watch of platform %s broke; beginning anew.", platform.name)
            self.restarts[platform.name] += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_RETRY)
            try:
                await self.load(platform)
            except Exception:
                _log.exception("Platform %s can't be read.", platform.name)
