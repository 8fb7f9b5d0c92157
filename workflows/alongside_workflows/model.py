"""What a workflow is: steps, what they need, and which comes after which.

One definition for every executor. It is written as YAML or JSON, with `workflow` of `building`
in Python, or made by the panel from a single notebook; all of them end here, in one validation that
tells all problems at once, each with its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from alongside.models import Model, Pod
from alongside.requests import Several
from alongside.units import Duration
from alongside_workflows import misfits
from alongside_workflows.chains import Chains
from alongside_workflows.graph import Graph
from alongside_workflows.needs import Amounts as Amounts
from alongside_workflows.needs import BackendWish as BackendWish
from alongside_workflows.needs import Place, Text, Words
from alongside_workflows.needs import Retry as Retry
from alongside_workflows.needs import Throttle as Throttle

MOST_STEPS = 5_000
"""Steps of one workflow."""
_LONG = 4096

_STEP_NAME = r"^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$"


def _in_form(name: Any) -> Any:
    if isinstance(name, str) and not re.search(_STEP_NAME, name):
        remedy = "use lower case letters, digits and dashes, 50 at most"
        raise ValueError(f"{name[:50]!r} can't be the name of a step; {remedy}")
    return name


StepName = Annotated[str, StringConstraints(pattern=_STEP_NAME), BeforeValidator(_in_form)]
"""A step's name is part of paths and of Kubernetes' names: lower case letters, digits, dashes."""
Variable = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w{0,99}$")]
"""A name as Python has it."""
Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""What a cell of a notebook is tagged with."""


