"""How far a run has come: the fold of its journal's events. No input, no output, no clock.

Each event costs no more than the steps that it concerns, so that thousands of them cost little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from pydantic import JsonValue

from alongside.units import format_duration
from alongside_workflows.journal import (
    Begun,
    Cancelling,
    Ended,
    Event,
    Finished,
    Intended,
    Resumed,
    Taken,
)
from alongside_workflows.model import Step, Workflow
from alongside_workflows.runs import Attempt, RunStatus, State, StepRun
from alongside_workflows.task import Progress

_NOT_BEGUN = "Not begun: the run was cancelled."


@dataclass(frozen=True)
class Tried:
    """An attempt that has begun and is not over, as far as the journal knows."""

    at: str
    """The step that it is at: not the first any more where steps are joined."""
    number: int
    nonce: str
    boot: str
    digest: str
    since: datetime
    """When that step began."""


class Course:
    """All that is known of a run. Changed by `apply` only; read everything else.

    Joined steps are one attempt (`chains`): what is open, ready or pausing is the first of them.
    """

    def __init__(self, workflow: Workflow, events: Iterable[Event] = ()) -> None:
        self.workflow = workflow
        self.steps: dict[str, Step] = {step.name: step for step in workflow.steps}
        self.runs: dict[str, StepRun] = {name: StepRun(name=name) for name in self.steps}
        self.state = State.WAITING
        self.message = self.remedy = ""
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.since: datetime | None = None
        """When it began, or was resumed last: its timeout counts from here."""
        self.open: dict[str, Tried] = {}
        self.pausing: dict[str, datetime] = {}
        """Those that are tried again, and when."""
        self.ready: dict[str, None] = {}
        """Those that can begin, in the order in which that became so."""
        self.failed: dict[str, None] = {}
        throttle = workflow.throttle
        self.starts: deque[datetime] = deque(maxlen=throttle.starts if throttle else 0)
        """When attempts have begun: the newest, as many as may begin in the throttle's time."""
        self.cancelling = ""
        """Why the run is to end, empty when it isn't."""
        self.chains = workflow.chains
        self._graph = self.chains.graph
        self._before = {name: len(others) for name, others in self._graph.before.items()}
        self._tries: dict[str, int] = {}
        self._hindered: set[str] = set()
        self.ready |= dict.fromkeys(name for name, count in self._before.items() if not count)
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case Begun():
                self.state, self.started, self.since = State.RUNNING, event.time, event.time
            case Intended():
                self._intended(event)
            case Ended():
                self._ended(event)
            case Taken():
                self._change(
                    event.step,
                    state=State.SUCCEEDED,
                    message="Nothing has changed since it last succeeded.",
                    results=event.results,
                    digest=event.digest,
                    unchanged=event.run,
                )
                self.ready.pop(event.step, None)
                self._opens(event.step)
            case Cancelling():
                self._cancelling(event)
            case Finished():
                self.state, self.ended = event.state, event.time
                self.message, self.remedy = event.message, event.remedy
                if event.state is State.CANCELLED:
                    for name, run in self.runs.items():
                        if run.state is State.WAITING:
                            self._change(name, message=_NOT_BEGUN)
            case Resumed():
                self._resumed(event)

    def next_attempt(self, step: str) -> int:
        """The number that the step's next attempt has."""
        attempts = self.runs[step].attempts
        return attempts[-1].number + 1 if attempts else 1

    def values(self, step: str) -> dict[str, JsonValue]:
        """The parameters of a step whose predecessors have succeeded, none a reference.

        What it takes from one that it is joined with is not among them: its process knows that.
        """
        wish = self.steps[step]
        taken = {
            name: self.runs[source].results.get(result)
            for name, (source, result) in wish.sources.items()
            if not self.chains.together(source, step)
        }
        return self.workflow.values_of(wish)[0] | taken

    def optional(self, step: str) -> tuple[str, ...]:
        """Parameters that the step has not asked for itself."""
        return self.workflow.values_of(self.steps[step])[1]

    def status(self, live: Mapping[str, Progress], notice: str = "") -> RunStatus:
        """What observers see. `live`: how far the steps are that run; `notice`: what is amiss."""
        steps = dict(self.runs)
        for name, progress in live.items():
            if steps[name].state is State.RUNNING:
                seen = {"cell": progress.cell, "cells": progress.cells}
                text = {"message": progress.message, "backend": progress.backend}
                steps[name] = steps[name].model_copy(update=seen | text)
        for name, message in self._throttled():
            steps[name] = steps[name].model_copy(update={"message": message})
        return RunStatus(
            state=self.state,
            message=notice or self.message or (self.cancelling and f"Ending: {self.cancelling}"),
            remedy=self.remedy,
            started=self.started,
            ended=self.ended,
            steps=tuple(steps.values()),
        )

    def _throttled(self) -> Iterator[tuple[str, str]]:
        """The steps that begin next when the throttle lets them, and what there is to say."""
        throttle = self.workflow.throttle
        if throttle is None or len(self.starts) < throttle.starts or self.cancelling:
            return
        most = f"No more than {throttle.starts} begin in {format_duration(throttle.per)}"
        due = min(self.starts) + throttle.per
        for name in islice(self.ready, throttle.starts):
            yield name, f"{most}: it begins at {due:%H:%M:%S} UTC or later."

    # -- events ----------------------------------------------------------------------------

    def _intended(self, event: Intended) -> None:
        name, number = event.step, event.attempt
        again = name in self.open  # it never came to be, and is started again
        self.open[name] = Tried(name, number, event.nonce, event.boot, event.digest, event.time)
        self.ready.pop(name, None)
        self.pausing.pop(name, None)
        if again:
            return
        self.starts.append(event.time)
        self._tries[name] = self._tries.get(name, 0) + 1
        for joined in self.chains.steps[name][1:]:
            self._change(joined, state=State.WAITING, message="", remedy="", results={})
        self._begins(name, number, event.time, event.digest)

    def _begins(self, name: str, number: int, time: datetime, digest: str = "") -> None:
        attempt = Attempt(number=number, state=State.RUNNING, started=time)
        self._change(
            name,
            state=State.RUNNING,
            message="",
            remedy="",
            digest=digest,
            cell=None,
            cells=None,
            attempts=(*self.runs[name].attempts, attempt),
        )

    def _ended(self, event: Ended) -> None:
        name, first = event.step, self.chains.first[event.step]
        run, step = self.runs[name], self.steps[first]
        last = run.attempts[-1].model_copy(
            update={
                "state": event.state,
                "ended": event.time,
                "exit_code": event.exit_code,
                "message": event.message,
                "remedy": event.remedy,
                "backend": event.backend,
                "spent": event.spent,
            }
        )
        changes: dict[str, Any] = {"attempts": (*run.attempts[:-1], last), "state": event.state}
        changes |= {"message": event.message, "remedy": event.remedy, "backend": event.backend}
        if event.state is State.SUCCEEDED:
            changes["results"] = event.results
            self._change(name, **changes)
            self._goes_on(first, event)
            return
        self.open.pop(first, None)
        again = event.state is State.FAILED and self._tries[first] <= step.retry.times
        if again and not self.cancelling:
            due = event.time + step.retry.pause_before(self._tries[first] + 1)
            self.pausing[first] = due
            changes["state"] = State.PAUSING
            when = f"{due:%H:%M:%S} UTC"
            changes["message"] = f"{event.message} Attempt {last.number + 1} follows at {when}."
        elif event.state is State.FAILED:
            self.failed[name] = None
            self._hinder(name)
        self._change(name, **changes)

    def _goes_on(self, first: str, event: Ended) -> None:
        """A step has succeeded: the one that is joined with it begins, or their chain is done."""
        following, tried = self.chains.next.get(event.step), self.open.get(first)
        if following is None:
            self.open.pop(first, None)
            self._opens(first)
        elif tried is not None:
            self.open[first] = replace(tried, at=following, since=event.time)
            self._begins(following, event.attempt, event.time)

    def _cancelling(self, event: Cancelling) -> None:
        self.cancelling = event.message
        for first in self.pausing:
            for name in self.chains.steps[first]:
                if self.runs[name].state is State.PAUSING:
                    self._change(name, state=State.CANCELLED, message=event.message, remedy="")
        self.pausing.clear()

    def _resumed(self, event: Resumed) -> None:
        self.state, self.ended, self.since = State.RUNNING, None, event.time
        self.message = self.remedy = self.cancelling = ""
        self.failed.clear()
        self.pausing.clear()
        self._tries.clear()
        self._hindered.clear()
        self.ready.clear()
        for first, names in self.chains.steps.items():
            if all(self.runs[name].state is State.SUCCEEDED for name in names):
                continue
            for name in names:
                self._change(name, state=State.WAITING, message="", remedy="")
            if not self._before[first]:
                self.ready[first] = None

    def _opens(self, name: str) -> None:
        """All that are joined have succeeded: those after come nearer to their beginning."""
        for after in self._graph.after[name]:
            self._before[after] -= 1
            if not self._before[after]:
                self.ready[after] = None

    def _hinder(self, name: str) -> None:
        """A step has failed for good: say so at all below it."""
        said = f"Not begun: step {name!r} has failed."
        joined = self.chains.steps[self.chains.first[name]]
        for after in joined[joined.index(name) + 1 :]:
            self._change(after, message=said)
        left = [joined[0]]
        while left:
            for first in self._graph.after[left.pop()]:
                if first not in self._hindered:
                    self._hindered.add(first)
                    left.append(first)
                    for after in self.chains.steps[first]:
                        self._change(after, message=said)

    def _change(self, name: str, **changes: Any) -> None:
        self.runs[name] = self.runs[name].model_copy(update=changes)


__all__ = ["Course", "Tried"]
