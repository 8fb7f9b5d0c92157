"""``runs``: submit workflows, see how far they are, end them, take them up again."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from alongside.errors import Conflict, NotAllowed
from alongside_service import access
from alongside_service.admission import nonce_of
from alongside_service.bodies import StrictRoute
from alongside_service.problems import documented
from alongside_service.routes import run_steps
from alongside_service.routes.callers import OnlyOf, TheBearer, TheCaller, TheService, repeat_key
from alongside_service.routes.run_steps import PLAIN, Id, visible
from alongside_service.routes.workflows import EXAMPLE, admissible
from alongside_service.run_record import record_of
from alongside_service.runs import run_id
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.runs import NewRun, Run, State

router = APIRouter(prefix="/runs", tags=["runs"], route_class=StrictRoute)
router.include_router(run_steps.router)
_JSON = "application/json"


@router.post(
    "",
    status_code=202,
    response_model=Run,
    summary="Submit a workflow",
    responses=documented(401, 403, 409, 413, 422, 503, 507),
    openapi_extra={"requestBody": {"content": {_JSON: {"example": {"workflow": EXAMPLE}}}}},
)
async def submit(
    body: NewRun,
    caller: TheCaller,
    service: TheService,
    idempotency_key: Annotated[str | None, repeat_key("run")] = None,
) -> Response:
    """Have a workflow carried out; it goes on when the session, the hub and this service are gone.

    Its backends are launched in its owner's quota when their steps ask for them, and end with
    these. What becomes of it is seen at `Location` and among the events.
    """
    owner = await service.owner(caller, body.owner)
    if body.account and not caller.is_hub:
        raise NotAllowed("Only the hub may name an account.", "Leave it out.", "account")
    service.runs.executor(body.executor)
    admissible(service, caller, owner, body.workflow)
    nonce = secrets.token_hex(16) if idempotency_key is None else nonce_of(idempotency_key)
    run = await service.run_desk.submit(
        run_id(owner.name, body.workflow.name, nonce),
        owner.name,
        body,
        body.account or service.account.format(username=owner.name),
    )
    location = f"{service.prefix}api/v1/runs/{run.spec.id}"
    return Response(_view(run), 202, {"Location": location}, media_type=_JSON)


@router.get(
    "", response_model=list[Run], summary="List runs", responses=documented(401, 403, 422, 503)
)
async def listing(
    caller: TheCaller,
    service: TheService,
    owner: OnlyOf = None,
    session: Annotated[
        str | None,
        Query(description="Only those from this session; empty: the default one.", max_length=4096),
    ] = None,
) -> Response:
    """The caller's own, newest first, without their definitions; for admins all."""
    chosen = [
        run
        for run in (service.runs.of(owner) if owner is not None else service.runs)
        if access.may_see_run(caller, run.spec) and (session is None or run.spec.session == session)
    ]
    chosen.sort(key=lambda run: run.spec.created, reverse=True)
    parts = [service.runs.json(run) for run in chosen]
    return Response(b"[" + b",".join(parts) + b"]", media_type=_JSON)


@router.get(
    "/{id}",
    response_model=Run,
    summary="See a run",
    responses=documented(401, 403, 404, 422, 503),
)
async def show(id: Id, caller: TheBearer, service: TheService) -> Response:
    """One run as it is now, with its steps, their attempts, and its definition."""
    return Response(_view(visible(service, caller, id)), media_type=_JSON)


@router.delete(
    "/{id}",
    status_code=204,
    summary="Delete a run",
    responses=documented(401, 403, 404, 422, 503, 507),
)
async def delete(id: Id, caller: TheCaller, service: TheService) -> Response:
    """Forget it, with its logs and executed notebooks; a live one is cancelled first. Again: 404.

    What its steps have written elsewhere stays.
    """
    await service.runs.forget(visible(service, caller, id))
    return Response(status_code=204)


@router.post(
    "/{id}/cancel",
    status_code=202,
    response_model=Run,
    summary="Cancel a run",
    responses=documented(401, 403, 404, 422, 503, 507),
)
async def cancel(id: Id, caller: TheCaller, service: TheService) -> Response:
    """End it: its steps have 30 s, its backends end at once. One that has ended stays as it is."""
    run = visible(service, caller, id)
    await service.runs.cancel(run)
    return Response(_view(service.runs.get(id) or run), 202, media_type=_JSON)


@router.post(
    "/{id}/resume",
    status_code=202,
    response_model=Run,
    summary="Resume a run",
    responses=documented(401, 403, 404, 409, 422, 503, 507),
)
async def resume(id: Id, caller: TheCaller, service: TheService) -> Response:
    """Go on with one that has failed or was cancelled: what has succeeded is not repeated.

    Backends that were kept are used again. A live one just goes on.
    """
    run = visible(service, caller, id)
    if not access.may_change_run(caller, run.spec):
        raise NotAllowed("You may not resume this run.", "Ask its owner.")
    if run.status.state is State.SUCCEEDED:
        raise Conflict("The run has succeeded.", "Submit the workflow again for another run.")
    resumed = await service.runs.resume(run, service.run_desk.credentials(id))
    return Response(_view(resumed), 202, media_type=_JSON)


@router.get(
    "/{id}/record",
    summary="Record of a run",
    response_class=Response,
    responses={
        200: {"content": {"application/ld+json": {"schema": {"type": "object"}}}},
        **documented(401, 403, 404, 422, 503),
    },
)
async def record(id: Id, caller: TheCaller, service: TheService) -> Response:
    """What explains its results, as an RO-Crate: its steps with code, values, hashes, versions."""
    run = visible(service, caller, id)
    document = await record_of(service.runs.executor(run.spec.executor), run)
    return JSONResponse(document, headers=PLAIN, media_type="application/ld+json")


def _view(run: ObservedRun) -> str:
    return Run.of(run.spec, run.status).model_dump_json()
