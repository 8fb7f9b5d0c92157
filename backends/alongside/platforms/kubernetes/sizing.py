"""How many members a backend has: those that are missing are made, those too many let go."""

from __future__ import annotations

import asyncio
import time

from alongside.errors import NotReady
from alongside.kinds.base import Role
from alongside.models import Spec
from alongside.phases import USABLE, Phase
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.builder import process
from alongside.platforms.kubernetes.charge import Charge
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.scaling import AGAIN, SHRINKING, STILL_NEEDED, Appetite

_STOPPED = 1.0  # seconds between two looks whether it is to be stopped meanwhile


class Sizing:
    """Keeps a backend at its size."""

    def __init__(self, charge: Charge) -> None:
        self._of = charge
        self._appetite = Appetite()
        self._shrink_after = 0.0
        self._doubled: frozenset[str] = frozenset()

    def read(self, spec: Spec) -> None:
        """Take over a specification, which may be the same."""
        of = self._of
        if spec.generation != of.spec.generation:
            self._appetite.reset()
        of.spec = spec
        options = of.kind.Options.model_validate(spec.options)
        bounds = of.kind.bounds(options)
        if bounds is None:
            of.wanted = of.kind.wanted(options)
        else:
            of.wanted = min(max(of.wanted or bounds[0], bounds[0]), bounds[1])
        of.story.set(generation=spec.generation, wanted=of.aim)

    def adapt(self, target: int | None) -> None:
        """Follow what the backend would need, within the bounds that it was given."""
        of = self._of
        bounds = of.kind.bounds(of.kind.Options.model_validate(of.spec.options))
        if bounds is not None and target is not None and of.wanted is not None:
            target = min(max(target, bounds[0]), bounds[1])
            of.wanted = self._appetite.follow(of.wanted, target, time.monotonic())
        of.story.set(wanted=of.aim)

    def missing(self) -> list[tuple[Role, str]]:
        """Processes to be made, with the lowest numbers that are free."""
        of = self._of
        there, missing = of.processes(), []
        aims = {of.head.name: 1, **of.aims}
        for role in of.roles:
            have = sum(1 for item in there.values() if objects.role_of(item) == role.name)
            number = 0
            while have < aims.get(role.name, 0):
                number += 1
                if (name := process(role, number)) not in there:
                    missing.append((role, name))
                    have += 1
        return missing

    async def resize(self) -> None:
        """Make what is missing, let go what is too much."""
        of = self._of
        await self._put_right()
        missing = self.missing()
        await asyncio.gather(*(of.builder.make_process(of.spec, *each) for each in missing))
        members = of.members()
        for role in of.roles:
            if role.members:
                mine = {
                    n: item for n, item in members.items() if objects.role_of(item) == role.name
                }
                await self._let_go(role, mine, len(mine) - of.aims[role.name])
        if of.story.phase is Phase.RUNNING:
            first = next(role for role in of.roles if role.members)
            await of.builder.amend(of.spec, {"worker": {"replicas": of.aims[first.name]}})

    async def _put_right(self) -> None:
        """Deployments that were scaled by hand, which isn't how a backend's size is changed.

        One at zero is deleted, as we may not change it, and made anew once it is gone.
        """
        of, processes = self._of, self._of.processes()
        numbers = {n: item["spec"].get("replicas", 1) for n, item in processes.items()}
        stopped = {n: processes[n] for n, number in numbers.items() if number == 0}
        doubled = {n: number for n, number in numbers.items() if number > 1}
        for name in stopped:
            of.story.tell(f"{name} was stopped in Kubernetes, by scaling it; it is made anew")
        for name in doubled.keys() - self._doubled:
            of.story.tell(
                f"{name} was scaled to {doubled[name]} in Kubernetes. Scale its Deployment back "
                "to 1, and change the size of the backend instead"
            )
        self._doubled = frozenset(doubled)
        await of.builder.remove(of.spec, stopped)

    async def _let_go(self, role: Role, members: dict[str, Object], surplus: int) -> None:
        """Take members away: those that never worked at once, others when their data has moved."""
        of = self._of
        if surplus <= 0 or of.story.phase not in USABLE:
            return
        leaving = [name for name in members if name not in of.ready][:surplus]
        surplus -= len(leaving)
        if surplus and time.monotonic() >= self._shrink_after:
            moved = [name for name in await self._shrink(role, surplus) if name in members]
            leaving += moved
            if len(moved) < surplus:
                self._shrink_after = time.monotonic() + AGAIN
                stay = of.counted(surplus - len(moved))
                of.story.tell(f"{stay} can't be let go yet: {STILL_NEEDED}")
        await of.builder.remove(of.spec, {name: members[name] for name in leaving})
        for name in leaving:
            of.story.tell(f"{name} has left")

    async def _shrink(self, role: Role, count: int) -> tuple[str, ...]:
        of, spec = self._of, self._of.spec
        try:
            place = of.place()
            moving = of.ask(lambda: of.kind.shrink(spec, place, count, SHRINKING, role.name))
            while not (await asyncio.wait({moving}, timeout=_STOPPED))[0]:
                if objects.parse_record(of.record)[0].stop:
                    moving.add_done_callback(lambda late: late.cancelled() or late.exception())
                    return ()
            return moving.result()
        except NotReady:
            return ()
