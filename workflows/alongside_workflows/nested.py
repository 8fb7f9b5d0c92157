"""Workflows as steps of another one: what is in them takes their place. Pure.

A step that names a `workflow` becomes the steps of that, called `step-inner`, before the whole is
checked: executors, records and interfaces know of steps only. What was said of the step goes to
its steps: those that wait for nobody within come after what it comes after; who comes after it
comes after those that nobody within waits for; its parameters are those of the inner workflow.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from alongside.errors import InvalidFields, InvalidRequest
from alongside.models import Model, Pod
from alongside.requests import parse
from alongside_workflows import words
from alongside_workflows.draft_steps import LONGEST_NAME
from alongside_workflows.model import Step, StepName, Variable, Workflow
from alongside_workflows.step import staging

Read = Callable[[Any], Workflow]
"""What finds the workflow that a step names. Raises InvalidRequest."""


class Nested(Model):
    """A step that is a workflow."""

    name: StepName = Field(description="Its steps are called `name-inner`.")
    workflow: Any = Field(description="Its definition: a path, or the definition itself.")
    parameters: dict[Variable, JsonValue] = Field({}, description="Instead of its own values.")
    takes: dict[Variable, str] = Field({}, description="Parameters that are results of others.")
    after: tuple[StepName, ...] = Field((), description="Steps that must have succeeded.")


@dataclass(frozen=True)
class Unfolded:
    """A definition without nested workflows, as it is before it is checked."""

    content: dict[str, Any]
    origin: tuple[int, ...]
    """For each step, which one of the definition it comes from."""
    whole: frozenset[int]
    """Which of the definition's steps were workflows."""

    def checked(self) -> Workflow:
        """The workflow. Raises InvalidFields, with places in the definition."""
        try:
            return parse(Workflow, self.content)
        except InvalidFields as wrong:
            raise InvalidFields([self._placed(one) for one in wrong.errors]) from None

    def _placed(self, wrong: InvalidRequest) -> InvalidRequest:
        steps, _, rest = wrong.field.partition(".")
        number, _, within = rest.partition(".")
        if steps != "steps" or not number.isdigit() or int(number) >= len(self.origin):
            return wrong
        place = self.origin[int(number)]
        field = ("steps", str(place), "" if place in self.whole else within)
        return InvalidRequest(wrong.message, wrong.remedy, ".".join(filter(None, field)))


def unfold(content: Mapping[str, Any], read: Read) -> Unfolded:
    """The definition with the steps of workflows instead of these. Raises InvalidFields."""
    steps = content.get("steps")
    given = list(steps) if isinstance(steps, list | tuple) else []
    wanted = [n for n, one in enumerate(given) if isinstance(one, Mapping) and "workflow" in one]
    if not wanted:
        return Unfolded(dict(content), tuple(range(len(given))), frozenset())
    parts: dict[int, _Part] = {}
    errors: list[InvalidRequest] = []
    for number in wanted:
        try:
            nested = parse(Nested, given[number], f"steps.{number}")
            parts[number] = _Part(number, nested, _read(read, nested.workflow, number))
        except InvalidFields as wrong:
            errors += wrong.errors
        except InvalidRequest as wrong:
            errors.append(wrong)
    if not errors:
        errors += [one for part in parts.values() for one in part.problems(content)]
    if errors:
        raise InvalidFields(errors)
    names = _Names({part.step.name: part for part in parts.values()})
    made: list[Any] = []
    origin: list[int] = []
    for number, one in enumerate(given):
        inner = [names.renamed(one, number)]
        if number in parts:
            part = parts[number]
            said = names.renamed(part.step.model_dump(include={"after", "takes"}), number)
            inner = part.steps(said, content)
        made += inner
        origin += [number] * len(inner)
    if names.errors:
        raise InvalidFields(names.errors)
    whole = {**content, "steps": made}
    for part in parts.values():
        part.put_beside(whole)
    return Unfolded(whole, tuple(origin), frozenset(parts))


def _read(read: Read, wanted: Any, number: int) -> Workflow:
    place = f"steps.{number}.workflow"
    try:
        return read(wanted)
    except InvalidFields as wrong:
        # what is in another file has a place there, and says it
        inside = isinstance(wanted, Mapping)
        raise InvalidFields(
            [
                InvalidRequest(one.message, one.remedy, f"{place}.{one.field}" if inside else place)
                for one in wrong.errors
            ]
        ) from None
    except InvalidRequest as wrong:
        raise InvalidRequest(wrong.message, wrong.remedy, place) from None


