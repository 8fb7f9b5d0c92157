"""``events``: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from alongside_service.auth import Caller, bearer
from alongside_service.problems import documented
from alongside_service.routes.callers import TheCaller, TheService

router = APIRouter(tags=["events"])
_PING = 15
_STUCK = 30.0
_EXAMPLE = (
    "event: snapshot\nid: 5c1f-17\n"
    'data: {"backends": [], "runs": []}\n\n'
    "event: changed\nid: 5c1f-18\n"
    'data: {"id": "etl-…", "phase": "running", …}\n\n'
    "event: removed\nid: 5c1f-19\n"
    'data: {"id": "etl-…"}\n\n'
    "event: schedule\nid: 5c1f-20\n"
    'data: {"id": "nightly-…", "gone": false}\n\n'
    "event: run\nid: 5c1f-21\n"
    'data: {"id": "report-…", "state": "running", "steps": […], …}\n\n'
    "event: run-removed\nid: 5c1f-22\n"
    'data: {"id": "report-…"}\n\n'
)


@router.get(
    "/events",
    summary="Follow what happens",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "`snapshot` first, then `changed` (a backend) and `removed` (its id); "
            "`schedule` tells the id of one that is new, has changed or is gone; `run` is a run, "
            "without its definition, that is new or has changed, `run-removed` the id of one.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **documented(401, 403, 422, 429, 503),
    },
)
async def events(
    request: Request,
    caller: TheCaller,
    service: TheService,
    last_event_id: Annotated[
        str, Header(description="Id of the last event seen; goes on after it.", max_length=64)
    ] = "",
) -> EventSourceResponse:
    """Every change of all that the caller may see, for as long as one listens."""
    service.events.admit(caller)
    token = bearer(request.headers.get("authorization"))

    async def recheck() -> Caller:
        return await service.authority.caller(token)

    async def messages() -> AsyncIterator[ServerSentEvent]:
        async for message in service.events.stream(caller, last_event_id, recheck):
            yield ServerSentEvent(message.data, event=message.event, id=message.id)

    return EventSourceResponse(
        messages(), ping=_PING, send_timeout=_STUCK, headers={"Cache-Control": "no-store"}
    )
