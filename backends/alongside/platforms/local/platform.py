"""The local platform: every backend is a directory and a supervised tree of processes.

Truth is on disk and in the process table; a `LocalPlatform` starts supervisors, signals them,
tells what it sees and clears up after those that died. Any number of them may work on the same
directory, at the same time or after one another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar

from traitlets import Bool, Float, Int, List, Unicode, default

from alongside.errors import AlongsideError, InvalidRequest, NotFound, StorageFailed
from alongside.kinds import get_kind, kinds
from alongside.kinds.base import Kind, Obstacle, Pages, Place
from alongside.models import Capacity, Connection, Resources, Spec
from alongside.names import is_backend_id
from alongside.phases import USABLE, Phase
from alongside.platforms import wishes
from alongside.platforms.base import Change, Observed, Platform
from alongside.platforms.local.accounts import account_of
from alongside.platforms.local.home import Folder, Home
from alongside.platforms.local.inotify import IN_MODIFY, IN_MOVED_TO, Inotify
from alongside.platforms.local.launching import start_supervisor
from alongside.platforms.local.logs import LogReader, read_on
from alongside.platforms.local.machine import usable_cores, usable_memory
from alongside.platforms.local.process import Identity
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.shelf import LocalShelf
from alongside.platforms.local.starting import Starter
from alongside.platforms.local.store import Corrupt, read, storing
from alongside.platforms.local.tracking import Tracker
from alongside.platforms.local.upkeep import Upkeep
from alongside.platforms.local.warm import WarmProcesses
from alongside.platforms.refusals import require_address, unknown_log, without_credentials
from alongside.quotas import total

_LONGEST_SOCKET = 107  # bytes, a limit of the kernel
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,62}")


class LocalPlatform(Platform):
    """Backends as supervised processes of this machine."""

    name: ClassVar[str] = "local"

    home = Unicode(
        help="Directory of all state. Default: the environment variable ALONGSIDE_HOME, else "
        "`~/.local/share/alongside`. Unix sockets lie in it, so its path should be short."
    ).tag(config=True)

    @default("home")
    def _default_home(self) -> str:
        return os.environ.get("ALONGSIDE_HOME") or str(
            Path("~/.local/share/alongside").expanduser()
        )

    warm = Bool(
        True,
        help="Whether to keep a process that has imported everything a backend needs, and fork "
        "from it. Starts take a tenth of the time; it takes about 150 MiB of memory.",
    ).tag(config=True)
    core_overcommit = Float(
        32.0,
        min=0.01,
        help="How many cores may be given out for each core that there is. Interactive clusters "
        "are idle most of the time, and busy ones share a core without harm.",
    ).tag(config=True)
    memory_overcommit = Float(
        1.0, min=0.01, help="How much memory may be given out for each byte that there is."
    ).tag(config=True)
    log_limit = Int(
        10 * 2**20, min=4096, help="Bytes of each log file; one older file of that size is kept."
    ).tag(config=True)
    grace = Float(
        5.0, min=0.1, help="Seconds that a process has to end by itself before it is killed."
    ).tag(config=True)
    environment = List(
        Unicode(), help="Names of more environment variables of the service that backends see."
    ).tag(config=True)

    _tracker: Tracker | None = None

    # -- beginning and end -----------------------------------------------------------------

    async def open(self) -> None:
        self._home = Home(Path.cwd() / self.home)
        longest = self._home.folder("x" * 40).run / "dashboard.sock"
        if len(os.fsencode(longest)) > _LONGEST_SOCKET:
            raise StorageFailed(
                f"The path {self.home} is too long for the Unix sockets in it.",
                "Set ALONGSIDE_HOME to a shorter path.",
            )
        await asyncio.to_thread(self._home.prepare)
        self._warm: WarmProcesses | None = None
        if self.warm:
            modules = dict.fromkeys(m for kind in kinds().values() for m in kind.preload)
            preload = ("alongside.platforms.local.supervisor", *modules)
            self._warm = WarmProcesses(preload, log=self.log)
            await self._warm.start()
        keep = (*self.environment, *(name for kind in kinds().values() for name in kind.variables))
        self._starter = Starter("supervisor", self._warm, keep, self.log)
        self._upkeep = Upkeep(self._home, self.log)
        try:
            with storing("Watching the state directory"):
                self._inotify = Inotify()
                self._tracker = Tracker(
                    self._home,
                    self._inotify,
                    self._lost,
                    self._upkeep.corrupt,
                    self._upkeep.ended,
                )
                self._upkeep.refresh = self._tracker.refresh
                self._tracker.open()
        except BaseException:
            if self._warm is not None:
                await self._warm.close()
            raise
        await asyncio.gather(*(self._recover(seen) for seen in self._tracker.all()))

    async def close(self) -> None:
        if self._tracker is None:
            return
        self._tracker.close()
        self._inotify.close()
        self._tracker = None
        await self._upkeep.close()
        self._starter.close()
        if self._warm is not None:
            await self._warm.close()

    @property
    def _track(self) -> Tracker:
        if self._tracker is None:
            raise RuntimeError("The platform is not open.")
        return self._tracker

    # -- wishes ----------------------------------------------------------------------------

    def obstacle(self, kind: Kind) -> Obstacle | None:
        return kind.missing()

    async def launch(self, spec: Spec) -> None:
        if not is_backend_id(spec.id):
            raise InvalidRequest("This can't be the id of a backend.", "", "id")
        kind = get_kind(spec.kind)
        if self._home.folder(spec.id).path.exists():
            return

        def store() -> bool:
            owner = account_of(spec.account, "backend")
            return self._home.store(spec, kind.secrets(spec), owner)

        if not await asyncio.to_thread(store):
            return
        self._track.refresh(spec.id)
        await self._start(spec)

    async def update(self, spec: Spec) -> None:
        folder = self._home.find(spec.id)
        await asyncio.to_thread(self._change, folder, lambda present: wishes.updated(present, spec))
        self._send(folder, signal.SIGUSR1)

    async def stop(self, id: str, *, forget: bool = True) -> None:
        message = signal.SIGUSR1
        try:
            folder = self._home.find(id)
            await asyncio.to_thread(
                self._change, folder, lambda present: wishes.stopped(present, forget=forget)
            )
        except NotFound:
            return
        except StorageFailed as error:
            # To end backends must be possible on a full disk: it may be their data that fills it.
            self.log.warning("Ending %s without a record of the wish: %s", id, error)
            message = signal.SIGTERM
            if forget:
                self._upkeep.forget_later(id)
        if self._send(folder, message):
            self._upkeep.insist_later(id, 6 * self.grace + 5)
        else:
            await self._upkeep.settle(id)

    def _change(self, folder: Folder, change: Callable[[Spec], Spec | None]) -> None:
        """Replace the specification by what is made of it, if anything is. Raises NotFound."""
        with self._home.changing():
            if (wanted := change(folder.present())) is not None:
                folder.save_spec(wanted)

    def _send(self, folder: Folder, message: signal.Signals) -> bool:
        """Tell the supervisor that its specification has changed; False when there is none.

        One that has not taken its lock yet reads the specification after it has.
        """
        supervisor = folder.supervisor()
        self._track.refresh(folder.id)
        return supervisor is not None and supervisor.send(message)

    # -- views -----------------------------------------------------------------------------

    async def observed(self) -> list[Observed]:
        return self._track.all()

    def watch(self) -> AsyncGenerator[Change, None]:
        return self._track.watch()

    async def logs(self, id: str, role: str, lines: int, follow: bool) -> AsyncIterator[str]:
        folder = self._home.find(id)
        if not _ROLE.fullmatch(role):
            raise unknown_log(role)
        reader = LogReader(folder.logs / f"{role}.log")
        news = asyncio.Event()
        mask = IN_MODIFY | IN_MOVED_TO
        with contextlib.ExitStack() as ends:
            ends.callback(reader.close)
            for path in (folder.logs, folder.state) if follow else ():
                with storing("Watching the log"):
                    ends.callback(self._inotify.add(path, mask, lambda _: news.set()))
            reading = read_on(reader, lines, news if follow else None, lambda: folder.live)
            async with contextlib.aclosing(reading) as found:
                async for line in found:
                    yield line

    async def connection(self, id: str) -> Connection:
        folder = self._home.find(id)
        spec, address = folder.present(), require_address(folder.seen())
        try:
            secrets = {path.name: read(path) for path in folder.secrets.iterdir()}
        except (OSError, Corrupt):
            raise without_credentials() from None
        return get_kind(spec.kind).connection(spec, address, secrets)

    async def dashboard(self, id: str) -> Pages | None:
        folder = self._home.find(id)
        spec, status = folder.present(), folder.seen()
        if status is None or status.phase not in USABLE:
            return None
        return get_kind(spec.kind).dashboard(Place(folder.path))

    async def capacity(self) -> Capacity:
        whole = Resources(
            cores=int(usable_cores() * self.core_overcommit),
            memory=int(usable_memory() * self.memory_overcommit),
        )
        live = (seen.spec.resources for seen in self._track.all() if seen.status.live)
        return Capacity(total=whole, free=whole - total(live))

    def shelf(self) -> LocalShelf:
        return LocalShelf(Path.cwd() / self.home)

    # -- inside ----------------------------------------------------------------------------

    def _settings(self) -> Settings:
        return Settings(warm=self.warm, log_limit=self.log_limit, grace=self.grace)

    async def _start(self, spec: Spec) -> None:
        """Start its supervisor; when that fails, the backend has failed."""
        folder = self._home.folder(spec.id)
        try:
            identity = await start_supervisor(self._starter, folder, spec, self._settings())
        except AlongsideError as error:
            self.log.warning("No supervisor for %s: %s", spec.id, error)
            await self._upkeep.settle(spec.id, problem=error)
            return
        self._track.supervise(spec.id, identity)

    async def _recover(self, seen: Observed) -> None:
        """At the beginning: a backend that is not supervised."""
        folder = self._home.folder(seen.spec.id)
        if folder.supervisor() is not None:
            return
        if seen.status.phase is Phase.PENDING and not seen.spec.stop:
            await self._start(seen.spec)
        else:
            await self._upkeep.settle(seen.spec.id)

    def _lost(self, id: str, identity: Identity) -> None:
        self._starter.bury(identity.pid)
        self._upkeep.do(self._upkeep.settle(id, identity.pid))
