"""What a backend and its pods say, and the phase that follows from it."""

from __future__ import annotations

import time

from alongside.errors import NotReady
from alongside.phases import USABLE, Phase
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.charge import Charge
from alongside.platforms.kubernetes.notices import Notices
from alongside.platforms.kubernetes.sizing import Sizing


class Observer:
    """Looks at a backend and tells its story."""

    def __init__(self, charge: Charge, sizing: Sizing) -> None:
        self._of = charge
        self._sizing = sizing
        self._incarnation: tuple[str, int] | None = None
        self._notices = Notices(charge)

    async def look(self) -> None:
        """Ask the backend how it is and let the phase follow."""
        of = self._of
        self._notices.tell()
        pod = of.head_pod()
        incarnation = None
        if pod is not None:
            incarnation = (pod["metadata"]["uid"], trouble.restarts_of(pod)[0])
        if of.heard and incarnation != self._incarnation:
            self._lost_head()
        try:
            seen = await of.observe()
        except NotReady:
            return
        if not of.heard:
            of.heard, self._incarnation = True, incarnation
            of.story.tell(f"The {of.kind.title} answers")
        before = of.ready
        of.ready = seen.ready & of.members().keys()
        of.story.observed(seen, self._address(), len(of.ready))
        if seen.usage is not None:
            of.story.used(seen.usage)
        self._sizing.adapt(seen.target)
        if of.ready != before and of.unsettled:
            of.story.tell(f"{len(of.ready)} of {of.counted(of.aim)} ready")
        self._settle()

    def _lost_head(self) -> None:
        """The process that holds everything together is another one now, or none."""
        of = self._of
        of.heard, of.ready, of.made = False, frozenset(), False
        of.settled = time.monotonic()
        of.story.set(ready=0, idle_since=None)
        if of.story.phase in USABLE:
            name = of.head.name
            message = f"The {name} was lost and is replaced; what was in memory is gone."
            remedy = "Compute again what had been kept there."
            of.story.enter(Phase.SCALING, message, f"{name.capitalize()}Lost", remedy)

    def _address(self) -> str:
        of = self._of
        host = f"{objects.head_name(of.spec, of.roles)}.{of.builder.setting.namespace}"
        ports = of.head.ports
        return f"tls://{host}:{next(ports[name] for name in ports if name != objects.PROBED)}"

    def _settle(self) -> None:
        """Let the phase say whether what is there is what is wanted."""
        of, phase = self._of, self._of.story.phase
        settled = len(of.ready) == of.aim == len(of.members())
        if settled and of.unsettled and of.heard:
            of.story.enter(Phase.RUNNING, f"Running with {of.counted(of.aim)}")
        elif not settled and phase is Phase.RUNNING:
            of.settled = time.monotonic()
            of.made = False  # who deleted a member by hand may have deleted more
            going = f"Going from {len(of.ready)} to {of.counted(of.aim)}"
            of.story.enter(Phase.SCALING, going)
