"""``catalogue``: the profiles that a user may use, with what forms need."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from alongside.catalogue import Offer, Profile, SessionOffer
from alongside.kinds import get_kind
from alongside.models import Lifetime, Model
from alongside_service.problems import documented
from alongside_service.routes.callers import TheCaller, TheService

router = APIRouter(tags=["catalogue"])


class OfferedKind(Model):
    """A kind of backend within a profile."""

    title: str
    description: str
    member: str = Field(description="What its size counts, in the singular: `worker`.")
    scaling: Literal["live", "relaunch"] = Field(
        description="`live`: its size changes while it works; `relaunch`: a new size is a new "
        "start, without what it had in memory."
    )
    options: dict[str, Any] = Field(
        alias="schema",
        description="JSON schema of its options with this profile's bounds; memory has its own "
        "in `x-minimum` and `x-maximum`, in bytes.",
    )
    lifetime: Lifetime = Field(description="The longest lifetimes, which are also the default.")
    required: bool = Field(description="Whether a session fails to start when this does.")


class OfferedProfile(Model):
    """A named, sized, limited offer."""

    name: str
    title: str
    description: str
    platform: str
    session: SessionOffer
    default: str | None = Field(description="The kind that is chosen when nobody chooses.")
    backends: dict[str, OfferedKind] = Field(description="The kinds on offer, by name.")


class OfferedCatalogue(Model):
    """What one user may choose from."""

    profiles: tuple[OfferedProfile, ...]
    problem: str = Field(
        "", description="For admins: why the newest edit of the catalogue is not in use."
    )


@router.get(
    "/catalogue",
    summary="What can be launched",
    response_model_by_alias=True,
    responses=documented(401, 403, 422, 503),
)
async def catalogue(
    caller: TheCaller,
    service: TheService,
    owner: Annotated[
        str | None, Query(description="For admins and the hub: the user.", max_length=4096)
    ] = None,
) -> OfferedCatalogue:
    """The profiles of the caller, or for admins and the hub of `owner`, in the form's order."""
    who = caller.requester if owner is None else await service.owner(caller, owner)
    offered = service.offers().for_user(who)
    return OfferedCatalogue(
        profiles=tuple(_profile(name, profile) for name, profile in offered.items()),
        problem=service.catalogue.problem if caller.is_admin else "",
    )


def _profile(name: str, profile: Profile) -> OfferedProfile:
    return OfferedProfile(
        name=name,
        title=profile.title,
        description=profile.description,
        platform=profile.platform,
        session=profile.session.model_copy(update={"environment": {}}),
        default=profile.default,
        backends={kind: _kind(kind, profile, o) for kind, o in profile.backends.items()},
    )


def _kind(name: str, profile: Profile, offer: Offer) -> OfferedKind:
    kind = get_kind(name)
    return OfferedKind(
        title=kind.title,
        description=kind.description,
        member=kind.member,
        scaling=kind.scaling,
        schema=profile.options_model(name).model_json_schema(),
        lifetime=offer.lifetime,
        required=offer.required,
    )
