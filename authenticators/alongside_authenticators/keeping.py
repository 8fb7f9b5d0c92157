"""What is known of users: stored by the hub, encrypted; and for the while that the hub runs."""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from alongside_authenticators.identity import IDENTITY
from alongside_authenticators.refusals import Refused

PATIENCE = 30.0
"""Seconds to wait until what is stored of a user has changed: it takes a fraction of one."""


@dataclass
class _Known:
    """A user, while the hub runs.

    person : whom the portal called so, between being let in and being stored
    seen : when the portal said so last, by the monotonic clock
    lock : held by whoever reads what is stored to write it anew
    """

    person: str = ""
    seen: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Keeping:
    """Users and what is kept of them.

    stores : whether the hub stores anything (`enable_auth_state`)
    """

    def __init__(self, stores: bool) -> None:
        self._stores = stores
        self._started = time.monotonic()
        self._known: defaultdict[str, _Known] = defaultdict(_Known)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """To be entered while what is stored of a user changes. Refused if others take too long."""
        lock = self._known[name].lock
        try:
            async with asyncio.timeout(PATIENCE):
                await lock.acquire()
        except TimeoutError:
            raise Refused(
                503, "Busy", "You are being signed in already. Try again in a minute."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def age(self, name: str) -> float:
        """Seconds since the portal named the user; at most since the hub was started."""
        known = self._known.get(name)
        return time.monotonic() - (known.seen if known else self._started)

    def drop(self, name: str) -> None:
        """Forget a user who is deleted."""
        self._known.pop(name, None)

    async def stored(self, user: Any) -> dict[str, Any]:
        """What is stored of a user of the hub; nothing of None."""
        if user is None or not self._stores:
            return {}
        return await user.get_auth_state() or {}

    async def admit(self, name: str, person: str, user: Any) -> dict[str, Any]:
        """Let somebody be that user, and give what is stored. Refused if somebody else is."""
        stored = await self.stored(user)
        self._refuse_namesake(name, person, stored)
        known = self._known[name]
        known.person, known.seen = person, time.monotonic()
        return stored

    def _refuse_namesake(self, name: str, person: str, stored: Mapping[str, Any]) -> None:
        known = self._known.get(name)
        first = stored.get(IDENTITY) or (known.person if known else "")
        if first and first != person:
            raise Refused(
                403,
                "NameTaken",
                "Somebody else has the user name that would be yours here. Tell the hub's "
                "operator, who can give you another.",
            )

    async def change(self, user: Any, person: str, changes: Mapping[str, Any]) -> None:
        """Store changes of somebody who has signed in; None removes a value."""
        async with self.turn(user.name):
            stored = await self.stored(user)
            if IDENTITY not in stored:
                raise not_signed_in()
            self._refuse_namesake(user.name, person, stored)
            await self._store(user, {**stored, **changes})

    async def forget(self, user: Any, kept: Collection[str]) -> None:
        """Forget what is stored of a user, but for values of these names."""
        if self._stores:
            async with self.turn(user.name):
                stored = await self.stored(user)
                await self._store(user, {k: v for k, v in stored.items() if k in kept})

    async def _store(self, user: Any, state: Mapping[str, Any]) -> None:
        await user.save_auth_state({k: v for k, v in state.items() if v is not None} or None)


def not_signed_in() -> Refused:
    """The refusal of data for somebody who hasn't been here."""
    return Refused(403, "NotSignedIn", "This user isn't signed in here. Have them sign in first.")
