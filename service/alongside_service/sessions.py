"""How long a session may be idle and last in all, and its end when that time is over.

An operator says so for each profile (``session.lifetime`` in the catalogue). What there is to
know comes with the reaper's own question to the hub; the end goes through the hub, so that
whatever a spawner does at the end of a session is done. A hub that does not answer ends nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from alongside.catalogue import Catalogue, SessionOffer
from alongside.errors import AlongsideError, NotAllowed
from alongside.models import Lifetime
from alongside.phases import USABLE
from alongside.requests import Requester
from alongside.units import format_duration
from alongside_service.registry import Registry

_log = logging.getLogger("alongside.sessions")
_REPORTS = "JUPYTERHUB_ACTIVITY_INTERVAL"
"""Tells a notebook server how often, in seconds, to tell the hub when it was last used."""
_MOST_SECONDS, _LEAST_SECONDS = 300.0, 1.0
_ATTEMPTS = 24
_LAST_RETRY = timedelta(minutes=10)
"""With pauses that double up to this one, the attempts reach over about three hours."""

Place = tuple[str, str]
"""Owner and name of a session."""


@dataclass(frozen=True)
class Session:
    """A session as the hub tells of it."""

    owner: str
    name: str
    groups: frozenset[str] = frozenset()
    """The groups of its owner."""
    started: datetime | None = None
    active: datetime | None = None
    """When the hub last heard that it was used."""
    options: Any = None
    """Its spawn options as they came."""
    pending: bool = False
    """Whether it is starting or stopping."""

    @classmethod
    def of(cls, user: Mapping[str, Any], server: Mapping[str, Any]) -> Session:
        """From the hub's models of a user and of one server."""
        return cls(
            owner=user["name"],
            name=server["name"],
            groups=frozenset(user.get("groups") or ()),
            started=_time(server.get("started")),
            active=_time(server.get("last_activity")),
            options=server.get("user_options"),
            pending=bool(server.get("pending")) or not server.get("ready", True),
        )

    @property
    def place(self) -> Place:
        return self.owner, self.name

    @property
    def profile(self) -> str:
        """The profile that was asked for; '' where none was named."""
        return self._wish("profile")

    @property
    def image(self) -> str:
        """The image that was asked for; '' where none was named."""
        return self._wish("image")

    def _wish(self, name: str) -> str:
        found = self.options.get(name) if isinstance(self.options, Mapping) else None
        return found if isinstance(found, str) else ""

    @property
    def title(self) -> str:
        """As the log names it."""
        which = f"session {self.name!r}" if self.name else "the default session"
        return f"{which} of {self.owner}"


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until`, unless it is used."""

    until: datetime | None = None


@dataclass(frozen=True)
class End:
    """End it."""

    why: str


@dataclass(frozen=True)
class Ends:
    """When a session ends unless something happens."""

    unused: datetime | None = None
    """For want of use; any use moves it."""
    latest: datetime | None = None
    """Whatever happens."""


def ends_of(session: Session, lifetime: Lifetime, active: datetime, heard: datetime) -> Ends:
    """When a session ends.

    active : when the session or one of its backends was last used
    heard : since when the hub has been answering; before that, it may not have been told of use
    """
    if session.pending:
        return Ends()
    unused = latest = None
    if lifetime.maximum is not None and session.started is not None:
        latest = session.started + lifetime.maximum
    if lifetime.idle is not None:
        # what has happened meanwhile may be on its way to the hub
        unused = max(active + lifetime.idle, heard) + _delay(lifetime.idle)
    return Ends(unused, latest)


def decide(
    session: Session, lifetime: Lifetime, active: datetime, heard: datetime, moment: datetime
) -> Wait | End:
    """What to do with a session now; `active` and `heard` as in `ends_of`."""
    ends = ends_of(session, lifetime, active, heard)
    if ends.latest is not None and lifetime.maximum is not None and ends.latest <= moment:
        return End(f"it has lasted {format_duration(lifetime.maximum)}, the most allowed")
    if ends.unused is not None and lifetime.idle is not None and ends.unused <= moment:
        return End(f"it has not been used for {format_duration(lifetime.idle)}")
    return Wait(min((end for end in (ends.latest, ends.unused) if end), default=None))


def lifetime_of(catalogue: Catalogue, session: Session) -> Lifetime:
    """What the profile of a session allows; everything when the profile is no longer there."""
    wish = session.options if isinstance(session.options, Mapping) else {}
    name = wish.get("profile")
    if name is None:
        backend = wish.get("backend")
        kind = backend.get("kind") if isinstance(backend, Mapping) else None
        try:
            name = catalogue.profile(Requester(session.owner, session.groups), None, kind)
        except NotAllowed:
            return Lifetime()
    profile = catalogue.profiles.get(str(name))
    return profile.session.lifetime if profile else Lifetime()


def with_reports(offer: SessionOffer) -> SessionOffer:
    """The same, with the environment that has a session tell the hub of its use often enough."""
    if offer.lifetime.idle is None:
        return offer
    often = {_REPORTS: str(int(_reports(offer.lifetime.idle)))}
    return offer.model_copy(update={"environment": {**often, **offer.environment}})


def _reports(idle: timedelta) -> float:
    """Seconds between two reports of a session with this idle time; the hub's default at most."""
    return min(max(idle.total_seconds() / 10, _LEAST_SECONDS), _MOST_SECONDS)


def _delay(idle: timedelta) -> timedelta:
    """How late use may be reported: JupyterHub varies the interval by a tenth."""
    return timedelta(seconds=1.1 * _reports(idle) + 1)


def _time(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class EndsSessions(Protocol):
    """The part of `Hub` that is needed here."""

    async def end_session(self, owner: str, name: str) -> None: ...


@dataclass
class _Ending:
    """The attempts to end one session."""

    started: datetime | None
    again: datetime
    attempts: int = 0


@dataclass
class Sessions:
    """Ends sessions whose time is over. `look` is called with each of the hub's answers."""

    hub: EndsSessions
    registry: Registry
    offers: Callable[[], Catalogue]
    _heard: datetime | None = None
    _active: dict[Place, datetime] = field(default_factory=dict)
    _ends: dict[Place, Ends] = field(default_factory=dict)
    _endings: dict[Place, _Ending] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def limited(self) -> bool:
        """Whether any profile limits the lifetime of its sessions."""
        return any(p.session.lifetime != Lifetime() for p in self.offers().profiles.values())

    def ends(self, owner: str, name: str) -> Ends:
        """When a session ends, as of the last look; never, where nothing is known of it."""
        return self._ends.get((owner, name), Ends())

    def silent(self) -> None:
        """The hub does not answer; nor can sessions tell it that they are used."""
        self._heard = None

    def look(self, found: Iterable[Session], moment: datetime) -> datetime | None:
        """Begin to end what is over. Returns when to look again at the latest, None: whenever."""
        self._heard = heard = self._heard or moment
        sessions = {session.place: session for session in found}
        for known in (self._active, self._endings, self._ends):
            for gone in known.keys() - sessions.keys():
                del known[gone]
        catalogue = self.offers()
        due: list[datetime | None] = []
        for session in sessions.values():
            lifetime = lifetime_of(catalogue, session)
            if lifetime == Lifetime():
                self._ends.pop(session.place, None)
                continue
            active = self._activity(session, moment)
            self._ends[session.place] = ends_of(session, lifetime, active, heard)
            action = decide(session, lifetime, active, heard, moment)
            if isinstance(action, End):
                due.append(self._end(session, action.why, moment))
            else:
                due.append(action.until)
        return min((time for time in due if time is not None), default=None)

    def _activity(self, session: Session, moment: datetime) -> datetime:
        """When the session or a backend of it was last used, as far as ever seen."""
        seen = [session.active or session.started or moment]
        if session.place in self._active:
            seen.append(self._active[session.place])
        for observed in self.registry.of(session.owner):
            if observed.spec.session == session.name and observed.status.phase in USABLE:
                seen.append(observed.status.idle_since or moment)
        # kept, because a backend that has ended no longer says until when it was busy
        self._active[session.place] = latest = max(seen)
        return latest

    def _end(self, session: Session, why: str, moment: datetime) -> datetime | None:
        """Ask the hub for the end, unless that was done a moment ago or too often."""
        ending = self._endings.get(session.place)
        if ending is None or ending.started != session.started:
            ending = self._endings[session.place] = _Ending(session.started, moment)
            _log.info("Ending %s: %s.", session.title, why)
        if ending.attempts >= _ATTEMPTS:
            return None
        if ending.again > moment:
            return ending.again
        ending.attempts += 1
        ending.again = moment + min(timedelta(seconds=2**ending.attempts), _LAST_RETRY)
        task = asyncio.create_task(self._ask(session, last=ending.attempts == _ATTEMPTS))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return ending.again

    async def _ask(self, session: Session, last: bool) -> None:
        try:
            await self.hub.end_session(session.owner, session.name)
        except AlongsideError as error:
            then = "It is not tried again" if last else "It is tried again"
            _log.warning("Ending %s failed: %s %s.", session.title, error, then)
        except Exception:
            _log.exception("Ending %s failed.", session.title)

    def close(self) -> None:
        """Let go of what is under way."""
        for task in self._tasks:
            task.cancel()
