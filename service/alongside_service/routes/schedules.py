"""``schedules``: backends that come and go, and workflows that are submitted, by the clock."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from alongside.errors import NotAllowed, NotFound
from alongside.requests import Requester
from alongside.schedules import Schedule, ScheduleRecord
from alongside_service import access
from alongside_service import schedules as making
from alongside_service.auth import Caller
from alongside_service.bodies import StrictRoute
from alongside_service.problems import documented
from alongside_service.routes.callers import OnlyOf, TheCaller, TheService, repeat_key
from alongside_service.routes.workflows import EXAMPLE, admissible
from alongside_service.schedule_bodies import NewSchedule, SchedulePatch
from alongside_service.service import Service
from alongside_workflows.runs import NewRun

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=StrictRoute)
Id = Annotated[str, Path(description="Id of a schedule.", max_length=63)]
_JSON = "application/json"
_EXAMPLE = {
    "name": "weekdays",
    "launch": {"kind": "dask", "options": {"workers": 2, "cores": 1, "memory": "1 GiB"}},
    "days": "Mon-Fri",
    "from": "07:00",
    "to": "19:00",
    "zone": "America/New_York",
}
_TONIGHT = {
    "name": "tonight",
    "submit": {"workflow": EXAMPLE},
    "at": "22:00",
    "zone": "America/New_York",
}
_EXAMPLES = {
    "backend": {"summary": "A cluster in office hours", "value": _EXAMPLE},
    "workflow": {"summary": "A workflow, once", "value": _TONIGHT},
}


@router.post(
    "",
    status_code=201,
    summary="Make a schedule",
    responses=documented(401, 403, 409, 413, 422, 503, 507),
    openapi_extra={"requestBody": {"content": {_JSON: {"examples": _EXAMPLES}}}},
)
async def make(
    body: NewSchedule,
    caller: TheCaller,
    service: TheService,
    response: Response,
    idempotency_key: Annotated[str | None, repeat_key("schedule")] = None,
) -> Schedule:
    """Have a backend started at certain times, and stopped again, in the name of its owner.

    Or have a workflow submitted. It starts with the next time that comes; what is due is admitted
    like any launch or run, and tried again as long as it would run, or as the tolerance says.
    """
    owner = await service.owner(caller, body.owner)
    record = making.make(body, owner, service.clock.now(), idempotency_key)
    _check_start(service, caller, owner, record, body.submit)
    kept = await service.schedules.add(record)
    response.headers["Location"] = f"{service.prefix}api/v1/schedules/{kept.id}"
    return _view(service, kept)


@router.get("", summary="List schedules", responses=documented(401, 403, 422, 503))
async def listing(
    caller: TheCaller,
    service: TheService,
    owner: OnlyOf = None,
) -> list[Schedule]:
    """The caller's own; for admins all. Without what they submit."""
    return [
        _view(service, record, definition=False)
        for record in sorted(service.schedules, key=lambda r: (r.owner, r.name))
        if access.may_see_schedule(caller, record) and owner in (None, record.owner)
    ]


@router.get("/{id}", summary="See a schedule", responses=documented(401, 403, 404, 422, 503))
async def show(id: Id, caller: TheCaller, service: TheService) -> Schedule:
    """One schedule, with what became of its last starts and when the next one is."""
    return _view(service, _visible(service, caller, id))


@router.patch(
    "/{id}",
    summary="Change a schedule",
    responses=documented(401, 403, 404, 409, 413, 422, 503, 507),
    openapi_extra={"requestBody": {"content": {_JSON: {"example": {"suspended": True}}}}},
)
async def change(id: Id, body: SchedulePatch, caller: TheCaller, service: TheService) -> Schedule:
    """Other times, another launch or workflow, another name, or suspend it.

    What runs already stops at the new time. What would have been started before now is not.
    """
    record = _visible(service, caller, id)
    if not access.may_change_schedule(caller, record):
        raise NotAllowed("You may not change this schedule.", "Ask its owner.")
    moment = service.clock.now()
    wanted = making.changed(record, body, moment)
    if body.launch is not None or body.submit is not None:
        owner = await service.owner(caller, record.owner)
        _check_start(service, caller, owner, wanted, body.submit)
    kept = await service.schedules.update(id, lambda r: making.changed(r, body, moment))
    if kept is None:
        raise _unknown(id)
    return _view(service, kept)


@router.delete(
    "/{id}",
    status_code=204,
    summary="Delete a schedule",
    responses=documented(401, 403, 404, 422, 503, 507),
)
async def delete(
    id: Id,
    caller: TheCaller,
    service: TheService,
    stop: Annotated[
        bool, Query(description="Whether to end what it has started as well; else that runs on.")
    ] = False,
) -> Response:
    """Start nothing any more. Again: 404."""
    record = _visible(service, caller, id)
    if stop and record.running is not None:
        await service.schedule_keeper.sort(record).stop(record.running.id, forget=True)
    await service.schedules.remove(id)
    return Response(status_code=204)


def _visible(service: Service, caller: Caller, id: str) -> ScheduleRecord:
    record = service.schedules.get(id)
    if record is None or not access.may_see_schedule(caller, record):
        raise _unknown(id)
    return record


def _unknown(id: str) -> NotFound:
    return NotFound(f"There is no schedule {id[:63]!r}.", "List yours with GET schedules.")


def _check_start(
    service: Service,
    caller: Caller,
    owner: Requester,
    record: ScheduleRecord,
    submit: NewRun | None,
) -> None:
    """Say now what would be said each morning. Room and quota are those of that morning."""
    if submit is not None:
        service.runs.executor(submit.executor)
        admissible(service, caller, owner, submit.workflow)
    if record.launch is not None:
        launch = record.launch.model_copy(update={"name": record.launch.name or record.name})
        service.offers().resolve(owner, launch, nonce="")


def _view(service: Service, record: ScheduleRecord, *, definition: bool = True) -> Schedule:
    runs = [service.runs.get(past.run) for past in record.history if past.run]
    return Schedule.of(
        record,
        service.clock.now(),
        live=service.schedule_keeper.is_live(record),
        states={run.spec.id: str(run.status.state) for run in runs if run is not None},
        definition=definition,
    )
