"""What happens to the backends of a directory, as it happens: no polling.

inotify tells of changed files and directories, pidfds of supervisors that end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from alongside.models import Status
from alongside.phases import ENDED, Phase
from alongside.platforms.base import Change, Observed, Removed
from alongside.platforms.feeds import Feeds
from alongside.platforms.local.holders import Holders
from alongside.platforms.local.home import Folder, Home
from alongside.platforms.local.inotify import IN_CREATE, IN_MOVED_FROM, IN_MOVED_TO, Inotify
from alongside.platforms.local.process import Identity
from alongside.platforms.local.store import Corrupt


@dataclass
class _Track:
    seen: Observed | None = None
    ends: list[Callable[[], None]] = field(default_factory=list)


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
        self._supervisors = Holders(on_lost)
        self._on_corrupt = on_corrupt
        self._on_ended = on_ended
        self._tracks: dict[str, _Track] = {}
        self._feeds = Feeds[Change]()
        self._loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Begin to follow. Raises OSError."""
        mask = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM
        self._inotify.add(self._home.path, mask, self._changed)
        for folder in self._home.folders():
            self.refresh(folder.id)

    def close(self) -> None:
        for id in list(self._tracks):
            self._let_go(id)
        self._supervisors.close()

    def all(self) -> list[Observed]:
        """Every backend as it is now."""
        for folder in self._home.folders():
            if folder.id not in self._tracks:
                self.refresh(folder.id)
        return [track.seen for track in self._tracks.values() if track.seen is not None]

    def watch(self) -> AsyncGenerator[Change, None]:
        """All backends, then every change."""
        return self._feeds.watch({seen.spec.id: seen for seen in self.all()})

    def supervise(self, id: str, identity: Identity) -> None:
        """Follow a supervisor process until it ends."""
        self._supervisors.follow(id, identity)

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
                self._let_go(id)
                if track.seen is not None:
                    self._feeds.tell(id, Removed(id))
            return
        track = self._tracks.setdefault(id, _Track())
        if not track.ends:
            self._watch_files(folder, track)
        ended = seen.status.phase in ENDED
        if self._supervisors.get(id) is None and (holder := folder.supervisor()):
            self.supervise(id, holder)
        if ended and self._supervisors.get(id) is not None:
            if track.seen is not None:
                return  # it has ended when its supervisor has; that is told in a moment
            ending = {"phase": Phase.STOPPING, "ended": None}
            seen = Observed(seen.spec, seen.status.model_copy(update=ending))
            ended = False
        if seen != track.seen:
            track.seen = seen
            self._feeds.tell(id, seen)
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

    def _let_go(self, id: str) -> None:
        self._supervisors.drop(id)
        for end in self._tracks.pop(id).ends:
            end()
