"""The backends of runs: launched when a step asks, ended when nothing of the run needs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime

from alongside.catalogue import Catalogue
from alongside.errors import (
    AlongsideError,
    CapacityExceeded,
    Conflict,
    InvalidFields,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    StorageFailed,
    Unavailable,
)
from alongside.kinds import get_kind
from alongside.matching import session_backend
from alongside.models import Backend, Resources, now
from alongside.phases import ENDED, USABLE, Phase
from alongside.platforms.base import Observed
from alongside.quotas import check
from alongside.requests import Launch, Requester
from alongside_service.admission import Admission
from alongside_service.registry import Registry
from alongside_service.run_need import Place, place_of
from alongside_service.run_reservations import RunReservations
from alongside_service.runs import Runs, unknown
from alongside_workflows.model import BackendWish, Step, Workflow
from alongside_workflows.runs import RunSpec, StepRun
from alongside_workflows.task import StepBackend

_PASSING = (QuotaExceeded, CapacityExceeded, StorageFailed, Unavailable)
"""What may be otherwise in a while: it is waited for."""
_MOST_TOLD = 20
_LAUNCHES = 50  # of one step's backends in a run; each but the last has ended


def check_backends(workflow: Workflow, owner: Requester, catalogue: Catalogue) -> None:
    """Say at once what would be said when the steps ask. Raises InvalidFields with all of it.

    Room is that of the moment when they do; but what is more than a quota in all never fits.
    """
    wishes = {f"backends.{name}": wish for name, wish in workflow.backends.items()}
    for number, step in enumerate(workflow.steps):
        if isinstance(step.backend, BackendWish):
            wishes[f"steps.{number}.backend"] = step.backend
        if step.retry.backend is not None:
            wishes[f"steps.{number}.retry.backend"] = step.retry.backend
    known: dict[str, list[InvalidRequest]] = {}
    found: list[InvalidRequest] = []
    for place, wish in wishes.items():
        text = wish.model_dump_json()
        if text not in known:
            known[text] = list(_misfits(wish, owner, catalogue))
        for error in known[text]:
            where = ".".join(part for part in ("workflow", place, error.field) if part)
            found.append(InvalidRequest(error.message, error.remedy, where))
    if found:
        raise InvalidFields(found[:_MOST_TOLD])


def _misfits(wish: BackendWish, owner: Requester, catalogue: Catalogue) -> Iterator[InvalidRequest]:
    try:
        spec = catalogue.resolve(owner, _launch(wish, wish.kind), nonce="")
        limits = catalogue.quotas.limits_for(owner.name, owner.groups)
        check(spec.resources, Resources(), limits)
    except InvalidFields as several:
        yield from several.errors
    except AlongsideError as error:
        yield InvalidRequest(error.message, error.remedy, error.field)
    else:
        if wish.minimum is not None and wish.minimum > spec.resources.workers:
            member = get_kind(wish.kind).member
            yield InvalidRequest(
                f"The step waits for {wish.minimum} {member}s of {spec.resources.workers}.",
                "Choose a smaller `minimum`, or a larger backend.",
                "minimum",
            )


def _launch(wish: BackendWish, name: str, **more: str) -> Launch:
    return Launch(kind=wish.kind, name=name, profile=wish.profile, options=wish.options, **more)


def answer(observed: Observed, minimum: int | None) -> StepBackend:
    """How it is with a backend of which `minimum` members are wanted, None: all."""
    spec, status = observed.spec, observed.status
    kind = get_kind(spec.kind)
    wanted = status.wanted if minimum is None else minimum
    failed = status.phase in ENDED or status.phase is Phase.STOPPING
    usable = status.phase in USABLE
    count = f"{status.ready} of {wanted} {kind.member}s of {spec.name} are there."
    message = status.message or (count if usable else f"{spec.name} is {status.phase}.")
    return StepBackend(
        id=spec.id,
        ready=usable and status.ready >= wanted,
        failed=failed,
        message=message,
        remedy=status.remedy,
        kind=spec.kind,
        name=spec.name,
        members=status.ready,
        wanted=wanted,
    )


class RunBackends:
    """Answers the steps of runs. `groups` tells those of a user; see `Hub.groups`."""

    def __init__(
        self,
        registry: Registry,
        runs: Runs,
        admission: Admission,
        groups: Callable[[str], Awaitable[frozenset[str]]],
    ) -> None:
        self._registry = registry
        self._runs = runs
        self._admission = admission
        self._groups = groups
        self.reservations = RunReservations(runs, admission)

    async def ask(self, id: str, name: str, attempt: int) -> StepBackend:
        """How it is with the backend that this attempt of a step computes on; the first time, it
        is launched.

        Never waits for the backend: asked again and again until it is ready, has failed, or the
        step has waited for too long. Raises NotFound, Conflict when the run is over, or another
        attempt has followed.
        """
        run = self._runs.spec(id)
        if run is None:
            raise unknown(id)
        step = step_of(run, name)
        if not self._runs.is_live(id):
            raise Conflict("The run is over.", "Resume it, or submit it again.")
        state = self._state(id, name)
        if state and state.attempts and state.attempts[-1].number > attempt:
            raise Conflict(
                f"Attempt {attempt} of step {name} is over.", "Leave it to the one that followed."
            )
        if step.wish(attempt) == "session":
            found = self._of_session(run)
            if isinstance(found, StepBackend):
                return found
            return await self._in_turn(found, run, step, attempt, 0)
        if (place := place_of(run.workflow, step, attempt)) is None:
            raise NotFound(f"Step {name} computes on no backend.", "Give it a `backend`.", "name")
        kind = place.wish.kind
        try:
            observed = await self._launched(run, place, _began(state, attempt))
        except _PASSING as error:
            return StepBackend(kind=kind, message=error.message, remedy=error.remedy)
        except AlongsideError as error:
            return StepBackend(kind=kind, failed=True, message=error.message, remedy=error.remedy)
        if place.shared:
            return await self._in_turn(observed, run, step, attempt, place.wish.minimum)
        return answer(observed, place.wish.minimum)

    async def _in_turn(
        self, observed: Observed, run: RunSpec, step: Step, attempt: int, minimum: int | None
    ) -> StepBackend:
        """How it is with a backend that other steps may mean too."""
        found = answer(observed, minimum)
        if found.failed:
            return found
        try:
            turn = await self.reservations.ask(observed, run, step, attempt)
        except _PASSING as error:
            return StepBackend(
                kind=found.kind, name=found.name, message=error.message, remedy=error.remedy
            )
        return found if turn is None else turn

    def _state(self, id: str, name: str) -> StepRun | None:
        known = self._runs.get(id)
        return next((s for s in known.status.steps if s.name == name), None) if known else None

    async def _launched(self, run: RunSpec, place: Place, began: datetime | None) -> Observed:
        name = place.backend_name(run.id)
        made = [
            seen
            for seen in self._registry.of(run.owner)
            if seen.spec.run == run.id and seen.spec.name == name
        ]
        # a live one counts, whatever became of others
        for seen in sorted(made, key=_goes_on, reverse=True):
            if _goes_on(seen) or _failed_since(seen, began):
                return seen
        owner = Requester(run.owner, await self._groups(run.owner))
        launch = _launch(place.wish, name, directory=run.workflow.directory, account=run.account)
        for number in range(1, _LAUNCHES + 1):
            # the same key for the same launch: it is one backend, however often it is asked for
            key = f"run {run.id} {name} {number}"
            try:
                seen = await self._admission.launch(owner, launch, key, run=run.id)
            except (Conflict, InvalidRequest) as error:
                earlier = isinstance(error, Conflict) and not error.field
                if earlier or error.field == "Idempotency-Key":
                    continue  # that one has ended, and its record may be gone
                raise
            if _goes_on(seen):
                return seen
        raise Conflict(f"{name} has ended {_LAUNCHES} times.", "Look at its logs.")

    def _of_session(self, run: RunSpec) -> Observed | StepBackend:
        """The backend of the run's session, or why there is none."""
        if run.session is None:
            return StepBackend(
                failed=True,
                message="The run was submitted from no session, whose backend it could use.",
                remedy="Submit it from a session, or give the step a backend of its own.",
            )
        views = [
            Backend.of(seen.spec, seen.status)
            for seen in self._registry.of(run.owner)
            if seen.spec.session == run.session
        ]
        kinds = {view.kind for view in views if view.phase not in ENDED}
        kind = kinds.pop() if len(kinds) == 1 else "dask"
        try:
            found = session_backend(views, kind, run.session, run.owner)
        except NotFound as error:
            return StepBackend(kind=kind, failed=True, message=error.message, remedy=error.remedy)
        observed = self._registry.get(found.id)
        assert observed is not None
        return observed


def step_of(run: RunSpec, name: str) -> Step:
    """The step of this name. Raises NotFound."""
    for step in run.workflow.steps:
        if step.name == name:
            return step
    raise NotFound(f"The run has no step {name[:63]!r}.", "See its `steps`.", "name")


def _goes_on(seen: Observed) -> bool:
    return seen.status.live and not seen.spec.stop and seen.status.phase is not Phase.STOPPING


def _failed_since(seen: Observed, began: datetime | None) -> bool:
    """Whether it has failed while the attempt that asks was waiting for it."""
    if seen.status.phase is not Phase.FAILED:
        return False
    return began is None or (seen.status.ended or seen.spec.created) >= began


def _began(step: StepRun | None, attempt: int) -> datetime | None:
    """When an attempt began; after the last one that is known, if it is not known itself yet."""
    if step is None or not step.attempts:
        return None
    last = step.attempts[-1]
    return last.started if last.number == attempt else last.ended or now()
