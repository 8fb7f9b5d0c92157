"""What every route starts with: the service, and who asks."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from alongside_service.auth import Caller, bearer
from alongside_service.service import Service

_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="hub token",
    description="A token of the hub with the scope `access:services!service=alongside`.",
)


def the_service(connection: HTTPConnection) -> Service:
    """The service that this application belongs to."""
    return cast("Service", connection.app.state.service)


async def the_caller(
    request: Request,
    service: Annotated[Service, Depends(the_service)],
    _: Annotated[object, Depends(_scheme)],
) -> Caller:
    """Who asks, by the token in the header. Cookies don't count: no page can act for its reader."""
    return await service.authority.caller(bearer(request.headers.get("authorization")))


TheService = Annotated[Service, Depends(the_service)]
TheCaller = Annotated[Caller, Depends(the_caller)]
