"""Runs on this machine: every run is a directory and a detached process that carries it out.

Truth is on disk and in the process table; a `LocalExecutor` starts runners, leaves wishes, tells
what it sees, and starts a runner again that was killed. Any number of them may work on the same
directory, at the same time or after one another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

from alongside.errors import InvalidRequest, NotFound
from alongside.platforms.feeds import Feeds
from alongside.platforms.local.accounts import account_of
from alongside.platforms.local.inotify import Inotify
from alongside.platforms.local.starting import Starter
from alongside.platforms.local.store import Corrupt, open_below, read_below, storing, write
from alongside.platforms.local.warm import WarmProcesses
from alongside_workflows import task
from alongside_workflows.executors.base import (
    LOG_PART,
    Credentials,
    Executor,
    ObservedRun,
    RunChange,
)
from alongside_workflows.executors.local.following import Follower, Track
from alongside_workflows.executors.local.home import (
    RunsHome,
    is_run_id,
    want_cancel,
    want_resume,
)
from alongside_workflows.executors.local.keeping import FORGET, Keeper
from alongside_workflows.executors.local.launching import preloaded
from alongside_workflows.runner.settings import Settings
from alongside_workflows.runs import RunSpec, State

_log = logging.getLogger("alongside.runs")
_LOG_BYTES = 2**24  # looked at for the last lines
_FILE_BYTES = 2**28


class LocalExecutor(Executor):
    """Carries runs out as processes of this machine.

    home : directory of all state; runs lie in ``<home>/runs``
    module : what is executed for a step
    warm : whether to keep a process that has imported what runs need, and fork from it
    grace : seconds that a step has to end by itself when its run is cancelled
    environment : names of more of our environment variables that steps see
    """

    name = "local"

    def __init__(
        self,
        home: Path,
        *,
        module: str = "alongside_workflows.step",
        warm: bool = True,
        grace: float = 30.0,
        environment: Iterable[str] = (),
        log: logging.Logger = _log,
    ) -> None:
        self._home = RunsHome(Path.cwd() / home)
        self._settings = Settings(module=module, grace=grace)
        self._environment = tuple(environment)
        self._log = log
        self._warm = WarmProcesses(preloaded(module), log=log) if warm else None
        self._feeds = Feeds[RunChange]()
        self._follower: Follower | None = None

    async def open(self) -> None:
        """Begin. Raises StorageFailed."""
        await asyncio.to_thread(self._home.prepare)
        if self._warm is not None:
            await self._warm.start()
        starter = self._starter = Starter("runner", self._warm, self._environment, self._log)
        keeper = self._keeper = Keeper(self._home, starter, self._settings, self._log)
        try:
            with storing("Watching the directory of runs"):
                self._inotify = Inotify()
                follower = Follower(
                    self._home, self._inotify, self._feeds, keeper.lost, keeper.ended
                )
                keeper.open(follower)
                follower.open()
        except BaseException:
            if self._warm is not None:
                await self._warm.close()
            raise
        self._follower = follower
        for id in list(follower.tracks):
            keeper.ensure(id)

    async def close(self) -> None:
        if self._follower is None:
            return
        await self._keeper.close()
        self._follower.close()
        self._follower = None
        self._inotify.close()
        self._feeds.close()
        self._starter.close()
        if self._warm is not None:
            await self._warm.close()

    # -- wishes ----------------------------------------------------------------------------

    async def submit(self, spec: RunSpec, credentials: Credentials) -> None:
        if not is_run_id(spec.id):
            raise InvalidRequest("This can't be the id of a run.", "", "id")
        follower, account = self._following, account_of(spec.account, "run")
        await asyncio.to_thread(self._home.store, spec, credentials, account)
        follower.refresh(spec.id)
        await self._keeper.start(spec.id)

    async def cancel(self, id: str) -> None:
        track = self._track(id)
        if track is None or track.seen is None or track.seen.status.state.final:
            return
        folder = self._home.folder(id)
        with storing("Cancelling the run"):
            await asyncio.to_thread(want_cancel, folder)
        self._wake(id)

    async def resume(self, id: str, credentials: Credentials) -> None:
        track = self._track(id)
        if track is None or track.seen is None:
            raise _no_run()
        if track.seen.status.state not in (State.FAILED, State.CANCELLED):
            return
        folder, account = self._home.folder(id), account_of(track.spec.account, "run")
        with storing("Taking the run up again"):
            await asyncio.to_thread(want_resume, folder, credentials, account)
        self._following.refresh(id)
        self._wake(id)

    async def forget(self, id: str) -> None:
        track = self._track(id)
        if track is None or track.seen is None:
            return
        with storing("Removing the run"), suppress(FileNotFoundError):  # it is just going
            mark = self._home.folder(id).path / FORGET
            await asyncio.to_thread(write, mark, b"", durable=True)
        if track.seen.status.state.final and self._following.runners.get(id) is None:
            await self._keeper.remove(id)
        else:
            await self.cancel(id)

    def _wake(self, id: str) -> None:
        """Have a wish looked at now; a runner that is just ending is followed by another one."""
        runner = self._home.folder(id).runner()
        if runner is None or not runner.send(signal.SIGUSR1):
            self._keeper.ensure(id)

    # -- views -----------------------------------------------------------------------------

    async def observed(self) -> list[ObservedRun]:
        tracks = self._following.tracks
        return [track.seen for track in tracks.values() if track.seen is not None]

    def watch(self) -> AsyncIterator[RunChange]:
        return self._feeds.watch()

    async def log(self, id: str, step: str, attempt: int, tail: int) -> str:
        place = self._place(id, step, attempt, of=task.LOG)
        try:
            return await asyncio.to_thread(_last_lines, place, max(0, tail))
        except (OSError, Corrupt):
            raise NotFound("There is no log of this attempt yet.", "Wait until it runs.") from None

    async def log_from(self, id: str, step: str, attempt: int, start: int) -> bytes | None:
        place = self._place(id, step, attempt, of=task.LOG)
        try:
            return await asyncio.to_thread(_part, place, start)
        except (OSError, Corrupt):
            raise NotFound("There is no log of this attempt yet.", "Wait until it runs.") from None

    async def file(self, id: str, step: str, attempt: int, name: str) -> bytes:
        if name not in (task.OUTPUT, task.CRATE):
            raise InvalidRequest(
                f"There is no file {name[:63]!r}.", f"Ask for {task.OUTPUT} or {task.CRATE}."
            )
        base, *names = self._place(id, step, attempt, of=name)
        parts = [str(part) for part in (*names, name)]
        try:
            return await asyncio.to_thread(
                lambda: read_below(Path(base), *parts, largest=_FILE_BYTES)
            )
        except (OSError, Corrupt):
            raise NotFound(
                "Nothing has been executed yet.", "Wait until the step has begun."
            ) from None

    def _place(
        self, id: str, step: str, attempt: int, *, of: str
    ) -> tuple[Path, str, str, str, str]:
        """Where a file of an attempt is: the run's folder, and names from there on."""
        track = self._track(id)
        if track is None:
            raise _no_run()
        if not any(one.name == step for one in track.spec.workflow.steps):
            raise NotFound(f"The run has no step {step[:63]!r}.", "Choose one of its steps.")
        id, attempt = self._made(track, step, attempt)
        if of == task.LOG:  # joined steps have one process, and that has one log
            step = track.spec.workflow.chains.first[step]
        return self._home.folder(id).path, "state", "steps", step, str(int(attempt))

    def _made(self, track: Track, step: str, attempt: int) -> tuple[str, int]:
        """The run and the attempt that made a step's files: another one's, if it was skipped."""
        mine = track.seen.status.steps if track.seen else ()
        skipped = next((one.unchanged for one in mine if one.name == step and one.unchanged), "")
        # A status can be forged by its account: what is somebody else's stays so.
        past = self._track(skipped) if skipped else None
        if past is not None and past.seen is not None and past.spec.owner == track.spec.owner:
            for one in past.seen.status.steps:
                if one.name == step and one.attempts:
                    return past.spec.id, one.attempts[-1].number
        return track.spec.id, attempt

    # -- inside ----------------------------------------------------------------------------

    @property
    def _following(self) -> Follower:
        if self._follower is None:
            raise RuntimeError("The executor is not open.")
        return self._follower

    def _track(self, id: str) -> Track | None:
        if not is_run_id(id):
            return None
        self._following.refresh(id)
        return self._following.tracks.get(id)


def _last_lines(place: tuple[Path, str, str, str, str], tail: int) -> str:
    base, *names = place
    with os.fdopen(open_below(base, *names, task.LOG), "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LOG_BYTES))
        lines = file.read(_LOG_BYTES).decode("utf-8", "replace").splitlines(keepends=True)
    return "".join(lines[len(lines) - min(tail, len(lines)) :])


def _part(place: tuple[Path, str, str, str, str], start: int) -> bytes:
    base, *names = place
    with os.fdopen(open_below(base, *names, task.LOG), "rb") as file:
        file.seek(start)
        return file.read(LOG_PART)


def _no_run() -> NotFound:
    return NotFound("There is no such run.", "List the runs; it may have been removed.")


__all__ = ["LocalExecutor"]
