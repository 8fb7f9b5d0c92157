"""A backend in its steward's care: what is wanted of it, what is seen of it, and its story."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from alongside.errors import NotReady
from alongside.kinds.base import Observation, Place, Role
from alongside.phases import Phase
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.builder import Builder
from alongside.platforms.kubernetes.processes import DIRECTORY
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object
from alongside.platforms.scaling import aims
from alongside.platforms.story import Story

_PATIENCE = 3.0  # seconds that the backend has to say how it is
_USAGE = 10.0  # seconds between two records of nothing but another usage

_T = TypeVar("_T")


class Charge:
    """What the parts of a steward share. `record` is kept up to date by whoever hears of it.

    `wanted` is how many members there are to be, `ready` which are, `settled` when (monotonic, in
    seconds) things were last as wanted; `heard` says whether the backend has answered, `made`
    whether all its objects were there when last looked for.
    """

    def __init__(self, builder: Builder, record: Object, pool: Executor) -> None:
        self.record = record
        self.spec, status = objects.parse_record(record)
        self.builder = builder
        self.kind = builder.kind
        self.story = Story(status)
        self.wanted: int | None = status.wanted or None
        self.ready: frozenset[str] = frozenset()
        self.heard = False
        self.made = False
        self.settled = time.monotonic()
        self._pool = pool
        self._written = status
        self._written_at = 0.0

    # -- what is wanted --------------------------------------------------------------------

    @property
    def roles(self) -> tuple[Role, ...]:
        """All that it consists of."""
        return self.builder.roles(self.spec)

    @property
    def head(self) -> Role:
        """The role that everything else hangs on."""
        return objects.head_of(self.roles)

    @property
    def aims(self) -> dict[str, int]:
        """How many there are to be of each role of members."""
        return aims(self.roles, self.wanted)

    @property
    def aim(self) -> int:
        """How many members there are to be, processes of their own or parts of another."""
        return sum(self.aims.values()) if self.aims else self.wanted or 0

    def counted(self, number: int) -> str:
        """So many members, in words."""
        return self.kind.counted(number)

    # -- what is seen ----------------------------------------------------------------------

    @property
    def unsettled(self) -> bool:
        """Whether something is on its way."""
        return self.story.phase in (Phase.STARTING, Phase.SCALING)

    @property
    def waited(self) -> float:
        """Seconds for which it has been."""
        return time.monotonic() - self.settled

    def pods(self) -> list[Object]:
        """Its pods, as last heard of."""
        return self.builder.seen.pods(self.spec.id)

    def deployments(self) -> list[Object]:
        """Its Deployments, as last heard of."""
        return self.builder.seen.deployments(self.spec.id)

    def custom(self) -> Object | None:
        """Its custom resource, as last heard of."""
        return self.builder.seen.custom(self.spec.id)

    def processes(self) -> dict[str, Object]:
        """Process name to Deployment of all that are to stay."""
        return {
            objects.process_of(item): item
            for item in self.deployments()
            if not item["metadata"].get("deletionTimestamp")
        }

    def members(self) -> dict[str, Object]:
        """Those of them that are members."""
        roles = self.aims
        return {n: item for n, item in self.processes().items() if objects.role_of(item) in roles}

    def head_pod(self) -> Object | None:
        """The head's pod, once it has an address."""
        for pod in self.pods():
            if objects.process_of(pod) == self.head.name and trouble.address_of(pod):
                return pod
        return None

    def place(self) -> Place:
        """Where the backend is, seen from here. Raises NotReady."""
        pod = self.head_pod()
        if pod is None:
            raise NotReady(f"The {self.head.name} has no address yet.", "Wait until it runs.")
        return Place(DIRECTORY, head=trouble.address_of(pod), credentials=self.builder.secrets)

    def ask(self, question: Callable[[], _T]) -> asyncio.Future[_T]:
        """What the backend answers to a call that blocks."""
        return asyncio.get_running_loop().run_in_executor(self._pool, question)

    async def observe(self) -> Observation:
        """What the backend says of itself. Raises NotReady."""
        kind, spec, place = self.kind, self.spec, self.place()
        return await self.ask(lambda: kind.observe(spec, place, _PATIENCE))

    # -- what is written down --------------------------------------------------------------

    async def save(self) -> None:
        """Write the status down if it says something new."""
        status = self.story.status
        if status == self._written:
            return
        only_usage = status.model_copy(update={"usage": self._written.usage}) == self._written
        if only_usage and time.monotonic() - self._written_at < _USAGE:
            return
        await self.write(objects.status_data(status))
        self._written, self._written_at = status, time.monotonic()

    async def write(self, data: dict[str, str]) -> None:
        """Replace these parts of the record."""
        name = objects.record_name(self.spec.id)
        namespace = self.builder.setting.namespace
        await self.builder.cluster.patch(CONFIG_MAPS, namespace, name, {"data": data})
