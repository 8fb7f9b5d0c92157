"""What every route starts with: the service, and who asks."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from alongside.errors import NotAllowed
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


async def the_bearer(
    request: Request,
    service: Annotated[Service, Depends(the_service)],
    _: Annotated[object, Depends(_scheme)],
) -> Caller:
    """Who asks, by the token in the header: a user, or one of a user's runs.

    Cookies don't count: no page can act for its reader.
    """
    return await service.bearer(bearer(request.headers.get("authorization")))


async def the_caller(caller: Annotated[Caller, Depends(the_bearer)]) -> Caller:
    """Who asks, where runs may not."""
    return no_run(caller)


def no_run(caller: Caller) -> Caller:
    """The caller, or NotAllowed for a run: its token is for its own backends only."""
    if caller.run is not None:
        raise NotAllowed(
            "A run's token is only for the backends of that run.",
            "Use a token of the hub for everything else.",
        )
    return caller


def repeat_key(noun: str) -> Any:
    """The header by which a repeated POST is known to be the same one."""
    return Header(
        description=f"The same key gives the same {noun}, however often it is sent.",
        max_length=256,
        pattern=r"^[\x21-\x7e]+$",
    )


TheService = Annotated[Service, Depends(the_service)]
TheCaller = Annotated[Caller, Depends(the_caller)]
TheBearer = Annotated[Caller, Depends(the_bearer)]
"""Where the steps of a run may ask, too."""
OnlyOf = Annotated[str | None, Query(description="Only those of this user.", max_length=4096)]
ForUser = Annotated[
    str | None, Query(description="For admins and the hub: the user.", max_length=4096)
]
