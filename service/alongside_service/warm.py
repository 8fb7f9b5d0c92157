"""Keeping backends ready: how many of what there are to be, and making it so."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside.catalogue import Catalogue
from alongside.errors import AlongsideError
from alongside.models import Spec, Status, now
from alongside.phases import Phase
from alongside.platforms.base import Observed, Platform
from alongside_service.admission import Admission
from alongside_service.bounded import platform_answers
from alongside_service.registry import Registry

_log = logging.getLogger("alongside.warm")
_LOOK = 2.0  # seconds after which an edited catalogue is noticed
_SETTLE = 0.1  # seconds in which changes gather
BEHIND = 10.0
"""Seconds after a claim before another is made ready: the session of who claimed starts just then,
and needs the processors more."""
_OLDEST = timedelta(hours=24)
"""One that nobody claimed for so long is replaced: images and credentials do not grow old."""
_AFTER_FAILURE = timedelta(minutes=1)
_SAME = ("platform", "options", "resources", "pod", "start_timeout")


@dataclass(frozen=True)
class Plan:
    """What is to be started and what is to be ended."""

    launch: tuple[Spec, ...] = ()
    end: tuple[Observed, ...] = ()


def plan(
    stock: Iterable[tuple[Spec, int]], unclaimed: Iterable[Observed], moment: datetime
) -> Plan:
    """How to get from what there is to what is wanted.

    stock : a model of each sort that is to be kept ready, and how many of it
    unclaimed : all backends that are nobody's, ended ones too
    """
    wanted = {(model.profile, model.kind): (model, count) for model, count in stock}
    good: dict[tuple[str, str], list[Observed]] = {sort: [] for sort in wanted}
    failed: set[tuple[str, str]] = set()
    end: list[Observed] = []
    for seen in unclaimed:
        sort = seen.spec.profile, seen.spec.kind
        if not seen.status.live:
            ended = seen.status.ended or seen.spec.created
            if seen.status.phase is Phase.FAILED and moment - ended < _AFTER_FAILURE:
                failed.add(sort)
        elif seen.spec.stop or seen.status.phase is Phase.STOPPING:
            continue
        elif sort in wanted and _is_as(seen.spec, wanted[sort][0], moment):
            good[sort].append(seen)
        else:
            end.append(seen)
    launch: list[Spec] = []
    for sort, (model, count) in wanted.items():
        # those that are ready stay rather than those that still start, then the newest
        best = sorted(good[sort], key=_worth, reverse=True)
        end += best[count:]
        if sort not in failed:
            launch += [model] * (count - len(best))
    return Plan(tuple(launch), tuple(end))


def _is_as(spec: Spec, model: Spec, moment: datetime) -> bool:
    same = all(getattr(spec, name) == getattr(model, name) for name in _SAME)
    return same and moment - spec.created < _OLDEST


def _worth(seen: Observed) -> tuple[bool, datetime]:
    return seen.status.phase is Phase.RUNNING, seen.spec.created


class WarmStock:
    """Keeps as many backends ready as the catalogue says, where the platform can give them away.

    Each is an ordinary backend without an owner: it counts for no quota, only admins see it, no
    session and no idleness ends it, and nobody has its credentials before it is claimed.
    """

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        platforms: Mapping[str, Platform],
        registry: Registry,
        admission: Admission,
        stop: Callable[[Observed], Awaitable[object]],
    ) -> None:
        self._catalogue = catalogue
        self._platforms = platforms
        self._registry = registry
        self._admission = admission
        self._stop = stop
        self._changed = asyncio.Event()
        self._problem = ""
        self._claimed = -BEHIND
        registry.listen(self._heard)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._changed.clear()
            try:
                await self._work()
                self._complain("")
            except (AlongsideError, TimeoutError) as error:
                self._complain(str(error) or "The platform does not answer.")
                await asyncio.sleep(_LOOK)
            try:
                async with asyncio.timeout(_LOOK):
                    await self._changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_SETTLE)

    async def _work(self) -> None:
        unclaimed = self._registry.of("")
        stock = self._stock()
        if not unclaimed and not stock:
            return
        todo = plan(stock, unclaimed, now())
        for seen in todo.end:
            await self._admission.retire(seen.spec.id, self._stop)
        if time.monotonic() - self._claimed < BEHIND:
            return
        for model in todo.launch:
            spec = self._catalogue().unclaimed(model.profile, model.kind)
            async with platform_answers():
                await self._platforms[spec.platform].launch(spec)
            self._registry.put(self._registry.get(spec.id) or Observed(spec, Status()))

    def _stock(self) -> list[tuple[Spec, int]]:
        catalogue = self._catalogue()
        return [
            (catalogue.unclaimed(name, kind), offer.warm)
            for name, profile in catalogue.profiles.items()
            for kind, offer in profile.backends.items()
            if offer.warm and self._can_give_away(profile.platform)
        ]

    def _can_give_away(self, platform: str) -> bool:
        return platform in self._platforms and self._platforms[platform].claims

    def _heard(self, before: Observed | None, after: Observed | None) -> None:
        if (before and before.spec.unclaimed) or (after and after.spec.unclaimed):
            self._changed.set()
        if before and after and before.spec.unclaimed and not after.spec.unclaimed:
            self._claimed = time.monotonic()

    def _complain(self, problem: str) -> None:
        if problem and problem != self._problem:
            _log.warning("Backends can't be kept ready: %s", problem)
        self._problem = problem
