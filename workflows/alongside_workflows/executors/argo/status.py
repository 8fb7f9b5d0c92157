"""How far a run is, from its Workflows as Argo has left them. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from alongside.platforms.kubernetes.resources import Object
from alongside.units import format_duration
from alongside_workflows.executors.argo import endings
from alongside_workflows.executors.argo.nodes import Node, Nodes, moment
from alongside_workflows.model import Step
from alongside_workflows.runs import Attempt, RunSpec, RunStatus, State, StepRun, fresh
from alongside_workflows.task import CANCELLED, Spent

_PATIENCE = timedelta(minutes=2)  # for a run that is being submitted
_CANCELLED = "It was cancelled."
_NOT_BEGUN = "Not begun: the run was cancelled."
_RESUME = "Resume it to go on with the steps that have not succeeded."
_BROKEN = "Correct the workflow; if it is right, an administrator has to look at Argo's controller."
_DELETED = (
    State.FAILED,
    "Somebody has deleted its Workflow before it ended, and with it what was known of its steps.",
    "Resume it, which repeats these steps, or submit it again.",
)
_OVER = ("Succeeded", "Failed", "Error")
_BY_SIGNAL = (None, 128 + signal.SIGKILL, 128 + signal.SIGTERM)
_SLACK = timedelta(seconds=1)  # Argo's times are whole seconds


@dataclass(frozen=True)
class Beside:
    """What is known of a run besides its Workflows.

    handed : how many of these Argo has been given
    lost : when the last one was seen to be gone, of which it is not known how it ended; who deletes
        it ends the run, its pods go with it
    busy : whether any of its pods has not ended, also if Argo has done with it
    before : what had come of the run before the first of these Workflows, if others are gone
    """

    handed: int = 0
    lost: datetime | None = None
    busy: bool = False
    before: RunStatus | None = None


_NOTHING = Beside()


def status_of(
    spec: RunSpec, parts: Sequence[Object], now: datetime, beside: Beside = _NOTHING
) -> RunStatus:
    """The state of a run of which these Workflows are there, first to last.

    Argo says at once that a run is over which was ended from outside, though its steps have some
    time to end. Here it is over when they have ended.
    """
    found = _as_argo_has_it(spec, parts, now, beside)
    if not beside.busy or found.state not in (State.FAILED, State.CANCELLED):
        return found
    ending = {"state": State.RUNNING, "message": f"Ending: {found.message}"}
    return found.model_copy(update={**ending, "remedy": "", "ended": None})


def _as_argo_has_it(
    spec: RunSpec, parts: Sequence[Object], now: datetime, beside: Beside
) -> RunStatus:
    """Steps that an earlier part has finished keep what they had there."""
    before = beside.before or fresh(spec)
    if not parts:
        return _without(spec, before, now, beside)
    steps = {step.name: step for step in before.steps}
    for workflow in parts:
        nodes, cancelled = Nodes(workflow), bool(_cancelled(workflow, spec))
        over = _phase(workflow) in _OVER
        for step in spec.workflow.steps:
            known = steps[step.name]
            if known.state is not State.SUCCEEDED:
                steps[step.name] = _step_run(step, known, nodes, cancelled, over)
    last = parts[-1]
    _hinder(spec, steps, cancelled=bool(_cancelled(last, spec)))
    seen = last.get("status") or {}
    ended = moment(seen.get("finishedAt"))
    if beside.lost:
        (state, message, remedy), ended = _DELETED, beside.lost
    else:
        state, message, remedy = _verdict(last, spec, steps)
    begun = before.started or moment((parts[0].get("status") or {}).get("startedAt"))
    return RunStatus(
        state=state,
        message=message,
        remedy=remedy,
        started=begun,
        ended=ended if state.final else None,
        steps=tuple(steps.values()),
    )


def attempt_node(parts: Sequence[Object], step: str, number: int) -> Node | None:
    """The node of one attempt, None when there is none; numbers count over all parts."""
    for workflow in parts:
        if (node := Nodes(workflow).attempts(step).get(number)) is not None:
            return node
    return None


# -- a step ------------------------------------------------------------------------------------


def _step_run(step: Step, before: StepRun, nodes: Nodes, cancelled: bool, over: bool) -> StepRun:
    """How far a step is after this part, which may be `over`, or be ending as it is cancelled."""
    pods, task = nodes.attempts(step.name), nodes.task(step.name)
    if task is None and before.state is State.WAITING and not before.message:
        return before
    attempts = tuple(
        _attempt(node, number, step.name, cancelled, over) for number, node in pods.items()
    )
    kept = before.model_copy(
        update={
            "attempts": before.attempts + attempts,
            "state": State.WAITING,
            "message": "",
            "remedy": "",
        }
    )
    if task is None:
        return kept
    if not pods:  # Argo could not even make one
        if task.phase not in ("Failed", "Error") or cancelled:
            return kept
        ending = endings.failed(task.message, step.name)
        text = {"message": ending.message, "remedy": ending.remedy}
        return kept.model_copy(update={"state": State.FAILED, **text})
    current = attempts[-1]
    last = pods[current.number]
    cell, cells = last.progress
    seen = {"cell": cell, "cells": cells, "backend": current.backend}
    if not current.state.final:
        waits = last.phase == "Pending"
        told = endings.waiting(last.message, step.name) if waits else endings.Ending("")
        text = {"message": told.message, "remedy": told.remedy}
        return kept.model_copy(update={"state": State.RUNNING, **text, **seen})
    if current.state is State.SUCCEEDED:
        results = last.output("results")
        return kept.model_copy(update={"state": State.SUCCEEDED, "results": results, **seen})
    text = {"message": current.message, "remedy": current.remedy}
    if current.state is State.FAILED and not (task.ended or cancelled or over):
        text["message"] += f" Attempt {current.number + 1} follows."
        return kept.model_copy(update={"state": State.PAUSING, **text, **seen})
    return kept.model_copy(update={"state": current.state, **text, **seen})


def _attempt(node: Node, number: int, step: str, cancelled: bool, over: bool) -> Attempt:
    started = node.started_at
    assert started is not None
    told, exit_code = node.output("outcome"), node.exit_code
    if node.phase == "Succeeded":
        state, ending = State.SUCCEEDED, endings.Ending("")
        exit_code = 0 if exit_code is None else exit_code
    elif not (node.ended or over):
        return Attempt(number=number, state=State.RUNNING, started=started)
    elif cancelled and (exit_code in _BY_SIGNAL or endings.is_stop(node.message)):
        state, ending = State.CANCELLED, endings.Ending(_CANCELLED)
    else:
        state = State.FAILED
        ending = endings.failed(node.message, step)
        if told.get("exit_code") == CANCELLED:  # but by nobody of ours
            ending = endings.REMOVED
        elif told.get("message") and told.get("exit_code"):
            ending = endings.Ending(str(told["message"]), str(told.get("remedy", "")))
    return Attempt(
        number=number,
        state=state,
        started=started,
        ended=node.finished_at,
        exit_code=exit_code,
        message=ending.message,
        remedy=ending.remedy,
        backend=str(told.get("backend") or ""),
        spent=_spent(told.get("spent")),
    )


def _spent(told: object) -> Spent | None:
    """None for what isn't that: a container can write anything."""
    try:
        return Spent.model_validate(told)
    except ValidationError:
        return None


