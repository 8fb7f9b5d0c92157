"""``backends``: launch, see, change, end, connect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from alongside.errors import AlongsideError, NotAllowed, NotFound
from alongside.models import Backend, Connection
from alongside.platforms.base import Observed
from alongside.requests import Launch, Patch, Requester
from alongside_service import access
from alongside_service import service as services
from alongside_service.auth import bearer
from alongside_service.bodies import StrictRoute
from alongside_service.in_session import as_in_session
from alongside_service.problems import documented
from alongside_service.routes.callers import OnlyOf, TheBearer, TheCaller, TheService, repeat_key
from alongside_service.service import Service

router = APIRouter(prefix="/backends", tags=["backends"], route_class=StrictRoute)
Id = Annotated[str, Path(description="Id of a backend.", max_length=63)]
_JSON = "application/json"
_EXAMPLE = {
    "name": "etl",
    "kind": "dask",
    "options": {"workers": 2, "cores": 1, "memory": "1 GiB"},
    "lifetime": {"idle": "30 min", "maximum": "8 h"},
}


@router.post(
    "",
    status_code=202,
    response_model=Backend,
    summary="Launch a backend",
    responses=documented(401, 403, 409, 413, 422, 503, 507),
    openapi_extra={"requestBody": {"content": {_JSON: {"example": _EXAMPLE}}}},
)
async def launch(
    body: Launch,
    caller: TheCaller,
    service: TheService,
    idempotency_key: Annotated[str | None, repeat_key("backend")] = None,
) -> Response:
    """Admit it and begin; what becomes of it is seen at `Location` and among the events."""
    owner = await service.owner(caller, body.owner)
    if body.account and not caller.is_hub:
        raise NotAllowed("Only the hub may name an account.", "Leave it out.", "account")
    if body.pod is not None and not caller.is_hub:
        raise NotAllowed("Only the hub may say what containers have.", "Leave it out.", "pod")
    account = body.account or service.account.format(username=owner.name)
    body = body.model_copy(update={"account": account})
    if not caller.is_hub:  # which says what its session has
        body = await as_in_session(body, owner, service.offers(), service.hub)
    observed = await service.admission.launch(owner, body, idempotency_key)
    location = f"{service.prefix}api/v1/backends/{observed.spec.id}"
    return Response(service.registry.json(observed), 202, {"Location": location}, media_type=_JSON)


@router.get(
    "",
    response_model=list[Backend],
    summary="List backends",
    responses=documented(401, 403, 503),
)
async def listing(
    caller: TheBearer,
    service: TheService,
    owner: OnlyOf = None,
    session: Annotated[
        str | None,
        Query(description="Only those of this session; empty: the default one.", max_length=4096),
    ] = None,
) -> Response:
    """Those that the caller may see: own ones, shared ones; for admins all."""
    candidates = service.registry.of(owner) if owner is not None else service.registry
    parts = [
        service.registry.json(observed)
        for observed in candidates
        if access.may_see(caller, observed.spec)
        and (session is None or observed.spec.session == session)
    ]
    return Response(b"[" + b",".join(parts) + b"]", media_type=_JSON)


@router.delete(
    "",
    summary="End the backends of a session",
    status_code=202,
    responses=documented(401, 403, 422, 503),
)
async def session_ended(
    caller: TheCaller,
    service: TheService,
    owner: Annotated[str, Query(description="The user.", max_length=4096)],
    session: Annotated[str, Query(description="The session that has ended; empty: the default.")],
) -> list[Backend]:
    """Tell that a session is over: its backends end, after their grace, unless they are kept.

    What the hub's spawner says when it stops; the service would find out by itself a little
    later. Answers with the backends that it concerned; again: with none.
    """
    if caller.name != owner and not (caller.is_hub or caller.is_admin):
        raise NotAllowed("You may only end your own sessions.", "", "owner")
    concerned = [
        o
        for o in service.registry.of(owner)
        if o.spec.session == session and o.status.live and not o.spec.stop
    ]
    for observed in concerned:
        await service.ending.session_ended(observed)
    return [Backend.of(o.spec, o.status) for o in concerned]


@router.get(
    "/{id}",
    response_model=Backend,
    summary="See a backend",
    responses=documented(401, 403, 404, 422, 503),
)
async def show(id: Id, caller: TheBearer, service: TheService) -> Response:
    """One backend as it is now."""
    observed = service.visible(caller, id)
    return Response(service.registry.json(observed), media_type=_JSON)


@router.patch(
    "/{id}",
    response_model=Backend,
    summary="Scale or change a backend",
    responses=documented(401, 403, 404, 409, 413, 422, 503, 507),
    openapi_extra={"requestBody": {"content": {_JSON: {"example": {"options": {"workers": 5}}}}}},
)
async def change(id: Id, body: Patch, caller: TheCaller, service: TheService) -> Response:
    """A new size, lifetime, sharing or `keep`; a larger size is admitted like a launch."""
    observed = service.visible(caller, id)
    access.require(access.may_change(caller, observed.spec), "change")
    owner = await _owner_of(service, caller, observed)
    changed = await service.admission.change(owner, id, body)
    return Response(service.registry.json(changed), media_type=_JSON)


async def _owner_of(service: Service, caller: TheCaller, observed: Observed) -> Requester:
    if caller.name == observed.spec.owner:
        return caller.requester
    return await service.owner(caller, observed.spec.owner)


@router.delete(
    "/{id}",
    status_code=202,
    summary="End a backend",
    response_model=Backend,
    responses={
        204: {"description": "It is ending or has ended already."},
        **documented(401, 403, 404, 422, 503),
    },
)
async def stop(id: Id, caller: TheCaller, service: TheService) -> Response:
    """End it and forget it. Again: 204 while something is left, then 404."""
    observed = service.visible(caller, id)
    access.require(access.may_stop(caller, observed.spec), "end")
    fresh = observed.status.live and not observed.spec.stop
    stopping = await service.ending.stop(observed)
    if not fresh:
        return Response(status_code=204)
    return Response(service.registry.json(stopping), 202, media_type=_JSON)


@router.get(
    "/{id}/connection",
    response_model=Connection,
    summary="Credentials of a backend",
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def connection(id: Id, caller: TheBearer, service: TheService) -> Response:
    """Address and credentials; only for the owner and those it is shared with to attach."""
    observed = service.visible(caller, id)
    access.require(access.may_connect(caller, observed.spec), "connect to")
    platform = service.ending.platform(observed)
    found = await platform.connection(id)
    if await platform.dashboard(id) is not None:
        path = f"{service.prefix}backends/{id}/dashboard/"
        found = found.model_copy(update={"dashboard": path})
    return JSONResponse(found.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


@router.get(
    "/{id}/logs",
    summary="Logs of a backend",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented(401, 403, 404, 422, 503),
    },
)
async def logs(
    id: Id,
    request: Request,
    caller: TheBearer,
    service: TheService,
    role: Annotated[
        str | None,
        Query(description="One of the backend's `roles`; default: the first.", max_length=63),
    ] = None,
    lines: Annotated[int, Query(description="How many of the last lines.", ge=0, le=10_000)] = 200,
    follow: Annotated[bool, Query(description="Whether to go on with what comes.")] = False,
) -> Response:
    """The last lines of one process, as plain text; with `follow` until the backend ends."""
    observed = service.visible(caller, id)
    roles = observed.status.roles
    if role is None and not roles:
        return Response("", media_type="text/plain")
    if role is None:
        role = roles[0]
    if role not in roles:
        known = ", ".join(roles) or "none yet"
        raise NotFound(f"The backend has no role {role!r}.", f"Its roles: {known}.", "role")
    stream = service.ending.platform(observed).logs(id, role, lines, follow)
    if follow:
        token = bearer(request.headers.get("authorization"))
        stream = _until_ended(service, token, id, stream)
    return StreamingResponse(_lines(stream), media_type="text/plain; charset=utf-8")


async def _lines(stream: AsyncIterator[str]) -> AsyncIterator[bytes]:
    try:
        async for line in stream:
            text = line if line.endswith("\n") else f"{line}\n"
            yield text.encode("utf-8", "replace")
    except AlongsideError as error:
        yield f"{error}\n".encode()


async def _until_ended(
    service: Service, token: str, id: str, stream: AsyncIterator[str]
) -> AsyncIterator[str]:
    """What the stream has, until the backend has ended and it is silent, or as long as this
    token's bearer may see it."""
    due = time.monotonic() + services.RECHECK
    following = asyncio.create_task(_following(stream))
    try:
        while True:
            if time.monotonic() >= due:
                if not await service.may_still(token, id, access.may_see):
                    return
                due = time.monotonic() + services.RECHECK
            done, _ = await asyncio.wait({following}, timeout=1.0)
            if done:
                line = following.result()
                if line is None:
                    return
                yield line
                following = asyncio.create_task(_following(stream))
                continue
            observed = service.registry.get(id)
            if observed is None or not observed.status.live:
                return
    finally:
        following.cancel()


async def _following(stream: AsyncIterator[str]) -> str | None:
    """Its next line, None at its end."""
    return await anext(stream, None)
