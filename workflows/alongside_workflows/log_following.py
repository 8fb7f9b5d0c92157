"""The log of a step as it grows, until the step is over."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

from alongside.client import Client
from alongside.errors import Conflict, NotFound
from alongside_workflows import running
from alongside_workflows.executors.base import LOG_PART
from alongside_workflows.handle import WAIT
from alongside_workflows.runs import Run, State, StepRun
from alongside_workflows.watching import Watcher

EVERY = 1.0
"""Seconds between two looks at a log; what becomes of the run is told at once."""
MOST = 2_000
"""Lines that are compared with those that are known, of a log of which only the end can be had."""
LEFT_OUT = "[more lines than could be followed are left out]\n"


class LogFollower:
    """Prints what one step prints, attempt after attempt.

    service, id : whose run
    step : which; None is the first that has something to tell, as with a log that isn't followed
    attempt : only this one; None is the last, and those that follow it
    lines : how many of what was printed before are wanted
    write : takes what the step has printed; say: takes what is to be told about it
    """

    def __init__(
        self,
        service: Client,
        id: str,
        step: str | None,
        attempt: int | None,
        lines: int,
        write: Callable[[str], object],
        say: Callable[[str], object],
    ) -> None:
        self._service, self._id = service, id
        self._step, self._attempt, self._lines = step, attempt, lines
        self._write, self._say = write, say
        self._number: int | None = None
        self._log = _Log()
        self._waiting = ""

    def follow(self) -> bool:
        """Until the step is over, or its run; whether it has succeeded. Raises NotFound."""
        with Watcher(self._service.endpoint, self._id) as watcher:
            run = watcher.next(WAIT)
            if run is None:
                return False
            while True:
                step = self._chosen(run)
                over = run.state.final or (step is not None and self._over(step))
                if step is not None and (number := self._attempt_of(step)) is not None:
                    self._read(step.name, number, last=over)
                if over:
                    return step is not None and self._state(step) is State.SUCCEEDED
                if step is None or not step.attempts:
                    self._tell(step.message if step and step.message else f"{run.name} is waiting.")
                run = watcher.next(EVERY) or run

    def _chosen(self, run: Run) -> StepRun | None:
        try:
            found = running.the_step(run, self._step)
        except Conflict:
            return None  # none has begun
        self._step = found.name
        return found

    def _attempt_of(self, step: StepRun) -> int | None:
        """The attempt to read; None while there is none."""
        numbers = [one.number for one in step.attempts]
        if self._attempt is not None:
            return self._attempt if self._attempt in numbers else None
        return numbers[-1] if numbers else None

    def _state(self, step: StepRun) -> State:
        """How the step is, or the attempt that was asked for."""
        states = {one.number: one.state for one in step.attempts}
        return step.state if self._attempt is None else states.get(self._attempt, step.state)

    def _over(self, step: StepRun) -> bool:
        return self._state(step).final

    def _read(self, step: str, number: int, *, last: bool) -> None:
        """Print what is new in the log of an attempt; of a line that goes on nothing yet."""
        first = number != self._number
        if first and self._number is not None:
            self._say(f"Attempt {number}:")
        if first:
            self._number, self._log = number, _Log()
        try:
            fresh = self._log.news(lambda start: self._ask(step, number, start))
        except NotFound:
            return  # nothing was printed
        if last:
            fresh += self._log.rest()
        if first:
            fresh = fresh[max(0, len(fresh) - self._lines) :]
        self._write("".join(fresh))

    def _ask(self, step: str, number: int, start: int) -> tuple[bytes, bool]:
        return self._service.run(running.log_from(self._id, step, number, start, MOST))

    def _tell(self, said: str) -> None:
        if said != self._waiting:
            self._waiting = said
            self._say(said)


class _Log:
    """What is known of one attempt's log."""

    def __init__(self) -> None:
        self._start = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""
        self._known: list[str] = []

    def news(self, ask: Callable[[int], tuple[bytes, bool]]) -> list[str]:
        """The lines that have come since; one that goes on is none yet.

        ask : gives what comes from a byte on, and whether it does; else the last lines
        """
        fresh: list[str] = []
        while True:
            content, placed = ask(self._start)
            if not placed:
                return self._compared(content.decode("utf-8", "replace"))
            self._start += len(content)
            fresh += self._whole(self._begun + self._decoder.decode(content))
            if len(content) < LOG_PART:
                return fresh

    def rest(self) -> list[str]:
        """The line that goes on, now that it doesn't."""
        begun, self._begun = self._begun, ""
        return [begun] if begun else []

    def _compared(self, text: str) -> list[str]:
        """What is new among the last lines: such a log may be shorter at its beginning by now."""
        now = self._whole(text)
        fresh, gap = grown(self._known, now)
        self._known = now
        return ([LEFT_OUT] if gap else []) + fresh

    def _whole(self, text: str) -> list[str]:
        lines = text.splitlines(keepends=True)
        self._begun = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        return lines


def grown(before: Sequence[str], now: Sequence[str]) -> tuple[list[str], bool]:
    """What has come after `before` in `now`, both ends of the same log; whether some is missing.

    >>> grown(["a", "b"], ["b", "c"])
    (['c'], False)
    """
    for shift in range(len(before)):
        kept = len(before) - shift
        if now[:kept] == before[shift:]:
            return list(now[kept:]), False
    return list(now), bool(before)


__all__ = ["LogFollower", "grown"]
