"""What schedules start, in their owners' names: backends, and runs of workflows.

It is the service that acts: no session of the owner has to be there, and no token of theirs is
kept. Whether the owner still is, and in which groups, the hub says each time; profiles and quotas
are those of that moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime

from alongside.catalogue import Catalogue
from alongside.errors import NotFound
from alongside.names import backend_id
from alongside.requests import Requester, parse
from alongside.schedules import Occurrence, ScheduleRecord, Start
from alongside_service.admission import Admission, nonce_of
from alongside_service.bounded import platform_answers
from alongside_service.ending import Ending
from alongside_service.registry import Registry
from alongside_service.run_backends import check_backends
from alongside_service.run_desk import RunDesk
from alongside_service.runs import run_id
from alongside_workflows.runs import NewRun

Groups = Callable[[str], Awaitable[frozenset[str]]]
"""Tells the groups of a user. Raises NotFound for one that the hub doesn't know, Unavailable."""


class OwnerGone(NotFound):
    """The hub knows no user of the owner's name, or none any more."""


class Scheduled(ABC):
    """One sort of what is started. `account` is the Unix account of a user, by a template."""

    def __init__(self, groups: Groups, account: str) -> None:
        self._groups = groups
        self._account = account

    @abstractmethod
    def wish(self, record: ScheduleRecord, due: datetime) -> tuple[str, str]:
        """Name and id of what is started then; whoever asks gets the same, after a crash too."""

    @abstractmethod
    def found(self, wished: str) -> str:
        """Id of what a wish has come to; '' as long as it has not."""

    @abstractmethod
    def is_live(self, id: str) -> bool:
        """Whether it lives, and is not ending."""

    @abstractmethod
    async def start(self, record: ScheduleRecord, start: Start) -> str:
        """Start it, and return its id; of the same again: what there is. Raises AlongsideError."""

    @abstractmethod
    async def stop(self, id: str, *, forget: bool = False) -> None:
        """End it. Unknown or ended: nothing. Raises AlongsideError.

        forget : whether nothing is to be seen of a backend once it has ended
        """

    @abstractmethod
    def occurrence(self, due: datetime, id: str) -> Occurrence:
        """What is noted down of it."""

    async def _owner(self, record: ScheduleRecord) -> Requester:
        try:
            return Requester(record.owner, await self._groups(record.owner))
        except NotFound as error:
            raise OwnerGone(error.message, error.remedy) from None


class ScheduledBackends(Scheduled):
    """Backends."""

    def __init__(
        self,
        registry: Registry,
        admission: Admission,
        ending: Ending,
        groups: Groups,
        account: str,
    ) -> None:
        super().__init__(groups, account)
        self._registry = registry
        self._admission = admission
        self._ending = ending

    def wish(self, record: ScheduleRecord, due: datetime) -> tuple[str, str]:
        name = (record.launch.name if record.launch else None) or record.name
        return name, backend_id(record.owner, None, name, nonce_of(record.key(due)))

    def found(self, wished: str) -> str:
        launched = self._registry.launched(wished)
        return launched.spec.id if launched else ""

    def is_live(self, id: str) -> bool:
        backend = self._registry.get(id)
        return backend is not None and backend.status.live and not backend.spec.stop

    async def start(self, record: ScheduleRecord, start: Start) -> str:
        assert record.launch is not None
        owner = await self._owner(record)
        account = self._account.format(username=record.owner)
        launch = record.launch.model_copy(update={"name": start.name, "account": account})
        observed = await self._admission.launch(owner, launch, record.key(start.due))
        return observed.spec.id

    async def stop(self, id: str, *, forget: bool = False) -> None:
        if (observed := self._registry.get(id)) is not None:
            async with platform_answers():
                await self._ending.stop(observed, forget=forget)

    def occurrence(self, due: datetime, id: str) -> Occurrence:
        return Occurrence(due=due, backend=id)


class ScheduledRuns(Scheduled):
    """Runs of workflows. Their steps get a token of that run only, as those of all runs do."""

    def __init__(
        self, desk: RunDesk, offers: Callable[[], Catalogue], groups: Groups, account: str
    ) -> None:
        super().__init__(groups, account)
        self._desk = desk
        self._offers = offers

    def wish(self, record: ScheduleRecord, due: datetime) -> tuple[str, str]:
        name = record.workflow or record.name
        return name, run_id(record.owner, name, nonce_of(record.key(due)))

    def found(self, wished: str) -> str:
        return wished if self._desk.runs.get(wished) is not None else ""

    def is_live(self, id: str) -> bool:
        return self._desk.runs.is_live(id)

    async def start(self, record: ScheduleRecord, start: Start) -> str:
        new = parse(NewRun, record.submit)
        owner = await self._owner(record)
        check_backends(new.workflow, owner, self._offers())
        origin = f"schedule {record.name}"
        await self._desk.make_room(owner.name, origin)
        account = self._account.format(username=owner.name)
        run = await self._desk.submit(start.wished, owner.name, new, account, origin)
        return run.spec.id

    async def stop(self, id: str, *, forget: bool = False) -> None:
        if (run := self._desk.runs.get(id)) is not None:
            await self._desk.runs.cancel(run)

    def occurrence(self, due: datetime, id: str) -> Occurrence:
        return Occurrence(due=due, run=id)
