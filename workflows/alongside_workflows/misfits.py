"""What is wrong with a workflow whose parts are right: its steps don't fit together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from alongside.errors import InvalidRequest
from alongside_workflows import chains, words

if TYPE_CHECKING:
    from alongside_workflows.model import Step, Workflow

_NAME_A_STEP = "Name one of the steps."


def problems(flow: Workflow) -> Iterator[InvalidRequest]:
    """All of them, each with its place."""
    known = {step.name: step for step in flow.steps}
    joining = flow.chains
    for number, step in enumerate(flow.steps):
        found = [*_of_step(step, known, flow), *chains.misfits(step, known, joining)]
        for place, message, remedy in found:
            yield InvalidRequest(message, remedy, f"steps.{number}.{place}")
    seen: set[str] = set()
    for number, step in enumerate(flow.steps):
        if step.name in seen:
            yield InvalidRequest(
                f"There are two steps {step.name!r}.", "Rename one.", f"steps.{number}.name"
            )
        seen.add(step.name)
    if cycle := flow.graph.cycle():
        yield InvalidRequest(
            f"{' → '.join(cycle)} is a circle: a step can't come after itself.",
            "Take one of these out of `after`, `takes` or `joined`.",
            "steps",
        )
    elif wrong := chains.circle(joining):
        yield InvalidRequest(*wrong, "steps")


def _of_step(
    step: Step, known: Mapping[str, Step], flow: Workflow
) -> Iterator[tuple[str, str, str]]:
    """What of one step doesn't fit to the rest: the place, a sentence, a remedy."""
    name = repr(step.name)
    for other in step.after:
        if other not in known:
            yield "after", f"{name} comes after {other!r}, which is no step.", _NAME_A_STEP
    for parameter, (source, result) in step.sources.items():
        place = f"takes.{parameter}"
        if source not in known:
            yield place, f"{name} takes a result of {source!r}, which is no step.", _NAME_A_STEP
        elif result not in known[source].results:
            message = f"{name} takes {result!r} of {source!r}, which has no such result."
            yield place, message, f"Add it to the `results` of {source!r}."
    values, optional = flow.values_of(step)
    known_names = {*values, *step.takes, *step.inputs, *step.outputs}
    given = [name for name in {**step.parameters, **step.takes} if name not in optional]
    for place, command in (("command", step.command), ("retry.command", step.retry.command)):
        if found := words.problems(command or (), known_names, given if command else ()):
            message = f"The command of {name} can't be made: {'; '.join(found)}."
            yield place, message, words.REMEDY
    for other in ("notebook", "command"):
        if getattr(step.retry, other) is None:
            continue
        if getattr(step, other) is None:
            message = f"{name} is no {other}, so it can't be replaced by one."
            yield f"retry.{other}", message, f"Leave that out, or make it a {other}."
        elif not step.retry.times:
            message = f"{name} is not tried again, so nothing replaces it."
            yield f"retry.{other}", message, "Give it `retry.times`, or leave this out."
    if step.retry.backend is not None and (step.backend is None or not step.retry.times):
        lacks = "has no backend" if step.backend is None else "is not tried again"
        message = f"{name} {lacks}, so there is nothing that another backend could be for."
        yield "retry.backend", message, "Give it a `backend` and `retry.times`, or leave this out."
    if isinstance(step.backend, str) and step.backend not in ("session", *flow.backends):
        message = f"{name} computes on {step.backend!r}, which is not under `backends`."
        yield "backend", message, "Add it there, or write `session`, or what it is to be."


__all__ = ["problems"]
