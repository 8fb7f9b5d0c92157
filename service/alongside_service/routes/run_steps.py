"""``runs/{id}/steps/{name}``: what a step asks for, and what its attempts have left."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from alongside.errors import NotAllowed, NotFound
from alongside_service import access
from alongside_service.auth import Caller
from alongside_service.bodies import StrictRoute
from alongside_service.bounded import executor_answers
from alongside_service.problems import documented
from alongside_service.routes.callers import TheBearer, TheCaller, TheService
from alongside_service.run_backends import step_of
from alongside_service.runs import unknown
from alongside_service.service import Service
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.task import OUTPUT, StepBackend

router = APIRouter(prefix="/{id}/steps/{name}", route_class=StrictRoute)
Id = Annotated[str, Path(description="Id of a run.", max_length=63)]
StepName = Annotated[str, Path(description="Name of a step of the workflow.", max_length=63)]
Number = Annotated[
    int | None, Query(description="Which attempt; default: the last one.", ge=1, le=1_000_000)
]
PLAIN = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_UNABLE = PLAIN | {
    # a page of whoever wrote the notebook: it runs nothing, loads nothing and sends nothing
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; media-src data:; form-action 'none'; base-uri 'none'"
}


def _in(media_type: str, **schema: str) -> dict[int | str, dict[str, Any]]:
    """How an answer that is a file is documented."""
    return {200: {"content": {media_type: {"schema": schema}}}}


@router.post(
    "/backend",
    summary="Ask for the backend of a step",
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def backend(
    id: Id,
    name: StepName,
    caller: TheBearer,
    service: TheService,
    attempt: Annotated[
        int, Query(description="Number of the attempt that asks.", ge=1, le=1_000_000)
    ],
) -> StepBackend:
    """For the step itself, by its run's token: the first time, its backend is launched.

    Answers at once with how it is; a quota or a machine that is full is a message, and asking
    again is the way to wait. When it has ended meanwhile, another one is launched. An attempt that
    another one has followed gets none.
    """
    spec = service.runs.spec(id)
    if spec is None or not access.may_see_run(caller, spec):
        raise unknown(id)
    if caller.run is None and not access.may_change_run(caller, spec):
        raise NotAllowed("You may not launch backends for this run.", "Ask its owner.")
    return await service.run_desk.backends.ask(id, name, attempt)


@router.get(
    "/log",
    summary="Log of a step",
    response_class=Response,
    responses={
        **_in("text/plain", type="string"),
        206: {"description": "From a byte on.", **_in("text/plain", type="string")[200]},
        **documented(401, 403, 404, 422, 503),
    },
)
async def log(
    id: Id,
    name: StepName,
    caller: TheCaller,
    service: TheService,
    attempt: Number = None,
    tail: Annotated[int, Query(description="How many of the last lines.", ge=0, le=10_000)] = 200,
    start: Annotated[
        int | None,
        Query(description="From which byte on, instead of the last lines.", ge=0, le=2**48),
    ] = None,
) -> Response:
    """The last lines of what an attempt has printed, as plain text; joined steps share a log.

    With `start` the answer has the status 206 and what comes from this byte on, 1 MiB at most: who
    follows a log asks for what is new. An executor whose logs are no files answers as ever.
    """
    run = visible(service, caller, id)
    number = _attempt(run, name, attempt)
    if start is not None:
        async with executor_answers():
            executor = service.runs.executor(run.spec.executor)
            part = await executor.log_from(id, name, number, start)
        if part is not None:
            return Response(part, 206, media_type="text/plain; charset=utf-8")
    async with executor_answers():
        text = await service.runs.executor(run.spec.executor).log(id, name, number, tail)
    return Response(text.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8")


@router.get(
    "/notebook",
    summary="Executed notebook of a step",
    response_class=Response,
    responses={
        **_in("application/x-ipynb+json", type="object"),
        **documented(401, 403, 404, 422, 503),
    },
)
async def notebook(
    id: Id, name: StepName, caller: TheCaller, service: TheService, attempt: Number = None
) -> Response:
    """The notebook with its outputs, also while it is executed: as far as it has come."""
    run = visible(service, caller, id)
    content = await _notebook(service, run, name, _attempt(run, name, attempt))
    return Response(content, headers=PLAIN, media_type="application/x-ipynb+json")


@router.get(
    "/report",
    summary="Report of a step",
    response_class=Response,
    responses={**_in("text/html", type="string"), **documented(401, 403, 404, 409, 422, 503)},
)
async def report(
    id: Id, name: StepName, caller: TheCaller, service: TheService, attempt: Number = None
) -> Response:
    """The executed notebook as one HTML page, also while it is executed.

    Browsers are told to run none of its scripts: they are not the hub's. Interactive figures show
    when the page is opened from a file.
    """
    run = visible(service, caller, id)
    number = _attempt(run, name, attempt)
    content = await _notebook(service, run, name, number)
    title = f"{run.spec.workflow.name}: {name}, attempt {number}"
    page = await service.run_desk.reports.page(content, title)
    return Response(page, headers=_UNABLE, media_type="text/html; charset=utf-8")


async def _notebook(service: Service, run: ObservedRun, name: str, number: int) -> bytes:
    async with executor_answers():
        executor = service.runs.executor(run.spec.executor)
        return await executor.file(run.spec.id, name, number, OUTPUT)


def visible(service: Service, caller: Caller, id: str) -> ObservedRun:
    """The run, if the caller may see it. Raises NotFound."""
    run = service.runs.get(id)
    if run is None or not access.may_see_run(caller, run.spec):
        raise unknown(id)
    return run


def _attempt(run: ObservedRun, name: str, wanted: int | None) -> int:
    """The number of the attempt meant. Raises NotFound."""
    step_of(run.spec, name)
    known = [step for step in run.status.steps if step.name == name]
    numbers = [attempt.number for attempt in known[0].attempts] if known else []
    if wanted is not None and wanted in numbers:
        return wanted
    if wanted is None and numbers:
        return numbers[-1]
    what = f"Step {name} has not begun yet." if wanted is None else f"There is no attempt {wanted}."
    raise NotFound(what, "Look at the run's steps.", "attempt")
