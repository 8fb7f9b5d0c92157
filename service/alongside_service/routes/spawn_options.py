"""``spawn-options``: the one check of what a session is asked for, by form and REST alike."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from alongside.catalogue import SessionOffer
from alongside.errors import Unavailable
from alongside.kinds import get_kind
from alongside.models import Model, Resources, Spec
from alongside.platforms.base import Platform
from alongside.quotas import check, check_capacity
from alongside.requests import Launch, Requester, UserOptions
from alongside.units import Duration
from alongside_service.bodies import StrictRoute
from alongside_service.problems import documented
from alongside_service.routes.callers import ForUser, TheCaller, TheService
from alongside_service.routes.catalogue import missing
from alongside_service.service import Service
from alongside_service.sessions import with_reports

router = APIRouter(tags=["catalogue"], route_class=StrictRoute)


class Chosen(Model):
    """What spawn options come to."""

    profile: str
    session: SessionOffer = Field(description="Size and environment of the notebook server.")
    launch: Launch | None = Field(description="What to send to `backends`; null: no backend.")
    resources: Resources | None = Field(
        description="What the backend counts for against the quota; null: no backend."
    )
    title: str = Field(description="The kind of the backend as people read it; empty: none.")
    advice: str = Field(
        "", description="What to think of before it is launched with these options; mostly empty."
    )
    required: bool = Field(description="Whether the session fails to start when it does.")
    start_timeout: Duration | None = Field(description="How long the backend may take to start.")


@router.post(
    "/spawn-options",
    summary="Check what a session is asked for",
    responses=documented(401, 403, 409, 413, 422, 503),
)
async def spawn_options(
    body: UserOptions,
    caller: TheCaller,
    service: TheService,
    owner: ForUser = None,
    session: Annotated[
        str, Query(description="Name of the session; empty: the default one.", max_length=4096)
    ] = "",
) -> Chosen:
    """Everything that a launch would be refused for is said here, before anything is started."""
    who = await service.owner(caller, owner)
    catalogue = service.offers()
    name, launch = catalogue.choose(who, body)
    profile = catalogue.profiles[name]
    offered = with_reports(profile.session)
    pod = offered.pod.over(profile.pod)
    if body.image is not None:
        pod = pod.model_copy(update={"image": body.image})
    offered = offered.model_copy(update={"pod": pod})
    if launch is None:
        return Chosen(
            profile=name,
            session=offered,
            launch=None,
            resources=None,
            title="",
            required=False,
            start_timeout=None,
        )
    launch = launch.model_copy(update={"session": session})
    offer, kind = profile.backends[launch.kind], get_kind(launch.kind)
    if (lack := missing(kind, service.platforms.get(profile.platform))) is not None:
        raise Unavailable(lack.detail, lack.remedy, "kind")
    spec = catalogue.resolve(who, launch, nonce="")
    await _check_room(service, who, spec)
    environment = {**kind.environment, **offered.environment}
    return Chosen(
        profile=name,
        session=offered.model_copy(update={"environment": environment}),
        launch=launch,
        resources=spec.resources,
        title=kind.title,
        advice=kind.advice(catalogue.options(name, launch.kind, spec.options)),
        required=offer.required,
        start_timeout=offer.start_timeout,
    )


async def _check_room(service: Service, owner: Requester, spec: Spec) -> None:
    """Refuse what has no chance. Admission has the last word when it is launched."""
    mine = [o for o in service.registry.of(owner.name) if o.status.live]
    if any(o.spec.stop for o in mine):
        return  # room is about to be made; the launch waits for it
    if any((o.spec.session, o.spec.name) == (spec.session, spec.name) for o in mine):
        return  # kept from before, and used again
    limits = service.offers().quotas.limits_for(owner.name, owner.groups)
    check(spec.resources, service.registry.used(owner.name), limits)
    platform: Platform | None = service.platforms.get(spec.platform)
    if platform is not None:
        check_capacity(spec.resources, await platform.capacity())
