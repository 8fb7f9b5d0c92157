"""Taking turns: a Lease of coordination.k8s.io says who acts.

The rules are those of Kubernetes' own components. A holder renews its Lease all the time; whoever
waits takes it once it has not seen it renewed for as long as the Lease says, by its own clock, so
that clocks need not agree. The API server lets only one of two writers at the same time win.
`decide` is the rule; `Lease` lives by it.

The elections of the known libraries give nothing back at their end, so that every update of the
service would cost the successor the whole duration, and a request that hangs hides from them that
their time is over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from alongside.errors import AlongsideError, Conflict
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import LEASES, Object

_log = logging.getLogger("alongside.lease")
_RELEASE = 3.0  # seconds that giving it back may take


@dataclass(frozen=True)
class Record:
    """What a Lease says. `duration` in seconds; times are as they are written in it."""

    holder: str
    duration: float
    acquired: str
    renewed: str
    transitions: int
    version: str

    @classmethod
    def of(cls, lease: Object) -> Record:
        """From the API's object."""
        spec = lease.get("spec") or {}
        return cls(
            holder=spec.get("holderIdentity") or "",
            duration=float(spec.get("leaseDurationSeconds") or 0),
            acquired=spec.get("acquireTime") or "",
            renewed=spec.get("renewTime") or "",
            transitions=spec.get("leaseTransitions") or 0,
            version=lease["metadata"]["resourceVersion"],
        )

    def renewed_since(self, earlier: Record | None) -> bool:
        """Whether a holder has written it since."""
        return earlier is None or (self.holder, self.renewed) != (earlier.holder, earlier.renewed)


@dataclass(frozen=True)
class Take:
    """Make it ours; None: there is none yet."""

    over: Record | None


@dataclass(frozen=True)
class Renew:
    """Say that we still hold it."""

    held: Record


@dataclass(frozen=True)
class Wait:
    """Another holds it, at least for so many seconds unless it gives it back."""

    seconds: float


def decide(record: Record | None, seen: float, identity: str, moment: float) -> Take | Renew | Wait:
    """What to do about a Lease.

    seen : when, by our clock, this record was first seen; `moment` is now, by the same clock
    """
    if record is None or not record.holder:
        return Take(record)
    if record.holder == identity:
        return Renew(record)
    left = seen + record.duration - moment
    return Take(record) if left <= 0 else Wait(left)


class Lease:
    """One candidate for a Lease.

    identity : who holds it then. Give the same one to a successor only where it can't begin
        before this one has ended for sure: it goes on where this one left off, without waiting.
    duration : seconds after which another may take what is no longer renewed
    deadline : seconds without a renewal after which a holder counts as deposed; well below
        `duration`, so that it has stopped acting before another begins
    retry : seconds between two renewals
    poll : seconds between two looks while another holds it

    An object is good for one turn: once deposed it does not try again.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: float = 15.0,
        deadline: float = 10.0,
        retry: float = 2.0,
        poll: float = 1.0,
    ) -> None:
        if not 0 < retry < deadline < duration:
            raise ValueError("it takes 0 < retry < deadline < duration")
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._duration, self._deadline = duration, deadline
        self._retry, self._poll = retry, poll
        self._record: Record | None = None
        self._seen = 0.0
        self._renewed = 0.0  # when the last renewal that worked was begun
        self._acquired, self._lost = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._problem = ""

    @property
    def held(self) -> bool:
        """Whether we may act now."""
        return self._acquired.is_set() and not self._lost.is_set()

    async def acquired(self) -> None:
        """Return when it is ours. The first call is what makes us a candidate."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"lease {self._name}")
        await self._acquired.wait()

    async def lost(self) -> None:
        """Return when it was ours and is so no longer, or can't be known to be."""
        await self._lost.wait()

    async def close(self) -> None:
        """Give it back, so that another can take it at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if not self.held:
            return
        self._lost.set()
        try:
            async with asyncio.timeout(_RELEASE):
                record = await self._read()
                if record is not None and record.holder == self._identity:
                    await self._write(record, holder=None)
        except (AlongsideError, TimeoutError) as error:
            _log.warning("Lease %s could not be given back: %s", self._name, _why(error))

    async def _run(self) -> None:
        while True:
            if await self._attempt(self._deadline):
                break
            await asyncio.sleep(self._pause())
        _log.info("%s holds lease %s now.", self._identity, self._name)
        self._acquired.set()
        try:
            await self._hold()
        except Exception:
            _log.exception("Renewing lease %s failed.", self._name)
        _log.warning("%s holds lease %s no longer.", self._identity, self._name)
        self._lost.set()

    async def _hold(self) -> None:
        """Renew it, until another has it or it could not be renewed in time."""
        while True:
            await asyncio.sleep(self._retry)
            left = self._renewed + self._deadline - time.monotonic()
            if left <= 0 or not (await self._attempt(left) or self._is_ours()):
                return

    def _is_ours(self) -> bool:
        """Whether an attempt that failed leaves it ours, as far as we know."""
        return self._record is None or self._record.holder == self._identity

    def _pause(self) -> float:
        action = decide(self._record, self._seen, self._identity, time.monotonic())
        return min(action.seconds, self._poll) if isinstance(action, Wait) else self._poll

    async def _attempt(self, within: float) -> bool:
        """Try to take or renew it. False: another has it, or there is no answer."""
        begin = time.monotonic()
        try:
            # one request that hangs must not take all the time there is
            async with asyncio.timeout(min(within, self._deadline / 3)):
                while not (done := await self._step()):
                    if done is False:
                        return False
        except (AlongsideError, TimeoutError) as error:
            self._complain(_why(error))
            return False
        self._renewed = begin  # whoever waits counts from later than this
        self._complain("")
        return True

    async def _step(self) -> bool | None:
        """Look and act once. None: somebody wrote at the same time, so look again."""
        found = await self._read()
        if found is not None and found.renewed_since(self._record):
            self._seen = time.monotonic()
        self._record = found
        action = decide(found, self._seen, self._identity, time.monotonic())
        if isinstance(action, Wait):
            self._complain("")
            return False
        try:
            self._record = await self._write(found, holder=self._identity)
        except Conflict:
            return None
        return None if self._record is None else True

    async def _read(self) -> Record | None:
        lease = await self._cluster.get(LEASES, self._namespace, self._name)
        return Record.of(lease) if lease is not None else None

    async def _write(self, before: Record | None, *, holder: str | None) -> Record | None:
        """None, or Conflict, when somebody wrote at the same time."""
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        metadata, acquired, turns = {"name": self._name}, moment, 0
        if before is not None:
            metadata["resourceVersion"] = before.version
            turns = before.transitions
            if before.holder == self._identity:
                acquired = before.acquired or moment
            else:
                turns += 1
        body: Object = {
            "apiVersion": LEASES.version,
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": max(1, round(self._duration)),
                "acquireTime": acquired,
                "renewTime": moment,
                "leaseTransitions": turns,
            },
        }
        if before is None:
            written = await self._cluster.create(LEASES, self._namespace, body)
        else:
            written = await self._cluster.patch(LEASES, self._namespace, self._name, body)
        return Record.of(written) if written is not None else None

    def _complain(self, problem: str) -> None:
        if problem and problem != self._problem:
            _log.warning("Lease %s can't be had or renewed: %s", self._name, problem)
        self._problem = problem


def _why(error: Exception) -> str:
    return str(error) or "The API server does not answer."
