"""One backend's supervisor: starts its processes, watches over them and ends them.

``python -m alongside.platforms.local.supervisor DIRECTORY SETTINGS`` (or forked warm, with the
same arguments) supervises the backend in DIRECTORY until it has ended. It is alone in its process
and has a single thread: signals are blocked and waited for, so that nothing happens in between.
SIGUSR1 says that the specification has changed; SIGTERM asks for a stop.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from pathlib import Path

from alongside.errors import AlongsideError, NotReady
from alongside.kinds import get_kind
from alongside.kinds.base import Observation, Place
from alongside.models import Spec, Status, now
from alongside.phases import USABLE, Phase
from alongside.platforms.endings import Ending, end_of_life
from alongside.platforms.local.crew import Crew
from alongside.platforms.local.home import Folder
from alongside.platforms.local.limits import Limits, rotate
from alongside.platforms.local.process import adopt_orphans
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.store import Corrupt
from alongside.platforms.local.story import Story
from alongside.platforms.scaling import Appetite
from alongside.units import format_duration, format_memory

_log = logging.getLogger("alongside.supervisor")  # its log is what it prints

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
_EAGER = 0.02  # seconds between two looks while something is on its way, at first
_FLAGGING = 0.05  # of the time that it has been on its way, later
_CALM = 1.0
_PATIENCE = 2.0  # seconds that the backend has to say how it is


class Supervisor:
    """Works towards the specification in a folder until the backend has ended."""

    def __init__(self, folder: Folder, settings: Settings) -> None:
        spec = folder.load_spec()
        if spec is None:
            raise FileNotFoundError(folder.spec_file)
        self.folder = folder
        self.settings = settings
        self.spec: Spec = spec
        self.kind = get_kind(spec.kind)
        self.place = Place(folder.path)
        self.story = Story(folder, folder.load_status() or Status())
        self.crew = Crew(folder, settings, self.kind, spec, self.story)
        self.appetite = Appetite()
        self.limits = Limits()
        self.heard = False
        self.look_at = 0.0
        self.began = self.settled = time.monotonic()

    # -- life ------------------------------------------------------------------------------

    def run(self) -> None:
        """From the first process to the end of the last one."""
        try:
            self._begin()
            while True:
                self._step()
                self.story.save()
                self._wait()
        except Ending as ending:
            self._end(ending)
        except AlongsideError as error:
            self._end(Ending(Phase.FAILED, type(error).__name__, error.message, error.remedy))
        except Exception as error:
            _log.exception("The supervisor failed.")
            self._end(
                Ending(
                    Phase.FAILED,
                    "SupervisorFailed",
                    f"The supervisor failed: {type(error).__name__}.",
                    "See the log of the supervisor, and launch it again.",
                )
            )

    def _begin(self) -> None:
        self._read_spec()
        self.story.enter(Phase.STARTING, f"Starting the {self.kind.title}")
        self.crew.begin()

    def _step(self) -> None:
        """Everything that is due now."""
        moment = time.monotonic()
        self.crew.bury()
        if self.spec.stop:
            raise Ending(Phase.STOPPED, "Requested", "Stopped on request.")
        if moment >= self.look_at or self.crew.changed:
            self.crew.changed = False
            self._look()
            self.look_at = time.monotonic() + self._pause()
        if (ending := end_of_life(self.spec, self.story.status, now())) is not None:
            raise ending
        self.crew.work(moment)
        for child, bytes_ in self.limits.breaches(self.crew.children.values(), moment):
            self.story.tell(
                f"{child.name} used {format_memory(bytes_)}, more than its "
                f"{format_memory(child.role.memory)}; it is ended and started again"
            )
            child.send(signal.SIGKILL)
        usage = self.limits.usage(moment)
        if usage is not None:
            self.story.used(usage)
            rotate(self.folder.logs, self.settings.log_limit)

    @property
    def _unsettled(self) -> bool:
        return self.story.phase in (Phase.STARTING, Phase.SCALING)

    def _pause(self) -> float:
        """Seconds until the next look: the longer something takes, the less often."""
        moment = time.monotonic()
        if not self._unsettled:
            self.settled = moment
            return _CALM
        return min(_CALM, max(_EAGER, _FLAGGING * (moment - self.settled)))

    def _wait(self) -> None:
        """Sleep until a signal comes or the next thing is due."""
        due = [self.look_at, self.limits.due, *self.crew.due()]
        rest = max(0.0, min(due) - time.monotonic())
        while (info := signal.sigtimedwait(_SIGNALS, rest)) is not None:
            rest = 0.0
            if info.si_signo == signal.SIGUSR1:
                self._read_spec()
            elif info.si_signo != signal.SIGCHLD:
                self.spec = self.spec.model_copy(update={"stop": True})

    def _end(self, ending: Ending) -> None:
        if ending.phase is Phase.STOPPED:
            self.story.enter(Phase.STOPPING, "Ending the processes")
            self.story.save()
        self.crew.end()
        try:
            self.folder.clean()
        except OSError as error:
            _log.warning("Not all files could be removed: %s", error)
        self.story.enter(ending.phase, ending.message, ending.reason, ending.remedy)
        self.story.save()

    # -- observation ------------------------------------------------------------------------

    def _read_spec(self) -> None:
        try:
            spec = self.folder.load_spec()
        except (Corrupt, OSError) as error:
            _log.warning("The specification can't be read: %s", error)
            return
        if spec is None:  # somebody removed the directory
            spec = self.spec.model_copy(update={"stop": True})
        before, self.spec = self.spec, spec
        self.crew.spec = spec
        options = self.kind.Options.model_validate(spec.options)
        bounds = self.kind.bounds(options)
        if bounds is None:
            self.crew.wanted = self.kind.wanted(options)
        else:
            self.crew.wanted = min(max(self.crew.wanted, bounds[0]), bounds[1])
        self.appetite.reset()
        self.story.set(generation=spec.generation, wanted=self.crew.wanted)
        if self.kind.scaling == "relaunch" and self._is_other(before) and not spec.stop:
            self._begin_again()
        self._settle()
        self.story.save(again=True)
        self.look_at = 0.0

    def _is_other(self, before: Spec) -> bool:
        """Whether the processes that run are not those that the specification asks for."""
        if self.story.phase not in USABLE | {Phase.STARTING}:
            return False
        return self.spec.options != before.options

    def _begin_again(self) -> None:
        """Another size is another start, and what was in memory is gone."""
        if self.story.phase is Phase.RUNNING:
            going = f"Starting again with {self.kind.counted(self.crew.wanted)}"
            self.story.enter(Phase.SCALING, going)
        self.story.set(ready=0, address="", idle_since=None)
        self.story.save()
        self.heard = False
        try:
            self.crew.begin_again()
        except OSError as error:
            raise Ending(
                Phase.FAILED,
                "RestartFailed",
                f"It could not be started again ({error.strerror}).",
                "Launch it again when there is room on the disk.",
            ) from None
        self.began = self.settled = time.monotonic()

    def _look(self) -> None:
        """Ask the backend how it is and let the phase follow."""
        try:
            seen = self.kind.observe(self.spec, self.place, _PATIENCE)
        except NotReady:
            self._check_start()
            return
        if not self.heard:
            self.heard = True
            self.story.tell(f"The {self.kind.title} answers")
        before = self.crew.ready
        names = {child.name for child in self.crew.members}
        self.crew.ready = seen.ready if self.crew.within else seen.ready & names
        self.crew.proven = self.crew.proven or bool(self.crew.ready)
        self.story.observed(seen, seen.address, len(self.crew.ready))
        self._adapt(seen)
        self.story.set(wanted=self.crew.wanted)
        if self.crew.ready != before and self._unsettled:
            self.story.tell(
                f"{len(self.crew.ready)} of {self.kind.counted(self.crew.wanted)} ready"
            )
        self._settle()
        self._check_start()

    def _settle(self) -> None:
        """Let the phase say whether what is there is what is wanted."""
        settled = len(self.crew.ready) == self.crew.wanted and (
            self.crew.within or len(self.crew.members) == self.crew.wanted
        )
        phase = self.story.phase
        if settled and phase in (Phase.STARTING, Phase.SCALING) and self.heard:
            self.story.enter(Phase.RUNNING, f"Running with {self.kind.counted(self.crew.wanted)}")
        elif not settled and phase is Phase.RUNNING:
            self.story.enter(
                Phase.SCALING,
                f"Going from {len(self.crew.ready)} to {self.kind.counted(self.crew.wanted)}",
            )

    def _adapt(self, seen: Observation) -> None:
        bounds = self.kind.bounds(self.kind.Options.model_validate(self.spec.options))
        if bounds is not None and seen.target is not None:
            target = min(max(seen.target, bounds[0]), bounds[1])
            self.crew.wanted = self.appetite.follow(self.crew.wanted, target, time.monotonic())

    def _check_start(self) -> None:
        limit = self.spec.start_timeout
        late = time.monotonic() - self.began > limit.total_seconds()
        starting = self.story.phase is Phase.STARTING or (self.crew.within and not self.heard)
        if starting and late:
            raise Ending(
                Phase.FAILED,
                "StartTimeout",
                f"It was not ready after {format_duration(limit)} "
                f"({len(self.crew.ready)} of {self.kind.counted(self.crew.wanted)}).",
                "Ask for less, or try again when the machine is less busy.",
            )


def main() -> None:
    """Supervise the backend that the arguments name."""
    directory, settings = sys.argv[1:3]
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    folder = Folder(Path(directory))
    if not folder.take():
        return  # it has a supervisor
    status = folder.load_status()
    if status is not None and not status.live:
        return  # it ended before it began
    adopt_orphans()
    Supervisor(folder, Settings.model_validate_json(settings)).run()


if __name__ == "__main__":
    main()
