"""Taking away the objects of one backend. Each step may be repeated at any time."""

from __future__ import annotations

import asyncio
import time

from alongside.models import Spec
from alongside.platforms.kubernetes import finalizers, objects, processes
from alongside.platforms.kubernetes.builder import Builder
from alongside.platforms.kubernetes.resources import (
    DEPLOYMENTS,
    PODS,
    POLICIES,
    SECRETS,
    SERVICES,
    Object,
)

_ASK_AGAIN = 5.0  # seconds until what is still there is deleted again
_OVERDUE = 30.0  # seconds beyond their grace for pods to go, whose node may be gone


class Clearing:
    """Takes away what a `Builder` has made, and what became of it."""

    def __init__(self, builder: Builder) -> None:
        self._of = builder
        self._since = 0.0
        self._deleted_at = 0.0

    async def clear(self, spec: Spec) -> bool:
        """Everything but the record; True once it is gone."""
        moment = time.monotonic()
        self._since = self._since or moment
        if self._deleted_at and not self._left(spec):
            return True
        if self._deleted_at and moment - self._deleted_at < _ASK_AGAIN:
            return False
        await self._delete(spec)
        if self._is_overdue:
            # Nobody answers for a node that is gone; its pods would stay in the books for ever.
            await self._end(self._of.seen.pods(spec.id), grace=0)
        first = not self._deleted_at
        self._deleted_at = moment
        custom = self._of.seen.custom(spec.id)
        if not first and custom is not None and finalizers.is_held(custom):
            await self._let_go(spec, custom)
        return first and not self._left(spec)

    def overdue(self, spec: Spec) -> list[str]:
        """What is still there although its time, and more, is over."""
        left = self._left(spec) if self._is_overdue else []
        return sorted(item["metadata"]["name"] for item in left)

    @property
    def _is_overdue(self) -> bool:
        return bool(self._since) and time.monotonic() - self._since > processes.GRACE + _OVERDUE

    def _left(self, spec: Spec) -> list[Object]:
        seen = self._of.seen
        custom = seen.custom(spec.id)
        return [*seen.pods(spec.id), *seen.deployments(spec.id), *([custom] if custom else [])]

    async def _delete(self, spec: Spec) -> None:
        of, name = self._of, objects.record_name(spec.id)
        doomed = [(of.resource, spec.id), (SECRETS, name), (POLICIES, name)]
        if not of.kind.operated:
            doomed += [
                (DEPLOYMENTS, item["metadata"]["name"]) for item in of.seen.deployments(spec.id)
            ]
            doomed.append((SERVICES, objects.head_name(spec, of.roles(spec))))
        namespace = of.setting.namespace
        await asyncio.gather(*(of.cluster.delete(what, namespace, n) for what, n in doomed))

    async def _end(self, pods: list[Object], grace: int | None = None) -> None:
        of = self._of
        names = [pod["metadata"]["name"] for pod in pods]
        await asyncio.gather(
            *(of.cluster.delete(PODS, of.setting.namespace, n, grace=grace) for n in names)
        )

    async def _let_go(self, spec: Spec, custom: Object) -> None:
        """Take off the mark of an operator that doesn't do so itself."""
        of = self._of
        if of.kind.operated:
            if finalizers.is_attended(custom) and not self._is_overdue:
                return
            # In its place: first the head, then the others.
            head = objects.head_of(of.roles(spec)).name
            heads = [pod for pod in of.seen.pods(spec.id) if objects.process_of(pod) == head]
            if heads and not self._is_overdue:
                await self._end(heads)
                return
        await finalizers.release(of.cluster, of.setting.namespace, of.resource, custom)
