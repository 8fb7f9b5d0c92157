"""A platform in memory: the contract without processes, with faults and delays on demand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

from alongside.errors import NotFound, NotReady
from alongside.kinds.base import Pages
from alongside.models import Capacity, Connection, Resources, Spec, Stage, Status, now
from alongside.phases import ENDED, USABLE, Phase
from alongside.platforms.base import Change, Observed, Platform, Removed
from alongside.platforms.shelf import Document, Shelf, changed, check, gone

PLENTY = Resources(backends=10**6, workers=10**6, cores=10**6, memory=2**50)


class MemoryPlatform(Platform):
    """Backends are entries of a dict. They start at once, unless `automatic` is off.

    `fail(step, error)` lets the next call of a step fail after its durable part (`after=True`) or
    before it; `hold(step)` lets calls of a step wait until the returned function is called.
    Steps: open, leading, launch, update, claim, stop, observed, watch, capacity, connection.
    """

    name = "local"

    def __init__(
        self,
        *,
        automatic: bool = True,
        total: Resources = PLENTY,
        takes_turns: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.takes_turns = takes_turns
        self.claims = True
        self.automatic = automatic
        self.total = total
        self.calls: list[tuple[str, str]] = []
        self.launched: list[str] = []
        self.backends: dict[str, Observed] = {}
        self.socket: Path | None = None
        self.documents = MemoryShelf()
        self._watchers: set[asyncio.Queue[Change | Exception]] = set()
        self._failures: dict[str, list[tuple[Exception, bool]]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._deposed = asyncio.Event()

    # what tests do to it

    def fail(self, step: str, error: Exception, *, after: bool = False, times: int = 1) -> None:
        """Let the next `times` calls of this step raise."""
        self._failures.setdefault(step, []).extend([(error, after)] * times)

    def hold(self, step: str) -> Callable[[], None]:
        """Let calls of this step wait; the result lets them go."""
        gate = self._gates[step] = asyncio.Event()

        def release() -> None:
            gate.set()
            self._gates.pop(step, None)

        return release

    def break_watches(self) -> None:
        """End all watches with an error."""
        for queue in self._watchers:
            queue.put_nowait(ConnectionError("the watch broke"))

    def depose(self) -> None:
        """Let another act from now on."""
        self._deposed.set()

    def become(self, id: str, **status: Any) -> None:
        """Let a backend have this status."""
        known = self.backends[id]
        self._set(known.spec, known.status.model_copy(update=status))

    # the contract

    async def open(self) -> None:
        await self._step("open", "")

    async def close(self) -> None:
        """Nothing to let go."""

    async def launch(self, spec: Spec) -> None:
        async with self._around("launch", spec.id):
            if spec.id in self.backends:
                return
            self.launched.append(spec.id)
            self._set(spec, Status(stages=(Stage(time=now(), message="Accepted."),)))
            if self.automatic:
                self._advance(spec)

    async def update(self, spec: Spec) -> None:
        async with self._around("update", spec.id):
            known = self.backends.get(spec.id)
            if known is None:
                raise NotFound("There is no such backend.", "")
            if spec.generation < known.spec.generation:
                return
            self._set(spec, known.status)
            if self.automatic and known.status.phase in USABLE:
                self._advance(spec)

    async def claim(self, id: str, spec: Spec) -> bool:
        async with self._around("claim", id):
            known = self.backends.get(id)
            if known is None or not known.spec.unclaimed or known.spec.stop:
                return False
            if known.status.phase is not Phase.RUNNING or known.spec.pod != spec.pod:
                return False
            self._set(spec, known.status)
            return True

    async def stop(self, id: str, *, forget: bool = True) -> None:
        async with self._around("stop", id):
            known = self.backends.get(id)
            if known is None:
                return
            spec = known.spec.model_copy(update={"stop": True, "forget": forget})
            if known.status.phase not in ENDED:
                self._set(spec, known.status.model_copy(update={"phase": Phase.STOPPING}))
            if self.automatic or known.status.phase in ENDED:
                self.finish(id, forget=forget)

    def finish(self, id: str, *, forget: bool = True) -> None:
        """Let a backend have ended."""
        known = self.backends[id]
        if forget:
            del self.backends[id]
            self._tell(Removed(id))
        elif known.status.phase not in ENDED:
            status = known.status.model_copy(update={"phase": Phase.STOPPED, "ended": now()})
            self._set(known.spec, status)

    async def observed(self) -> list[Observed]:
        await self._step("observed", "")
        return list(self.backends.values())

    async def watch(self) -> AsyncGenerator[Change, None]:
        await self._step("watch", "")
        queue: asyncio.Queue[Change | Exception] = asyncio.Queue()
        for observed in self.backends.values():
            queue.put_nowait(observed)
        self._watchers.add(queue)
        try:
            while True:
                change = await queue.get()
                if isinstance(change, Exception):
                    raise change
                yield change
        finally:
            self._watchers.discard(queue)

    async def logs(self, id: str, role: str, lines: int, follow: bool) -> AsyncIterator[str]:
        if id not in self.backends:
            raise NotFound("There is no such backend.", "")
        for number in range(min(3, lines)):
            yield f"{role} line {number}\n"
        while follow:
            await asyncio.sleep(3600)

    async def connection(self, id: str) -> Connection:
        await self._step("connection", id)
        known = self.backends.get(id)
        if known is None:
            raise NotFound("There is no such backend.", "")
        if known.status.phase not in USABLE:
            raise NotReady("It has no address yet.", "Wait until it is running.")
        return Connection(
            kind=known.spec.kind, address="tls://127.0.0.1:1", credentials={"key": f"secret-{id}"}
        )

    async def dashboard(self, id: str) -> Pages | None:
        return Pages(socket=self.socket) if self.socket else None

    async def capacity(self) -> Capacity:
        await self._step("capacity", "")
        return Capacity(total=self.total, free=self.total)

    def shelf(self) -> Shelf | None:
        return self.documents

    async def leading(self) -> None:
        await self._step("leading", "")

    async def deposed(self) -> None:
        await self._deposed.wait()

    # how

    def _advance(self, spec: Spec) -> None:
        known = self.backends[spec.id]
        workers = spec.resources.workers
        status = known.status.model_copy(
            update={
                "phase": Phase.RUNNING,
                "ready": workers,
                "wanted": workers,
                "started": now(),
                "roles": ("scheduler", "worker-0"),
                "generation": spec.generation,
            }
        )
        self._set(spec, status)

    def _set(self, spec: Spec, status: Status) -> None:
        self.backends[spec.id] = Observed(spec, status)
        self._tell(self.backends[spec.id])

    def _tell(self, change: Change) -> None:
        for queue in self._watchers:
            queue.put_nowait(change)

    @contextlib.asynccontextmanager
    async def _around(self, step: str, id: str) -> AsyncIterator[None]:
        await self._step(step, id)
        yield
        failures = self._failures.get(step)
        if failures and failures[0][1]:
            raise failures.pop(0)[0]

    async def _step(self, step: str, id: str) -> None:
        self.calls.append((step, id))
        await asyncio.sleep(0)
        if gate := self._gates.get(step):
            await gate.wait()
        failures = self._failures.get(step)
        if failures and not failures[0][1]:
            raise failures.pop(0)[0]


class MemoryShelf(Shelf):
    """Documents in a dict.

    `failures` has the next calls of `put` that fail, and whether only after they have written.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Document] = {}
        self.failures: list[tuple[Exception, bool] | None] = []
        self.writes = 0

    async def documents(self, sort: str) -> list[Document]:
        check(sort, "any")
        await asyncio.sleep(0)
        return [document for (kind, _), document in sorted(self.kept.items()) if kind == sort]

    async def get(self, sort: str, id: str) -> Document | None:
        check(sort, id)
        await asyncio.sleep(0)
        return self.kept.get((sort, id))

    async def put(self, sort: str, id: str, text: str, after: str | None) -> Document:
        check(sort, id, text)
        await asyncio.sleep(0)
        error, written = (self.failures and self.failures.pop(0)) or (None, False)
        if error is not None and not written:
            raise error
        present = self.kept.get((sort, id))
        if present is None and after is not None:
            raise gone(id)
        if present is not None and present.version != after:
            raise changed(id)
        self.writes += 1
        self.kept[sort, id] = Document(sort, id, text, str(self.writes))
        if error is not None:
            raise error
        return self.kept[sort, id]

    async def delete(self, sort: str, id: str) -> None:
        check(sort, id)
        await asyncio.sleep(0)
        self.kept.pop((sort, id), None)
