"""Launches that are met by a backend which is kept ready (`Offer.warm`)."""

from __future__ import annotations

from collections.abc import Mapping

from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.base import Observed, Platform
from alongside_service.bounded import platform_answers
from alongside_service.registry import Registry

_SAME = ("profile", "kind", "platform", "options", "resources", "account")


def fits(candidate: Observed, wish: Spec) -> bool:
    """Whether a backend is what a launch asks for, as far as it can be told here.

    Whether its containers are the right ones is the platform's to say.
    """
    spec, status = candidate.spec, candidate.status
    return (
        spec.unclaimed
        and not spec.stop
        and status.phase is Phase.RUNNING
        and all(getattr(spec, name) == getattr(wish, name) for name in _SAME)
    )


def claimed(ready: Spec, wish: Spec) -> Spec:
    """The specification of a backend once a launch has claimed it."""
    return wish.model_copy(
        update={"id": ready.id, "claimed": wish.id, "generation": ready.generation + 1}
    )


class Claims:
    """Claims for launches, one after the other: the caller holds a lock."""

    def __init__(self, platforms: Mapping[str, Platform], registry: Registry) -> None:
        self._platforms = platforms
        self._registry = registry
        self._doubtful: set[str] = set()

    async def claim(self, wish: Spec) -> Observed | None:
        """The backend that this launch gets at once, if there is one for it."""
        platform = self._platforms.get(wish.platform)
        if platform is None or not platform.claims:
            return None
        if wish.platform in self._doubtful:
            # a claim without an answer may have been made: without looking there would be two
            async with platform_answers():
                await self._registry.load(platform)
            self._doubtful.discard(wish.platform)
            if (found := self._registry.launched(wish.id)) is not None:
                return found
        for candidate in sorted(self._registry.of(""), key=lambda o: o.spec.created):
            if not fits(candidate, wish):
                continue
            spec = claimed(candidate.spec, wish)
            self._doubtful.add(wish.platform)
            async with platform_answers():
                done = await platform.claim(spec.id, spec)
            self._doubtful.discard(wish.platform)
            if done:
                return self._registry.replace(spec) or Observed(spec, candidate.status)
        return None
