"""The parts of the service, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from alongside.catalogue import Catalogue
from alongside.catalogue_file import CatalogueFile
from alongside.errors import (
    AlongsideError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Unavailable,
)
from alongside.models import Spec, now
from alongside.platforms.base import Observed, Platform
from alongside.platforms.shelf import Shelf
from alongside.requests import Requester
from alongside_service import access
from alongside_service.admission import Admission
from alongside_service.auth import Authority, Caller
from alongside_service.background import Background, Deposed
from alongside_service.ending import Ending
from alongside_service.events import Events
from alongside_service.hub import Hub
from alongside_service.keeper import begin_anew
from alongside_service.metrics import Metrics
from alongside_service.oauth import Endpoints, Login
from alongside_service.reaper import Reaper
from alongside_service.reconciler import Detach, Facts, Reconciler, Release, Stop
from alongside_service.registry import Registry
from alongside_service.run_desk import RunDesk
from alongside_service.run_token import RunTokens
from alongside_service.runs import Runs
from alongside_service.schedule_keeper import Clock, ScheduleKeeper
from alongside_service.scheduled import ScheduledBackends, ScheduledRuns
from alongside_service.schedules import Schedules
from alongside_service.sessions import Sessions
from alongside_service.warm import WarmStock
from alongside_workflows.executors.base import Executor, ObservedRun

if TYPE_CHECKING:
    from alongside_service.endpoints import Announcement

_log = logging.getLogger("alongside.service")
_CATALOGUE_INTERVAL = 1.0
_COMPARE_INTERVAL = 60.0
RECHECK = 60.0
"""Seconds between two looks at whether what is read for long may still be read."""


@dataclass
class Service:
    """What the routes work with. `prefix` is the path it is served under, with both slashes."""

    catalogue: CatalogueFile
    platforms: Mapping[str, Platform]
    hub: Hub
    token: str = field(repr=False)
    name: str = "alongside"
    prefix: str = "/services/alongside/"
    account: str = ""
    grace: timedelta = timedelta()
    retention: timedelta = timedelta(hours=1)
    sessions_interval: float = 10.0
    metrics_without_token: bool = False
    most_schedules: int = 20
    executors: Mapping[str, Executor] = field(default_factory=dict)
    """Who carries runs out, the default one first."""
    api: str = ""
    """URL of the API, as the steps of runs reach it."""
    run_tokens: RunTokens = field(default_factory=RunTokens)
    run_retention: timedelta = timedelta(days=30)
    most_runs: int = 100
    most_live_runs: int = 20
    clock: Clock = field(default_factory=Clock)
    """What schedules go by."""
    announcement: Announcement | None = None
    """Where it says that it is this one that answers, if that is to be said."""
    give_up: Callable[[str], None] = begin_anew
    """Ends the process, saying why; whoever keeps it starts a new one."""
    registry: Registry = field(default_factory=Registry)
    leading: bool = False
    """Whether it is this replica that acts and answers; the others only watch."""

    def __post_init__(self) -> None:
        # looked up late: who embeds the service sets it afterwards
        self._background = Background(lambda reason: self.give_up(reason))
        self.authority = Authority(self.hub, self.name, self.token)
        self.login = Login(self.hub, Endpoints.of(), self.prefix)
        self.runs = Runs(self.executors, self.most_runs, self.most_live_runs)
        self.metrics = Metrics(self.registry, self.runs, lambda: self.leading)
        self.events = Events(self.registry, self.runs)
        self.admission = Admission(self.offers, self.platforms, self.registry, self.metrics.refused)
        self.ending = Ending(self.platforms, self.registry, self.offers, self.grace)
        self.warm = WarmStock(
            self.offers, self.platforms, self.registry, self.admission, self.ending.stop
        )
        self.reconciler = Reconciler(self.registry, self.facts, self._act)
        self.reaper = Reaper(
            self.hub,
            self.registry,
            self.reconciler.look,
            Sessions(self.hub, self.registry, self.offers),
            self.sessions_interval,
            more_owners=lambda: (run.spec.owner for run in self.runs),
        )

        def groups(owner: str) -> Awaitable[frozenset[str]]:
            return self.hub.groups(owner)  # looked up late, as above

        self.run_desk = RunDesk(
            self.runs,
            self.run_tokens,
            self.registry,
            self.admission,
            api=self.api,
            groups=groups,
            retention=self.run_retention,
            owner_gone=self.reaper.owner_gone,
        )
        self.runs.listen(self._run_changed)
        self.runs.listen(self.run_desk.foresight.see)
        self.schedules = Schedules(self._shelf, self.most_schedules)
        self.schedules.listen(self.events.schedule_changed)
        self.schedule_keeper = ScheduleKeeper(
            self.schedules,
            ScheduledBackends(self.registry, self.admission, self.ending, groups, self.account),
            ScheduledRuns(self.run_desk, self.offers, groups, self.account),
            self.metrics.scheduled,
            self.clock,
        )

    def offers(self) -> Catalogue:
        """The catalogue of this moment."""
        return self.catalogue.current()

    async def open(self) -> None:
        """Begin: learn what runs, follow it, and act as soon as every platform says that we may."""
        await asyncio.gather(*(self._begin(platform) for platform in self.platforms.values()))
        self._background.spawn(self._follow_catalogue())
        if any(platform.takes_turns for platform in self.platforms.values()):
            self._background.spawn(self._take_turn())
        else:
            await self._begin_to_act()

    async def _take_turn(self) -> None:
        """Wait until we may act, then act until another does."""
        platforms = self.platforms.values()
        _log.info("Standing by until this replica may act.")
        await asyncio.gather(*(platform.leading() for platform in platforms))
        # what our predecessor did last may not have reached us yet
        await asyncio.gather(*(self.registry.load(platform) for platform in platforms))
        await self._begin_to_act()
        _log.info("This replica acts.")
        turns = [asyncio.ensure_future(platform.deposed()) for platform in platforms]
        try:
            await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.leading = False
            for turn in turns:
                turn.cancel()
        raise Deposed("another replica acts, or we can't tell")

    async def _begin_to_act(self) -> None:
        await self.run_desk.open(self._background.spawn, self._compare)
        await self.schedule_keeper.begin()  # before records of what has ended are removed
        self._background.spawn(self.schedule_keeper.run())
        self._background.spawn(self.reconciler.run())
        self._background.spawn(self.reaper.run())
        self._background.spawn(self.warm.run())
        self._background.spawn(self.run_desk.upkeep.run())
        if self.announcement is not None:
            self._background.spawn(self.announcement.keep())
        self.leading = True

    async def close(self) -> None:
        """Let go of everything; backends and runs go on."""
        self.events.close()
        self.leading = False
        await self._background.close()
        if self.announcement is not None:
            await self.announcement.withdraw()
        closing = [part.close() for part in self.platforms.values()]
        closing += [part.close() for part in self.executors.values()]
        await asyncio.gather(*closing, return_exceptions=True)
        await self.hub.close()

    async def _begin(self, platform: Platform) -> None:
        await platform.open()
        await self.registry.load(platform)
        self._background.spawn(self.registry.follow(platform))
        self._background.spawn(self._compare(platform.name, partial(self.registry.load, platform)))

    async def _compare(self, name: str, load: Callable[[], Awaitable[None]]) -> None:
        """Now and then compare what we know with the truth, should news ever be lost."""
        while True:
            await asyncio.sleep(_COMPARE_INTERVAL)
            try:
                async with asyncio.timeout(_COMPARE_INTERVAL):
                    await load()
            except Exception:
                _log.exception("What there is on %s can't be read.", name)

    async def _follow_catalogue(self) -> None:
        while True:
            if await asyncio.to_thread(self.catalogue.refresh):
                if self.catalogue.problem:
                    _log.warning("The catalogue is not used: %s", self.catalogue.problem)
                else:
                    _log.info("The catalogue has been read anew.")
            await asyncio.sleep(_CATALOGUE_INTERVAL)

    async def bearer(self, token: str) -> Caller:
        """Whose token this is: a user's, or that of one of a user's runs.

        Raises NotAuthenticated, NotAllowed (a token without the scope) or Unavailable.
        """
        caller = self.run_desk.caller(token)
        return await self.authority.caller(token) if caller is None else caller

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
            caller = await self.bearer(token)
        except Unavailable:
            return True
        except AlongsideError:
            return False
        observed = self.registry.get(id)
        return observed is not None and allowed(caller, observed.spec)

    def _shelf(self) -> Shelf | None:
        """Where our documents are: on a platform that says who acts, if there is one."""
        turns = sorted(self.platforms.values(), key=lambda p: p.takes_turns, reverse=True)
        return next((shelf for p in turns if (shelf := p.shelf()) is not None), None)

    def facts(self, observed: Observed) -> Facts:
        """What the reconciler needs to know about a backend."""
        spec, moment = observed.spec, now()
        return Facts(
            now=moment,
            session_gone=self.reaper.session_gone(spec),
            owner_gone=self.reaper.owner_gone(spec.owner),
            need=self.run_desk.need(spec, moment),
            grace=self.ending.grace_of(spec),
            retention=self.retention,
            released=self.run_desk.backends.reservations.released(spec),
            superseded=not observed.status.live and self.ending.has_successor(spec),
        )

    async def _act(self, observed: Observed, action: Stop | Detach | Release) -> None:
        if isinstance(action, Release):
            await self.run_desk.backends.reservations.release(observed.spec.id)
        else:
            await self.ending.act(observed, action)

    def _run_changed(self, before: ObservedRun | None, after: ObservedRun | None) -> None:
        for id in self.run_desk.concerned(before, after):
            self.reconciler.look(id)
        known = after or before
        if known is None or (before and after and before.status.state is after.status.state):
            return
        for record in self.schedules.of(known.spec.owner):
            if any(past.run == known.spec.id for past in record.history):
                self.events.schedule_changed(record, record)  # it tells how its runs are