def _hinder(spec: RunSpec, steps: dict[str, StepRun], *, cancelled: bool) -> None:
    """Say of steps that will not begin, why."""
    failed = [name for name, run in steps.items() if run.state is State.FAILED]
    graph = spec.workflow.graph if failed else None
    for name in failed:
        assert graph is not None
        for other in graph.below(name):
            if steps[other].state is State.WAITING and not steps[other].message:
                text = {"message": f"Not begun: step {name!r} has failed."}
                steps[other] = steps[other].model_copy(update=text)
    if cancelled:
        for name, run in steps.items():
            if run.state is State.WAITING:
                steps[name] = run.model_copy(update={"message": _NOT_BEGUN})


# -- the run -----------------------------------------------------------------------------------


def _without(spec: RunSpec, before: RunStatus, now: datetime, beside: Beside) -> RunStatus:
    """Of a run that has no Workflow."""
    live = RunStatus(started=before.started, steps=before.steps)
    if beside.lost:
        (state, message, remedy), ended = _DELETED, beside.lost
    elif beside.handed or now - spec.created < _PATIENCE:  # it will be heard of
        return live
    else:
        state, ended = State.FAILED, spec.created + _PATIENCE
        message = "It has no Workflow: it was never handed to Argo."
        remedy = "Resume it, or submit it again."
    text = {"message": message, "remedy": remedy}
    return live.model_copy(update={"state": state, "ended": ended, **text})


def _phase(workflow: Object) -> str:
    return str((workflow.get("status") or {}).get("phase", ""))


def _cancelled(workflow: Object, spec: RunSpec) -> str:
    """Why it was cancelled, empty when it wasn't."""
    seen = workflow.get("status") or {}
    if seen.get("phase") == "Succeeded":
        return ""
    if (workflow.get("spec") or {}).get("shutdown"):
        return _CANCELLED
    limit, begun = spec.workflow.timeout, moment(seen.get("startedAt"))
    ended = moment(seen.get("finishedAt"))
    if limit is not None and begun and ended and ended - begun >= limit - _SLACK:
        return f"It took longer than {format_duration(limit)}."
    return ""


def _verdict(workflow: Object, spec: RunSpec, steps: dict[str, StepRun]) -> tuple[State, str, str]:
    """State, message and remedy of the run, by its last Workflow."""
    phase, cancelled = _phase(workflow), _cancelled(workflow, spec)
    if phase == "Succeeded":
        return State.SUCCEEDED, "", ""
    if phase not in _OVER:
        if cancelled:
            return State.RUNNING, f"Ending: {cancelled}", ""
        return (State.RUNNING if phase == "Running" else State.WAITING), "", ""
    if cancelled:
        return State.CANCELLED, cancelled, _RESUME
    failed = [run for run in steps.values() if run.state is State.FAILED]
    if not failed:
        said = str((workflow.get("status") or {}).get("message") or "it does not say why")
        return State.FAILED, f"Argo can't carry it out: {said.rstrip('.')}.", _BROKEN
    others = f" So have {len(failed) - 1} more." if len(failed) > 1 else ""
    return (
        State.FAILED,
        f"Step {failed[0].name!r} has failed: {failed[0].message}{others}",
        failed[0].remedy
        or "Look at its log; then resume the run, which repeats nothing that has succeeded.",
    )


__all__ = ["Beside", "attempt_node", "status_of"]
