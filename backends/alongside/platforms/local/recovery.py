"""What becomes of a backend that nobody supervises: nothing of it keeps running or lies around."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from alongside.errors import AlongsideError
from alongside.models import Status
from alongside.phases import ENDED, Phase
from alongside.platforms.local.home import Folder
from alongside.platforms.local.process import kill_marked
from alongside.platforms.local.store import Corrupt
from alongside.platforms.local.story import Story


def settle(folder: Folder, session: int = 0, problem: AlongsideError | None = None) -> None:
    """End what is left of a backend without supervisor and say so in its status.

    `session`: process id of its last supervisor, where known; `problem`: why none could be
    started. Raises Corrupt when there is no
    readable specification, and OSError when the status can't be written.
    """
    spec = folder.load_spec()
    if spec is None and not folder.path.is_dir():
        return  # removed in the meantime
    if spec is None:
        raise Corrupt(f"{folder.path} has no specification")
    kill_marked(folder.id, session)
    with contextlib.suppress(OSError):
        folder.clean()
    try:
        status = folder.load_status() or Status()
    except Corrupt:
        status = Status(phase=Phase.STARTING)
    if status.phase in ENDED:
        return
    story = Story(folder, status.model_copy(update={"generation": spec.generation}))
    if spec.stop:
        story.enter(Phase.STOPPED, "Stopped on request.", "Requested")
    elif problem is not None:
        story.enter(Phase.FAILED, problem.message, type(problem).__name__, problem.remedy)
    elif status.phase is Phase.PENDING:
        story.enter(
            Phase.FAILED,
            "It could not be started: its supervisor ended at once.",
            "SupervisorFailed",
            "See the log of the supervisor, then launch it again.",
        )
    else:
        story.enter(
            Phase.FAILED,
            "Its supervisor ended unexpectedly; what was left of it has been ended.",
            "SupervisorLost",
            "Launch it again.",
        )
    folder.save_status(story.status)


def set_aside(folder: Folder, where: Path) -> None:
    """Keep a directory that can't be understood for whoever wants to look into it."""
    supervisor = folder.supervisor()
    kill_marked(folder.id, supervisor.pid if supervisor else 0)
    where.mkdir(exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        folder.path.rename(where / f"{folder.id}-{time.time_ns():x}")
