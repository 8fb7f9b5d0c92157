"""What is in a backend's memory, carried over by a kernel that is attached to it."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alongside import awaiting
from alongside.errors import AlongsideError, Conflict, InvalidRequest, NotReady
from alongside.kinds import get_kind
from alongside.models import Backend
from alongside.phases import ENDED, Phase
from alongside.progress import Progress, Report, Step

if TYPE_CHECKING:
    from alongside.handle import BackendHandle


class KeptInFiles(AlongsideError):
    """Something went wrong after the backend was stopped: its memory is in files."""

    code = "kept-in-files"
    status = 500


def running(backend: Backend) -> None:
    """Raise Conflict or NotReady when it can't be given another size now."""
    if backend.phase is Phase.SCALING:
        raise Conflict(
            f"{backend.name} is being scaled already.", "Wait until it runs, then try again."
        )
    if backend.phase in ENDED or backend.phase is Phase.STOPPING:
        raise awaiting.ended(backend)
    if backend.phase is not Phase.RUNNING:
        raise NotReady(f"{backend.name} is still {backend.phase}.", "Wait until it runs.")


def only_started_anew(handle: BackendHandle) -> None:
    """Raise InvalidRequest for a kind whose size changes while it works."""
    kind = get_kind(handle.kind)
    if kind.scaling != "relaunch":
        raise InvalidRequest(
            f"A {kind.title} changes its size while it works; nothing is saved for that.",
            "Use scale.",
        )


def attached(handle: BackendHandle) -> None:
    """Raise Conflict when this kernel isn't attached to the backend."""
    from alongside.handle import attached_to

    if attached_to(handle.kind) != handle.id:
        raise Conflict(
            f"This notebook is not attached to {handle.name}: what is in its memory would be lost.",
            f'Attach first: alongside.attach("{handle.name}"). Or give discard=True to lose it.',
        )


def save(
    handle: BackendHandle, namespace: MutableMapping[str, Any], directory: Path, tell: Report
) -> tuple[str, ...]:
    """Save what these variables have in the backend; their names. Raises AlongsideError."""
    tell(Progress(Step.SAVING, f"Looking for what this notebook has in {handle.name}"))

    def saving(message: str, done: int, of: int) -> None:
        tell(Progress(Step.VERIFYING if done == of else Step.SAVING, message, done, of))

    variables = get_kind(handle.kind).snapshot(namespace, directory, saving)
    if not variables:
        raise Conflict(
            f"This notebook has nothing in the memory of {handle.name}. What others have there, or "
            "what has no variable, would be lost.",
            "Give discard=True if that is so.",
        )
    return variables


def load(
    handle: BackendHandle, namespace: MutableMapping[str, Any], directory: Path, tell: Report
) -> tuple[str, ...]:
    """Attach this kernel and load what is saved; the names of the variables."""

    def loading(message: str, done: int, of: int) -> None:
        tell(Progress(Step.RESTORING, message, done, of))

    tell(Progress(Step.RESTORING, f"Connecting to {handle.name}"))
    handle.client(together=True)
    return get_kind(handle.kind).restore(namespace, directory, loading)


def kept(handle: BackendHandle, what: str, directory: Path, error: AlongsideError) -> KeptInFiles:
    """What to tell when the memory of a backend is in files only."""
    cause = error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."
    how = f'When it runs, load it: alongside.restore("{directory}").'
    if handle.phase in ENDED:
        how = f'Launch it again and load it: alongside.resume("{directory}").'
    return KeptInFiles(f"{what}: {cause} {where(directory)}", how)


def where(directory: Path) -> str:
    """Where it is now, as a sentence."""
    return f"What it held is saved in {directory}."


def names(known: tuple[str, ...]) -> str:
    """Some of these names, for a sentence."""
    shown = ", ".join(known[:5])
    return f"{shown} and {len(known) - 5} more" if len(known) > 5 else shown
