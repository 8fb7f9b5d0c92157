"""The backend's own web pages, behind the hub's login."""

from __future__ import annotations

import asyncio
import contextlib

from fastapi import APIRouter, Request, WebSocket
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from alongside.errors import AlongsideError, NotAuthenticated, NotFound
from alongside.kinds.base import Pages
from alongside_service import access
from alongside_service import service as services
from alongside_service.auth import Caller, bearer
from alongside_service.oauth import is_same_origin
from alongside_service.routes.callers import TheService
from alongside_service.service import Service

router = APIRouter(include_in_schema=False)


def _token(connection: HTTPConnection, service: Service) -> str:
    return bearer(connection.headers.get("authorization")) or service.login.token(connection)


async def _target(service: Service, caller: Caller, id: str) -> Pages:
    observed = service.visible(caller, id)
    access.require(access.may_connect(caller, observed.spec), "open the dashboard of")
    target = await service.ending.platform(observed).dashboard(id)
    if target is None:
        raise NotFound("This backend has no dashboard.", "Wait until it is running.")
    return target


@router.get("/backends/{id}/dashboard")
async def without_slash(id: str, service: TheService) -> Response:
    """Its links are relative, so its root needs the slash."""
    return RedirectResponse(f"{service.prefix}backends/{id}/dashboard/", 308)


@router.get("/backends/{id}/dashboard/{path:path}")
async def page(id: str, path: str, request: Request, service: TheService) -> Response:
    """One page, to whoever may connect; a browser without a login is sent to the hub.

    Only GET: the scheduler's own API would change the backend behind the service's back.
    """
    from alongside_service.proxy import forward

    token = _token(request, service)
    try:
        caller = await service.authority.caller(token)
    except NotAuthenticated:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return service.login.begin(request)
    target = await _target(service, caller, id)
    return await forward(request, target, path, f"{service.prefix}backends/{id}/dashboard/")


@router.websocket("/backends/{id}/dashboard/{path:path}")
async def live(id: str, path: str, socket: WebSocket, service: TheService) -> None:
    """The websocket of a page. One that another site's page opens is refused."""
    from alongside_service.proxy import tunnel

    try:
        if not is_same_origin(socket):
            await socket.close(1008)
            return
        token = _token(socket, service)
        caller = await service.authority.caller(token)
        target = await _target(service, caller, id)
    except AlongsideError:
        await socket.close(1008)
        return
    tunnelled = asyncio.create_task(tunnel(socket, target, path))
    try:
        while not (await asyncio.wait({tunnelled}, timeout=services.RECHECK))[0]:
            if not await service.may_still(token, id, access.may_connect):
                tunnelled.cancel()
                await asyncio.wait({tunnelled})
                with contextlib.suppress(RuntimeError):  # the browser has closed it already
                    await socket.close(1008)
                return
        tunnelled.result()
    finally:
        tunnelled.cancel()


@router.get("/oauth_callback")
async def oauth_callback(request: Request, service: TheService) -> Response:
    """A browser is back from the hub's login."""
    return await service.login.finish(request)


@router.get("/")
async def root(service: TheService) -> Response:
    """There is no page here: what there is to see is in the session's panel and in the hub."""
    base = service.prefix.partition("services/")[0]
    return RedirectResponse(f"{base}hub/home", 302)
