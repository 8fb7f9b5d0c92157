"""Making the objects of one backend. Each step may be repeated at any time."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from alongside.errors import AlongsideError, NotReady
from alongside.kinds.base import Command, Kind, Role
from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.endings import Ending
from alongside.platforms.kubernetes import objects, processes
from alongside.platforms.kubernetes.answers import Undefined
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.custom import doors_of, resource_of
from alongside.platforms.kubernetes.growth import Growth
from alongside.platforms.kubernetes.policy import policy
from alongside.platforms.kubernetes.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    POLICIES,
    SECRETS,
    SERVICES,
    Object,
    Resource,
)
from alongside.platforms.kubernetes.setting import Setting

_LOG_LINES, _LOG_BYTES, _LOG_MOST = 200, 16_384, 20
_LOG_WAIT = 3.0  # seconds

_log = logging.getLogger("alongside.kubernetes")


class Seen(Protocol):
    """What is known of the cluster's objects, by backend, and of nodes that are on their way."""

    @property
    def growth(self) -> Growth: ...
    def pods(self, id: str) -> list[Object]: ...
    def deployments(self, id: str) -> list[Object]: ...
    def custom(self, id: str) -> Object | None: ...


class Builder:
    """Makes what a backend consists of. `wrote` is told what the server made of our writes."""

    def __init__(
        self,
        cluster: Cluster,
        setting: Setting,
        kind: Kind,
        seen: Seen,
        wrote: Callable[[Resource, Object], None],
    ) -> None:
        self.cluster = cluster
        self.setting = setting
        self.kind = kind
        self.secrets: Mapping[str, bytes] = {}
        self.custom: Object | None = None
        self.seen = seen
        self._wrote = wrote
        self._policy_for: tuple[object, ...] = ()

    @property
    def resource(self) -> Resource:
        """What its custom resource is."""
        return resource_of(self.kind.name)

    def roles(self, spec: Spec) -> tuple[Role, ...]:
        return self.kind.roles(self.kind.Options.model_validate(spec.options))

    # -- making ----------------------------------------------------------------------------

    async def make(self, spec: Spec, record: Object, body: Object) -> None:
        """What every backend has: its custom resource, credentials, and who may connect."""
        self._policy_for = ()  # it may be gone
        custom, _, _ = await asyncio.gather(
            self._obtain(self.resource, body),
            self._make_secret(spec, record),
            self.make_policy(spec, record),
        )
        self._wrote(self.resource, custom)
        self.custom = custom

    async def make_processes(self, spec: Spec, missing: Iterable[tuple[Role, str]]) -> None:
        """The processes, all at once, and the name under which they find their head."""
        assert self.custom is not None
        service = objects.service(spec, self.roles(spec), self.custom)
        await asyncio.gather(
            self.cluster.create(SERVICES, self.setting.namespace, service),
            *(self.make_process(spec, role, name) for role, name in missing),
        )

    async def _obtain(self, resource: Resource, body: Object) -> Object:
        made = await self.cluster.create(resource, self.setting.namespace, body)
        if made is None:
            name = body["metadata"]["name"]
            made = await self.cluster.get(resource, self.setting.namespace, name)
        if made is None:
            raise NotReady("It was deleted while it was being made.", "Try again.")
        return made

    async def _make_secret(self, spec: Spec, record: Object) -> None:
        name = objects.record_name(spec.id)
        item = await self.cluster.get(SECRETS, self.setting.namespace, name)
        if item is None:
            # the same again where somebody deleted it: processes that run go on with these
            contents = self.secrets or await asyncio.to_thread(self.kind.secrets, spec)
            item = await self._obtain(SECRETS, objects.secret(spec, contents, record))
        self.secrets = objects.secret_contents(item)

    async def make_policy(self, spec: Spec, record: Object) -> None:
        """Who may connect, as the specification has it now."""
        wanted = (spec.owner, spec.shares, spec.session)
        if self._policy_for == wanted:
            return
        doors = doors_of(self.kind.name, self.roles(spec))
        body = policy(spec, doors, self.setting, record)
        namespace, name = self.setting.namespace, body["metadata"]["name"]
        if await self.cluster.create(POLICIES, namespace, body) is None:
            patch = {"spec": body["spec"], "metadata": objects.ownership(spec)}
            await self.cluster.patch(POLICIES, namespace, name, patch)
            if self.custom is not None:  # it has been claimed, or shared
                patch = {"metadata": objects.ownership(spec)}
                await self.cluster.patch(self.resource, namespace, spec.id, patch)
        self._policy_for = wanted

    async def make_process(self, spec: Spec, role: Role, name: str) -> None:
        """The Deployment of one process."""
        assert self.custom is not None
        command = self.command(spec, role, name)
        body = processes.deployment(spec, role, name, command, self.setting, self.custom)
        made = await self.cluster.create(DEPLOYMENTS, self.setting.namespace, body)
        if made is not None:
            self._wrote(DEPLOYMENTS, made)

    def command(self, spec: Spec, role: Role, name: str) -> Command:
        """How one process is started."""
        return self.kind.command(role, name, spec, processes.place(spec, self.roles(spec)))

    async def is_deleted(self, spec: Spec) -> bool:
        """Whether somebody has deleted its custom resource, and so means the backend.

        Raises Ending when all such resources were deleted, with their definition.
        """
        if (seen := self.seen.custom(spec.id)) is not None:
            return "deletionTimestamp" in seen["metadata"]
        try:
            found = await self.cluster.get(self.resource, self.setting.namespace, spec.id)
        except Undefined as error:
            raise Ending(
                Phase.FAILED,
                "DefinitionsMissing",
                f"{error.message.removesuffix('.')} any more, and with them it was deleted.",
                error.remedy,
            ) from None
        return found is None or "deletionTimestamp" in found["metadata"]

    async def amend(self, spec: Spec, part: Object) -> None:
        """Have this part of the custom resource's ``spec`` read so.

        Also when somebody has written something else there: the size is changed through us.
        """
        seen = self.seen.custom(spec.id)
        if seen is None or _contains(seen["spec"], part):
            return
        namespace = self.setting.namespace
        if written := await self.cluster.patch(self.resource, namespace, spec.id, {"spec": part}):
            self._wrote(self.resource, written)

    # -- taking away -----------------------------------------------------------------------

    async def remove(self, spec: Spec, deployments: Mapping[str, Object]) -> None:
        """These processes, by name: their Deployments, and at once their pods.

        A worker that has given its data away has ended by itself. What Kubernetes has started
        again in its place doesn't hear a signal yet, and would use up all of its time to end.
        """
        namespace = self.setting.namespace
        names = [item["metadata"]["name"] for item in deployments.values()]
        await asyncio.gather(*(self.cluster.delete(DEPLOYMENTS, namespace, n) for n in names))
        pods = [
            pod["metadata"]["name"]
            for pod in self.seen.pods(spec.id)
            if objects.process_of(pod) in deployments
        ]
        await asyncio.gather(*(self.cluster.delete(PODS, namespace, p, grace=1) for p in pods))

    async def forget(self, spec: Spec) -> None:
        """The record too."""
        name = objects.record_name(spec.id)
        await self.cluster.delete(CONFIG_MAPS, self.setting.namespace, name)

    async def keep_logs(self, spec: Spec) -> str:
        """The last lines of what its processes printed, as JSON for the record; '' when none."""
        kept: dict[str, list[str]] = {}
        pods = sorted(self.seen.pods(spec.id), key=lambda pod: natural(objects.process_of(pod)))

        async def read(pod: Object) -> None:
            name = pod["metadata"]["name"]
            log = self.cluster.log(
                self.setting.namespace,
                name,
                lines=_LOG_LINES,
                follow=False,
                container=objects.main_container(pod),
            )
            lines = [line async for line in log]
            while lines and sum(map(len, lines)) > _LOG_BYTES:
                lines.pop(0)
            kept[objects.process_of(pod)] = lines

        try:
            async with asyncio.timeout(_LOG_WAIT):
                await asyncio.gather(*(read(pod) for pod in pods[:_LOG_MOST]))
        except (TimeoutError, AlongsideError) as error:
            _log.warning("Not all logs of %s could be kept: %s", spec.id, error)
        return json.dumps(kept) if kept else ""


def process(role: Role, number: int) -> str:
    """The name of a process of a role."""
    return f"{role.name}-{number}" if role.members else role.name


def _contains(whole: Object, part: Object) -> bool:
    """Whether the one says all that the other says."""
    for name, value in part.items():
        there = whole.get(name)
        if not (_contains(there or {}, value) if isinstance(value, dict) else there == value):
            return False
    return True


def natural(name: str) -> tuple[str, int]:
    """A sort key that puts worker-10 after worker-9."""
    head, _, number = name.rpartition("-")
    return (head, int(number)) if number.isdigit() else (name, 0)
