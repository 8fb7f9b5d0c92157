"""Which backends a run has, and for how long it needs each of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.models import Spec
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.model import BackendWish, Step, Workflow
from alongside_workflows.runs import State

_TAIL = 6


@dataclass(frozen=True)
class Need:
    """For how long a run needs one of its backends."""

    until: datetime | None = None
    """None: as far as the run goes; a moment that is over: no longer."""
    why: str = ""
    """The reason for its end then."""
    forget: bool = True
    """Whether its record and logs go too: where it has failed, they may say why."""


def need(spec: Spec, run: ObservedRun | None, moment: datetime) -> Need:
    """How long a backend that was made for a run is needed; `run` is None when it is gone."""
    if run is None:
        return Need(moment, "its run is gone")
    workflow, status = run.spec.workflow, run.status
    match status.state:
        case State.SUCCEEDED:
            return Need(moment, "its run has succeeded")
        case State.CANCELLED:
            return Need(moment, "its run was cancelled")
        case State.FAILED:
            since = status.ended or moment
            return Need(since + workflow.keep_backends, "its run has failed", forget=False)
    for step in workflow.steps:
        for attempt in (1, 2):
            place = place_of(workflow, step, attempt)
            if (
                step.joined is None
                and place
                and not place.shared
                and place.backend_name(run.spec.id) == spec.name
            ):
                return _of_step(step, attempt, run, moment)
    return Need()


def _of_step(step: Step, attempt: int, run: ObservedRun, moment: datetime) -> Need:
    """How long the backend is needed that a step has for this attempt, and maybe later ones."""
    known = {one.name: one for one in run.status.steps}
    last = known.get(run.spec.workflow.chains.last(step.name))  # all that are joined compute on it
    if last is not None and last.state is State.SUCCEEDED:
        return Need(moment, "its step has succeeded")
    tried = known[step.name].attempts if step.name in known else ()
    if attempt == 1 and step.retry.backend is not None and tried and tried[-1].number > 1:
        return Need(moment, "its step goes on with another one")
    return Need()


@dataclass(frozen=True)
class Place:
    """Which of a run's backends is meant: that of a step, or one that steps share."""

    name: str
    shared: bool
    wish: BackendWish

    def backend_name(self, run: str) -> str:
        """The shown name of that backend: that of the same place of another run is another."""
        return f"{self.name}-{run[-_TAIL:]}"


def place_of(workflow: Workflow, step: Step, attempt: int = 1) -> Place | None:
    """The backend that an attempt of a step computes on, if that is one of the run's own."""
    if attempt > 1 and step.retry.backend is not None:
        name = f"{step.name}-again"
        taken = {*workflow.backends, *(other.name for other in workflow.steps)}
        return Place(f"{name}-" if name in taken else name, False, step.retry.backend)
    if isinstance(step.backend, BackendWish):
        # one that is shared may be called like a step
        name = f"{step.name}-own" if step.name in workflow.backends else step.name
        return Place(name, False, step.backend)
    if step.backend in workflow.backends:
        return Place(step.backend, True, workflow.backends[step.backend])
    return None
