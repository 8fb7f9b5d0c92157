"""The processes of one backend: started, replaced, added, let go and in the end all ended."""

from __future__ import annotations

import os
import signal
import time
from collections import deque

from alongside.kinds.base import Kind, Obstacle, Place, Role
from alongside.models import Spec
from alongside.phases import USABLE, Phase
from alongside.platforms.endings import Ending
from alongside.platforms.local import children
from alongside.platforms.local.children import Child
from alongside.platforms.local.ending import describe, end_all
from alongside.platforms.local.errand import Errand
from alongside.platforms.local.home import Folder
from alongside.platforms.local.process import MARK
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.story import Story
from alongside.platforms.scaling import AGAIN, SHRINKING, STILL_NEEDED, Restarts, aims

_LEAVING = 10.0  # seconds in which a member that was let go has to be gone


class Crew:
    """The processes of a backend and what becomes of each.

    Its owner keeps up to date: `spec`; `wanted`, the number of members aimed at; `ready`, the
    names of the members that work. `changed` is set when something has happened that makes a look
    at the backend worthwhile; the owner resets it.
    """

    def __init__(self, folder: Folder, settings: Settings, kind: Kind, spec: Spec, story: Story):
        self.folder = folder
        self.settings = settings
        self.kind = kind
        self.spec = spec
        self.story = story
        self.wanted = 0
        self.ready: frozenset[str] = frozenset()
        self.proven = False
        self.changed = True
        self.children: dict[str, Child] = {}
        self._place = Place(folder.path)
        self._restarts = Restarts()
        self._errand: Errand | None = None
        self._errand_after = 0.0
        self._ended_pids: deque[tuple[int, int]] = deque()

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.kind.roles(self.kind.Options.model_validate(self.spec.options))

    @property
    def members(self) -> list[Child]:
        """The members that are to stay."""
        return [c for c in self.children.values() if c.role.members and c.leaving is None]

    @property
    def within(self) -> bool:
        """Whether its members are no processes of ours, but parts of one."""
        return not self._member_roles

    def due(self) -> list[float]:
        """The moments (monotonic) at which `work` has to be called again."""
        errand = [] if self._errand is None else [self._errand.deadline]
        leaving = [c.leaving + _LEAVING for c in self.children.values() if c.leaving is not None]
        return [*errand, *leaving, *self._restarts.due()]

    def begin(self) -> None:
        """Start everything, in the order of the roles."""
        for role in self.roles:
            single = not role.members and role.count == 1
            names = [role.name] if single else [f"{role.name}-{n + 1}" for n in range(role.count)]
            for name in names:
                self._start(name, role)

    def work(self, moment: float) -> None:
        """Start members that are missing, let those go that are too many."""
        self._resize(moment)
        self._restart(moment)

    def end(self) -> None:
        """End all processes, in the reverse order of the roles."""
        if self._errand is not None:
            self._errand.cancel()
        order = [role.name for role in reversed(self.roles)]
        groups = [[c for c in self.children.values() if c.role.name == name] for name in order]
        end_all(groups, self.settings.grace)

    def begin_again(self) -> None:
        """End everything and start it anew, as the specification has it now. Raises OSError."""
        self.end()
        self.folder.clean_run()
        self.children.clear()
        self._ended_pids.clear()
        self._errand = None
        self._restarts = Restarts()
        self.ready, self.changed = frozenset(), True
        self.begin()

    def _start(self, name: str, role: Role) -> None:
        command = self.kind.command(role, name, self.spec, self._place)
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
            cpus=children.choose_cpus(role.cores, taken, sum(self.spec.id.encode())),
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

    def bury(self) -> None:
        """Reap what has ended and decide what that means."""
        while True:
            try:
                pid, code = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            self._ended_pids.append((pid, code))
            for child in self.children.values():
                if child.pid == pid:
                    child.bury()
        if self._errand is not None and self._errand.over(self._ended_pids):
            self._finish_errand(self._errand)
        # While an errand is under way, a member that ends may have been let go by it.
        later = [] if self._errand is None else [c.pid for c in self.members]
        waiting = [item for item in self._ended_pids if item[0] in later]
        for pid, code in [item for item in self._ended_pids if item not in waiting]:
            for child in [c for c in self.children.values() if c.pid == pid]:
                self._ended(child, code)
        self._ended_pids = deque(waiting)

    def _ended(self, child: Child, code: int) -> None:
        del self.children[child.name]
        if child.leaving is not None:
            self.story.tell(f"{child.name} has left")
            return
        how = describe(code)
        if child.role.essential:
            why = self.kind.epitaph(self._place) or Obstacle(
                f"{child.role.name.capitalize()}Lost",
                f"The {child.role.name} ended unexpectedly ({how}).",
                f"See the log of {child.name}, then launch it again.",
            )
            raise Ending(Phase.FAILED, why.reason, why.message, why.remedy)
        self.story.tell(f"{child.name} ended unexpectedly ({how}); starting it again")
        if not self._restarts.plan(child.name, time.monotonic(), self.wanted, proven=self.proven):
            raise Ending(
                Phase.FAILED,
                f"{child.role.name.capitalize()}sCrashing",
                f"The {child.role.name}s end again and again, last {child.name} ({how}).",
                f"See the log of {child.name}; often more memory for each helps.",
            )
        self.changed = True

    def _restart(self, moment: float) -> None:
        for name in self._restarts.take(moment):
            role = self._role_of(name)
            if role and name not in self.children and len(self._of(role)) < self._aims[role.name]:
                self._start(name, role)

    def _resize(self, moment: float) -> None:
        """Start members that are missing, let those go that are too many."""
        for child in self.children.values():
            if child.leaving is not None and moment - child.leaving > _LEAVING:
                child.leaving = moment
                child.send(signal.SIGKILL)
        if self._errand is not None:
            if moment > self._errand.deadline:
                self._errand.cancel()
            return
        for role in self._member_roles:
            self._resize_role(role, moment)

    def _resize_role(self, role: Role, moment: float) -> None:
        members = self._of(role)
        planned = sum(1 for name in self._restarts.names() if self._role_of(name) == role)
        missing = self._aims[role.name] - len(members) - planned
        for name in self._free_names(role, missing):
            self._start(name, role)
        surplus = len(members) - self._aims[role.name]
        if surplus > 0 and self.story.phase in USABLE:
            fresh = [c for c in members if c.name not in self.ready]
            for child in fresh[:surplus]:
                child.leaving = moment
                child.send(signal.SIGTERM)
            surplus -= len(fresh[:surplus])
            if surplus > 0 and moment >= self._errand_after and self._errand is None:
                self._errand = Errand(
                    lambda: self.kind.shrink(self.spec, self._place, surplus, SHRINKING, role.name),
                    surplus,
                    SHRINKING + 5,
                )

    def _free_names(self, role: Role, count: int) -> list[str]:
        names: list[str] = []
        number = 0
        planned = self._restarts.names()
        while len(names) < count:
            number += 1
            name = f"{role.name}-{number}"
            if name not in self.children and name not in planned:
                names.append(name)
        return names

    def _finish_errand(self, errand: Errand) -> None:
        self._errand = None
        moment = time.monotonic()
        for name in errand.result:
            if name in self.children:
                self.children[name].leaving = moment
        if len(errand.result) < errand.count:
            left = self.kind.counted(errand.count - len(errand.result))
            self._errand_after = moment + AGAIN
            why = "the backend does not answer" if errand.failed else STILL_NEEDED
            self.story.tell(f"{left} can't be let go yet: {why}")
        self.changed = True

    @property
    def _member_roles(self) -> tuple[Role, ...]:
        return tuple(role for role in self.roles if role.members)

    @property
    def _aims(self) -> dict[str, int]:
        """How many there are to be of each role of members."""
        return aims(self.roles, self.wanted)

    def _of(self, role: Role) -> list[Child]:
        return [child for child in self.members if child.role.name == role.name]

    def _role_of(self, name: str) -> Role | None:
        """The role of a member."""
        wish = name.rpartition("-")[0]
        return next((role for role in self._member_roles if role.name == wish), None)
