"""Who asks: from a hub token to a `Caller`.

The hub is asked once for each token and its answer kept for `FRESH` seconds; while the hub does
not answer, a token that it vouched for less than `STALE` seconds ago still counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from alongside.errors import NotAllowed, NotAuthenticated, Unavailable
from alongside.requests import Requester
from alongside_service.scopes import METRICS, is_admin, may_enter

FRESH = 30.0
FRESH_REFUSAL = 5.0
STALE = 300.0
_MOST = 10_000
_HEADER = re.compile(r"(?:token|bearer)\s+(\S+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class OfRun:
    """That it is a run of the user that asks, and what it may use."""

    id: str
    session: str | None = None
    """The session whose backends its steps may use, None: of no session."""


@dataclass(frozen=True)
class Caller:
    """Who asks: a user, a `run` of that user, or the hub itself (its spawner) for a user."""

    requester: Requester
    is_hub: bool = False
    reads_metrics: bool = False
    run: OfRun | None = None

    @property
    def name(self) -> str:
        return self.requester.name

    @property
    def is_admin(self) -> bool:
        return self.requester.admin


HUB = Caller(Requester("", admin=True), is_hub=True, reads_metrics=True)


class Identifies(Protocol):
    """The part of `Hub` that is needed here."""

    async def identify(self, token: str) -> dict[str, Any] | None: ...


@dataclass
class _Answer:
    model: dict[str, Any] | None
    time: float


class Authority:
    """Turns tokens into callers. `service` is the hub's name for us, `token` our own token."""

    def __init__(
        self,
        hub: Identifies,
        service: str,
        token: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._service = service
        self._token = token.encode()
        self._clock = clock
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Answer]] = {}

    async def caller(self, token: str) -> Caller:
        """The caller of this token.

        Raises NotAuthenticated, NotAllowed (a token without the scope) or Unavailable.
        """
        if not token:
            raise NotAuthenticated(
                "A hub token is needed.", "Send it as `Authorization: Bearer <token>`."
            )
        if self._token and hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            return HUB
        answer = await self._ask(token)
        if answer.model is None:
            raise NotAuthenticated(
                "The hub does not accept this token.", "It may have expired: ask for a new one."
            )
        return self._admit(answer.model)

    def _admit(self, model: dict[str, Any]) -> Caller:
        scopes = model.get("scopes") or ()
        if not may_enter(scopes, self._service):
            scope = f"access:services!service={self._service}"
            raise NotAllowed(
                "This token may not use the service.", f"It needs the hub's scope {scope}."
            )
        if model.get("kind", "user") != "user":
            # another service has no user whose backends these would be
            if not is_admin(scopes) and METRICS not in scopes:
                raise NotAllowed("Other services have no backends.", "Use a user's token.")
            return Caller(Requester("", admin=is_admin(scopes)), reads_metrics=METRICS in scopes)
        groups = frozenset(model.get("groups") or ())
        admin = is_admin(scopes)
        return Caller(
            Requester(model["name"], groups, admin), reads_metrics=admin or METRICS in scopes
        )

    async def _ask(self, token: str) -> _Answer:
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._answers.get(key)
        age = self._clock() - known.time if known else 0.0
        if known and age < (FRESH if known.model else FRESH_REFUSAL):
            return known
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._identify(key, token))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        try:
            # shielded: others may wait for the same answer when this request is cancelled
            return await asyncio.shield(task)
        except Unavailable:
            if known and known.model and age < STALE:
                return known
            raise

    async def _identify(self, key: bytes, token: str) -> _Answer:
        answer = _Answer(await self._hub.identify(token), self._clock())
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)
        return answer


def bearer(header: str | None) -> str:
    """The token in an Authorization header, or ''."""
    match = _HEADER.fullmatch(header or "")
    return match[1] if match else ""
