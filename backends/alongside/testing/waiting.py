"""Waiting for what a platform does, always for a limited time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any, cast

from alongside.kinds import get_kind
from alongside.models import Lifetime, Spec, Status, now
from alongside.names import backend_id
from alongside.phases import FOLLOWS, Phase
from alongside.platforms.base import Observed, Platform, Removed

_numbers = itertools.count()


def make_spec(kind: str, options: dict[str, Any] | None = None, **changes: Any) -> Spec:
    """A specification of a new backend; `changes` are fields of `Spec`.

    `idle` and `maximum` (seconds) set its lifetime.
    """
    checked = get_kind(kind).Options.model_validate(options or {})
    lifetime = Lifetime.model_validate(
        {name: changes.pop(name) for name in ("idle", "maximum") if name in changes}
    )
    owner = changes.setdefault("owner", "somebody")
    name = changes.setdefault("name", kind)
    session = changes.setdefault("session", None)
    created = now()
    return Spec(
        id=backend_id(owner, session, name, f"{created.isoformat()} {next(_numbers)}"),
        kind=kind,
        platform=changes.pop("platform", "local"),
        profile=changes.pop("profile", "test"),
        options=checked.model_dump(mode="json"),
        resources=get_kind(kind).resources(checked),
        created=created,
        lifetime=lifetime,
        **changes,
    )


async def until(
    platform: Platform,
    id: str,
    wish: Phase | Callable[[Status], bool] | None,
    timeout: float = 60.0,
) -> Observed:
    """Wait for a phase, for a condition, or (None) until nothing is left; what was seen last.

    Raises AssertionError with the backend's story when it takes longer than `timeout` seconds, or
    when it fails while something else is waited for.
    """
    last: Observed | None = None

    def fits(status: Status) -> bool:
        return status.phase is wish if isinstance(wish, Phase) else bool(wish and wish(status))

    with suppress(TimeoutError):
        async with asyncio.timeout(timeout), aclosing(platform.watch()) as changes:
            if wish is None and all(seen.spec.id != id for seen in await platform.observed()):
                return cast("Observed", last)
            async for change in changes:
                if isinstance(change, Removed):
                    if change.id == id and wish is None:
                        return cast("Observed", last)
                elif change.spec.id == id:
                    last = change
                    if fits(change.status):
                        return change
                    if change.status.phase is Phase.FAILED and wish is not None:
                        break
    raise AssertionError(f"waited in vain for {wish} of {id}; {last.status if last else 'unknown'}")


class History:
    """Collects each phase that backends go through, and finds steps that the contract forbids."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.phases: dict[str, list[Phase]] = {}
        self._task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        async for change in self._platform.watch():
            if isinstance(change, Observed):
                seen = self.phases.setdefault(change.spec.id, [])
                if not seen or seen[-1] is not change.status.phase:
                    seen.append(change.status.phase)

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def forbidden(self) -> list[tuple[Phase, Phase]]:
        """The steps that `FOLLOWS` does not know, even when some in between went unseen."""
        return [
            (before, after)
            for phases in self.phases.values()
            for before, after in itertools.pairwise(phases)
            if after not in _reachable(before)
        ]


def _reachable(phase: Phase) -> set[Phase]:
    found: set[Phase] = set()
    queue = [phase]
    while queue:
        for after in FOLLOWS[queue.pop()] - found:
            found.add(after)
            queue.append(after)
    return found
