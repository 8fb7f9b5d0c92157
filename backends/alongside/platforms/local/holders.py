"""The processes that look after records, followed until they end: by pidfd, without polling."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from alongside.platforms.local.process import Identity


class Holders:
    """Who holds which record.

    on_lost : called with the record's id and the identity when a holder has ended, however it did
    """

    def __init__(self, on_lost: Callable[[str, Identity], None]) -> None:
        self._on_lost = on_lost
        self._followed: dict[str, tuple[Identity, int]] = {}
        self._loop = asyncio.get_running_loop()

    def get(self, id: str) -> Identity | None:
        """The holder that is followed, if there is one."""
        identity, _ = self._followed.get(id, (None, -1))
        return identity

    def follow(self, id: str, identity: Identity) -> None:
        """Follow a holder, in place of the one before, until it ends."""
        if self.get(id) == identity:
            return
        descriptor = identity.open()
        if descriptor is None:
            self._loop.call_soon(self._on_lost, id, identity)
            return
        self.drop(id)
        self._followed[id] = (identity, descriptor)
        self._loop.add_reader(descriptor, self._ended, id, identity)

    def drop(self, id: str) -> None:
        """Follow it no more."""
        _, descriptor = self._followed.pop(id, (None, None))
        if descriptor is not None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Follow none any more."""
        for id in list(self._followed):
            self.drop(id)

    def _ended(self, id: str, identity: Identity) -> None:
        self.drop(id)
        self._on_lost(id, identity)


__all__ = ["Holders"]
