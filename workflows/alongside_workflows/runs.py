"""What a run is: one execution of a workflow, and how far each of its steps has come."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field, JsonValue

from alongside.models import Model, Record
from alongside_workflows.model import Workflow
from alongside_workflows.task import Spent


class State(StrEnum):
    """Of a run and of a step. The first three are live, the others final."""

    WAITING = "waiting"
    """Has not begun: for a step, others come first."""
    RUNNING = "running"
    PAUSING = "pausing"
    """A step that has failed and is tried again after a while."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Attempt(Record):
    """One execution of a step."""

    number: int = Field(ge=1, description="Counts from 1 and goes on after the run was resumed.")
    state: State
    started: AwareDatetime
    ended: AwareDatetime | None = None
    exit_code: int | None = Field(None, description="Of the step's process; 0 is success.")
    message: str = Field("", description="Why it has failed: a sentence.")
    remedy: str = Field("", description="What to do about it.")
    backend: str = Field("", description="Id of the backend that it has computed on.")
    spent: Spent | None = Field(None, description="Where its time has gone, once it has told.")


class StepRun(Record):
    """How far a step has come."""

    name: str
    state: State = State.WAITING
    message: str = Field("", description="What it does or waits for, or why it has failed.")
    remedy: str = ""
    cell: int | None = Field(None, description="The code cell that it is at, from 1.")
    cells: int | None = Field(None, description="Code cells that it has.")
    backend: str = Field("", description="Id of the backend that it computes on.")
    results: dict[str, JsonValue] = Field({}, description="What later steps can take.")
    digest: str = Field("", description="Of all that decides about what comes out.")
    unchanged: str = Field("", description="Id of the run whose outcome was taken; '' if none.")
    attempts: tuple[Attempt, ...] = ()

    @property
    def started(self) -> datetime | None:
        return self.attempts[0].started if self.attempts else None

    @property
    def ended(self) -> datetime | None:
        return self.attempts[-1].ended if self.attempts and self.state.final else None


class RunSpec(Record):
    """What was asked for: an executor keeps it for as long as it knows of the run."""

    id: str
    owner: str
    workflow: Workflow
    executor: str = Field(description="`local`, `argo`: who carries it out.")
    session: str | None = Field(
        None, description="The session that it was submitted from; it outlives that."
    )
    account: str = Field("", description="Unix account that its steps run as; '' is ours.")
    origin: str = Field("", description="What submitted it, if no person did: `schedule nightly`.")
    created: AwareDatetime


class RunStatus(Record):
    """What an executor has seen of it."""

    state: State = State.WAITING
    message: str = ""
    remedy: str = ""
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    steps: tuple[StepRun, ...] = ()

    def step(self, name: str) -> StepRun:
        """The state of one step. Raises KeyError."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


class Run(Record):
    """A run, as the API shows it."""

    id: str
    name: str = Field(description="The workflow's.")
    owner: str
    executor: str
    session: str | None
    origin: str
    state: State
    message: str
    remedy: str
    created: AwareDatetime
    started: AwareDatetime | None
    ended: AwareDatetime | None
    steps: tuple[StepRun, ...]
    workflow: Workflow | None = Field(
        None, description="The definition, as it was submitted; absent in lists and events."
    )

    @classmethod
    def of(cls, spec: RunSpec, status: RunStatus, *, definition: bool = True) -> Run:
        """The public view, with its definition or without."""
        own = ("id", "owner", "executor", "session", "origin", "created")
        return cls(
            name=spec.workflow.name,
            **{name: getattr(spec, name) for name in own},
            workflow=spec.workflow if definition else None,
            **{name: getattr(status, name) for name in RunStatus.model_fields},
        )


class NewRun(Model):
    """The body of ``POST runs``."""

    workflow: Workflow
    session: str | None = Field(
        None, max_length=4096, description="The session that it is submitted from."
    )
    executor: str | None = Field(
        None, max_length=63, description="Who carries it out; default: the first that there is."
    )
    owner: str | None = Field(
        None, max_length=4096, description="For whom; only admins and the hub may name others."
    )
    account: str = Field("", max_length=4096, description="Unix account; only the hub may say.")


def fresh(spec: RunSpec) -> RunStatus:
    """The status of a run that has just been asked for."""
    return RunStatus(steps=tuple(StepRun(name=step.name) for step in spec.workflow.steps))


__all__ = [
    "Attempt",
    "NewRun",
    "Run",
    "RunSpec",
    "RunStatus",
    "State",
    "StepRun",
    "fresh",
]
