"""Admission: the one place where backends are made or made larger.

Names, quota, capacity and the platform's durable record are one step under one lock, so that
requests at the same time can't together exceed what each alone may have.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from alongside.catalogue import Catalogue, limit_lifetime
from alongside.errors import (
    AlongsideError,
    CapacityExceeded,
    Conflict,
    InvalidRequest,
    QuotaExceeded,
    Unavailable,
)
from alongside.kinds import get_kind
from alongside.models import Capacity, Reservation, Resources, Share, Spec, Status, now
from alongside.phases import LIVE
from alongside.platforms.base import Observed, Platform
from alongside.quotas import check, check_capacity, total
from alongside.requests import Launch, Patch, Requester
from alongside.reservations import in_words
from alongside_service.bounded import platform_answers
from alongside_service.claims import Claims
from alongside_service.registry import Registry, platform_of

ENDING_WAIT = 10.0
"""How long, in seconds, a launch waits for backends of its owner that are just ending."""

_REMEMBERED = 10_000
_MOST_SHARES = 50


def nonce_of(key: str) -> str:
    """What an idempotency key is in the id of the backend that is launched with it."""
    return hashlib.sha256(key.encode()).hexdigest()


class Admission:
    """Admits launches and changes. `refused` is told the code of every refusal."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        platforms: Mapping[str, Platform],
        registry: Registry,
        refused: Callable[[str], None] = lambda _: None,
        ending_wait: float = ENDING_WAIT,
    ) -> None:
        self._catalogue = catalogue
        self._platforms = platforms
        self._registry = registry
        self._refused = refused
        self._ending_wait = ending_wait
        self._claims = Claims(platforms, registry)
        self._lock = asyncio.Lock()
        self._past: OrderedDict[str, None] = OrderedDict()
        registry.listen(self._remember)

    async def launch(
        self, owner: Requester, launch: Launch, key: str | None = None, run: str = ""
    ) -> Observed:
        """The backend asked for: recorded, and starting. Again with the same key: the same one.

        run : id of the run that it is for, whose steps ask again and again: a refusal is neither
            delayed until what is ending has ended, nor counted
        """
        nonce = secrets.token_hex(16) if key is None else nonce_of(key)

        async def attempt() -> Observed:
            spec = self._catalogue().resolve(owner, launch, nonce)
            spec = spec.model_copy(update={"run": run})
            if (known := self._repeated(spec)) is not None:
                return known
            platform = platform_of(self._platforms, spec)
            if (obstacle := platform.obstacle(get_kind(spec.kind))) is not None:
                raise Unavailable(obstacle.message, obstacle.remedy)
            return await self._admit(owner, spec)

        if run:
            async with self._lock:
                return await attempt()
        return await self._decide(owner.name, attempt)

    async def change(self, owner: Requester, id: str, patch: Patch) -> Observed:
        """A backend with another size, lifetime or shares; a larger size is admitted anew."""

        async def attempt() -> Observed:
            current = self._live(id)
            spec = self._changed(current.spec, patch)
            if spec == current.spec:
                return current
            _check_nobody_computes(spec, current.spec)
            self._check_room(owner, spec, current.spec.resources)
            await self._check_capacity(spec, current.spec.resources)
            return await self._update(spec, current)

        return await self._decide(owner.name, attempt)

    async def reserve(
        self, id: str, change: Callable[[tuple[Reservation, ...]], tuple[Reservation, ...]]
    ) -> Observed:
        """A backend with what `change` makes of its reservations: one change after the other.

        Raises Conflict when it has ended, and what the platform raises.
        """
        async with self._lock:
            current = self._live(id)
            reservations = change(current.spec.reservations)
            if reservations == current.spec.reservations:
                return current
            update = {"reservations": reservations}
            return await self._update(current.spec.model_copy(update=update), current)

    def _live(self, id: str) -> Observed:
        current = self._registry.get(id)
        if current is None or current.spec.stop or not current.status.live:
            raise Conflict("The backend has ended or is ending.", "Launch a new one.")
        return current

    async def _update(self, spec: Spec, current: Observed) -> Observed:
        spec = spec.model_copy(update={"generation": spec.generation + 1})
        async with platform_answers():
            await platform_of(self._platforms, spec).update(spec)
        return self._registry.replace(spec) or Observed(spec, current.status)

    async def retire(self, id: str, stop: Callable[[Observed], Awaitable[object]]) -> None:
        """End a backend that is kept ready, unless somebody has claimed it meanwhile."""
        async with self._lock:
            current = self._registry.get(id)
            if current is not None and current.spec.unclaimed:
                async with platform_answers():
                    await stop(current)

    async def _decide(self, owner: str, attempt: Callable[[], Awaitable[Observed]]) -> Observed:
        deadline = time.monotonic() + self._ending_wait
        try:
            while True:
                try:
                    async with self._lock:
                        return await attempt()
                except (QuotaExceeded, CapacityExceeded):
                    left = deadline - time.monotonic()
                    if left <= 0 or not self._something_ends(owner):
                        raise
                    await self._registry.change(left)
        except AlongsideError as error:
            self._refused(error.code)
            raise

    def _something_ends(self, owner: str) -> bool:
        return any(o.spec.stop and o.status.live for o in self._registry.of(owner))

    def _repeated(self, spec: Spec) -> Observed | None:
        """The backend of an earlier request with the same key, if there was one."""
        known = self._registry.launched(spec.id)
        if known is None:
            if spec.id in self._past:
                raise Conflict(
                    "The backend of this request has ended already.",
                    "Use a new Idempotency-Key for a new backend.",
                )
            return None
        untouched = known.spec.generation == (2 if known.spec.claimed else 1)
        if untouched and (known.spec.options, known.spec.profile) != (spec.options, spec.profile):
            raise InvalidRequest(
                "This Idempotency-Key was used for another request.",
                "Use a new one for each backend.",
                "Idempotency-Key",
            )
        return known

    async def _admit(self, owner: Requester, spec: Spec) -> Observed:
        for other in self._registry.of(owner.name):
            same = (other.spec.session, other.spec.name) == (spec.session, spec.name)
            if same and other.status.live and not other.spec.stop:
                raise Conflict(
                    f"A backend called {spec.name!r} is there already.",
                    "Choose another name, or stop it first.",
                    "name",
                    other.spec.id,
                )
        self._check_room(owner, spec, Resources())
        if (claimed := await self._claims.claim(spec)) is not None:
            return claimed
        await self._check_capacity(spec, Resources())
        async with platform_answers():
            await platform_of(self._platforms, spec).launch(spec)
        observed = self._registry.get(spec.id) or Observed(spec, Status())
        self._registry.put(observed)
        return observed

    def _check_room(self, owner: Requester, spec: Spec, present: Resources) -> None:
        limits = self._catalogue().quotas.limits_for(owner.name, owner.groups)
        used = self._registry.used(owner.name, without=spec.id)
        grows = spec.resources - present
        if grows == Resources():
            return
        # what is shrunk or unchanged is never refused, whatever the quota has become meanwhile
        asked = Resources(
            **{
                name: getattr(spec.resources, name) if getattr(grows, name) else 0
                for name in Resources.model_fields
            }
        )
        check(asked, used, limits)

    async def _check_capacity(self, spec: Spec, present: Resources) -> None:
        async with platform_answers():
            capacity = await platform_of(self._platforms, spec).capacity()
        check_capacity(spec.resources - present, self._free(spec.platform, capacity))

    def _free(self, platform: str, capacity: Capacity) -> Capacity:
        """What the platform has free, at most what our own records leave."""
        taken = total(
            o.spec.resources
            for o in self._registry
            if o.spec.platform == platform and o.status.phase in LIVE
        )
        left = capacity.total - taken
        names = Resources.model_fields
        free = {n: min(getattr(left, n), getattr(capacity.free, n)) for n in names}
        return Capacity(total=capacity.total, free=Resources(**free))

    def _changed(self, spec: Spec, patch: Patch) -> Spec:
        update: dict[str, object] = {}
        catalogue = self._catalogue()
        profile = catalogue.profiles.get(spec.profile)
        offer = profile.backends.get(spec.kind) if profile else None
        if (patch.options is not None or patch.lifetime is not None) and offer is None:
            raise InvalidRequest(
                f"Profile {spec.profile} is not offered any more.", "Launch a new backend.", ""
            )
        if patch.options is not None:
            kind = get_kind(spec.kind)
            current = catalogue.options(spec.profile, spec.kind, spec.options)
            wanted = kind.change(current, patch.options)
            options = catalogue.options(spec.profile, spec.kind, wanted)
            update["options"] = options.model_dump(mode="json")
            update["resources"] = kind.resources(options)
        if patch.lifetime is not None and offer is not None:
            given = {n: getattr(patch.lifetime, n) for n in patch.lifetime.model_fields_set}
            kept = {n: getattr(spec.lifetime, n) for n in type(spec.lifetime).model_fields}
            lifetime = spec.lifetime.model_copy(update=kept | given)
            update["lifetime"] = limit_lifetime(lifetime, offer.lifetime)
        if patch.shares is not None:
            update["shares"] = _checked_shares(patch.shares)
        if patch.keep is not None:
            update["keep"] = patch.keep
        if patch.needed:
            update["needed"] = now()
        return spec.model_copy(update=update)

    def _remember(self, _: Observed | None, after: Observed | None) -> None:
        if after is not None:
            launched = after.spec.claimed or after.spec.id
            self._past[launched] = None
            self._past.move_to_end(launched)
            while len(self._past) > _REMEMBERED:
                self._past.popitem(last=False)


def _check_nobody_computes(spec: Spec, before: Spec) -> None:
    """Another start would end what a step computes there."""
    starts_anew = spec.options != before.options and get_kind(spec.kind).scaling == "relaunch"
    if starts_anew and spec.reservations:
        raise Conflict(
            f"{in_words(spec.reservations, spec.name)}: another size would end that.",
            "Change it when the step is over, or cancel its run.",
            "options",
        )


def _checked_shares(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    if len(shares) > _MOST_SHARES:
        raise InvalidRequest(
            "The backend is shared too often.", f"Share it with at most {_MOST_SHARES}.", "shares"
        )
    for place, share in enumerate(shares):
        if (share.user is None) == (share.group is None):
            raise InvalidRequest(
                "A share is with one user or one group.",
                "Give either `user` or `group`.",
                f"shares.{place}",
            )
    return shares
