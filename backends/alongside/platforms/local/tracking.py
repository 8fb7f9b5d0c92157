"""What happens to the backends of a directory, as it happens: no polling.

inotify tells of changed files and directories, pidfds of supervisors that end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from alongside.models import Status
from alongside.phases import ENDED, Phase
from alongside.platforms.base import Change, Observed, Removed
from alongside.platforms.local.inotify import IN_CREATE, IN_MOVED_FROM, IN_MOVED_TO, Inotify
from alongside.platforms.local.process import Identity
from alongside.platforms.local.store import Corrupt, Folder, Home


@dataclass
class _Track:
    seen: Observed | None = None
    supervisor: Identity | None = None
    descriptor: int | None = None
    ends: list[Callable[[], None]] = field(default_factory=list)


class _Feed:
    """The changes that one watcher has not seen yet, at most one a backend."""

    def __init__(self) -> None:
        self.changes: dict[str, Change] = {}
        self.news = asyncio.Event()

    def put(self, id: str, change: Change) -> None:
        self.changes.pop(id, None)
        self.changes[id] = change
        self.news.set()


class Tracker:
    """Follows every backend of a home directory.

    on_lost : called with the id and identity when a supervisor has ended, however it ended
    on_corrupt : called with the id when its specification can't be read
    on_ended : called whenever a backend is seen ended
    """

    def __init__(
        self,
        home: Home,
        inotify: Inotify,
        on_lost: Callable[[str, Identity], None],
        on_corrupt: Callable[[str, str], None],
        on_ended: Callable[[Observed], None],
    ) -> None:
        self._home = home
        self._inotify = inotify
        self._on_lost = on_lost
        self._on_corrupt = on_corrupt
        self._on_ended = on_ended
        self._tracks: dict[str, _Track] = {}
        self._feeds: set[_Feed] = set()
        self._loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Begin to follow. Raises OSError."""
        mask = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM
        self._inotify.add(self._home.backends, mask, self._changed)
        for folder in self._home.folders():
            self.refresh(folder.id)

    def close(self) -> None:
        for track in self._tracks.values():
            self._let_go(track)
        self._tracks.clear()

    def all(self) -> list[Observed]:
        """Every backend as it is now."""
        for folder in self._home.folders():
            if folder.id not in self._tracks:
                self.refresh(folder.id)
        return [track.seen for track in self._tracks.values() if track.seen is not None]

    async def watch(self) -> AsyncIterator[Change]:
        """All backends, then every change."""
        feed = _Feed()
        self._feeds.add(feed)
        try:
            for seen in self.all():
                feed.put(seen.spec.id, seen)
            while True:
                await feed.news.wait()
                feed.news.clear()
                while feed.changes:
                    id = next(iter(feed.changes))
                    yield feed.changes.pop(id)
        finally:
            self._feeds.discard(feed)

    def supervise(self, id: str, identity: Identity) -> None:
        """Follow a supervisor process until it ends."""
        track = self._tracks.setdefault(id, _Track())
        if track.supervisor == identity:
            return
        descriptor = identity.open()
        if descriptor is None:
            self._loop.call_soon(self._on_lost, id, identity)
            return
        self._drop_descriptor(track)
        track.supervisor, track.descriptor = identity, descriptor
        self._loop.add_reader(descriptor, self._supervisor_ended, id, identity)

    def refresh(self, id: str) -> None:
        """Read a backend's files and tell whoever watches when they differ."""
        folder = self._home.folder(id)
        track = self._tracks.get(id)
        try:
            seen = self._read(folder)
        except Corrupt as problem:
            self._on_corrupt(id, str(problem))
            return
        except OSError:
            return  # with the next change, or when it is asked for
        if seen is None:
            if track is not None:
                self._let_go(self._tracks.pop(id))
                if track.seen is not None:
                    self._tell(id, Removed(id))
            return
        track = self._tracks.setdefault(id, _Track())
        if not track.ends:
            self._watch_files(folder, track)
        ended = seen.status.phase in ENDED
        if track.supervisor is None and (holder := folder.supervisor()):
            self.supervise(id, holder)
        if ended and track.supervisor is not None:
            if track.seen is not None:
                return  # it has ended when its supervisor has; that is told in a moment
            ending = {"phase": Phase.STOPPING, "ended": None}
            seen = Observed(seen.spec, seen.status.model_copy(update=ending))
            ended = False
        if seen != track.seen:
            track.seen = seen
            self._tell(id, seen)
        if ended:
            self._on_ended(seen)

    def _read(self, folder: Folder) -> Observed | None:
        spec = folder.load_spec()
        if spec is None:
            if folder.path.is_dir():
                raise Corrupt(f"{folder.path} has no specification")
            return None
        if spec.id != folder.id:
            raise Corrupt(f"{folder.spec_file} belongs to {spec.id}")
        try:
            status = folder.load_status() or Status()
        except Corrupt:
            known = self._tracks.get(folder.id)
            status = known.seen.status if known and known.seen else Status()
        return Observed(spec, status)

    def _watch_files(self, folder: Folder, track: _Track) -> None:
        def changed(name: str) -> None:
            if name in ("", folder.spec_file.name, folder.status_file.name):
                self.refresh(folder.id)

        try:
            for directory in (folder.path, folder.state):
                track.ends.append(self._inotify.add(directory, IN_MOVED_TO, changed))
        except OSError:  # too many watches on this machine: look every second instead
            while track.ends:
                track.ends.pop()()
            self._loop.call_later(1.0, self._look_again, folder.id)

    def _look_again(self, id: str) -> None:
        if id in self._tracks:
            self.refresh(id)

    def _changed(self, name: str) -> None:
        if not name:
            for id in {*self._tracks, *(folder.id for folder in self._home.folders())}:
                self.refresh(id)
        elif not name.startswith("."):
            self.refresh(name)

    def _supervisor_ended(self, id: str, identity: Identity) -> None:
        track = self._tracks.get(id)
        if track is not None and track.supervisor == identity:
            self._drop_descriptor(track)
            track.supervisor = None
        self._on_lost(id, identity)

    def _drop_descriptor(self, track: _Track) -> None:
        if track.descriptor is not None:
            self._loop.remove_reader(track.descriptor)
            os.close(track.descriptor)
            track.descriptor = None

    def _let_go(self, track: _Track) -> None:
        self._drop_descriptor(track)
        for end in track.ends:
            end()

    def _tell(self, id: str, change: Change) -> None:
        for feed in self._feeds:
            feed.put(id, change)
