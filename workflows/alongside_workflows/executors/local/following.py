"""What happens to the runs of a directory, as it happens: no polling.

inotify tells of changed files and directories, pidfds of runners that end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from alongside.platforms.feeds import Feeds
from alongside.platforms.local.holders import Holders
from alongside.platforms.local.inotify import IN_CREATE, IN_MOVED_FROM, IN_MOVED_TO, Inotify
from alongside.platforms.local.process import Identity
from alongside.platforms.local.store import Corrupt
from alongside_workflows.executors.base import ObservedRun, RunChange, RunRemoved
from alongside_workflows.executors.local.home import RunsHome, is_run_id
from alongside_workflows.runner.folder import RunFolder
from alongside_workflows.runs import RunSpec, RunStatus, State, fresh


@dataclass
class Track:
    """What is known of one run.

    notice : what is amiss with its runner, as (message, remedy)
    """

    spec: RunSpec
    seen: ObservedRun | None = None
    notice: tuple[str, str] = ("", "")
    ends: list[Callable[[], None]] = field(default_factory=list)


def wanted(folder: RunFolder, status: RunStatus) -> bool:
    """Whether a run should have a runner: it has not ended, or is to be taken up again."""
    if not status.state.final:
        return True
    return status.state is not State.SUCCEEDED and folder.asks_for("resume")


class Follower:
    """Follows every run.

    on_lost : called with the id and identity when a runner has ended, however it ended
    on_ended : called with the id whenever a run is seen that has ended and has no runner
    """

    def __init__(
        self,
        home: RunsHome,
        inotify: Inotify,
        feeds: Feeds[RunChange],
        on_lost: Callable[[str, Identity], None],
        on_ended: Callable[[str], None],
    ) -> None:
        self.tracks: dict[str, Track] = {}
        self._home = home
        self._inotify = inotify
        self._feeds = feeds
        self.runners = Holders(on_lost)
        self._on_ended = on_ended
        self._loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Begin. Raises OSError."""
        mask = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM
        self._inotify.add(self._home.path, mask, self._changed)
        self._changed("")

    def close(self) -> None:
        for id in list(self.tracks):
            self._let_go(id)

    def supervise(self, id: str, identity: Identity) -> None:
        """Follow a runner until it ends."""
        if id in self.tracks:
            self.runners.follow(id, identity)

    def refresh(self, id: str) -> None:
        """Look at a run and tell whoever watches when it has changed."""
        folder = self._home.folder(id)
        track = self.tracks.get(id)
        try:
            spec = folder.load_spec()
        except (Corrupt, OSError):
            return  # a disk that fails; its run is shown as it was
        if spec is None or spec.id != id:
            if track is not None:
                self._let_go(id)
                self._feeds.tell(id, RunRemoved(id))
            return
        if track is None:
            track = self.tracks[id] = Track(spec)
            self._watch_files(folder, track)
        if self.runners.get(id) is None and (holder := folder.runner()):
            self.supervise(id, holder)
        status = self._status(folder, track)
        if track.seen is None or status != track.seen.status:
            track.seen = ObservedRun(track.spec, status)
            self._feeds.tell(id, track.seen)
        if status.state.final and self.runners.get(id) is None:
            self._on_ended(id)

    def notice(self, id: str, message: str, remedy: str) -> None:
        """Say, or with "" unsay, what is amiss with its runner."""
        track = self.tracks.get(id)
        if track is not None:
            track.notice = (message, remedy)
            self.refresh(id)

    @staticmethod
    def _status(folder: RunFolder, track: Track) -> RunStatus:
        try:
            status = folder.load_status() or fresh(track.spec)
        except (Corrupt, OSError):
            status = track.seen.status if track.seen else fresh(track.spec)
        if status.state.final and wanted(folder, status):
            return status.model_copy(
                update={
                    "state": State.WAITING,
                    "message": track.notice[0] or "It is taken up again.",
                    "remedy": track.notice[1],
                    "ended": None,
                }
            )
        if not status.state.final and track.notice[0]:
            message, remedy = track.notice
            return status.model_copy(update={"message": message, "remedy": remedy})
        return status

    def _watch_files(self, folder: RunFolder, track: Track) -> None:
        def changed(name: str) -> None:
            if name in ("", folder.status_file.name, folder.resume_file.name):
                self.refresh(folder.id)

        try:
            track.ends.append(self._inotify.add(folder.state, IN_MOVED_TO, changed))
        except OSError:  # too many watches on this machine: look every second instead
            self._loop.call_later(1.0, self._look_again, folder.id)

    def _look_again(self, id: str) -> None:
        if id in self.tracks:
            self._loop.call_later(1.0, self._look_again, id)
            self.refresh(id)

    def _changed(self, name: str) -> None:
        if not name:
            for id in {*self.tracks, *self._home.ids()}:
                self.refresh(id)
        elif is_run_id(name):
            self.refresh(name)

    def _let_go(self, id: str) -> None:
        self.runners.drop(id)
        for end in self.tracks.pop(id).ends:
            end()


__all__ = ["Follower", "Track", "wanted"]