@dataclass(frozen=True)
class _Part:
    """One nested workflow."""

    number: int
    step: Nested
    flow: Workflow

    def called(self, inner: str) -> str:
        return f"{self.step.name}-{inner}"

    @property
    def last(self) -> list[str]:
        """The steps that nobody within waits for, as they are called outside."""
        needed = {need for step in self.flow.steps for need in step.needs}
        return [self.called(step.name) for step in self.flow.steps if step.name not in needed]

    def problems(self, outer: Mapping[str, Any]) -> Iterator[InvalidRequest]:
        place, name = f"steps.{self.number}", self.flow.name
        for field in ("parameters", "takes"):
            for one in getattr(self.step, field).keys() - self.flow.parameters.keys():
                listed = ", ".join(self.flow.parameters) or "none"
                yield InvalidRequest(
                    f"{name} has no parameter {one!r}.",
                    f"It has: {listed}. Add it under its `parameters`, or correct the name.",
                    f"{place}.{field}.{one}",
                )
        for one in self.step.parameters.keys() & self.step.takes.keys():
            message = f"{one!r} is given under `parameters` and under `takes`."
            yield InvalidRequest(message, "Take one of them out.", f"{place}.takes.{one}")
        inner = (*(step.name for step in self.flow.steps), *self.flow.backends)
        longest = self.called(max(inner, key=len))
        if len(longest) > LONGEST_NAME:
            yield InvalidRequest(
                f"{longest!r} is too long for the name of a step.",
                f"Shorten {self.step.name!r}: {LONGEST_NAME} characters are allowed in all.",
                f"{place}.name",
            )
        if self.flow.pod != Pod():
            yield InvalidRequest(
                f"{name} sets `pod`, which is one for all steps of a run.",
                "Set it in the outer workflow.",
                f"{place}.workflow",
            )
        if self._elsewhere(outer) and any(step.command for step in self.flow.steps):
            yield InvalidRequest(
                f"The commands of {name} begin in {self.flow.directory}, but all of a run begin in "
                "one directory.",
                "Give both workflows the same `directory`.",
                f"{place}.workflow",
            )

    def steps(self, said: Mapping[str, Any], outer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Its steps as the outer workflow has them.

        said : its `after` and `takes`, where steps stand for workflows
        """
        beyond = outer.get("parameters")
        beyond = beyond if isinstance(beyond, Mapping) else {}
        given = {**self.step.parameters, **self.step.takes}
        values = {
            name: value
            for name, value in {**self.flow.parameters, **self.step.parameters}.items()
            if name in given or name not in beyond
        }
        elsewhere = self._elsewhere(outer)
        return [self._one(step, said, values, elsewhere) for step in self.flow.steps]

    def _one(
        self,
        step: Step,
        said: Mapping[str, Any],
        values: Mapping[str, JsonValue],
        elsewhere: bool,
    ) -> dict[str, Any]:
        own = step.parameters.keys() | step.takes.keys() | step.defaults.keys()
        wanted = (values.keys() | said["takes"].keys()) - own
        if step.command is not None:  # of a notebook only its own code tells
            wanted &= words.names((*step.command, *(step.retry.command or ())))
        takes = {name: self.called(source) for name, source in step.takes.items()}
        data = step.model_dump(exclude_unset=True) | {
            "name": self.called(step.name),
            "after": [self.called(one) for one in step.after] if step.needs else said["after"],
            "takes": takes | {name: s for name, s in said["takes"].items() if name in wanted},
            "defaults": {n: v for n, v in values.items() if n in wanted} | step.defaults,
        }
        if step.joined is not None:
            data["joined"] = self.called(step.joined)
        if isinstance(step.backend, str) and step.backend != "session":
            data["backend"] = self.called(step.backend)
        if elsewhere:
            for field in ("notebook", "output"):
                if data.get(field):
                    data[field] = self._there(data[field])
            if step.retry.notebook:
                data["retry"]["notebook"] = self._there(step.retry.notebook)
            for field in ("inputs", "outputs"):
                places = data.get(field, {})
                data[field] = {name: self._there(place) for name, place in places.items()}
        return data

    def _elsewhere(self, outer: Mapping[str, Any]) -> bool:
        """Whether its relative paths begin in another directory."""
        return bool(self.flow.directory) and self.flow.directory != outer.get("directory")

    def _there(self, place: str) -> str:
        if staging.is_url(place) or place.startswith(("/", "~", "file://")):
            return place
        return os.fspath(Path(self.flow.directory, place))

    def put_beside(self, outer: dict[str, Any]) -> None:
        """Its backends, and the notebooks that travel with it."""
        elsewhere = self._elsewhere(outer)
        brought = {
            (self._there(place) if elsewhere else place): notebook
            for place, notebook in self.flow.notebooks.items()
        }
        shared = {self.called(name): wish for name, wish in self.flow.backends.items()}
        for field, more in (("backends", shared), ("notebooks", brought)):
            there = outer.get(field) or {}
            if more and isinstance(there, Mapping):
                outer[field] = {**more, **there}


class _Names:
    """What the names of workflows among the steps stand for."""

    def __init__(self, parts: Mapping[str, _Part]) -> None:
        self._parts = parts
        self.errors: list[InvalidRequest] = []

    def renamed(self, step: Any, number: int) -> Any:
        """The step with steps instead of workflows in what it names."""
        if not isinstance(step, Mapping):
            return step
        after, takes = step.get("after"), step.get("takes")
        data = dict(step)
        if isinstance(after, list | tuple):
            data["after"] = [name for one in after for name in self._meant(one)]
        if isinstance(takes, Mapping):
            data["takes"] = {
                name: self._source(source, f"steps.{number}.takes.{name}")
                for name, source in takes.items()
            }
        return data

    def _meant(self, name: Any) -> list[Any]:
        part = self._parts.get(name) if isinstance(name, str) else None
        return [name] if part is None else part.last

    def _source(self, source: Any, place: str) -> Any:
        name, _, result = source.partition(".") if isinstance(source, str) else ("", "", "")
        part = self._parts.get(name)
        if part is None:
            return source
        having = [part.called(step.name) for step in part.flow.steps if result in step.results]
        if len(having) == 1:
            return f"{having[0]}.{result}"
        if having:
            message = f"{len(having)} steps of {name!r} have a result {result!r}."
            remedy = f"Say of which: {' or '.join(f'{one}.{result}' for one in having)}."
        else:
            message = f"No step of {name!r} has a result {result!r}."
            remedy = "Add it to the `results` of one of them."
        self.errors.append(InvalidRequest(message, remedy, place))
        return source


__all__ = ["Nested", "Read", "Unfolded", "unfold"]
