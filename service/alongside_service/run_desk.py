"""What the service does for runs, put together: their tokens, their backends, their keeping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from alongside.errors import NotAuthenticated, Unavailable
from alongside.models import Spec, now
from alongside.platforms.base import Observed
from alongside.requests import Requester
from alongside_service.admission import Admission
from alongside_service.auth import Caller, OfRun
from alongside_service.registry import Registry
from alongside_service.run_backends import RunBackends
from alongside_service.run_foresight import Foresight
from alongside_service.run_need import Need, need
from alongside_service.run_report import Reports
from alongside_service.run_token import RunTokens
from alongside_service.run_upkeep import RunUpkeep
from alongside_service.runs import Runs
from alongside_workflows.executors.base import Credentials, ObservedRun
from alongside_workflows.runs import NewRun, RunSpec, State


class RunDesk:
    """Everything about runs but the routes.

    api : URL of the API, as the steps of runs reach it
    groups : tells the groups of a user
    retention : for how long ended runs are kept
    """

    def __init__(
        self,
        runs: Runs,
        tokens: RunTokens,
        registry: Registry,
        admission: Admission,
        *,
        api: str,
        groups: Callable[[str], Awaitable[frozenset[str]]],
        retention: timedelta,
        owner_gone: Callable[[str], bool],
    ) -> None:
        self.runs = runs
        self.tokens = tokens
        self.backends = RunBackends(registry, runs, admission, groups)
        self.foresight = Foresight(self.backends.ask)
        self.reports = Reports()
        self.upkeep = RunUpkeep(runs, retention, owner_gone)
        self._registry = registry
        self._api = api

    async def open(
        self,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        compare: Callable[[str, Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]],
    ) -> None:
        """Learn which runs there are, before anything is decided, and follow them from then on.

        spawn : has something run for as long as the service does
        compare : now and then does this with what is called so
        """
        await asyncio.to_thread(self.tokens.open)
        for executor in self.runs.executors.values():
            await executor.open()
            await self.runs.load(executor)
            spawn(self.runs.follow(executor))
            spawn(compare(executor.name, partial(self.runs.load, executor)))
        self.runs.complete = True

    def credentials(self, id: str) -> Credentials:
        """By what the steps of a run reach us."""
        return Credentials(self._api, self.tokens.token(id))

    async def submit(
        self, id: str, owner: str, new: NewRun, account: str, origin: str = ""
    ) -> ObservedRun:
        """Begin a run, or find the one of this id. Raises AlongsideError; see `Runs.submit`."""
        spec = RunSpec(
            id=id,
            owner=owner,
            workflow=new.workflow,
            executor=self.runs.executor(new.executor).name,
            session=new.session,
            account=account,
            origin=origin,
            created=now(),
        )
        return await self.runs.submit(spec, self.credentials(id))

    async def make_room(self, owner: str, origin: str) -> None:
        """Where as many runs are kept as may be, forget the oldest of this origin that has ended.

        So what is submitted every hour doesn't come to an end by itself.
        """
        if self.runs.has_room(owner):
            return
        ended = [
            run
            for run in self.runs.of(owner)
            if run.spec.origin == origin and not self.runs.is_live(run.spec.id)
        ]
        if ended:
            await self.runs.forget(min(ended, key=lambda run: run.spec.created))

    def caller(self, token: str) -> Caller | None:
        """The run whose token this is; None for tokens of another sort.

        Raises NotAuthenticated, or Unavailable while it is not known which runs there are.
        """
        id = self.tokens.run(token)
        if id is None:
            return None
        spec = self.runs.spec(id)
        if id and spec is None and not self.runs.complete:
            raise Unavailable("It is not known yet which runs there are.", "Try again.")
        if spec is None or not (self.runs.is_live(id) or self._has_backends(spec)):
            raise NotAuthenticated("The run of this token is over.", "Resume it.")
        uses = any(step.backend == "session" for step in spec.workflow.steps)
        return Caller(Requester(spec.owner), run=OfRun(id, spec.session if uses else None))

    def need(self, spec: Spec, moment: datetime) -> Need | None:
        """For how long a backend is needed by its run; None: it has none, or that is not known.

        What is needed no longer is not from `moment` on: the one at which that is decided.
        """
        if not spec.run or not self.runs.complete:
            return None
        return need(spec, self.runs.get(spec.run), moment)

    def concerned(self, before: ObservedRun | None, after: ObservedRun | None) -> list[str]:
        """Ids of the backends that may have become needless, or free, by this change of a run."""
        known = after or before
        if known is None or (before and after and _states(before) == _states(after)):
            return []
        mine = known.spec.id
        return [
            o.spec.id
            for o in self._registry.of(known.spec.owner)
            if o.spec.run == mine or any(one.run == mine for one in o.spec.reservations)
        ]

    def _has_backends(self, spec: RunSpec) -> bool:
        return any(observed.status.live for observed in self._of(spec))

    def _of(self, spec: RunSpec) -> list[Observed]:
        return [o for o in self._registry.of(spec.owner) if o.spec.run == spec.id]


def _states(run: ObservedRun) -> tuple[State | int, ...]:
    steps = run.status.steps
    return run.status.state, *(it for step in steps for it in (step.state, len(step.attempts)))
