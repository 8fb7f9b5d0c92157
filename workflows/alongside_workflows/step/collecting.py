"""What a step has made: found, named by its hash, and put where it belongs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from alongside_workflows.step import staging
from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.step.folder import Folder
from alongside_workflows.step.hashing import sha256
from alongside_workflows.step.staging import Staged
from alongside_workflows.step.timing import Clock, Part
from alongside_workflows.task import BAD_INPUT, OUTPUT, Task


async def collect(outputs: Mapping[str, Staged], hashes: dict[str, str], clock: Clock) -> None:
    """Put all outputs where they belong, and note the hash of each in `hashes` once it is there.

    Raises StepFailed, before the first is put if it names what is missing.
    """
    missing = [f"{n} ({s.path})" for n, s in outputs.items() if not s.path.exists()]
    if missing:
        raise StepFailed(
            f"The step ended well but did not make: {', '.join(missing)}.",
            "Let it write to these places (its environment has them by these names), or "
            "correct its `outputs`.",
        )
    for name, staged in outputs.items():
        hash = await hash_of(f"the output {name}", staged)
        if staged.remote:
            with clock.of(Part.STAGING_OUT):
                await asyncio.to_thread(staging.put, name, staged)
                clock.moved(await asyncio.to_thread(staging.size, staged.path))
        hashes[name] = hash


def publish(task: Task, folder: Folder, directory: Path, clock: Clock) -> None:
    """Put the executed notebook where the step says besides. Raises StepFailed."""
    place, executed = task.step.output, folder / OUTPUT
    if place is not None and executed.exists():
        with clock.of(Part.STAGING_OUT):
            staging.copy(executed, place.replace("{run}", task.run), directory)
            clock.moved(staging.size(executed))


async def hash_of(what: str, staged: Staged) -> str:
    """The hash of something read or written, which `what` names. Raises StepFailed."""
    try:
        return await asyncio.to_thread(sha256, staged.path)
    except OSError as error:
        raise StepFailed(
            f"{what[0].upper()}{what[1:]} can't be read: {cause(error)} ({staged.path}).",
            "Check its permissions.",
            BAD_INPUT,
        ) from error
