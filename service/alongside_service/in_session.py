"""What a launch has from its session where it does not say: the profile, and the image.

Whoever has chosen a profile, or an image of their own, in the spawn form means what they add to the
session later as well: with other versions than its notebooks have, it would be of no use to them.
"""

from __future__ import annotations

import logging
from typing import Protocol

from alongside.catalogue import Catalogue
from alongside.errors import AlongsideError
from alongside.images import is_allowed
from alongside.requests import Launch, Requester
from alongside_service.sessions import Session

_log = logging.getLogger("alongside.launches")


class KnowsSessions(Protocol):
    """The part of `Hub` that is needed here."""

    async def session(self, owner: str, name: str) -> Session | None: ...


async def as_in_session(
    launch: Launch, owner: Requester, catalogue: Catalogue, hub: KnowsSessions
) -> Launch:
    """The launch, with the profile and the image of its session where it names none.

    The profile has to offer the kind, and to allow the image. A hub that doesn't answer keeps
    nobody from launching. The hub is asked only where its answer could matter.
    """
    mine = catalogue.for_user(owner)
    named = [launch.profile] if launch.profile is not None else list(mine)
    offering = [n for n in named if n in mine and launch.kind in mine[n].backends]
    own_image = launch.image is None and any(mine[name].images for name in offering)
    if launch.session is None or not (own_image or len(offering) > 1):
        return launch
    try:
        session = await hub.session(owner.name, launch.session)
    except AlongsideError as error:
        _log.warning("What the session of a launch has is not known: %s", error)
        return launch
    if session is None:
        return launch
    profile = session.profile if session.profile in offering else offering[0]
    given: dict[str, str] = {"profile": profile}
    if launch.image is None and is_allowed(session.image, mine[profile].images):
        given["image"] = session.image
    return launch.model_copy(update=given)
