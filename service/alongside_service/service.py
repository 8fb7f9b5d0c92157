"""The parts of the service, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alongside.catalogue import Catalogue
from alongside.catalogue_file import CatalogueFile
from alongside.errors import AlongsideError, InvalidRequest, NotAllowed, NotFound, Unavailable
from alongside.models import Spec, now
from alongside.platforms.base import Observed, Platform
from alongside.requests import Requester
from alongside_service import access
from alongside_service.admission import Admission
from alongside_service.auth import Authority, Caller
from alongside_service.events import Events
from alongside_service.hub import Hub
from alongside_service.keeper import begin_anew
from alongside_service.metrics import Metrics
from alongside_service.oauth import Endpoints, Login
from alongside_service.reaper import Reaper
from alongside_service.reconciler import Detach, Facts, Reconciler, Stop
from alongside_service.registry import Registry
from alongside_service.sessions import Sessions
from alongside_service.warm import WarmStock

if TYPE_CHECKING:
    from alongside_service.endpoints import Announcement

_log = logging.getLogger("alongside.service")
_CATALOGUE_INTERVAL = 1.0
_COMPARE_INTERVAL = 60.0
RECHECK = 60.0
"""Seconds between two looks at whether what is read for long may still be read."""


class _Deposed(Exception):
    """Another replica acts from now on."""


@dataclass
class Service:
    """What the routes work with. `prefix` is the path it is served under, with both slashes."""

    catalogue: CatalogueFile
    platforms: Mapping[str, Platform]
    hub: Hub
    token: str
    name: str = "alongside"
    prefix: str = "/services/alongside/"
    account: str = ""
    grace: timedelta = timedelta()
    retention: timedelta = timedelta(hours=1)
    sessions_interval: float = 10.0
    metrics_without_token: bool = False
    announcement: Announcement | None = None
    """Where it says that it is this one that answers, if that is to be said."""
    give_up: Callable[[str], None] = begin_anew
    """Ends the process, saying why; whoever keeps it starts a new one."""
    registry: Registry = field(default_factory=Registry)
    leading: bool = False
    """Whether it is this replica that acts and answers; the others only watch."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority = Authority(self.hub, self.name, self.token)
        self.login = Login(self.hub, Endpoints.of(), self.prefix)
        self.metrics = Metrics(self.registry, lambda: self.leading)
        self.events = Events(self.registry)
        self.admission = Admission(self.offers, self.platforms, self.registry, self.metrics.refused)
        self.warm = WarmStock(self.offers, self.platforms, self.registry, self.admission, self.stop)
        self.reconciler = Reconciler(self.registry, self.facts, self._act)
        self.reaper = Reaper(
            self.hub,
            self.registry,
            self.reconciler.look,
            Sessions(self.hub, self.registry, self.offers),
            self.sessions_interval,
        )

    def offers(self) -> Catalogue:
        """The catalogue of this moment."""
        return self.catalogue.current()

    async def open(self) -> None:
        """Begin: learn what runs, follow it, and act as soon as every platform says that we may."""
        await asyncio.gather(*(self._begin(platform) for platform in self.platforms.values()))
        self._spawn(self._follow_catalogue())
        if any(platform.takes_turns for platform in self.platforms.values()):
            self._spawn(self._take_turn())
        else:
            self._begin_to_act()

    async def _take_turn(self) -> None:
        """Wait until we may act, then act until another does."""
        platforms = self.platforms.values()
        _log.info("Standing by until this replica may act.")
        await asyncio.gather(*(platform.leading() for platform in platforms))
        # what our predecessor did last may not have reached us yet
        await asyncio.gather(*(self.registry.load(platform) for platform in platforms))
        self._begin_to_act()
        _log.info("This replica acts.")
        turns = [asyncio.ensure_future(platform.deposed()) for platform in platforms]
        try:
            await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.leading = False
            for turn in turns:
                turn.cancel()
        raise _Deposed("another replica acts, or we can't tell")

    def _begin_to_act(self) -> None:
        self._spawn(self.reconciler.run())
        self._spawn(self.reaper.run())
        self._spawn(self.warm.run())
        if self.announcement is not None:
            self._spawn(self.announcement.keep())
        self.leading = True

    async def close(self) -> None:
        """Let go of everything; backends keep running."""
        self.events.close()
        self.leading = False
        for task in self._tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.announcement is not None:
            await self.announcement.withdraw()
        await asyncio.gather(
            *(platform.close() for platform in self.platforms.values()), return_exceptions=True
        )
        await self.hub.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """None of these ends by itself. Without one of them the service only seems to work."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, _Deposed):
            _log.error("A part of the service failed.", exc_info=error)
        self.give_up(str(error or "a part of the service ended"))

    async def _begin(self, platform: Platform) -> None:
        await platform.open()
        await self.registry.load(platform)
        self._spawn(self.registry.follow(platform))
        self._spawn(self._compare(platform))

    async def _compare(self, platform: Platform) -> None:
        """Now and then compare what we know with the truth, should news ever be lost."""
        while True:
            await asyncio.sleep(_COMPARE_INTERVAL)
            try:
                async with asyncio.timeout(_COMPARE_INTERVAL):
                    await self.registry.load(platform)
            except Exception:
                _log.exception("Platform %s can't be read.", platform.name)

    async def _follow_catalogue(self) -> None:
        while True:
            if await asyncio.to_thread(self.catalogue.refresh):
                if self.catalogue.problem:
                    _log.warning("The catalogue is not used: %s", self.catalogue.problem)
                else:
                    _log.info("The catalogue has been read anew.")
            await asyncio.sleep(_CATALOGUE_INTERVAL)

    async def owner(self, caller: Caller, named: str | None) -> Requester:
        """The user that a request is for: the caller, or who an admin or the hub names."""
        if named is None or named == caller.name:
            if not caller.name:
                raise InvalidRequest("owner is missing.", "Say for which user this is.", "owner")
            return caller.requester
        if not access.may_act_for_others(caller):
            raise NotAllowed("You may only launch for yourself.", "Leave `owner` out.", "owner")
        try:
            return Requester(named, await self.hub.groups(named))
        except NotFound as error:
            raise InvalidRequest(error.message, error.remedy, "owner") from None

    def visible(self, caller: Caller, id: str) -> Observed:
        """A backend that the caller may see. Raises NotFound."""
        observed = self.registry.get(id)
        if observed is None or not access.may_see(caller, observed.spec):
            raise access.unknown(id)
        return observed

    async def may_still(self, token: str, id: str, allowed: Callable[[Caller, Spec], bool]) -> bool:
        """Whether this token still lets its bearer do this. A silent hub changes nothing."""
        try:
            caller = await self.authority.caller(token)
        except Unavailable:
            return True
        except AlongsideError:
            return False
        observed = self.registry.get(id)
        return observed is not None and allowed(caller, observed.spec)

    async def stop(self, observed: Observed, *, forget: bool = True) -> Observed:
        """End a backend; with `forget` its record and logs go too. Returns it as it is now."""
        platform = self.platform(observed)
        await platform.stop(observed.spec.id, forget=forget)
        current = self.registry.get(observed.spec.id)
        if current is None:
            return observed
        spec = current.spec.model_copy(update={"stop": True, "forget": forget})
        return self.registry.replace(spec) or observed

    async def detach(self, observed: Observed) -> None:
        """Let a backend go on without its session."""
        generation = observed.spec.generation + 1
        detached = observed.spec.model_copy(update={"session": None, "generation": generation})
        await self.platform(observed).update(detached)
        self.registry.replace(detached)

    async def session_ended(self, observed: Observed) -> None:
        """Do what follows from the end of a backend's session; a grace is the reaper's."""
        if observed.spec.keep:
            await self.detach(observed)
        elif not self.grace_of(observed.spec):
            await self.stop(observed)

    def grace_of(self, spec: Spec) -> timedelta:
        """How long a backend stays when its session is gone."""
        profile = self.offers().profiles.get(spec.profile)
        offer = profile.backends.get(spec.kind) if profile else None
        return offer.grace if offer and offer.grace is not None else self.grace

    def facts(self, observed: Observed) -> Facts:
        """What the reconciler needs to know about a backend."""
        spec = observed.spec
        return Facts(
            now=now(),
            session_gone=self.reaper.session_gone(spec),
            owner_gone=self.reaper.owner_gone(spec),
            grace=self.grace_of(spec),
            retention=self.retention,
            superseded=not observed.status.live and self._has_successor(spec),
        )

    def _has_successor(self, spec: Spec) -> bool:
        place = (spec.session, spec.name)
        return any(
            (o.spec.session, o.spec.name) == place and o.spec.created > spec.created
            for o in self.registry.of(spec.owner)
        )

    async def _act(self, observed: Observed, action: Stop | Detach) -> None:
        if isinstance(action, Stop):
            await self.stop(observed, forget=action.forget)
        else:
            await self.detach(observed)

    def platform(self, observed: Observed) -> Platform:
        """Where a backend runs."""
        try:
            return self.platforms[observed.spec.platform]
        except KeyError:
            raise Unavailable(
                f"Platform {observed.spec.platform} is not set up.", "Ask an administrator."
            ) from None