class Step(Model):
    """A notebook or a command, with what it needs and what it leaves."""

    name: StepName = Field(description="Lower case letters, digits and dashes.")
    notebook: Place | None = Field(None, description="The notebook that is executed.")
    command: Words | None = Field(None, description="Program and arguments; no shell.")
    parameters: dict[Variable, JsonValue] = Field(
        {}, description="Values of the notebook's parameters. For a command: `{name}` in its words."
    )
    takes: dict[Variable, str] = Field(
        {},
        description="Parameters that are results of earlier steps: name to `step.result`.",
    )
    defaults: dict[Variable, JsonValue] = Field(
        {},
        description="Values for parameters if it has them, as those of the workflow are, which "
        "they go before.",
    )
    results: tuple[Variable, ...] = Field(
        (),
        description="Values that later steps can take: variables of the notebook, or lines "
        "`name=JSON` that a command writes into the file $ALONGSIDE_RESULTS.",
    )
    cells: tuple[Tag, ...] = Field(
        (),
        max_length=1000,
        description="Tags of cells: others are not executed, but for the one with the parameters.",
    )
    functions: tuple[Variable, ...] = Field(
        (),
        max_length=1000,
        description="Functions of the notebook that are called, each with the parameters, inputs "
        "and outputs that it has arguments for. Of the cells, only those are executed that define "
        "them or do nothing but import, and those of `cells`. What `f` returns is the variable "
        "`f_result`.",
    )
    after: tuple[StepName, ...] = Field((), description="Steps that must have succeeded.")
    inputs: dict[Variable, Place] = Field(
        {},
        description="Files and directories that are read: name to where they are. A parameter of "
        "that name gets the path; so does an environment variable.",
    )
    outputs: dict[Variable, Place] = Field(
        {},
        description="Files and directories that are written: name to where they belong. A "
        "parameter of that name gets the path; so does an environment variable.",
    )
    backend: BackendWish | Literal["session"] | Annotated[str, Field(max_length=63)] | None = Field(
        None,
        description="One of its own; or the name of one under `backends`; or `session`: that of "
        "the session which it is submitted from.",
    )
    together: bool = Field(
        False,
        description="Whether it computes on a locale group that others name too beside steps that "
        "say the same. Otherwise it waits for its turn, and no other step computes there then.",
    )
    wait: Duration | None = Field(
        None,
        description="How long it waits for a backend that is not its own, its turn included; "
        "default: what `backends` says there, for `session` 15 minutes.",
    )
    output: Place | None = Field(
        None, description="Where the executed notebook is put besides; `{run}` is the run's id."
    )
    kernel: str | None = Field(None, max_length=100, description="Name of another kernel.")
    image: str | None = Field(None, max_length=_LONG, description="Container image.")
    resources: Amounts = Field(Amounts(), description="What its own process gets.")
    environment: dict[str, Text] = Field({}, description="Additional environment variables.")
    retry: Retry = Field(Retry(), description="How often it is tried again when it fails.")
    timeout: Duration | None = Field(None, description="An attempt that takes longer has failed.")
    cache: bool = Field(
        False, description="Whether it is skipped when nothing has changed since it last succeeded."
    )
    joined: StepName | None = Field(
        None,
        description="An earlier step whose kernel it goes on in, so that data stays in memory. "
        "They are one attempt: when it fails, that one is repeated too.",
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Step:
        if (self.notebook is None) == (self.command is None):
            raise ValueError("give either `notebook` or `command`")
        of_notebooks = [name for name in ("kernel", "cells", "functions") if getattr(self, name)]
        if self.command is not None and of_notebooks:
            listed = ", ".join(f"`{name}`" for name in of_notebooks)
            raise ValueError(f"{listed}: of notebooks only; leave that out for a command")
        if self.joined is not None and self.notebook is None:
            raise ValueError("only a notebook can go on in another one's kernel")
        if isinstance(self.backend, BackendWish) and (self.wait is not None or self.together):
            what = "`together`" if self.wait is None else "`wait`"
            raise ValueError(f"{what}: of a backend that others name too; this one is its own")
        both = self.parameters.keys() & self.takes.keys()
        if both:
            raise ValueError(f"{_listed(both)}: given under `parameters` and under `takes`")
        return self

    @field_validator("backend", mode="before")
    @classmethod
    def _one_of_its_own(cls, given: Any) -> Any:
        """So that what is wrong in a wish is told alone, not also that it is no name."""
        return BackendWish.model_validate(given) if isinstance(given, Mapping) else given

    @field_validator("takes")
    @classmethod
    def _from_a_step(cls, takes: dict[str, str]) -> dict[str, str]:
        for name, source in takes.items():
            if not _SOURCE.fullmatch(source):
                raise ValueError(f"{name}: write `step.result`, for example `fetch.count`")
        return takes

    def wish(self, attempt: int) -> BackendWish | str | None:
        """What an attempt computes on; the first one is number 1."""
        return self.backend if attempt < 2 else self.retry.backend or self.backend

    def attempted(self, attempt: int) -> Step:
        """What an attempt executes; the first one is number 1."""
        told = {"notebook": self.retry.notebook, "command": self.retry.command}
        changed = {name: one for name, one in told.items() if attempt > 1 and one is not None}
        return self.model_copy(update=changed) if changed else self

    @property
    def sources(self) -> dict[str, tuple[str, str]]:
        """What it takes: parameter to (step, result)."""
        split = {name: source.partition(".") for name, source in self.takes.items()}
        return {name: (step, result) for name, (step, _, result) in split.items()}

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps that come before it, each once, as they are named."""
        named = [*self.after, *(step for step, _ in self.sources.values())]
        if self.joined is not None:
            named.append(self.joined)
        return tuple(dict.fromkeys(named))


_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,49}\.[^\W\d]\w{0,99}")


class Workflow(Model):
    """A directed acyclic graph of steps."""

    name: str = Field(min_length=1, max_length=252, description="Shown name.")
    description: Text = Field("", description="What it is for.")
    steps: tuple[Step, ...] = Field(
        min_length=1, max_length=MOST_STEPS, description="Notebooks and commands, in any order."
    )
    parameters: dict[Variable, JsonValue] = Field(
        {}, description="Values for all steps that have such a parameter and don't set it."
    )
    backends: dict[StepName, BackendWish] = Field(
        {}, max_length=50, description="Backends that several steps share; they end with the run."
    )
    notebooks: dict[Place, dict[str, JsonValue]] = Field(
        {},
        description="Notebooks that travel with the definition, by what steps call them; all "
        "others are read where they are, when their step begins.",
    )
    directory: Text = Field(
        "", description="Where relative paths begin: an absolute path; default: the user's home."
    )
    parallel: int = Field(4, ge=1, le=1000, description="Steps that run at the same time.")
    throttle: Throttle | None = Field(
        None, description="How many attempts of its steps begin in a minute, or another time."
    )
    timeout: Duration | None = Field(None, description="A run that takes longer is cancelled.")
    keep_backends: Duration = Field(
        timedelta(minutes=10),
        description="How long backends of a failed run stay, so that it can be resumed on them.",
    )
    pod: Pod = Field(Pod(), description="What the pods of all steps have besides.")

    @field_validator("directory")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if path and not (path.startswith("/") and path.isprintable()):
            raise ValueError("not an absolute path; begin it with a slash")
        return path

    @model_validator(mode="after")
    def _hangs_together(self) -> Workflow:
        if found := list(misfits.problems(self)):
            raise Several(found)
        return self

    @property
    def graph(self) -> Graph:
        """Which step comes after which."""
        return Graph({step.name: step.needs for step in self.steps})

    @property
    def chains(self) -> Chains:
        """Which steps are joined."""
        return Chains(self.steps)

    def values_of(self, step: Step) -> tuple[dict[str, JsonValue], tuple[str, ...]]:
        """The parameters of a step but for what it takes; and those that it may not have at all,
        of which it may take some."""
        optional = {**self.parameters, **step.defaults}
        asked = step.parameters.keys() | (step.takes.keys() - step.defaults.keys())
        return {**optional, **step.parameters}, tuple(n for n in optional if n not in asked)

    def wait_of(self, step: Step) -> timedelta:
        """How long a step waits for its backend at most: its own, or one that it names."""
        wish = step.backend
        if isinstance(wish, str):
            wish = self.backends.get(wish)
            if step.wait is not None:
                wish = BackendWish(wait=step.wait)
        again = step.retry.backend
        return max(one.wait for one in (wish or BackendWish(), again) if one is not None)

    def step(self, name: str) -> Step:
        """The step of this name. Raises KeyError."""
        return next(step for step in self.steps if step.name == name)


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in sorted(names))
