"""A live copy of some objects of the cluster: listed once, then watched."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from alongside.errors import AlongsideError
from alongside.platforms.kubernetes.answers import Expired, Refused
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import Object, Resource

Heard = Callable[[Object, bool], None]
"""Called with an object that is new or has changed (True), or is gone (False)."""

_FIRST_PAUSE, _LAST_PAUSE = 0.2, 10.0
_REFUSED_PAUSE = 30.0  # seconds until what a cluster needn't have is looked for again
_log = logging.getLogger("alongside.kubernetes")


class Reflector:
    """Keeps `objects`, by namespace and name, like those in the cluster that have these labels and,
    if any are named, these fields.

    `optional`: where the cluster doesn't know such objects, or doesn't let us see them, there are
    none for now, and `refused` says why. They are looked for again after some time, or once we
    have made one ourselves.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str,
        labels: str,
        heard: Heard,
        *,
        optional: bool = False,
        fields: str = "",
    ) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self._cluster = cluster
        self._resource = resource
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._heard = heard
        self._optional = optional
        self.refused = ""
        self._made = asyncio.Event()
        self._version = ""

    async def load(self) -> None:
        """List them. Raises AlongsideError."""
        self._made.clear()
        try:
            items, self._version = await self._cluster.list(
                self._resource, self._namespace, self._labels, self._fields
            )
            self.refused = ""
        except Refused as error:
            if not self._optional:
                raise
            if error.message != self.refused:
                _log.info("Without %s: %s", self._resource.plural, error)
            items, self._version, self.refused = [], "", error.message
        fresh = {key_of(item): item for item in items}
        for key in self.objects.keys() - fresh.keys():
            self._heard(self.objects.pop(key), False)
        for item in items:
            self.put(item)

    def wrote(self, item: Object) -> None:
        """Take over an object that we have just written: so there are such objects now."""
        self.put(item)
        self._made.set()

    def put(self, item: Object) -> None:
        """Take over an object that was just seen, unless a newer one is known."""
        key = key_of(item)
        known = self.objects.get(key)
        if known is not None and _version(known) >= _version(item) and _same(known, item):
            return
        self.objects[key] = item
        self._heard(item, True)

    async def follow(self) -> None:
        """Take over every change, for ever. What breaks begins anew."""
        pause = _FIRST_PAUSE
        while True:
            try:
                if not self._version:
                    await self.load()
                if self.refused:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._made.wait(), _REFUSED_PAUSE)
                    continue
                async for change, item in self._cluster.watch(
                    self._resource, self._namespace, self._labels, self._version, self._fields
                ):
                    pause = _FIRST_PAUSE
                    self._version = item["metadata"]["resourceVersion"]
                    if change == "DELETED":
                        known = self.objects.get(key_of(item))
                        if known is not None and _same(known, item):
                            del self.objects[key_of(item)]
                            self._heard(item, False)
                    elif change != "BOOKMARK":
                        self.put(item)
            except Expired:
                self._version = ""
            except Exception as error:
                # Whatever it is, a platform that hears nothing any more would be worse.
                odd = not isinstance(error, AlongsideError)
                _log.warning(
                    "The watch of %s broke: %r", self._resource.plural, error, exc_info=odd
                )
                self._version = ""
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)


def key_of(item: Object) -> tuple[str, str]:
    """Namespace and name."""
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _version(item: Object) -> int:
    # opaque by contract, yet the server orders them by it since 1.34 says so; older ones did too
    return int(item["metadata"]["resourceVersion"])


def _same(one: Object, other: Object) -> bool:
    return bool(one["metadata"]["uid"] == other["metadata"]["uid"])
