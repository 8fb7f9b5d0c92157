"""Turns of steps on a backend that keeps no two apart: recorded on the backend itself.

What is recorded outlives the service. A reservation ends with its attempt, and how that has ended
is the executor's to see: a holder that was killed says nothing.
"""

from __future__ import annotations

from functools import partial

from alongside import reservations
from alongside.errors import Conflict
from alongside.kinds import get_kind
from alongside.models import Reservation, Spec, now
from alongside.platforms.base import Observed
from alongside_service.admission import Admission
from alongside_service.runs import Runs
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.model import Step
from alongside_workflows.runs import RunSpec, State
from alongside_workflows.task import StepBackend

_REMEDY = "Wait, cancel what computes there, or give the step a backend of its own."


def is_over(reservation: Reservation, run: ObservedRun) -> bool:
    """Whether the attempt has ended, with all that goes on in its kernel."""
    chain = run.spec.workflow.chains.steps.get(reservation.step, (reservation.step,))
    for name in chain:
        attempts = run.status.step(name).attempts
        if not attempts or attempts[-1].number < reservation.attempt:
            return False  # it is about to begin, or nothing has been heard of it yet
        if attempts[-1].number > reservation.attempt:
            return True
        if not attempts[-1].state.final:
            return False
        if attempts[-1].state is not State.SUCCEEDED:
            return True
    return True


class RunReservations:
    """Makes, grants and removes them; `admission` writes them down."""

    def __init__(self, runs: Runs, admission: Admission) -> None:
        self._runs = runs
        self._admission = admission

    async def ask(
        self, observed: Observed, run: RunSpec, step: Step, attempt: int
    ) -> StepBackend | None:
        """What this attempt waits for before it may compute there; None: it may.

        The first time, it gets its place in the queue. Raises Conflict for an attempt that is over,
        or when the backend has ended, and what the platform raises.
        """
        spec = observed.spec
        if not get_kind(spec.kind).exclusive:
            return None
        mine = Reservation(
            run=run.id,
            workflow=run.workflow.name,
            step=step.name,
            attempt=attempt,
            together=step.together,
            since=now(),
        )
        if self._over(mine):
            raise Conflict(
                f"Attempt {attempt} of step {step.name} is over.", "Leave it to one that follows."
            )
        spec = await self._recorded(spec, mine)
        if any(reservations.same(mine, one) for one in reservations.granted(spec.reservations)):
            return None
        count = reservations.ahead(spec.reservations, mine)
        place = f"{count} step{'s wait' if count > 1 else ' waits'} before this one"
        return StepBackend(
            kind=spec.kind,
            name=spec.name,
            message=f"{reservations.in_words(spec.reservations, spec.name)}; "
            f"{place if count else 'this step is next'}.",
            remedy=_REMEDY,
        )

    def released(self, spec: Spec) -> bool:
        """Whether some of a backend's reservations are over."""
        return self._left(spec.reservations) != spec.reservations

    async def release(self, id: str) -> None:
        """Remove those that are over."""
        await self._admission.reserve(id, self._left)

    async def _recorded(self, spec: Spec, mine: Reservation) -> Spec:
        """The specification with a place for this one, if there is one; mostly it has it."""
        change = partial(self._with, mine=mine)
        if change(spec.reservations) == spec.reservations:
            return spec
        return (await self._admission.reserve(spec.id, change)).spec

    def _with(
        self, known: tuple[Reservation, ...], *, mine: Reservation
    ) -> tuple[Reservation, ...]:
        return reservations.added(self._left(known), mine)

    def _left(self, known: tuple[Reservation, ...]) -> tuple[Reservation, ...]:
        return tuple(one for one in known if not self._over(one))

    def _over(self, reservation: Reservation) -> bool:
        if not self._runs.is_live(reservation.run):
            return self._runs.complete  # before that, an unknown one may go on
        run = self._runs.get(reservation.run)
        return run is not None and is_over(reservation, run)


__all__ = ["RunReservations", "is_over"]
