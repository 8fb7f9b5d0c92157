"""Another size for a backend that can't change while it runs: saved, started anew, loaded.

The order is what keeps data: everything is saved and verified before anything is stopped, and
what was saved is there until it has been loaded and compared.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alongside import awaiting, operations
from alongside import saved as shelf
from alongside.carrying import attached, kept, load, names, only_started_anew, running, save, where
from alongside.errors import AlongsideError, Conflict, Unavailable
from alongside.kinds import get_kind
from alongside.models import Backend
from alongside.phases import Phase
from alongside.progress import Progress, Report, Step, printed
from alongside.requests import parse
from alongside.saved import Saved

if TYPE_CHECKING:
    from alongside.handle import BackendHandle

WAIT = 600.0
"""Seconds that the new start takes at most, unless told otherwise."""

_busy: set[str] = set()
_lock = threading.Lock()


def relaunch(
    handle: BackendHandle,
    members: int | None = None,
    *,
    namespace: MutableMapping[str, Any] | None = None,
    directory: str | os.PathLike[str] | None = None,
    tell: Report | None = None,
    keep: bool = False,
    discard: bool = False,
    timeout: float = WAIT,
    **options: Any,
) -> BackendHandle:
    """Give a backend another size with what this notebook has in its memory.

    - `members`, `options`: the new size, e.g. ``5`` locales, or ``memory="8 GiB"``
    - `namespace`: the variables to save and to load; default: the notebook's
    - `directory`: where to save, seen by the backend too; default: ``.alongside/saved`` here
    - `tell`: hears of each step; default: shows it
    - `keep`: whether the files stay when all is loaded
    - `discard`: don't save; what is in its memory is lost
    - `timeout`: seconds that the new start may take

    Raises AlongsideError. When that is before the stop, the backend is as it was and no file is
    left; when it is after, it is a KeptInFiles that names the directory and how to load it.
    """
    only_started_anew(handle)
    with _alone(handle):
        work = _Relaunch(handle, members, options, tell or printed(), timeout)
        if discard:
            return work.empty()
        variables = shelf.notebook() if namespace is None else namespace
        return work.full(variables, shelf.usable(directory, handle.name), keep)


@contextlib.contextmanager
def _alone(handle: BackendHandle) -> Iterator[None]:
    with _lock:
        if handle.id in _busy:
            raise Conflict(
                f"{handle.name} is being scaled already.",
                "Wait until that is done, then try again.",
            )
        _busy.add(handle.id)
    try:
        yield
    finally:
        with _lock:
            _busy.discard(handle.id)


class _Relaunch:
    def __init__(
        self,
        handle: BackendHandle,
        members: int | None,
        options: Mapping[str, Any],
        tell: Report,
        timeout: float,
    ) -> None:
        self.handle = handle
        self.kind = get_kind(handle.kind)
        self.tell = tell
        self.timeout = timeout
        self.before = handle.refresh().state
        running(self.before)
        self.patch = operations.size(self.before, members, options, discard=True)
        present = self.kind.Options.model_validate(self.before.options)
        self.wanted = parse(
            self.kind.Options, self.kind.change(present, self.patch.options or {}), "options"
        )
        self.same = self.wanted == present
        self.asked = False
        """Whether it may have been stopped."""

    @property
    def words(self) -> str:
        count = self.kind.wanted(self.wanted)
        return f"{count} {self.kind.member}{'' if count == 1 else 's'}"

    def empty(self) -> BackendHandle:
        """Without anything that was in it."""
        if not self.same:
            self._restart()
        self.tell(Progress(Step.DONE, f"{self.handle.name} has {self.words} and is empty."))
        return self.handle

    def full(
        self, namespace: MutableMapping[str, Any], directory: Path, keep: bool
    ) -> BackendHandle:
        """With what these variables have in it."""
        name = self.handle.name
        if self.same:
            self.tell(Progress(Step.DONE, f"{name} has {self.words} already."))
            return self.handle
        try:
            restored = self._carry(namespace, directory, keep)
        except BaseException as error:
            if not self.asked and not isinstance(error, AlongsideError):
                shelf.remove(directory)
            if isinstance(error, KeyboardInterrupt):
                self.tell(self._interrupted(directory))
            raise
        self.tell(Progress(Step.DONE, f"{name} has {self.words}; loaded {names(restored)}."))
        return self.handle

    def _interrupted(self, directory: Path) -> Progress:
        if not self.asked:
            return Progress(Step.FAILED, f"Interrupted; {self.handle.name} is as it was.")
        how = f'When it runs, load it: alongside.restore("{directory}").'
        return Progress(Step.FAILED, f"Interrupted. {where(directory)}", remedy=how)

    def _carry(
        self, namespace: MutableMapping[str, Any], directory: Path, keep: bool
    ) -> tuple[str, ...]:
        saved = self._save(namespace, directory)
        try:
            self._restart(untouched=lambda: shelf.remove(directory))
            restored = load(self.handle, namespace, directory, self.tell)
        except AlongsideError as error:
            if not directory.exists():
                raise  # it was not stopped, and said so
            with contextlib.suppress(AlongsideError):
                self.handle.refresh()
            what = f"{self.handle.name} could not be given {self.words}"
            raise kept(self.handle, what, directory, error) from error
        if keep:
            shelf.write(directory, saved.model_copy(update={"unfinished": False}))
        else:
            shelf.remove(directory)
        return restored

    def _save(self, namespace: MutableMapping[str, Any], directory: Path) -> Saved:
        attached(self.handle)
        if left := shelf.unfinished(self.handle.id):
            raise Conflict(
                f"What {self.handle.name} had before it was last started anew is still in {left}.",
                f'Load it first: alongside.restore("{left}"). Or delete that directory.',
            )
        try:
            variables = save(self.handle, namespace, directory, self.tell)
            saved = Saved.of(self.before, variables, unfinished=True)
            shelf.write_or_remove(directory, saved)
        except AlongsideError as error:
            raise self._as_it_was(error) from error
        return saved

    def _as_it_was(self, error: AlongsideError) -> AlongsideError:
        """Say so, where it is so: somebody else may have been at it."""
        with contextlib.suppress(AlongsideError):
            if self._still(self.handle.refresh().state):
                error.message = f"{error.message} {self.handle.name} is as it was."
        return error

    def _still(self, seen: Backend) -> bool:
        """Whether it is the one that was looked at first, and nobody has started it anew."""
        return seen.phase is Phase.RUNNING and (seen.options, seen.started) == (
            self.before.options,
            self.before.started,
        )

    def _restart(self, untouched: Any = lambda: None) -> None:
        """Stop and start it with the new size; `untouched` is called when it wasn't stopped."""
        handle, service = self.handle, self.handle._service
        seen = handle.refresh().state
        if not self._still(seen):
            raise Conflict(
                f"{handle.name} was changed by somebody else meanwhile.", "Look at it first."
            )
        self.tell(Progress(Step.STOPPING, f"Stopping {handle.name}"))
        stages = seen.stages
        self.asked = True
        try:
            changed = service.run(operations.change(handle.id, self.patch))
        except Unavailable:
            raise  # it may have been heard, only not answered
        except AlongsideError as error:
            untouched()
            raise self._as_it_was(error) from None
        handle.state = changed
        self.tell(Progress(Step.STARTING, f"Starting {handle.name} with {self.words}"))
        count = self.kind.wanted(self.wanted)
        handle.state = service.run(awaiting.restarted(handle.id, stages, count, self.timeout))


def from_panel(id: str, options: Mapping[str, Any], discard: bool = False) -> None:
    """Do it for the panel, in the kernel that is attached: a line of JSON for each step.

    Never raises: the last line is ``done`` or ``failed``.
    """
    from alongside.session import service

    last = Step.SAVING

    def report(progress: Progress) -> None:
        nonlocal last
        last = progress.step
        print(progress.line(), flush=True)  # noqa: T201 - the panel reads it

    try:
        relaunch(service().backend(id), tell=report, discard=discard, **options)
    except AlongsideError as error:
        report(Progress(Step.FAILED, error.message, remedy=error.remedy))
    except KeyboardInterrupt:
        if last is not Step.FAILED:  # else it has been told, and what to do
            report(Progress(Step.FAILED, "Interrupted."))
    except Exception as error:
        remedy = "Do it from a cell: alongside.attach(...), then scale the backend."
        report(
            Progress(Step.FAILED, f"It failed ({type(error).__name__}: {error}).", remedy=remedy)
        )
