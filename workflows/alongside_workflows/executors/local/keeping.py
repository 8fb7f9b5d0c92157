"""Keeping a runner at every run that has not ended, and removing those that are to go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from alongside.errors import AlongsideError, StorageFailed
from alongside.models import now
from alongside.platforms.local.accounts import account_of
from alongside.platforms.local.process import Identity
from alongside.platforms.local.starting import Starter
from alongside.platforms.local.store import Corrupt, read_below, storing, write
from alongside_workflows.executors.local.following import Follower, wanted
from alongside_workflows.executors.local.home import RunsHome
from alongside_workflows.executors.local.launching import start_runner
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runner.settings import Settings
from alongside_workflows.runs import State, fresh

_PAUSES = (0.0, 0.5, 2.0, 8.0, 30.0, 60.0)
_MOST = 4  # runners in a row that end at once although their disk is fine; then the run has failed
_LIVED = 5.0  # seconds after which a runner that ends counts as the first to do so
FORGET = "forget"
"""The file in a run's folder that asks for its removal."""


class Keeper:
    """Works in the background until `close`; what fails is tried again after a while."""

    def __init__(self, home: RunsHome, starter: Starter, settings: Settings, log: Any) -> None:
        self._home = home
        self._starter = starter
        self._settings = settings
        self._log = log
        self._follower: Follower | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: set[str] = set()
        self._began: dict[str, float] = {}
        self._deaths: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def open(self, follower: Follower) -> None:
        self._follower = follower

    async def close(self) -> None:
        """Begin nothing any more and finish what is under way."""
        self._follower = None
        for timer in self._timers.values():
            timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)

    def ensure(self, id: str) -> None:
        """Start a runner, if the run should have one and has none."""
        self._do(self.start(id))

    async def start(self, id: str) -> None:
        """As `ensure`; returns when the process is there, or can't be."""
        follower = self._follower
        track = follower.tracks.get(id) if follower else None
        if follower is None or track is None or id in self._starting:
            return
        folder = self._home.folder(id)
        status = track.seen.status if track.seen else fresh(track.spec)
        followed = follower.runners.get(id) is not None
        if followed or folder.runner() is not None or not wanted(folder, status):
            follower.refresh(id)
            return
        self._starting.add(id)
        try:
            place = self._home.unchanged(track.spec.owner)
            settings = self._settings.model_copy(update={"unchanged": str(place)})
            identity = await start_runner(self._starter, folder, track.spec.account, settings)
        except AlongsideError as error:
            self._log.warning("The run %s has no runner: %s", id, error)
            self._again(id, error.message, error.remedy)
        else:
            self._began[id] = time.monotonic()
            follower.supervise(id, identity)
        finally:
            self._starting.discard(id)

    def lost(self, id: str, identity: Identity) -> None:
        """A runner has ended; another one follows if the run has not."""
        self._starter.bury(identity.pid)
        follower = self._follower
        if follower is None:
            return
        follower.refresh(id)
        track = follower.tracks.get(id)
        if track is None or track.seen is None or follower.runners.get(id) is not None:
            return
        if wanted(self._home.folder(id), track.seen.status):
            self._log.warning("The runner of %s has ended before its run.", id)
            self._do(self._lost(id))
        else:
            self._deaths.pop(id, None)

    def ended(self, id: str) -> None:
        """A run has ended and has no runner: remove it, if that was asked for."""
        if (self._home.folder(id).path / FORGET).exists():
            self._do(self.remove(id))

    async def remove(self, id: str) -> None:
        """Remove all of a run; tried again later when that fails."""
        try:
            await asyncio.to_thread(self._home.folder(id).remove)
        except OSError as error:
            self._log.warning("The run %s can't be removed yet: %s", id, error)
            self._later(id, _PAUSES[-2], lambda: self._do(self.remove(id)))
        if self._follower is not None:
            self._follower.refresh(id)

    async def _lost(self, id: str) -> None:
        folder = self._home.folder(id)
        try:
            await asyncio.to_thread(_probe, folder)
        except StorageFailed as error:
            self._again(id, error.message, error.remedy)
            return
        if time.monotonic() - self._began.get(id, 0.0) > _LIVED:
            self._deaths[id] = 0
        if self._deaths.get(id, 0) + 1 >= _MOST:
            await asyncio.to_thread(self._give_up, folder)
            if self._follower is not None:
                self._follower.notice(id, "", "")
            return
        self._again(id, "Its runner has ended and is started again.", "")

    def _again(self, id: str, message: str, remedy: str) -> None:
        deaths = self._deaths[id] = self._deaths.get(id, 0) + 1
        pause = _PAUSES[min(deaths, len(_PAUSES)) - 1]
        if self._follower is not None:
            self._follower.notice(id, message if pause else "", remedy)
        self._later(id, pause, lambda: self._start_again(id))

    def _start_again(self, id: str) -> None:
        if self._follower is not None:
            self._follower.notice(id, "", "")
        self.ensure(id)

    def _give_up(self, folder: RunFolder) -> None:
        """Note that a run can't be carried out: whatever its runner says, it ends at once."""
        try:
            spec = folder.load_spec()
            if spec is None:
                return
            status = folder.load_status() or fresh(spec)
            why = read_below(folder.path, "state", folder.log.name).decode("utf-8", "replace")
            last = (why.strip().splitlines() or [""])[-1][:500]
            failed = status.model_copy(
                update={
                    "state": State.FAILED,
                    "message": last or "Its runner ends as soon as it has begun.",
                    "remedy": "Submit the workflow again; tell an administrator.",
                    "ended": now(),
                }
            )
            account = account_of(spec.account, "run")
            folder.resume_file.unlink(missing_ok=True)
            told = failed.model_dump_json().encode()
            write(folder.status_file, told, durable=True, account=account)
        except (AlongsideError, Corrupt, OSError) as error:
            self._log.warning("The failure of %s can't be noted: %s", folder.id, error)

    def _later(self, id: str, delay: float, call: Any) -> None:
        if timer := self._timers.pop(id, None):
            timer.cancel()
        if self._follower is not None:
            self._timers[id] = asyncio.get_running_loop().call_later(delay, call)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        if self._follower is None:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _probe(folder: RunFolder) -> None:
    """Raises StorageFailed when nothing can be written there."""
    with storing("Writing into the run's folder"):
        path: Path = folder.path / ".probe"
        write(path, b"\0" * 8192, durable=True)
        path.unlink()


__all__ = ["FORGET", "Keeper"]
