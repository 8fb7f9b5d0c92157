"""Steps of a workflow that is being written, what they leave for others, and their order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from alongside.errors import InvalidRequest

if TYPE_CHECKING:
    from alongside_workflows.building import Draft

LONGEST_NAME = 50


@dataclass(frozen=True, eq=False)
class DraftStep:
    """A step of a `Draft`: ``a >> b`` and ``a >> [b, c] >> d`` say what comes after what."""

    draft: Draft
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """How it is called."""
        return str(self.data["name"])

    @property
    def results(self) -> Results:
        """What it leaves for others: ``step.results["count"]`` is taken as a parameter."""
        return Results(self)

    def __rshift__(self, others: DraftStep | Iterable[DraftStep]) -> DraftSteps:
        return DraftSteps([self]) >> others

    def __rrshift__(self, others: Iterable[DraftStep]) -> DraftSteps:
        return DraftSteps(others) >> self

    def __repr__(self) -> str:
        return f"<step {self.name!r}>"

    def follow(self, other: DraftStep) -> None:
        """Come after another one."""
        self.draft.own(other)
        after = self.data.setdefault("after", [])
        if other.name not in after:
            after.append(other.name)


class DraftSteps(Sequence[DraftStep]):
    """Several steps, to say what comes before and after all of them."""

    def __init__(self, steps: Iterable[DraftStep]) -> None:
        self._steps = tuple(steps)

    def __rshift__(self, others: DraftStep | Iterable[DraftStep]) -> DraftSteps:
        following = DraftSteps([others] if isinstance(others, DraftStep) else others)
        for step in following:
            for other in self._steps:
                step.follow(other)
        return following

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, place: Any) -> Any:
        return self._steps[place]

    def __iter__(self) -> Iterator[DraftStep]:
        return iter(self._steps)


@dataclass(frozen=True)
class Result:
    """A value that a step will have left, to be a parameter of another."""

    step: DraftStep
    name: str

    @property
    def source(self) -> str:
        """As a definition says it: ``load.count``."""
        return f"{self.step.name}.{self.name}"


@dataclass(frozen=True)
class Results:
    """The results of a step, by name."""

    step: DraftStep

    def __getitem__(self, name: str) -> Result:
        listed = self.step.data.setdefault("results", [])
        if name not in listed:
            listed.append(name)
        return Result(self.step, name)


def step_name(text: str) -> str:
    """A text as the name of a step: lower case letters, digits and dashes.

    Raises InvalidRequest when nothing of it can be kept.

    >>> step_name("Load data (2026)")
    'load-data-2026'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_NAME].strip("-")
    if not name:
        raise InvalidRequest(
            f"{text[:63]!r} can't be the name of a step.",
            "Use letters from a to z, digits and dashes.",
            "name",
        )
    return name


def split(
    parameters: Mapping[str, JsonValue | Result],
) -> tuple[dict[str, JsonValue], dict[str, Result]]:
    """Values, and results that are taken."""
    values: dict[str, JsonValue] = {}
    taken: dict[str, Result] = {}
    for name, value in parameters.items():
        if isinstance(value, Result):
            taken[name] = value
        else:
            values[name] = value
    return values, taken
