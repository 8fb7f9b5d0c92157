"""``catalogue``: the profiles that a user may use, with what forms need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from alongside.catalogue import Profile, SessionOffer
from alongside.kinds import get_kind
from alongside.kinds.base import Kind
from alongside.models import Lifetime, Model
from alongside.platforms.base import Platform
from alongside_service.problems import documented
from alongside_service.routes.callers import ForUser, TheCaller, TheService
from alongside_service.service import Service

router = APIRouter(tags=["catalogue"])


class Missing(Model):
    """Why a kind can't run where its profile wants it to, and what to do about it."""

    detail: str
    remedy: str


class NamedKind(Model):
    """What a kind of backend is called, and how its size changes."""

    title: str
    member: str = Field(description="What its size counts, in the singular: `worker`.")
    scaling: Literal["live", "relaunch"] = Field(
        description="`live`: its size changes while it works; `relaunch`: a new size is a new "
        "start, over which a notebook that is attached saves and restores what it has in memory."
    )


class OfferedKind(NamedKind):
    """A kind of backend within a profile."""

    description: str
    options: dict[str, Any] = Field(
        alias="schema",
        description="JSON schema of its options with this profile's bounds; memory has its own "
        "in `x-minimum` and `x-maximum`, in bytes.",
    )
    lifetime: Lifetime = Field(description="The longest lifetimes, which are also the default.")
    required: bool = Field(description="Whether a session fails to start when this does.")
    unavailable: Missing | None = Field(
        None, description="Why it can't be had although the profile has it; null: it can."
    )


class OfferedProfile(Model):
    """A named, sized, limited offer."""

    name: str
    title: str
    description: str
    platform: str
    session: SessionOffer
    images: tuple[str, ...] = Field(
        description="Images that may be named instead of its own, with `*` for any part of a name."
    )
    default: str | None = Field(description="The kind that is chosen when nobody chooses.")
    backends: dict[str, OfferedKind] = Field(description="The kinds on offer, by name.")


class OfferedCatalogue(Model):
    """What one user may choose from."""

    profiles: tuple[OfferedProfile, ...]
    kinds: dict[str, NamedKind] = Field(
        description="The kinds of all profiles by name: what others share may be of any."
    )
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
    owner: ForUser = None,
) -> OfferedCatalogue:
    """The profiles of the caller, or for admins and the hub of `owner`, in the form's order."""
    who = caller.requester if owner is None else await service.owner(caller, owner)
    offered = service.offers().for_user(who)
    return OfferedCatalogue(
        profiles=tuple(_profile(service, name, profile) for name, profile in offered.items()),
        kinds=_kinds(service.offers().profiles.values()),
        problem=service.catalogue.problem if caller.is_admin else "",
    )


def _kinds(profiles: Iterable[Profile]) -> dict[str, NamedKind]:
    found = {name: get_kind(name) for profile in profiles for name in profile.backends}
    return {
        name: NamedKind(title=kind.title, member=kind.member, scaling=kind.scaling)
        for name, kind in found.items()
    }


def _profile(service: Service, name: str, profile: Profile) -> OfferedProfile:
    platform = service.platforms.get(profile.platform)
    return OfferedProfile(
        name=name,
        title=profile.title,
        description=profile.description,
        platform=profile.platform,
        session=profile.session.model_copy(update={"environment": {}}),
        images=profile.images,
        default=profile.default,
        backends={kind: _kind(kind, profile, platform) for kind in profile.backends},
    )


def _kind(name: str, profile: Profile, platform: Platform | None) -> OfferedKind:
    kind, offer = get_kind(name), profile.backends[name]
    return OfferedKind(
        title=kind.title,
        description=kind.description,
        member=kind.member,
        scaling=kind.scaling,
        schema=profile.options_model(name).model_json_schema(),
        lifetime=offer.lifetime,
        required=offer.required,
        unavailable=missing(kind, platform),
    )


def missing(kind: Kind, platform: Platform | None) -> Missing | None:
    """Why this platform can't run this kind. One that isn't set up is told when it is asked for."""
    found = platform.obstacle(kind) if platform else None
    return Missing(detail=found.message, remedy=found.remedy) if found else None
