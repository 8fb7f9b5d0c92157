"""``me``: who the caller is, what is allowed and what is used."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from alongside.errors import AlongsideError
from alongside.models import Capacity, Model, Resources
from alongside.platforms.base import Platform
from alongside.quotas import Limits
from alongside_service.problems import documented
from alongside_service.routes.callers import ForUser, TheCaller, TheService
from alongside_service.sessions import Ends

router = APIRouter(tags=["me"])


class SessionEnd(Model):
    """When a session ends by itself. Absent means never."""

    unused: AwareDatetime | None = Field(
        None, description="For want of use; using it, or a backend of it, moves this."
    )
    latest: AwareDatetime | None = Field(None, description="Whatever happens.")


class Me(Model):
    """The caller, as the service sees it."""

    user: str = Field(description="User name; empty for a service.")
    name: str = Field(description="The same, as the hub calls it.")
    groups: tuple[str, ...]
    admin: bool = Field(description="Whether everybody's backends can be seen and stopped.")
    limits: Limits = Field(description="The most that the user may have at the same time.")
    used: Resources = Field(description="What the user's live backends take.")
    capacity: dict[str, Capacity] = Field(description="By platform: what there is and is free.")
    profiles: tuple[str, ...] = Field(description="Names of the profiles that the user may use.")
    executors: dict[str, str] = Field(
        description="Who carries out workflows: by name why that can't be for now, '' if it can."
    )
    homes: tuple[str, ...] = Field(
        description="Those of them whose steps have the user's files where a session has them; "
        "to the others, notebooks have to be brought along in the workflow."
    )
    session: SessionEnd = Field(
        SessionEnd(), description="When the session that was asked about ends by itself."
    )


@router.get("/me", summary="Who am I", responses=documented(401, 403, 422, 503))
async def me(
    caller: TheCaller,
    service: TheService,
    owner: ForUser = None,
    session: Annotated[
        str | None,
        Query(description="The session whose end is wanted; '' is the default.", max_length=4096),
    ] = None,
) -> Me:
    """Name, groups, limits and use of the caller, or for admins and the hub of `owner`."""
    who = caller.requester if owner is None else await service.owner(caller, owner)
    catalogue = service.offers()
    names = list(service.platforms)
    capacities = await asyncio.gather(*(_capacity(service.platforms[name]) for name in names))
    ends = Ends() if session is None else service.reaper.lifetimes.ends(who.name, session)
    return Me(
        user=who.name,
        name=who.name,
        groups=tuple(sorted(who.groups)),
        admin=caller.is_admin,
        limits=catalogue.quotas.limits_for(who.name, who.groups),
        used=service.registry.used(who.name),
        capacity=dict(zip(names, capacities, strict=True)),
        profiles=tuple(catalogue.for_user(who)),
        executors={name: one.obstacle() for name, one in service.runs.executors.items()},
        homes=tuple(name for name, one in service.runs.executors.items() if one.sees_homes),
        session=SessionEnd(unused=ends.unused, latest=ends.latest),
    )


async def _capacity(platform: Platform) -> Capacity:
    try:
        return await platform.capacity()
    except AlongsideError:
        return Capacity(total=Resources(), free=Resources())
