"""Files that attempts send, where their executor can't see them; for the steps themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from alongside.errors import NotAllowed, Unavailable
from alongside_service.bounded import executor_answers
from alongside_service.problems import documented
from alongside_service.routes.callers import TheBearer, TheService
from alongside_service.run_backends import step_of
from alongside_service.runs import unknown

router = APIRouter(prefix="/runs", tags=["runs"])
PLACE = r"/runs/[^/]+/steps/[^/]+/attempts/[^/]+/[^/]+"
"""A pattern of the paths of this route, below the API."""


@router.put(
    "/{id}/steps/{name}/attempts/{attempt}/{file}",
    status_code=204,
    summary="Send a file of an attempt",
    responses=documented(401, 403, 404, 409, 413, 422, 503, 507),
    openapi_extra={
        "requestBody": {
            "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}
        }
    },
)
async def send(
    id: Annotated[str, Path(description="Id of a run.", max_length=63)],
    name: Annotated[str, Path(description="Name of a step of the workflow.", max_length=63)],
    attempt: Annotated[int, Path(description="Which attempt.", ge=1, le=1_000_000)],
    file: Annotated[str, Path(description="Its name in the attempt's folder.", max_length=63)],
    caller: TheBearer,
    service: TheService,
    request: Request,
) -> Response:
    """For the pod of a step, by its run's token: its executed notebook or its record, compressed.

    It is kept with the run, and is what `notebook` and `record` answer. Again: it stays as it is.
    """
    run = service.runs.get(id)
    if caller.run is None:
        raise NotAllowed("Only a step sends its files.", "Use `output` to put one elsewhere.")
    if run is None or caller.run.id != id:
        raise unknown(id)
    step_of(run.spec, name)
    if not any(
        attempt == known.number
        for step in run.status.steps
        if step.name == name
        for known in step.attempts
    ):
        raise Unavailable("It is not known of this attempt.", "Send it again in a moment.")
    async with executor_answers():
        executor = service.runs.executor(run.spec.executor)
        await executor.keep(id, name, attempt, file, await request.body())
    return Response(status_code=204)
