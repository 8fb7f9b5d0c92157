"""One backend's steward: what its objects say, what follows from it, what is written down.

It is level-triggered: each round compares what is wanted with what is seen and does what is due,
so it may be cut off anywhere and another one go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import Executor

from alongside.errors import AlongsideError, CapacityExceeded, InvalidRequest, NotReady
from alongside.kinds.base import Observation, Place, Role
from alongside.models import now
from alongside.phases import ENDED, USABLE, Phase
from alongside.platforms.endings import Ending, end_of_life
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.api import CONFIG_MAPS, Object, Refused
from alongside.platforms.kubernetes.builder import Builder, Seen, natural, process
from alongside.platforms.kubernetes.processes import DIRECTORY
from alongside.platforms.kubernetes.trouble import Trouble
from alongside.platforms.scaling import Appetite
from alongside.platforms.story import Story
from alongside.units import format_duration

_EAGER = 0.1  # seconds between two looks while something is on its way, at first
_FLAGGING = 0.05  # of the time that it has been on its way, later
_BUSY, _IDLE = 1.0, 5.0
_PATIENCE = 3.0  # seconds that the backend has to say how it is
_SHRINKING = 300.0  # seconds in which data is moved away from members that leave
_AGAIN = 5.0  # seconds until members that could not be let go are asked again
_USAGE = 10.0  # seconds between two records of nothing but another usage
_FINAL = 15.0  # seconds for which a trouble that waiting won't cure is put up with
_CRASHES = 3
_RETRY = 1.0, 30.0
_GRACEFUL = frozenset({"Requested", "Expired", "Idle", "Deleted"})

_log = logging.getLogger("alongside.kubernetes")


class Steward:
    """Looks after one backend until it has ended. Its owner keeps `record` up to date."""

    def __init__(self, builder: Builder, seen: Seen, record: Object, pool: Executor) -> None:
        self.record = record
        self.spec, status = objects.parse_record(record)
        self._builder = builder
        self._kind = builder.kind
        self._seen = seen
        self._pool = pool
        self._story = Story(status)
        self._written = status
        self._written_at = 0.0
        self._appetite = Appetite()
        self._wanted: int | None = status.wanted or None
        self._ready: frozenset[str] = frozenset()
        self._heard = False
        self._incarnation: tuple[str, int] | None = None
        self._made = False
        self._kept_logs = False
        self._restarts: dict[str, int] = {}
        self._shrink_after = 0.0
        self._final_since: float | None = None
        self._settled = time.monotonic()
        self._wake = asyncio.Event()

    # -- life ------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Until the backend has ended and its record is gone."""
        pause = _RETRY[0]
        while True:
            self._wake.clear()
            try:
                if await self._work():
                    return
                pause, rest = _RETRY[0], self._rest()
            except Ending as ending:
                self._story.enter(Phase.STOPPING, ending.message, ending.reason, ending.remedy)
                continue
            except AlongsideError as error:
                _log.warning("%s: %s", self.spec.id, error)
                if self._hindered(error):
                    continue
                with contextlib.suppress(AlongsideError):
                    await self._save()
                rest, pause = min(pause, self._patience), min(2 * pause, _RETRY[1])
            except Exception:
                _log.exception("The steward of %s failed; trying again.", self.spec.id)
                rest, pause = pause, min(2 * pause, _RETRY[1])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()

    async def _work(self) -> bool:
        """Everything that is due now; True when nothing will ever be due again."""
        self._read()
        if self._story.phase in ENDED or self._story.phase is Phase.STOPPING:
            return await self._finish()
        if self.spec.stop:
            raise Ending(Phase.STOPPED, "Requested", "Stopped on request.")
        if self._story.phase is Phase.PENDING:
            self._story.enter(Phase.STARTING, f"Starting the {self._kind.title}")
        await self._make()
        await self._look()
        self._check()
        await self._resize()
        await self._save()
        return False

    @property
    def _patience(self) -> float:
        """Seconds until a start has taken too long; one at least."""
        left = self.spec.start_timeout - (now() - self.spec.created)
        starting = self._story.phase is Phase.STARTING
        return max(1.0, left.total_seconds()) if starting else _RETRY[1]

    @property
    def _unsettled(self) -> bool:
        return self._story.phase in (Phase.STARTING, Phase.SCALING)

    def _rest(self) -> float:
        """Seconds until the next look: the longer something takes, the less often."""
        moment, status = time.monotonic(), self._story.status
        if status.phase in ENDED:
            return _RETRY[1]
        if self._unsettled:
            due = min(_BUSY, max(_EAGER, _FLAGGING * (moment - self._settled)))
        else:
            self._settled = moment
            due = _IDLE if status.idle_since else _BUSY
        if self.spec.expires is not None:
            due = min(due, max(0.0, (self.spec.expires - now()).total_seconds()))
        if self.spec.lifetime.idle is not None:
            due = min(due, max(_EAGER, self.spec.lifetime.idle.total_seconds() / 4))
        return due

    # -- what is wanted --------------------------------------------------------------------

    def _read(self) -> None:
        spec, _ = objects.parse_record(self.record)
        if spec.generation != self.spec.generation:
            self._appetite.reset()
        self.spec = spec
        options = self._kind.Options.model_validate(spec.options)
        bounds = self._kind.bounds(options)
        if bounds is None:
            self._wanted = self._kind.wanted(options)
        else:
            self._wanted = min(max(self._wanted or bounds[0], bounds[0]), bounds[1])
        self._story.set(generation=spec.generation, wanted=self._aim)

    @property
    def _roles(self) -> tuple[Role, ...]:
        return self._builder.roles(self.spec)

    @property
    def _head(self) -> Role:
        return next(role for role in self._roles if role.essential)

    @property
    def _aims(self) -> dict[str, int]:
        """How many there are to be of each role of members; only the first one's number varies."""
        members = [role for role in self._roles if role.members]
        aims = {role.name: role.count for role in members}
        if members and self._wanted is not None:
            others = sum(role.count for role in members[1:])
            aims[members[0].name] = max(0, self._wanted - others)
        return aims

    @property
    def _aim(self) -> int:
        return sum(self._aims.values())

    async def _save(self) -> None:
        """Write the status down if it says something new."""
        status = self._story.status
        if status == self._written:
            return
        only_usage = status.model_copy(update={"usage": self._written.usage}) == self._written
        if only_usage and time.monotonic() - self._written_at < _USAGE:
            return
        await self._write(objects.status_data(status))
        self._written, self._written_at = status, time.monotonic()

    async def _write(self, data: dict[str, str]) -> None:
        name = objects.record_name(self.spec.id)
        namespace = self._builder.setting.namespace
        await self._builder.cluster.patch(CONFIG_MAPS, namespace, name, {"data": data})

    # -- making ----------------------------------------------------------------------------

    async def _make(self) -> None:
        known = self._made or self._story.phase in USABLE
        if known and await self._builder.is_deleted(self.spec):
            raise Ending(Phase.STOPPED, "Deleted", "It was deleted in Kubernetes.")
        if self._made:
            await self._builder.make_policy(self.spec, self.record)
        else:
            await self._builder.make(self.spec, self.record, self._missing())
            self._made = True
            await self._save()

    def _processes(self) -> dict[str, Object]:
        """Process name to Deployment of all that are to stay."""
        return {
            objects.process_of(item): item
            for item in self._seen.deployments(self.spec.id)
            if not item["metadata"].get("deletionTimestamp")
        }

    def _members(self) -> dict[str, Object]:
        """Those of them that are members."""
        aims = self._aims
        return {n: item for n, item in self._processes().items() if objects.role_of(item) in aims}

    def _missing(self) -> list[tuple[Role, str]]:
        """Processes to be made, with the lowest numbers that are free."""
        there, missing = self._processes(), []
        aims = {self._head.name: 1, **self._aims}
        for role in self._roles:
            have = sum(1 for item in there.values() if objects.role_of(item) == role.name)
            number = 0
            while have < aims.get(role.name, 0):
                number += 1
                if (name := process(role, number)) not in there:
                    missing.append((role, name))
                    have += 1
        return missing

    async def _resize(self) -> None:
        missing = self._missing()
        await asyncio.gather(*(self._builder.make_process(self.spec, *each) for each in missing))
        members = self._members()
        for role in self._roles:
            if role.members:
                mine = {
                    n: item for n, item in members.items() if objects.role_of(item) == role.name
                }
                await self._let_go(role, mine, len(mine) - self._aims[role.name])
        if self._story.phase is Phase.RUNNING:
            first = next(role for role in self._roles if role.members)
            await self._builder.tell_number(self.spec, self._aims[first.name])

    async def _let_go(self, role: Role, members: dict[str, Object], surplus: int) -> None:
        """Take members away: those that never worked at once, others when their data has moved."""
        if surplus <= 0 or self._story.phase not in (Phase.RUNNING, Phase.SCALING):
            return
        leaving = [name for name in members if name not in self._ready][:surplus]
        surplus -= len(leaving)
        if surplus and time.monotonic() >= self._shrink_after:
            moved = [name for name in await self._shrink(role, surplus) if name in members]
            leaving += moved
            if len(moved) < surplus:
                self._shrink_after = time.monotonic() + _AGAIN
                self._story.tell(
                    f"{self._counted(surplus - len(moved))} can't be let go yet: their data or "
                    "work is still needed and does not fit elsewhere"
                )
        await self._builder.remove(self.spec, {name: members[name] for name in leaving})
        for name in leaving:
            self._story.tell(f"{name} has left")

    async def _shrink(self, role: Role, count: int) -> tuple[str, ...]:
        spec = self.spec
        try:
            place = self._place()
            moving = asyncio.get_running_loop().run_in_executor(
                self._pool, lambda: self._kind.shrink(spec, place, count, _SHRINKING, role.name)
            )
            while not (await asyncio.wait({moving}, timeout=_BUSY))[0]:
                if objects.parse_record(self.record)[0].stop:
                    moving.add_done_callback(lambda late: late.cancelled() or late.exception())
                    return ()
            return moving.result()
        except NotReady:
            return ()

    def _counted(self, number: int) -> str:
        return f"{number} {self._kind.member}{'' if number == 1 else 's'}"

    # -- observation -----------------------------------------------------------------------

    def _head_pod(self) -> Object | None:
        for pod in self._seen.pods(self.spec.id):
            if objects.process_of(pod) == self._head.name and trouble.address_of(pod):
                return pod
        return None

    def _place(self) -> Place:
        """Where the backend is, seen from here."""
        pod = self._head_pod()
        if pod is None:
            raise NotReady(f"The {self._head.name} has no address yet.", "Wait until it runs.")
        return Place(DIRECTORY, head=trouble.address_of(pod), credentials=self._builder.secrets)

    async def _look(self) -> None:
        """Ask the backend how it is and let the phase follow."""
        self._notice()
        pod = self._head_pod()
        incarnation = None
        if pod is not None:
            incarnation = (pod["metadata"]["uid"], trouble.restarts_of(pod)[0])
        if self._heard and incarnation != self._incarnation:
            self._lost_head()
        try:
            seen = await self._observe()
        except NotReady:
            return
        if not self._heard:
            self._heard, self._incarnation = True, incarnation
            self._story.tell(f"The {self._kind.title} answers")
        before = self._ready
        self._ready = seen.ready & self._members().keys()
        self._story.observed(self._address(), len(self._ready), seen.idle_since, seen.versions)
        if seen.usage is not None:
            self._story.used(seen.usage)
        self._adapt(seen)
        if self._ready != before and self._unsettled:
            self._story.tell(f"{len(self._ready)} of {self._counted(self._aim)} ready")
        self._settle()

    async def _observe(self) -> Observation:
        spec, place = self.spec, self._place()
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: self._kind.observe(spec, place, _PATIENCE)
        )

    def _lost_head(self) -> None:
        """The process that holds everything together is another one now, or none."""
        self._heard, self._ready = False, frozenset()
        self._made = False
        self._settled = time.monotonic()
        self._story.set(ready=0, idle_since=None)
        if self._story.phase in (Phase.RUNNING, Phase.SCALING):
            name = self._head.name
            message = f"The {name} was lost and is replaced; what was in memory is gone."
            remedy = "Compute again what had been kept there."
            self._story.enter(Phase.SCALING, message, f"{name.capitalize()}Lost", remedy)

    def _address(self) -> str:
        host = f"{objects.head_name(self.spec, self._roles)}.{self._builder.setting.namespace}"
        ports = self._head.ports
        return f"tls://{host}:{next(ports[name] for name in ports if name != objects.PROBED)}"

    def _adapt(self, seen: Observation) -> None:
        bounds = self._kind.bounds(self._kind.Options.model_validate(self.spec.options))
        if bounds is not None and seen.target is not None and self._wanted is not None:
            target = min(max(seen.target, bounds[0]), bounds[1])
            self._wanted = self._appetite.follow(self._wanted, target, time.monotonic())
        self._story.set(wanted=self._aim)

    def _settle(self) -> None:
        """Let the phase say whether what is there is what is wanted."""
        phase = self._story.phase
        settled = len(self._ready) == self._aim == len(self._members())
        if settled and self._unsettled and self._heard:
            self._final_since = None
            self._story.enter(Phase.RUNNING, f"Running with {self._counted(self._aim)}")
        elif not settled and phase is Phase.RUNNING:
            self._settled = time.monotonic()
            self._made = False  # who deleted a member by hand may have deleted more
            self._story.enter(
                Phase.SCALING, f"Going from {len(self._ready)} to {self._counted(self._aim)}"
            )

    def _notice(self) -> None:
        """Tell what happened to the pods."""
        pods = self._seen.pods(self.spec.id)
        told = {line.message for line in self._story.status.stages}
        for pod in pods:
            name, uid = objects.process_of(pod), pod["metadata"]["uid"]
            count, how = trouble.restarts_of(pod)
            if count > self._restarts.get(uid, 0):
                self._restarts[uid] = count
                self._story.tell(f"{name} ended unexpectedly ({how}); it is started again")
            stage = trouble.stage_of(pod, name)
            if stage and stage not in told and self._story.phase is Phase.STARTING:
                self._story.tell(stage)
        names = {objects.process_of(pod) for pod in pods}
        self._story.set(roles=tuple(sorted(names, key=natural)))

    # -- trouble ---------------------------------------------------------------------------

    def _trouble(self) -> Trouble | None:
        for pod in self._seen.pods(self.spec.id):
            if found := trouble.trouble_of(pod, objects.process_of(pod)):
                return found
        for deployment in self._seen.deployments(self.spec.id):
            if found := trouble.trouble_of_deployment(deployment):
                return found
        return None

    def _check(self) -> None:
        """Say what holds things up; end what is over or can't come up."""
        if (ending := end_of_life(self.spec, self._story.status, now())) is not None:
            raise ending
        if not self._unsettled:
            return
        found = self._trouble()
        if found is not None:
            self._tell_trouble(found)
        elif self._final_since is not None or (
            self._story.status.reason and self._story.phase is Phase.STARTING
        ):
            self._final_since = None
            message = f"Starting the {self._kind.title}"
            self._story.set(reason="", message=message, remedy="")
        if self._story.phase is Phase.STARTING:
            self._check_crashes()
            self._check_start(found)
        elif not self._heard and self._waited > self.spec.start_timeout.total_seconds():
            raise Ending(
                Phase.FAILED,
                f"{self._head.name.capitalize()}Lost",
                f"The {self._head.name} was lost and has not come back. "
                f"{found.message if found else ''}".strip(),
                "Launch it again.",
            )

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._settled

    def _tell_trouble(self, found: Trouble) -> None:
        self._story.set(reason=found.reason, message=found.message, remedy=found.remedy)
        self._story.tell(found.message)
        if found.final:
            self._final_since = self._final_since or time.monotonic()
            late = time.monotonic() - self._final_since > _FINAL
            if late and self._story.phase is Phase.STARTING:
                raise Ending(Phase.FAILED, found.reason, found.message, found.remedy)

    def _check_start(self, found: Trouble | None) -> None:
        limit = self.spec.start_timeout
        if now() - self.spec.created <= limit:
            return
        counted = f"{len(self._ready)} of {self._counted(self._aim)} were ready."
        raise Ending(
            Phase.FAILED,
            found.reason if found else "StartTimeout",
            f"It was not ready after {format_duration(limit)}. "
            f"{found.message if found else counted}",
            found.remedy if found else "Ask for less, or try again when there is more room.",
        )

    def _check_crashes(self) -> None:
        """Processes that end again and again before anything has worked."""
        for pod in () if self._ready else self._seen.pods(self.spec.id):
            count, how = trouble.restarts_of(pod)
            if count >= _CRASHES:
                name = objects.process_of(pod)
                raise Ending(
                    Phase.FAILED,
                    f"{objects.role_of(pod).capitalize()}sCrashing",
                    f"{name} ends again and again ({how}).",
                    f"See the log of {name}; often more memory for each helps.",
                )

    def _hindered(self, error: AlongsideError) -> bool:
        """The API server keeps us from going on; True when that is the end.

        What runs already goes on without us.
        """
        if self._story.phase is Phase.STOPPING:
            self._story.tell(error.message)
        if not self._unsettled:
            return False
        reason = "QuotaExceeded" if isinstance(error, CapacityExceeded) else type(error).__name__
        self._story.set(reason=reason, message=error.message, remedy=error.remedy)
        self._story.tell(error.message)
        if self._story.phase is not Phase.STARTING:
            return False
        waited = (now() - self.spec.created).total_seconds()
        patience = self.spec.start_timeout.total_seconds()
        if isinstance(error, Refused | InvalidRequest):  # waiting won't help
            patience = min(_FINAL, patience)
        if waited > patience:
            self._story.enter(Phase.STOPPING, error.message, reason, error.remedy)
        return waited > patience

    # -- the end ---------------------------------------------------------------------------

    async def _finish(self) -> bool:
        """Take everything away; True when nothing is left to do."""
        if self._story.phase is Phase.STOPPING:
            await self._save()
            if not self._kept_logs and not self.spec.forget:
                if kept := await self._builder.keep_logs(self.spec):
                    await self._write({"logs": kept})
                self._kept_logs = True
            if not await self._builder.clear(self.spec):
                if stuck := self._builder.overdue(self.spec):
                    self._story.tell(
                        f"Kubernetes does not take these away: {', '.join(stuck)}. "
                        "An administrator has to look after their nodes and finalizers"
                    )
                    await self._save()
                return False
            status = self._story.status
            phase = Phase.STOPPED if status.reason in _GRACEFUL else Phase.FAILED
            self._story.enter(phase, status.message, status.reason, status.remedy)
        await self._save()
        if self.spec.forget:
            await self._builder.forget(self.spec)
        return self.spec.forget
