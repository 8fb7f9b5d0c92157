"""Backends that an operator of ours runs: one object says what is wanted, its status what is.

The operator makes the pods, in their order, and replaces what is lost; the steward says what is
wanted and tells the owner what becomes of it.
"""

from __future__ import annotations

import time

from alongside.errors import NotReady
from alongside.models import Spec
from alongside.phases import Phase
from alongside.platforms.endings import Ending
from alongside.platforms.kubernetes import custom, objects, trouble
from alongside.platforms.kubernetes.charge import Charge
from alongside.platforms.kubernetes.notices import Notices
from alongside.platforms.kubernetes.report import Report
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.trouble import Trouble
from alongside.platforms.kubernetes.way import Way
from alongside.units import format_duration

_UNHEEDED = 10.0  # seconds that an operator which is there needs at most to take notice


class ByOperator(Way):
    """The steward describes it to the operator, and mirrors what that says."""

    def __init__(self, charge: Charge) -> None:
        self._of = charge
        self._notices = Notices(charge)
        self._report = Report()
        self._told = ""
        self._unheeded_since: float | None = None

    # -- what is wanted --------------------------------------------------------------------

    def read(self, spec: Spec) -> None:
        of = self._of
        of.spec = spec
        of.wanted = of.kind.wanted(of.kind.Options.model_validate(spec.options))
        of.story.set(generation=spec.generation, wanted=of.aim)

    async def make(self) -> None:
        await self._of.builder.make(self._of.spec, self._of.record, self._body())

    async def resize(self) -> None:
        await self._of.builder.amend(self._of.spec, custom.size_of(self._body()))

    def _body(self) -> Object:
        of = self._of
        return custom.operated(of.spec, of.builder.setting, of.record)

    # -- what is there ---------------------------------------------------------------------

    async def look(self) -> None:
        of = self._of
        self._notices.tell()
        seen = of.custom()
        if seen is None:
            return
        self._report = report = Report.of(seen, custom.size_of(self._body()))
        self._heed(report)
        if report.phase == "Failed":
            raise Ending(Phase.FAILED, report.reason, report.message, report.remedy)
        if report.message != self._told:
            self._told = report.message
            if report.message and of.unsettled:
                of.story.tell(report.message)
        self._settle(report)
        if report.runs:
            await self._ask()

    def _heed(self, report: Report) -> None:
        """Note since when nobody has taken notice of what is wanted."""
        if report.heeded:
            self._unheeded_since = None
        elif self._unheeded_since is None:
            self._unheeded_since = time.monotonic()

    def _settle(self, report: Report) -> None:
        """Let the phase say whether what is there is what is wanted."""
        of = self._of
        of.heard = report.phase == "Running"
        if report.runs:
            address = custom.address_of(of.kind.name, report.address)
            of.story.set(address=address, ready=of.aim)
            if of.unsettled:
                of.story.enter(Phase.RUNNING, f"Running with {of.counted(of.aim)}")
            return
        ready = min(report.ready, of.aim)
        if ready != of.story.status.ready and of.unsettled and not report.message:
            of.story.tell(f"{ready} of {of.counted(of.aim)} ready")
        of.story.set(ready=ready, idle_since=None)
        if of.story.phase is Phase.RUNNING:
            of.settled = time.monotonic()
            lost = report.message if report.heeded else ""
            message = lost or f"Going to {of.counted(of.aim)}, by a new start"
            of.story.enter(Phase.SCALING, message, report.reason if lost else "")
        elif of.story.phase is Phase.SCALING and report.heeded and of.waited > self._limit:
            self._give_up()

    @property
    def _limit(self) -> float:
        """Seconds for one start."""
        return self._of.spec.start_timeout.total_seconds()

    def _give_up(self) -> None:
        """A start that is not the first one has taken too long."""
        found = self.trouble()
        raise Ending(
            Phase.FAILED,
            found.reason if found else "StartTimeout",
            f"It has not come back after {format_duration(self._of.spec.start_timeout)}. "
            f"{found.message if found else ''}".strip(),
            found.remedy if found else "Launch it again, smaller if there is no room.",
        )

    async def _ask(self) -> None:
        """What the backend says of itself; one that is busy for long isn't held against it."""
        of = self._of
        try:
            seen = await of.observe()
        except NotReady:
            return
        of.story.observed(seen, of.story.status.address, of.aim)
        if seen.usage is not None:
            of.story.used(seen.usage)

    # -- what is wrong ---------------------------------------------------------------------

    def trouble(self) -> Trouble | None:
        since = self._unheeded_since
        if since is not None and time.monotonic() - since > _UNHEEDED:
            return Trouble(
                "OperatorMissing",
                f"No operator takes care of this {self._of.kind.title}.",
                "An administrator has to install or restart the operator of Alongside.",
            )
        for pod in self._of.pods():
            found = trouble.trouble_of(pod, objects.process_of(pod))
            if found and found.final:  # which the operator would still hope to see cured
                return found
        report = self._report
        return Trouble(report.reason, report.message, report.remedy) if report.stuck else None
