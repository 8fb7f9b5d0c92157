"""Chains of joined steps: notebooks that are executed one after another in the same kernel. Pure.

What is in the kernel's memory is lost with the kernel, so a chain is one attempt: it begins when
all that its steps need from outside is there, those after any of them begin when all of them have
succeeded, and when one fails the chain is repeated from its first step on. A step that is joined
with none is a chain of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from alongside_workflows.graph import Graph

if TYPE_CHECKING:
    from alongside_workflows.model import Step

_OF_THE_FIRST = ("backend", "image", "resources", "environment", "retry")
"""What all steps of a chain have in common, and the first one says."""
_LISTED = 5


class Chains:
    """The chains of a workflow's steps. A circle of joined steps is no chain at all."""

    def __init__(self, steps: Sequence[Step]) -> None:
        known = {step.name: step for step in steps}
        self.next: dict[str, str] = {}
        """The step that goes on in a step's kernel."""
        joined: set[str] = set()
        for step in steps:
            if step.joined in known and step.joined not in self.next and step.name not in joined:
                self.next[step.joined] = step.name
                joined.add(step.name)
        self.steps: dict[str, tuple[str, ...]] = {}
        """The first step of each chain with all of them in order, itself included."""
        self.first: dict[str, str] = {}
        """The first step of the chain that a step is in."""
        for name in known:
            if name not in joined:
                self.steps[name] = tuple(self._from(name))
                self.first |= dict.fromkeys(self.steps[name], name)
        self.graph = Graph(
            {
                first: list(
                    dict.fromkeys(
                        self.first[need]
                        for name in names
                        for need in known[name].needs
                        if self.first.get(need, first) != first
                    )
                )
                for first, names in self.steps.items()
            }
        )
        """Which chain comes after which, by their first steps."""

    def together(self, one: str, other: str) -> bool:
        """Whether two steps are in the same chain."""
        return self.first[one] == self.first[other]

    def last(self, name: str) -> str:
        """The last step of a step's chain."""
        return self.steps[self.first[name]][-1]

    def _from(self, name: str) -> Iterator[str]:
        while True:
            yield name
            if name not in self.next:
                return
            name = self.next[name]


def misfits(
    step: Step, known: Mapping[str, Step], chains: Chains
) -> Iterator[tuple[str, str, str]]:
    """What speaks against joining a step as it is: the place, a sentence, a remedy."""
    joined, name = step.joined, repr(step.name)
    if joined is None:
        if step.cache and (after := chains.next.get(step.name)) is not None:
            yield "cache", f"{name} can't be skipped: {after!r} goes on in its memory.", _NOT
        return
    if joined not in known:
        yield "joined", f"{name} goes on in {joined!r}, which is no step.", "Name one of the steps."
        return
    if known[joined].notebook is None:
        message = f"{name} goes on in {joined!r}, which is no notebook."
        yield "joined", message, "Name a step with a notebook."
    if (other := chains.next.get(joined, step.name)) != step.name:
        message = f"{name} goes on in {joined!r}, but so does {other!r}."
        yield "joined", message, f"Let it go on in {other!r}, after that."
    if step.cache:
        yield "cache", f"{name} can't be skipped: it goes on in the memory of {joined!r}.", _NOT
    if (first := known.get(chains.first.get(step.name, ""))) is None or first is step:
        return
    for field in _OF_THE_FIRST:
        said = getattr(step, field)
        if said not in (getattr(first, field), type(step).model_fields[field].get_default()):
            message = f"{name} goes on in the kernel of {first.name!r}, with the `{field}` of that."
            yield field, message, f"Give it to {first.name!r} instead."


def circle(chains: Chains) -> tuple[str, str] | None:
    """A sentence and a remedy if chains wait for each other although no step waits for itself."""
    found = chains.graph.cycle()
    if not found:
        return None
    named = " → ".join("+".join(chains.steps[first][:_LISTED]) for first in found)
    return (
        f"{named}: joined steps begin together, so none can wait for what comes after another.",
        "Take one of them out of `joined`.",
    )


_NOT = "Take `cache` out."

__all__ = ["Chains", "circle", "misfits"]
