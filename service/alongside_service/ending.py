"""Ending backends, and letting them go on without their session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from alongside.catalogue import Catalogue
from alongside.models import Spec
from alongside.platforms.base import Observed, Platform
from alongside_service.reconciler import Detach, Stop
from alongside_service.registry import Registry, platform_of


class Ending:
    """What becomes of backends. `grace`: how long one stays without its session, by default."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        registry: Registry,
        offers: Callable[[], Catalogue],
        grace: timedelta,
    ) -> None:
        self._platforms = platforms
        self._registry = registry
        self._offers = offers
        self._grace = grace

    def platform(self, observed: Observed) -> Platform:
        """Where a backend runs."""
        return platform_of(self._platforms, observed.spec)

    async def stop(self, observed: Observed, *, forget: bool = True) -> Observed:
        """End a backend; with `forget` its record and logs go too. Returns it as it is now."""
        platform = self.platform(observed)
        await platform.stop(observed.spec.id, forget=forget)
        current = self._registry.get(observed.spec.id)
        if current is None:
            return observed
        spec = current.spec.model_copy(update={"stop": True, "forget": forget})
        return self._registry.replace(spec) or observed

    async def detach(self, observed: Observed) -> None:
        """Let a backend go on without its session."""
        generation = observed.spec.generation + 1
        detached = observed.spec.model_copy(update={"session": None, "generation": generation})
        await self.platform(observed).update(detached)
        self._registry.replace(detached)

    async def session_ended(self, observed: Observed) -> None:
        """Do what follows from the end of a backend's session; a grace is the reaper's."""
        if observed.spec.keep:
            await self.detach(observed)
        elif not self.grace_of(observed.spec):
            await self.stop(observed)

    def grace_of(self, spec: Spec) -> timedelta:
        """How long a backend stays when its session is gone."""
        profile = self._offers().profiles.get(spec.profile)
        offer = profile.backends.get(spec.kind) if profile else None
        return offer.grace if offer and offer.grace is not None else self._grace

    def has_successor(self, spec: Spec) -> bool:
        """Whether another backend has taken its place."""
        place = (spec.session, spec.name)
        return any(
            (o.spec.session, o.spec.name) == place and o.spec.created > spec.created
            for o in self._registry.of(spec.owner)
        )

    async def act(self, observed: Observed, action: Stop | Detach) -> None:
        """Do what the reconciler has decided."""
        if isinstance(action, Stop):
            await self.stop(observed, forget=action.forget)
        else:
            await self.detach(observed)


__all__ = ["Ending"]
