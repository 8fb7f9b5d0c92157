"""One backend's supervisor: starts its processes, watches over them and ends them.

``python -m alongside.platforms.local.supervisor DIRECTORY SETTINGS`` (or forked warm, with the
same arguments) supervises the backend in DIRECTORY until it has ended. It is alone in its process
and has a single thread: signals are blocked and waited for, so that nothing happens in between.
SIGUSR1 says that the specification has changed; SIGTERM asks for a stop.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections import deque
from pathlib import Path

from alongside.errors import AlongsideError, NotReady
from alongside.kinds import get_kind
from alongside.kinds.base import Observation, Place, Role
from alongside.models import Spec, Status, now
from alongside.phases import Phase
from alongside.platforms.local import children
from alongside.platforms.local.children import Child
from alongside.platforms.local.ending import Ending, describe, end_all, end_of_life
from alongside.platforms.local.errand import Errand
from alongside.platforms.local.limits import Limits, rotate
from alongside.platforms.local.process import MARK, adopt_orphans
from alongside.platforms.local.scaling import Appetite, Restarts
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.store import Corrupt, Folder
from alongside.platforms.local.story import Story
from alongside.units import format_duration, format_memory

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
_EAGER = 0.02  # seconds between two looks while something is on its way
_CALM = 1.0
_PATIENCE = 2.0  # seconds that the backend has to say how it is
_LEAVING = 10.0  # seconds in which a member that was let go has to be gone
_SHRINKING = 300.0  # seconds in which data is moved away from members that leave


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
        self.children: dict[str, Child] = {}
        self.restarts = Restarts()
        self.appetite = Appetite()
        self.limits = Limits()
        self.errand: Errand | None = None
        self.errand_after = 0.0
        self.wanted = 0
        self.ready: frozenset[str] = frozenset()
        self.heard = False
        self.proven = False
        self.look_at = 0.0
        self.began = time.monotonic()
        self.ended_pids: deque[tuple[int, int]] = deque()

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
            traceback.print_exc()
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
        for role in self._roles():
            names = [role.name] if not role.members and role.count == 1 else []
            names = names or [f"{role.name}-{n + 1}" for n in range(role.count)]
            for name in names:
                self._start(name, role)

    def _step(self) -> None:
        """Everything that is due now."""
        moment = time.monotonic()
        self._bury()
        if self.spec.stop:
            raise Ending(Phase.STOPPED, "Requested", "Stopped on request.")
        if moment >= self.look_at:
            self._look()
            self.look_at = time.monotonic() + (_EAGER if self._unsettled else _CALM)
        if (ending := end_of_life(self.spec, self.story.status, now())) is not None:
            raise ending
        self._resize(moment)
        self._restart(moment)
        for child, bytes_ in self.limits.breaches(self.children.values(), moment):
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

    def _wait(self) -> None:
        """Sleep until a signal comes or the next thing is due."""
        due = [self.look_at, self.limits.due, *self.restarts.due()]
        if self.errand is not None:
            due.append(self.errand.deadline)
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
        if self.errand is not None:
            self.errand.cancel()
        order = [role.name for role in reversed(self._roles())]
        groups = [[c for c in self.children.values() if c.role.name == name] for name in order]
        end_all(groups, self.settings.grace)
        try:
            self.folder.clean()
        except OSError as error:
            print(f"Not all files could be removed: {error}", file=sys.stderr)  # noqa: T201
        self.story.enter(ending.phase, ending.message, ending.reason, ending.remedy)
        self.story.save()

    # -- processes -------------------------------------------------------------------------

    def _roles(self) -> tuple[Role, ...]:
        return self.kind.roles(self.kind.Options.model_validate(self.spec.options))

    @property
    def _member_role(self) -> Role:
        return next(role for role in self._roles() if role.members)

    def _members(self) -> list[Child]:
        return [c for c in self.children.values() if c.role.members and c.leaving is None]

    def _start(self, name: str, role: Role) -> None:
        command = self.kind.command(role, name, self.spec, self.place)
        env = {**os.environ, **command.env, MARK: self.spec.id}
        cwd = self._working_directory()
        taken = [child.cpus for child in self.children.values() if child.role.members]
        self.children[name] = children.start(
            name,
            role,
            command,
            env=env,
            cwd=cwd,
            log=self.folder.logs / f"{name}.log",
            cpus=children.choose_cpus(role.cores, taken, hash_of(self.spec.id)),
            warm=self.settings.warm,
        )
        names = dict.fromkeys((*self.story.status.roles, name, "supervisor"))
        self.story.set(roles=tuple(names))

    def _working_directory(self) -> str:
        """Where the processes start; a home directory that isn't there is no obstacle."""
        asked = self.spec.directory
        if asked and not os.access(asked, os.R_OK | os.X_OK):
            raise Ending(
                Phase.FAILED,
                "DirectoryMissing",
                f"The working directory {asked} does not exist or may not be entered.",
                "Create it, or launch with another directory.",
            )
        home = os.environ.get("HOME", "")
        return asked or (home if os.access(home, os.R_OK | os.X_OK) else str(self.folder.run))

    def _bury(self) -> None:
        """Reap what has ended and decide what that means."""
        while True:
            try:
                pid, code = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            self.ended_pids.append((pid, code))
        if self.errand is not None and self.errand.over(self.ended_pids):
            self._finish_errand(self.errand)
        if self.errand is not None:
            return  # who ends now may have been let go; the errand will say so
        while self.ended_pids:
            pid, code = self.ended_pids.popleft()
            for child in [c for c in self.children.values() if c.pid == pid]:
                self._ended(child, code)

    def _ended(self, child: Child, code: int) -> None:
        del self.children[child.name]
        child.send(signal.SIGKILL)  # what it leaves in its process group
        if child.leaving is not None:
            self.story.tell(f"{child.name} has left")
            return
        how = describe(code)
        if child.role.essential:
            raise Ending(
                Phase.FAILED,
                f"{child.role.name.capitalize()}Lost",
                f"The {child.role.name} ended unexpectedly ({how}).",
                f"See the log of {child.name}, then launch it again.",
            )
        self.story.tell(f"{child.name} ended unexpectedly ({how}); starting it again")
        if not self.restarts.plan(child.name, time.monotonic(), self.wanted, proven=self.proven):
            raise Ending(
                Phase.FAILED,
                f"{child.role.name.capitalize()}sCrashing",
                f"The {child.role.name}s end again and again, last {child.name} ({how}).",
                f"See the log of {child.name}; often more memory for each helps.",
            )
        self.look_at = 0.0

    def _restart(self, moment: float) -> None:
        for name in self.restarts.take(moment):
            if name not in self.children and len(self._members()) < self.wanted:
                self._start(name, self._member_role)

    # -- size ------------------------------------------------------------------------------

    def _read_spec(self) -> None:
        try:
            spec = self.folder.load_spec()
        except (Corrupt, OSError) as error:
            print(f"The specification can't be read: {error}", file=sys.stderr)  # noqa: T201
            return
        if spec is None:  # somebody removed the directory
            spec = self.spec.model_copy(update={"stop": True})
        self.spec = spec
        options = self.kind.Options.model_validate(spec.options)
        bounds = self.kind.bounds(options)
        if bounds is None:
            self.wanted = self.kind.wanted(options)
        else:
            self.wanted = min(max(self.wanted, bounds[0]), bounds[1])
        self.appetite.reset()
        self.story.set(generation=spec.generation, wanted=self.wanted)
        self._settle(len(self._members()))
        self.story.save(again=True)
        self.look_at = 0.0

    def _resize(self, moment: float) -> None:
        """Start members that are missing, let those go that are too many."""
        if self.errand is not None:
            if moment > self.errand.deadline:
                self.errand.cancel()
            return
        members = self._members()
        missing = self.wanted - len(members) - self.restarts.pending
        for name in self._free_names(missing):
            self._start(name, self._member_role)
        surplus = len(members) - self.wanted
        if surplus > 0 and self.story.phase in (Phase.RUNNING, Phase.SCALING):
            fresh = [c for c in members if c.name not in self.ready]
            for child in fresh[:surplus]:
                child.leaving = moment
                child.send(signal.SIGTERM)
            surplus -= len(fresh[:surplus])
            if surplus > 0 and moment >= self.errand_after:
                self.errand = Errand(
                    lambda: self.kind.shrink(self.spec, self.place, surplus, _SHRINKING),
                    surplus,
                    _SHRINKING + 5,
                )
        for child in self.children.values():
            if child.leaving is not None and moment - child.leaving > _LEAVING:
                child.send(signal.SIGKILL)

    def _free_names(self, count: int) -> list[str]:
        names: list[str] = []
        number = 0
        role = self._member_role.name if count > 0 else ""
        planned = self.restarts.names()
        while len(names) < count:
            number += 1
            name = f"{role}-{number}"
            if name not in self.children and name not in planned:
                names.append(name)
        return names

    def _finish_errand(self, errand: Errand) -> None:
        self.errand = None
        moment = time.monotonic()
        for name in errand.result:
            if name in self.children:
                self.children[name].leaving = moment
        if len(errand.result) < errand.count:
            left = errand.count - len(errand.result)
            self.errand_after = moment + 5.0
            why = (
                "the backend does not answer"
                if errand.failed
                else "their data or work is still needed and does not fit elsewhere"
            )
            self.story.tell(f"{self._counted(left)} can't be let go yet: {why}")
        self.look_at = 0.0

    # -- observation -----------------------------------------------------------------------

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
        names = {child.name for child in self._members()}
        before = self.ready
        self.ready = seen.ready & names
        self.proven = self.proven or bool(self.ready)
        self.story.observed(seen.address, len(self.ready), seen.idle_since, seen.versions)
        self._adapt(seen)
        self.story.set(wanted=self.wanted)
        if self.ready != before and self._unsettled:
            self.story.tell(f"{len(self.ready)} of {self.wanted} {self.kind.member}s ready")
        self._settle(len(names))
        self._check_start()

    def _settle(self, members: int) -> None:
        """Let the phase say whether what is there is what is wanted."""
        settled = len(self.ready) == self.wanted == members
        phase = self.story.phase
        if settled and phase in (Phase.STARTING, Phase.SCALING) and self.heard:
            self.story.enter(Phase.RUNNING, f"Running with {self._counted(self.wanted)}")
        elif not settled and phase is Phase.RUNNING:
            self.story.enter(
                Phase.SCALING,
                f"Going from {len(self.ready)} to {self._counted(self.wanted)}",
            )

    def _counted(self, number: int) -> str:
        return f"{number} {self.kind.member}{'' if number == 1 else 's'}"

    def _adapt(self, seen: Observation) -> None:
        bounds = self.kind.bounds(self.kind.Options.model_validate(self.spec.options))
        if bounds is not None and seen.target is not None:
            target = min(max(seen.target, bounds[0]), bounds[1])
            self.wanted = self.appetite.follow(self.wanted, target, time.monotonic())

    def _check_start(self) -> None:
        limit = self.spec.start_timeout
        late = time.monotonic() - self.began > limit.total_seconds()
        if self.story.phase is Phase.STARTING and late:
            raise Ending(
                Phase.FAILED,
                "StartTimeout",
                f"It was not ready after {format_duration(limit)} "
                f"({len(self.ready)} of {self._counted(self.wanted)}).",
                "Ask for less, or try again when the machine is less busy.",
            )


def hash_of(id: str) -> int:
    """A number that spreads backends over the CPUs, the same in every process."""
    return sum(id.encode())


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
