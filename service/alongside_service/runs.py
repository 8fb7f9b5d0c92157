"""All runs of all executors, as last heard of: a cache; the executors hold the truth."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alongside.errors import Conflict, InvalidRequest, NotFound, QuotaExceeded, Unavailable
from alongside.names import backend_id
from alongside_service.bounded import executor_answers
from alongside_service.mirror import Mirror
from alongside_workflows.executors.base import Credentials, Executor, ObservedRun
from alongside_workflows.runs import Run, RunSpec, State, fresh

_SETTLES = 10.0  # seconds for which news may be older than what was done to a run
_REMEMBERED = 10_000


@dataclass(frozen=True)
class _Settling:
    """A run that was resumed after it had ended; news may be old until `until`."""

    until: float
    ended: datetime | None

    def is_old(self, news: ObservedRun) -> bool:
        """Whether this is from before it was resumed."""
        return news.status.state.final and news.status.ended == self.ended


class Runs(Mirror[ObservedRun]):
    """The runs of all executors, and what is done to them.

    kept, live : how many runs each user may have, and how many of them may be live
    """

    def __init__(self, executors: Mapping[str, Executor], kept: int = 100, live: int = 20) -> None:
        super().__init__()
        self.executors = executors
        self.complete = False
        """Whether all that there are have been learned; before that, an unknown one may exist."""
        self._most_kept, self._most_live = kept, live
        self._past: OrderedDict[str, None] = OrderedDict()
        self._settling: dict[str, _Settling] = {}
        self._submitting: dict[str, RunSpec] = {}
        self._deleted: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def spec(self, id: str) -> RunSpec | None:
        """What was asked for, also while it is being handed to its executor."""
        known = self._known.get(id)
        return known.spec if known is not None else self._submitting.get(id)

    def is_live(self, id: str) -> bool:
        """Whether it goes on, or is being begun, or was resumed a moment ago."""
        known = self._known.get(id)
        if known is not None and not known.status.state.final:
            return True
        return id in self._submitting or self._settles(id) is not None

    def put(self, run: ObservedRun) -> None:
        """Take note of a run."""
        id = run.spec.id
        if id in self._deleted:
            return  # its steps still end; nobody is to see it again
        before = self._known.get(id)
        settles = self._settles(id)
        if before == run or (settles and settles.is_old(run)):
            return
        self._past[id] = None
        self._past.move_to_end(id)
        while len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)
        self._keep(run)

    def drop(self, id: str) -> None:
        self._deleted.discard(id)
        self._drop(id)

    def _drop(self, id: str) -> None:
        self._settling.pop(id, None)
        super().drop(id)

    def _source(self, seen: ObservedRun) -> str:
        return seen.spec.executor

    def _view(self, seen: ObservedRun) -> bytes:
        view = Run.of(seen.spec, seen.status, definition=False)
        return view.model_dump_json(exclude={"workflow"}).encode()

    # what is done to them

    async def submit(self, spec: RunSpec, credentials: Credentials) -> ObservedRun:
        """Hand a new run to its executor; of the same id again: the one that there is.

        Raises QuotaExceeded, Conflict for one that was deleted, and what the executor raises.
        """
        executor = self.executor(spec.executor)
        async with self._locks[spec.owner]:
            if (known := self._repeated(spec)) is not None:
                return known
            self._check_room(spec.owner)
            self._submitting[spec.id] = spec
            try:
                async with executor_answers():
                    await executor.submit(spec, credentials)
            finally:
                del self._submitting[spec.id]
            if (known := self.get(spec.id)) is None:
                known = ObservedRun(spec, fresh(spec))
                self.put(known)
            return known

    async def cancel(self, run: ObservedRun) -> None:
        """End it. Again, or when it has ended: nothing."""
        self._settling.pop(run.spec.id, None)
        async with executor_answers():
            await self.executor(run.spec.executor).cancel(run.spec.id)

    async def resume(self, run: ObservedRun, credentials: Credentials) -> ObservedRun:
        """Go on with one that has failed or was cancelled; live or succeeded: nothing."""
        id, executor = run.spec.id, self.executor(run.spec.executor)
        async with self._locks[run.spec.owner]:
            current = self.get(id)
            if current is None:
                raise unknown(id)
            if self.is_live(id) or current.status.state is State.SUCCEEDED:
                return current
            self._check_live(run.spec.owner)
            before = current.status
            self._settle(id, before.ended)
            try:
                async with executor_answers():
                    await executor.resume(id, credentials)
            except BaseException:
                self._settling.pop(id, None)
                raise
            self._settle(id, before.ended)
            if (known := self.get(id)) is not None and known.status == before:
                # whoever waits for its end is not to take the last one for it
                update = {"state": State.WAITING, "message": "", "remedy": "", "ended": None}
                self.put(ObservedRun(known.spec, before.model_copy(update=update)))
            return self.get(id) or current

    async def forget(self, run: ObservedRun) -> None:
        """Remove all that there is of it; a live one is cancelled first."""
        id, executor = run.spec.id, self.executor(run.spec.executor)
        self._deleted.add(id)
        try:
            async with executor_answers():
                await executor.forget(id)
        except BaseException:
            self._deleted.discard(id)
            raise
        self._drop(id)

    def executor(self, name: str | None) -> Executor:
        """The one of this name, or the first. Raises Unavailable, InvalidRequest."""
        if not self.executors:
            raise Unavailable(
                "Nobody carries out workflows here.",
                "Ask an administrator for a service with the platform `local`, or with Argo "
                "Workflows on Kubernetes.",
            )
        if name is None:
            return next(iter(self.executors.values()))
        if name not in self.executors:
            known = ", ".join(self.executors)
            raise InvalidRequest(
                f"There is no executor {name!r} here.", f"Choose one of: {known}.", "executor"
            )
        return self.executors[name]

    def _repeated(self, spec: RunSpec) -> ObservedRun | None:
        known = self.get(spec.id)
        if known is None:
            if spec.id in self._past:
                raise Conflict(
                    "The run of this request has been deleted.",
                    "Use a new Idempotency-Key for a new run.",
                )
            return None
        if known.spec.workflow != spec.workflow:
            raise InvalidRequest(
                "This Idempotency-Key was used for another request.",
                "Use a new one for each run.",
                "Idempotency-Key",
            )
        return known

    def has_room(self, owner: str) -> bool:
        """Whether one more run of this user may be kept."""
        return len(self.of(owner)) < self._most_kept

    def _check_room(self, owner: str) -> None:
        if not self.has_room(owner):
            raise QuotaExceeded(
                f"{self._most_kept} runs are kept for you already, as many as you may have.",
                "Delete some that have ended.",
            )
        self._check_live(owner)

    def _check_live(self, owner: str) -> None:
        live = sum(self.is_live(run.spec.id) for run in self.of(owner))
        if live >= self._most_live:
            raise QuotaExceeded(
                f"{live} of your runs are under way, as many as may be at the same time.",
                "Wait until one has ended, or cancel one.",
            )

    def _settle(self, id: str, ended: datetime | None) -> None:
        self._settling[id] = _Settling(time.monotonic() + _SETTLES, ended)

    def _settles(self, id: str) -> _Settling | None:
        settling = self._settling.get(id)
        return settling if settling is not None and settling.until > time.monotonic() else None


def run_id(owner: str, name: str, nonce: str) -> str:
    """The id of the run of a workflow of this name that its owner asked for under this nonce."""
    # a backend and a run never have the same id, should they have the same key
    return backend_id(owner, None, name, f"run {nonce}")


def unknown(id: str) -> NotFound:
    """The one answer for "no such run" and "not one that you may see"."""
    return NotFound(f"There is no run {id[:63]!r}.", "List yours with GET runs.")
