"""What a platform does for backends that nobody supervises any more: settle, retry, forget."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from alongside.errors import AlongsideError
from alongside.platforms.base import Observed
from alongside.platforms.local.home import Home
from alongside.platforms.local.recovery import set_aside, settle
from alongside.platforms.local.store import Corrupt

_RETRY = 10.0  # seconds


class Upkeep:
    """Clears up in the background; what fails (a full disk) is tried again until `close`.

    `refresh` is called with the id of each backend whose files may have changed.
    """

    def __init__(self, home: Home, log: Any) -> None:
        self.refresh: Callable[[str], None] = lambda _: None
        self._home = home
        self._log = log
        self._open = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._unwritten: set[str] = set()
        self._unreadable: set[str] = set()

    async def close(self) -> None:
        """Begin nothing any more and finish what is under way."""
        self._open = False
        self.refresh = lambda _: None
        for timer in self._timers.values():
            timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)

    async def settle(
        self, id: str, session: int = 0, problem: AlongsideError | None = None
    ) -> None:
        """Clear up where there is no supervisor (any more), as `recovery.settle` does."""
        folder = self._home.folder(id)
        if folder.supervisor() is None and folder.path.exists():
            try:
                await asyncio.to_thread(settle, folder, session, problem)
            except Corrupt as finding:
                self.corrupt(id, str(finding))
            except OSError as error:
                self._log.warning("The end of %s can't be recorded yet: %s", id, error)
                self._later(id, _RETRY, lambda: self.do(self.settle(id, session, problem)))
        self.refresh(id)

    def ended(self, seen: Observed) -> None:
        """Remove the record of an ended backend that is to be forgotten."""
        if seen.spec.forget or seen.spec.id in self._unwritten:
            self.do(self._forget(seen.spec.id))

    def forget_later(self, id: str) -> None:
        """Remember, where it can't be written, that a record is to go when its backend ends."""
        self._unwritten.add(id)

    def insist_later(self, id: str, patience: float) -> None:
        """In `patience` seconds, kill a supervisor that has not followed the wish to stop."""
        self._later(f"{id} stop", patience, lambda: self._insist(id))

    def corrupt(self, id: str, problem: str) -> None:
        """Set a backend aside whose record can't be read."""
        if id not in self._unreadable:
            self._unreadable.add(id)
            self._log.warning("A backend's record can't be read and is set aside: %s", problem)
            self.do(self._set_aside(id))

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Work on something in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _insist(self, id: str) -> None:
        supervisor = self._home.folder(id).supervisor()
        if supervisor is not None:
            self._log.warning("The supervisor of %s does not end its backend and is killed.", id)
            supervisor.send(signal.SIGKILL)

    async def _forget(self, id: str) -> None:
        try:
            await asyncio.to_thread(self._home.folder(id).remove)
        except OSError as error:
            self._log.warning("The record of %s can't be removed yet: %s", id, error)
            self._later(id, _RETRY, lambda: self.do(self._forget(id)))
        else:
            self._unwritten.discard(id)
            for key in (id, f"{id} stop"):
                if timer := self._timers.pop(key, None):
                    timer.cancel()

    async def _set_aside(self, id: str) -> None:
        where = self._home.root / "unreadable"
        try:
            await asyncio.to_thread(set_aside, self._home.folder(id), where)
        except OSError as error:
            self._log.warning("The record of %s can't be set aside: %s", id, error)
        finally:
            self._unreadable.discard(id)
        self.refresh(id)

    def _later(self, key: str, delay: float, call: Callable[[], None]) -> None:
        """Call in `delay` seconds, instead of what was planned under this key before."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if self._open:
            self._timers[key] = asyncio.get_running_loop().call_later(delay, call)
