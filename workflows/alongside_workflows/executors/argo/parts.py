"""The parts of a run: the first one, and one for each time that it was resumed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.runs import State


@dataclass(frozen=True)
class Part:
    """Which part of a run: the first one, or how far the earlier ones have come.

    done : steps that have succeeded, with their results
    tried : number of the last attempt that each step has had
    """

    number: int = 1
    done: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    tried: Mapping[str, int] = field(default_factory=dict)


FIRST = Part()


def next_part(run: ObservedRun, last: int, lost: int = 0) -> Part:
    """What is left to do of a run that has ended, whose last part had this number.

    lost : of how many parts at the end nothing is known any more; as many attempts as they may
        have had are left out, whose files are there
    """
    tried = {s.name: s.attempts[-1].number for s in run.status.steps if s.attempts}
    for step in run.spec.workflow.steps if lost else ():
        tried[step.name] = tried.get(step.name, 0) + lost * (1 + step.retry.times)
    done = {s.name: s.results for s in run.status.steps if s.state is State.SUCCEEDED}
    return Part(last + 1, done, tried)


__all__ = ["FIRST", "Part", "next_part"]
