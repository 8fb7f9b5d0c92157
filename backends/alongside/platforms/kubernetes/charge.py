"""A backend in its steward's care: what is wanted of it, what is seen of it, and its story."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from alongside.errors import NotReady
from alongside.kinds.base import Place, Role
from alongside.phases import Phase
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.api import CONFIG_MAPS, Object
from alongside.platforms.kubernetes.builder import Builder, Seen
from alongside.platforms.kubernetes.processes import DIRECTORY
from alongside.platforms.story import Story

_USAGE = 10.0  # seconds between two records of nothing but another usage

_T = TypeVar("_T")


class Charge:
    """What the parts of a steward share. `record` is kept up to date by whoever hears of it.

    `wanted` is how many members there are to be, `ready` which are, `settled` when (monotonic, in
    seconds) things were last as wanted; `heard` says whether the backend has answered, `made`
    whether all its objects were there when last looked for.
    """

    def __init__(self, builder: Builder, seen: Seen, record: Object, pool: Executor) -> None:
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
        self._seen = seen
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
        return next(role for role in self.roles if role.essential)

    @property
    def aims(self) -> dict[str, int]:
        """How many there are to be of each role of members; only the first one's number varies."""
        members = [role for role in self.roles if role.members]
        aims = {role.name: role.count for role in members}
        if members and self.wanted is not None:
            others = sum(role.count for role in members[1:])
            aims[members[0].name] = max(0, self.wanted - others)
        return aims

    @property
    def aim(self) -> int:
        """How many members there are to be."""
        return sum(self.aims.values())

    def counted(self, number: int) -> str:
        """So many members, in words."""
        return f"{number} {self.kind.member}{'' if number == 1 else 's'}"

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
        return self._seen.pods(self.spec.id)

    def deployments(self) -> list[Object]:
        """Its Deployments, as last heard of."""
        return self._seen.deployments(self.spec.id)

    def processes(self) -> dict[str, Object]:
        """Process name to Deployment of all that are to stay."""
        return {
            objects.process_of(item): item
            for item in self.deployments()
            if not item["metadata"].get("deletionTimestamp")
        }

    def members(self) -> dict[str, Object]:
        """Those of them that are members."""
        aims = self.aims
        return {n: item for n, item in self.processes().items() if objects.role_of(item) in aims}

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
