"""What an attempt is told: the files that its process finds."""

from __future__ import annotations

from alongside.platforms.local.store import write
from alongside_workflows import task
from alongside_workflows.course import Course
from alongside_workflows.runner.folder import Access, RunFolder
from alongside_workflows.runs import RunSpec


def prepare(
    folder: RunFolder, spec: RunSpec, course: Course, step: str, number: int, digest: str
) -> None:
    """Make the folder of an attempt with what it is told, and those of the steps that are joined
    with it. Raises OSError."""
    access = folder.load_access()
    joined = course.chains.steps[step]
    for name in reversed(joined):  # what the first one names is there
        _prepare(folder, spec, course, name, number, digest, access)
    if access.token:
        write(folder.attempt(step, number) / task.TOKEN, access.token.encode())


def _prepare(
    folder: RunFolder,
    spec: RunSpec,
    course: Course,
    step: str,
    number: int,
    digest: str,
    access: Access,
) -> None:
    place = folder.attempt(step, number)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    following = course.chains.next.get(step)
    told = task.Task(
        run=spec.id,
        workflow=spec.workflow.name,
        owner=spec.owner,
        step=course.steps[step],
        attempt=number,
        notebook=spec.workflow.notebooks.get(course.steps[step].notebook or ""),
        instead=spec.workflow.notebooks.get(course.steps[step].retry.notebook or ""),
        values=course.values(step),
        optional=course.optional(step),
        directory=spec.workflow.directory,
        wait=spec.workflow.wait_of(course.steps[step]),
        api=access.api,
        digest=digest,
        joined="" if following is None else f"../../{following}/{number}",
    )
    write(place / task.TASK, told.model_dump_json().encode())
