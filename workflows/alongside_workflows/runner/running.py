"""A run from its beginning to its end: the journal, the steps' processes, the status.

Everything is decided by `advance.decide`; what happens here is its execution, in rounds. A round
that can't be written down (a full disk) is repeated until it can; it does nothing twice.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from datetime import datetime, timedelta

from alongside.errors import AlongsideError, StorageFailed
from alongside.models import now
from alongside.platforms.local.store import storing
from alongside_workflows import task
from alongside_workflows.advance import decide
from alongside_workflows.course import Course
from alongside_workflows.journal import (
    Begun,
    Cancelling,
    Event,
    Intended,
    Journal,
    Resumed,
    Taken,
)
from alongside_workflows.runner import attempt, processes
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runner.outcomes import ending, outcome
from alongside_workflows.runner.processes import StepProcess
from alongside_workflows.runner.settings import Settings
from alongside_workflows.runner.skipping import Skipping
from alongside_workflows.runner.task_files import prepare
from alongside_workflows.runner.telling import Teller
from alongside_workflows.runner.waiting import Waiting, readable
from alongside_workflows.runs import RunSpec, State

_LOOK = 0.5  # seconds between two looks at progress and wishes; a signal or an end comes at once
_AGAIN = 2.0  # seconds after a round that could not be written down
_LATE = "It took longer than its timeout and did not end by itself."


class Runner:
    """Carries one run out. Belongs to a process that has its lock and does nothing else."""

    def __init__(self, folder: RunFolder, spec: RunSpec, settings: Settings) -> None:
        """Read what has happened so far. Raises StorageFailed."""
        self._folder = folder
        self._spec = spec
        self._settings = settings
        self._journal = Journal(folder.journal)
        self._course = Course(spec.workflow, self._journal.read())
        self._skipping = Skipping(spec, settings.unchanged)
        self._processes: dict[str, StepProcess] = {}
        self._teller = Teller(folder)
        self._notice = ""
        self._loaded = self._forks = self._leaving = False
        self._waiting = Waiting(self._leave)

    # -- the loop --------------------------------------------------------------------------

    def run(self) -> None:
        """Go on until the run has ended, or we are to leave: then steps go on without us."""
        while not self._leaving:
            wait = _LOOK
            try:
                wake = self._round()
                self._notice = ""
                if wake is not None:
                    wait = min(wait, max(0.0, (wake - now()).total_seconds()))
            except StorageFailed as error:
                if not self._notice:
                    print(f"{now():%F %T} {error}", file=sys.stderr, flush=True)
                self._notice, wait = str(error), _AGAIN
            over = self._course.state.final and not self._folder.asks_for("resume")
            left = self._teller.save(self._course, self._notice, at_once=over)
            if over and left == 0.0:
                break
            self._wait(min(wait, left) if left else wait)
        if not self._leaving:
            processes.end_everything()
        self._skipping.cancel()

    def _round(self) -> datetime | None:
        """Do all that can be done now; when to go on at the latest. Raises StorageFailed."""
        course = self._course
        if course.started is None:
            self._note(Begun(time=now()))
        if self._folder.asks_for("resume"):
            if course.state.final and course.state is not State.SUCCEEDED:
                self._note(Resumed(time=now()))
            with storing("Taking the run up again"):
                self._folder.resume_file.unlink(missing_ok=True)
        processes.reap(self._by_pid)
        self._settle()
        self._take_up()
        self._teller.look(self._processes.values())
        asked = self._folder.asks_for("cancel")
        if asked or course.cancelling:
            self._end_all()
        decision = decide(course, now(), asked=asked, busy=self._skipping.busy)
        if decision.cancel:
            self._note(Cancelling(time=now(), message=decision.cancel))
            self._end_all()
            decision = decide(course, now(), busy=self._skipping.busy)
        if decision.finish is not None:
            self._note(decision.finish)
            return None
        self._begin(decision.start)
        self._examine_further()
        return decision.wake

    def _wait(self, seconds: float) -> None:
        ends = [p.descriptor for p in self._processes.values() if p.descriptor is not None]
        self._waiting.wait((*ends, *self._skipping.descriptors), seconds)

    # -- steps -----------------------------------------------------------------------------

    def _begin(self, steps: tuple[str, ...]) -> None:
        fresh = []
        for name in steps:
            step = self._course.steps[name]
            if self._skipping.wanted(step) and name in self._course.ready:
                self._load()
                with storing(f"Examining the step {name}"):
                    self._skipping.begin(step, self._course.values(name))
            else:
                fresh.append((name, self._course.next_attempt(name), ""))
        self._start(fresh)

    def _examine_further(self) -> None:
        """Take the results of examinations: the step is skipped, or executed."""
        fresh = []
        for name, finding in self._skipping.over():
            past = finding.outcome
            if self._course.cancelling:
                continue
            if past is None:
                fresh.append((name, self._course.next_attempt(name), finding.digest))
                continue
            taken = {"run": past.run, "results": past.results, "digest": finding.digest}
            self._note(Taken(time=now(), step=name, **taken))
        self._start(fresh)

    def _start(self, steps: list[tuple[str, int, str]]) -> None:
        """Start attempts: (step, number, digest). First all is written down, then they begin."""
        if not steps:
            return
        self._load()
        intended = []
        for name, number, known in steps:
            with storing(f"Preparing the step {name}"):
                prepare(self._folder, self._spec, self._course, name, number, known)
            intended.append(
                Intended(
                    time=now(),
                    step=name,
                    attempt=number,
                    nonce=secrets.token_hex(12),
                    boot=attempt.boot(),
                    digest=known,
                )
            )
        self._note(*intended)
        for event in intended:
            self._fork(event)

    def _fork(self, event: Intended) -> None:
        folder = self._folder.attempt(event.step, event.attempt)
        try:
            process = processes.start(
                event.step,
                event.attempt,
                event.nonce,
                module=self._settings.module,
                folder=folder,
                forks=self._forks,
            )
        except (AlongsideError, OSError) as error:
            reason = f"Its process could not be started: {error}."
            self._note(ending(event.step, event.attempt, None, now(), reason=reason))
            return
        self._follow(process)

    def _follow(self, process: StepProcess) -> None:
        tried = self._course.open[process.step]
        step = self._course.steps[tried.at]
        process.at, process.limit = tried.at, None
        if step.timeout is not None:
            wait = self._spec.workflow.wait_of(step) if step.backend else timedelta()
            longest = step.timeout + timedelta(seconds=self._settings.slack) + wait
            left = (tried.since + longest - now()).total_seconds()
            process.limit = time.monotonic() + left
        self._processes[process.step] = process

    def _take_up(self) -> None:
        """Find the attempts again that an earlier runner has begun."""
        again = []
        for name, tried in list(self._course.open.items()):
            if name in self._processes:
                continue
            folder = self._folder.attempt(name, tried.number)
            if tried.boot != attempt.boot():
                self._go_on(name)
                at = self._course.open[name].at
                told = outcome(self._folder.attempt(at, tried.number))
                reason = "The machine was restarted." if told is None else ""
                self._note(ending(at, tried.number, told, now(), reason=reason))
                continue
            with storing(f"Taking the step {name} up again"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                who = attempt.claim(folder, tried.nonce, None)
            if who is not None:
                self._follow(processes.adopt(name, tried.at, tried.number, tried.nonce, who))
            elif self._to_end:
                self._note(ending(name, tried.number, None, now(), cancelled=True))
            else:  # it never came to be
                again.append((name, tried.number, tried.digest))
        self._start(again)

    def _settle(self) -> None:
        """Note how attempts have come out whose process has ended, and clear up after them."""
        for first, process in list(self._processes.items()):
            if self._go_on(first):
                self._follow(process)
            if process.limit is not None and time.monotonic() > process.limit:
                process.end(self._settings.grace)
            if process.descriptor is not None and not readable(process.descriptor):
                continue
            processes.reap(self._by_pid)
            processes.end_leftovers(process)
            if self._go_on(first):
                self._follow(process)
            name = process.at
            folder = self._folder.attempt(name, process.number)
            told = outcome(folder)
            event = ending(
                name,
                process.number,
                told,
                now(),
                status=process.status,
                reason=_LATE if process.limit is not None and process.told is not None else "",
                cancelled=process.told is not None and self._to_end,
            )
            known = self._course.open[first].digest
            self._note(event)
            self._processes.pop(first).close()
            self._teller.forget(name)
            with contextlib.suppress(OSError):
                token = self._folder.attempt(first, process.number) / task.TOKEN
                token.unlink(missing_ok=True)
            if event.state is State.SUCCEEDED and known and told is not None:
                self._skipping.keep(self._course.steps[name], event, known, told)

    def _go_on(self, first: str) -> bool:
        """Note which of joined steps have succeeded; whether their process is at a later one."""
        tried = before = self._course.open[first]
        while tried.at in self._course.chains.next:
            told = outcome(self._folder.attempt(tried.at, tried.number))
            if told is None or not told.succeeded:
                break
            self._note(ending(tried.at, tried.number, told, now()))
            self._teller.forget(tried.at)
            tried = self._course.open[first]
        return tried != before

    @property
    def _by_pid(self) -> dict[int, StepProcess]:
        return {process.identity.pid: process for process in self._processes.values()}

    @property
    def _to_end(self) -> bool:
        return bool(self._course.cancelling) or self._folder.asks_for("cancel")

    def _end_all(self) -> None:
        for process in self._processes.values():
            process.end(self._settings.grace)
        self._skipping.cancel()

    # -- what is told ----------------------------------------------------------------------

    def _note(self, *events: Event) -> None:
        """Write events down, then believe them. Raises StorageFailed."""
        if events:
            self._journal.append(*events)
            for event in events:
                self._course.apply(event)

    def _load(self) -> None:
        """Import what steps need, once there are any."""
        if not self._loaded:
            self._teller.save(self._course, self._notice, at_once=True)
            self._forks = processes.preload(self._settings.module) and self._settings.forks
            self._loaded = True

    def _leave(self) -> None:
        self._leaving = True
