"""A backend put away with what is in its memory, and had again: tomorrow, in another session."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alongside import saved as shelf
from alongside.carrying import attached, kept, load, names, only_started_anew, running, save
from alongside.errors import AlongsideError, NotFound
from alongside.phases import LIVE
from alongside.progress import Progress, Report, Step, printed
from alongside.saved import Saved

if TYPE_CHECKING:
    from alongside.client import Client
    from alongside.handle import BackendHandle

Namespace = MutableMapping[str, Any] | None


def pause(
    handle: BackendHandle,
    *,
    directory: str | os.PathLike[str] | None = None,
    namespace: Namespace = None,
    tell: Report | None = None,
    timeout: float = 60.0,
) -> Path:
    """Save what this notebook has in a backend's memory, then end it; the directory.

    Raises AlongsideError: while nothing is saved the backend is as it was.
    """
    tell = tell or printed()
    only_started_anew(handle)
    running(handle.refresh().state)
    attached(handle)
    path = shelf.usable(directory, handle.name)
    variables = save(handle, shelf.notebook() if namespace is None else namespace, path, tell)
    shelf.write_or_remove(path, Saved.of(handle.state, variables, unfinished=False))
    tell(Progress(Step.STOPPING, f"Stopping {handle.name}"))
    try:
        handle.stop(wait=True, timeout=timeout)
    except AlongsideError as error:
        raise kept(handle, "It could not be stopped", path, error) from error
    tell(Progress(Step.DONE, f'{handle.name} is put away; alongside.resume("{path}") brings it.'))
    return path


def resume(
    named: str | os.PathLike[str],
    service: Client,
    *,
    namespace: Namespace = None,
    tell: Report | None = None,
    keep: bool = False,
    timeout: float = 300.0,
    **changes: Any,
) -> BackendHandle:
    """Launch a backend as it was when it was paused, and load what it had.

    named : the directory, or the name of the backend
    changes : other options for it, e.g. ``locales=4``
    """
    tell = tell or printed()
    path, saved = shelf.find(named)
    tell(Progress(Step.STARTING, f"Starting {saved.name}"))
    handle = service.launch(
        saved.kind,
        name=saved.name,
        profile=saved.profile,
        keep=saved.keep,
        lifetime=saved.lifetime,
        timeout=timeout,
        **{**saved.options, **changes},
    )
    return _loaded(handle, path, saved, namespace, tell, keep)


def restore(
    named: str | os.PathLike[str],
    service: Client,
    *,
    namespace: Namespace = None,
    tell: Report | None = None,
    keep: bool = False,
    timeout: float = 300.0,
) -> BackendHandle:
    """Load what is saved into the backend that it is of, which runs (again).

    named : the directory, or the name of the backend
    """
    path, saved = shelf.find(named)
    handle = _present(service, saved, path).wait(timeout=timeout)
    return _loaded(handle, path, saved, namespace, tell or printed(), keep)


def _present(service: Client, saved: Saved, path: Path) -> BackendHandle:
    for target in (saved.id, saved.name):
        try:
            handle = service.backend(target)
        except NotFound:
            continue
        if handle.phase in LIVE and handle.kind == saved.kind:
            return handle
    raise NotFound(
        f"{saved.name} doesn't run any more.", f'Launch it again: alongside.resume("{path}").'
    )


def _loaded(
    handle: BackendHandle,
    path: Path,
    saved: Saved,
    namespace: Namespace,
    tell: Report,
    keep: bool,
) -> BackendHandle:
    try:
        found = load(handle, shelf.notebook() if namespace is None else namespace, path, tell)
    except AlongsideError as error:
        raise kept(handle, f"{saved.name} could not be loaded", path, error) from error
    if not keep:
        shelf.remove(path)
    elif saved.unfinished:
        shelf.write(path, saved.model_copy(update={"unfinished": False}))
    tell(Progress(Step.DONE, f"{saved.name} has {names(found)} again."))
    return handle
