"""Which sessions and users are gone, by the hub's word, and which sessions are to end.

The hub's spawner ends backends itself; this covers a hub that died in between. A hub that does
not answer, or that may not tell us everything, says nothing about any session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from alongside.errors import Unavailable
from alongside.models import Spec, now
from alongside_service.registry import Registry
from alongside_service.scopes import ENDS_SESSIONS, SEES_EVERYTHING
from alongside_service.sessions import Session, Sessions

_log = logging.getLogger("alongside.reaper")
K = TypeVar("K")
_SIGHTINGS = 2
"""How often in a row something must be missing: a server may be between two states once."""
_CHECK_SCOPES = timedelta(minutes=10)
_SHORTEST_PAUSE = 0.1


class TellsSessions(Protocol):
    """The part of `Hub` that is needed here."""

    async def sessions(self) -> Mapping[str, Mapping[str, Session]]: ...

    async def own_scopes(self) -> frozenset[str]: ...


@dataclass
class _Missing:
    since: datetime
    sightings: int = 1


@dataclass
class Reaper:
    """Asks the hub every `interval` seconds, while there is somebody to ask about, and when the
    time of a session is over.

    `changed` is called with the ids of backends whose session or owner has gone or come back;
    `lifetimes` ends the sessions whose time is over.
    """

    hub: TellsSessions
    registry: Registry
    changed: Callable[[str], None]
    lifetimes: Sessions
    interval: float = 10.0
    more_owners: Callable[[], Iterable[str]] = tuple
    """Users who have something else here."""
    problem: str = ""
    _sessions: dict[tuple[str, str], _Missing] = field(default_factory=dict)
    _owners: dict[str, _Missing] = field(default_factory=dict)
    _looked: datetime | None = None
    _scopes: frozenset[str] = frozenset()
    _scopes_checked: datetime | None = None
    _due: datetime | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                self._due = None
                try:
                    await self.look()
                except Unavailable as error:
                    self._complain(f"{error} No backend is ended for its session meanwhile.")
                except Exception:
                    _log.exception("Looking for sessions that are gone failed.")
                await asyncio.sleep(self._pause())
        finally:
            self.lifetimes.close()

    def _pause(self) -> float:
        """Seconds until the next look: when the time of a session is over, if that is earlier."""
        if self._due is None:
            return self.interval
        return min(max((self._due - now()).total_seconds(), _SHORTEST_PAUSE), self.interval)

    def session_gone(self, spec: Spec) -> datetime | None:
        """Since when the session of a backend has been gone, if that is sure."""
        if spec.session is None or not self._is_fresh():
            return None
        missing = self._sessions.get((spec.owner, spec.session))
        return missing.since if missing and missing.sightings >= _SIGHTINGS else None

    def owner_gone(self, owner: str) -> bool:
        """Whether a user is gone, for sure."""
        missing = self._owners.get(owner)
        return bool(missing and missing.sightings >= _SIGHTINGS and self._is_fresh())

    async def look(self) -> None:
        """Ask the hub once. Raises Unavailable."""
        specs = [o.spec for o in self.registry if not o.spec.unclaimed]
        owners = {spec.owner for spec in specs} | set(self.more_owners())
        limited = self.lifetimes.limited()
        if not owners:
            self._sessions.clear()
            self._owners.clear()
            if not limited:
                return
        try:
            await self._check_scopes()
            # backends admitted while the hub answers are judged the next time
            alive = await self.hub.sessions()
        except Unavailable:
            self.lifetimes.silent()
            raise
        moment = now()
        sessions = {(s.owner, s.session) for s in specs if s.session is not None}
        _count(self._owners, {owner for owner in owners if owner not in alive}, moment)
        _count(
            self._sessions,
            {(o, s) for o, s in sessions if s not in alive.get(o, {})},
            moment,
        )
        self._looked = moment
        may_end = _covers(self._scopes, ENDS_SESSIONS)
        if may_end:
            found = (session for user in alive.values() for session in user.values())
            self._due = self.lifetimes.look(found, moment)
        self._complain("" if may_end or not limited else _MAY_NOT_END)
        for spec in specs:
            if self.owner_gone(spec.owner) or self.session_gone(spec) is not None:
                self.changed(spec.id)

    def _is_fresh(self) -> bool:
        return self._looked is not None and now() - self._looked < timedelta(
            seconds=3 * self.interval + 5
        )

    async def _check_scopes(self) -> None:
        if self._scopes_checked and now() - self._scopes_checked < _CHECK_SCOPES:
            return
        scopes = await self.hub.own_scopes()
        missing = [scope for scope in SEES_EVERYTHING if not _covers(scopes, scope)]
        if missing:
            raise Unavailable(
                f"The service lacks the hub scopes {', '.join(missing)}.",
                "Give them to its role in c.JupyterHub.load_roles.",
            )
        self._scopes, self._scopes_checked = scopes, now()

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            if problem:
                _log.warning("%s", problem)
            else:
                _log.info("The hub tells which sessions there are.")


_MAY_NOT_END = (
    f"The service lacks the hub scope {ENDS_SESSIONS}: no session ends when its lifetime is over. "
    "Give it to its role in c.JupyterHub.load_roles."
)
_IMPLIED_BY = {
    "list:users": {"admin:users"},
    "read:servers": {"servers", "admin:servers"},
    "delete:servers": {"servers", "admin:servers"},
}


def _covers(scopes: frozenset[str], wanted: str) -> bool:
    return not ({wanted} | _IMPLIED_BY.get(wanted, set())).isdisjoint(scopes)


def _count(known: dict[K, _Missing], missing: set[K], moment: datetime) -> None:
    """Count the sightings of what is missing; forget what is back."""
    for key in known.keys() - missing:
        del known[key]
    for key in missing:
        if key in known:
            known[key].sightings += 1
        else:
            known[key] = _Missing(moment)
