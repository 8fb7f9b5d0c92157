"""The bodies of ``schedules``, with the form of runs, which `alongside` doesn't know."""

from __future__ import annotations

from pydantic import Field, field_validator

from alongside import schedule_requests as requests
from alongside_workflows.runs import NewRun

_OF_THE_MOMENT = ("session", "owner", "account")


class NewSchedule(requests.NewSchedule):
    """The body of ``POST schedules``."""

    submit: NewRun | None = Field(None, description=requests.SUBMIT)

    @field_validator("submit")
    @classmethod
    def _stands_alone(cls, submit: NewRun | None) -> NewRun | None:
        return None if submit is None else _checked(submit)


class SchedulePatch(requests.SchedulePatch):
    """The body of ``PATCH schedules/{id}``: what is absent stays, null is as if never given."""

    submit: NewRun | None = Field(None, description=requests.SUBMIT)

    @field_validator("submit")
    @classmethod
    def _stands_alone(cls, submit: NewRun | None) -> NewRun | None:
        return None if submit is None else _checked(submit)


def _checked(submit: NewRun) -> NewRun:
    for name in _OF_THE_MOMENT:
        if getattr(submit, name):
            raise ValueError(f"what a schedule submits has no {name} of its own; leave it out")
    if submit.session is not None:
        raise ValueError("what a schedule submits belongs to no session; leave `session` out")
    for step in submit.workflow.steps:
        if "session" in (step.backend, step.retry.backend):
            raise ValueError(
                f"no session is sure to be there when {step.name} computes; "
                "give it a backend of its own"
            )
    return submit
