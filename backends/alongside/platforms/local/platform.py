"""The local platform: every backend is a directory and a supervised tree of processes.

Truth is on disk and in the process table; a `LocalPlatform` starts supervisors, signals them,
tells what it sees and clears up after those that died. Any number of them may work on the same
directory, at the same time or after one another.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

from traitlets import Bool, Float, Int, List, Unicode, default

from alongside.errors import (
    AlongsideError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotReady,
    StorageFailed,
)
from alongside.kinds import get_kind, kinds
from alongside.kinds.base import Pages, Place
from alongside.models import Capacity, Connection, Resources, Spec, Status
from alongside.names import is_backend_id
from alongside.phases import ENDED, USABLE, Phase
from alongside.platforms.base import Change, Observed, Platform
from alongside.platforms.local.inotify import IN_MODIFY, Inotify
from alongside.platforms.local.launching import Launcher
from alongside.platforms.local.logs import LogReader
from alongside.platforms.local.machine import usable_cores, usable_memory
from alongside.platforms.local.process import Identity
from alongside.platforms.local.settings import Settings
from alongside.platforms.local.store import Corrupt, Folder, Home, read, storing
from alongside.platforms.local.tracking import Tracker
from alongside.platforms.local.upkeep import Upkeep
from alongside.platforms.local.warm import WarmProcesses
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
        self._launcher = Launcher(self._warm, self.environment, self.log)
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
        self._launcher.close()
        if self._warm is not None:
            await self._warm.close()

    @property
    def _track(self) -> Tracker:
        if self._tracker is None:
            raise RuntimeError("The platform is not open.")
        return self._tracker

    # -- wishes ----------------------------------------------------------------------------

    async def launch(self, spec: Spec) -> None:
        if not is_backend_id(spec.id):
            raise InvalidRequest("This can't be the id of a backend.", "", "id")
        kind = get_kind(spec.kind)
        owner = self._owner(spec)
        create = self._home.create
        if self._home.folder(spec.id).path.exists():
            return
        if not await asyncio.to_thread(lambda: create(spec, kind.secrets(spec), owner)):
            return
        self._track.refresh(spec.id)
        await self._start(spec)

    async def update(self, spec: Spec) -> None:
        folder = self._folder(spec.id)
        await asyncio.to_thread(self._replace, folder, spec)
        self._send(folder, signal.SIGUSR1)

    async def stop(self, id: str, *, forget: bool = True) -> None:
        message = signal.SIGUSR1
        try:
            folder = self._folder(id)
            await asyncio.to_thread(self._want_stop, folder, forget)
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

    def _replace(self, folder: Folder, spec: Spec) -> None:
        with self._home.changing():
            present = self._load(folder)
            if spec.generation < present.generation:
                return
            ending = {"stop": present.stop or spec.stop, "forget": present.forget or spec.forget}
            folder.save_spec(spec.model_copy(update=ending))

    def _want_stop(self, folder: Folder, forget: bool) -> None:
        with self._home.changing():
            spec = self._load(folder)
            wish = spec.model_copy(update={"stop": True, "forget": spec.forget or forget})
            if wish != spec:
                folder.save_spec(wish)

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

    def watch(self) -> AsyncIterator[Change]:
        return self._track.watch()

    async def logs(self, id: str, role: str, lines: int, follow: bool) -> AsyncIterator[str]:
        folder = self._folder(id)
        if not _ROLE.fullmatch(role):
            raise NotFound(f"There is no log {role[:63]!r}.", "Choose one of its roles.")
        reader = LogReader(folder.logs / f"{role}.log")
        news = asyncio.Event()
        ends = []
        try:
            if follow:
                for path in (folder.logs, folder.state):
                    with storing("Watching the log"):
                        ends.append(self._inotify.add(path, IN_MODIFY | 0x80, lambda _: news.set()))
            for line in reader.last(lines):
                yield line
            while follow:
                for line in reader.read():
                    yield line
                if not self._is_live(folder):
                    break
                await news.wait()
                news.clear()
            for line in (*reader.read(), *reader.remainder()):
                yield line
        finally:
            reader.close()
            for end in ends:
                end()

    async def connection(self, id: str) -> Connection:
        folder = self._folder(id)
        spec, status = self._load(folder), self._status(folder)
        if status is None or not status.address or status.phase in ENDED:
            raise NotReady(
                "It can't be connected to now."
                if status and status.phase in ENDED
                else "It has no address yet.",
                "Launch it again." if status and status.phase in ENDED else "Wait until it runs.",
            )
        try:
            secrets = {path.name: read(path) for path in folder.secrets.iterdir()}
        except (OSError, Corrupt):
            raise NotReady("Its credentials are gone; it is ending.", "Launch it again.") from None
        return get_kind(spec.kind).connection(spec, status.address, secrets)

    async def dashboard(self, id: str) -> Pages | None:
        folder = self._folder(id)
        spec, status = self._load(folder), self._status(folder)
        if status is None or status.phase not in USABLE:
            return None
        return get_kind(spec.kind).dashboard(Place(folder.path))

    async def capacity(self) -> Capacity:
        whole = Resources(
            cores=int(usable_cores() * self.core_overcommit),
            memory=int(usable_memory() * self.memory_overcommit),
        )
        live = (seen.spec.resources for seen in self._track.all() if seen.status.live)
        used = total(live)
        return Capacity(total=whole, free=whole - used)

    # -- inside ----------------------------------------------------------------------------

    def _owner(self, spec: Spec) -> tuple[int, int] | None:
        if not spec.account or os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(spec.account)
        except KeyError:
            raise InvalidRequest(
                f"There is no Unix account {spec.account[:63]!r}.",
                "Ask an administrator to create it.",
                "account",
            ) from None
        if entry.pw_uid == 0:  # a user of the hub may be called root and is nobody's superuser
            raise NotAllowed(
                "Backends of the superuser are not started.", "Log in under another name."
            )
        return entry.pw_uid, entry.pw_gid

    def _folder(self, id: str) -> Folder:
        folder = self._home.folder(id)
        if not is_backend_id(id) or not folder.path.is_dir():
            raise NotFound("There is no such backend.", "It may have ended; list the backends.")
        return folder

    def _load(self, folder: Folder) -> Spec:
        try:
            spec = folder.load_spec()
        except (Corrupt, OSError):
            spec = None
        if spec is None:
            raise NotFound("There is no such backend.", "It may have ended; list the backends.")
        return spec

    def _status(self, folder: Folder) -> Status | None:
        try:
            return folder.load_status()
        except (Corrupt, OSError):
            return None

    def _is_live(self, folder: Folder) -> bool:
        status = self._status(folder)
        return folder.path.exists() and (status is None or status.live)

    def _settings(self) -> Settings:
        return Settings(warm=self.warm, log_limit=self.log_limit, grace=self.grace)

    async def _start(self, spec: Spec) -> None:
        """Start its supervisor; when that fails, the backend has failed."""
        folder = self._home.folder(spec.id)
        try:
            identity = await self._launcher.start(folder, spec, self._settings())
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
        self._launcher.bury(identity.pid)
        self._upkeep.do(self._upkeep.settle(id, identity.pid))
