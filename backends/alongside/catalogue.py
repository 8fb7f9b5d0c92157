"""The catalogue: which profiles there are, for whom, within which limits.

Pure data and pure functions. `alongside.catalogue_file` reads it from a YAML file and keeps it
fresh. Everything that a user can ask for is checked here and nowhere else: `Catalogue.resolve`
turns a request into the `Spec` that a platform runs, or says what is wrong with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from alongside.errors import InvalidRequest, NotAllowed
from alongside.images import ImagePattern, allowed_image
from alongside.kinds import get_kind
from alongside.kinds.base import Kind, Options
from alongside.models import Lifetime, Model, Pod, Spec, now
from alongside.names import backend_id, check_name
from alongside.narrowing import Rule, as_rule, narrow
from alongside.platforms import platform_names
from alongside.quotas import Quotas
from alongside.requests import Launch, Requester, UserOptions, parse
from alongside.units import Duration, Memory


class Offer(Model):
    """A kind of backend within a profile."""

    options: dict[str, Annotated[Rule, BeforeValidator(as_rule)]] = Field(
        {}, description="Option name to rule; what is absent keeps the kind's own bounds."
    )
    lifetime: Lifetime = Field(Lifetime(), description="The longest lifetimes; also the default.")
    required: bool = Field(
        False, description="Whether the session fails to start when its backend does."
    )
    grace: Duration | None = Field(
        None, description="How long the backend stays when its session has ended."
    )
    start_timeout: Duration = Field(
        timedelta(minutes=5), description="It has failed when it isn't running after this long."
    )
    warm: int = Field(
        0, ge=0, le=100, description="How many are kept ready for whoever comes, where that can be."
    )
    pod: Pod = Field(Pod(), description="On top of the profile's, for the backend's containers.")

    def pod_of(self, kind: Kind, around: Pod) -> Pod:
        """What its containers have, on top of what profile and session say.

        The image of what an operator runs has a server in it, not what sessions have.
        """
        below = around.model_copy(update={"image": ""}) if kind.operated else around
        return self.pod.over(below)


class SessionOffer(Model):
    """The notebook server of a profile."""

    cores: int | None = Field(None, ge=1, description="CPU cores it may use.")
    memory: Memory | None = Field(None, description="Memory it may use.")
    environment: dict[str, str] = Field({}, description="Additional environment variables.")
    lifetime: Lifetime = Field(
        Lifetime(), description="How long it may be unused, and last in all; absent: as it likes."
    )
    pod: Pod = Field(Pod(), description="On top of the profile's, for the session's container.")


class Profile(Model):
    """A named, sized, limited offer."""

    title: str = Field(max_length=80, description="As it stands on its card.")
    description: str = Field("", max_length=400, description="A sentence below it.")
    platform: str = Field("local", description="Where its backends run.")
    users: tuple[str, ...] | None = Field(None, description="Who may use it; absent: everybody.")
    groups: tuple[str, ...] | None = Field(None, description="Whose members may use it.")
    until: date | None = Field(None, description="The last day on which it is offered.")
    session: SessionOffer = Field(SessionOffer(), description="What the notebook server has.")
    pod: Pod = Field(
        Pod(), description="What the containers of session and backends have, on Kubernetes."
    )
    images: tuple[ImagePattern, ...] = Field(
        (),
        max_length=100,
        description="Images that users may choose instead of the profile's: names, and patterns "
        "with `*` behind a registry.",
    )
    default: str | None = Field(None, description="The kind that is chosen when nobody chooses.")
    backends: dict[str, Offer] = Field({}, description="The kinds on offer, by name.")

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        if self.default is not None and self.default not in self.backends:
            raise ValueError(
                f"default {self.default!r} is not among its backends; offer it or leave it out"
            )
        if self.platform not in platform_names():
            known = ", ".join(platform_names())
            raise ValueError(f"platform {self.platform!r} is not installed; choose one of {known}")
        if self.images and self.platform == "local":
            raise ValueError("there are no images on one machine; leave `images` out")
        try:
            assert self._models is not None
        except InvalidRequest as error:
            raise ValueError(f"{error.message.rstrip('.')}; {error.remedy}") from None
        return self

    @cached_property
    def _models(self) -> dict[str, type[Options]]:
        return {kind: narrow(get_kind(kind), o.options) for kind, o in self.backends.items()}

    def open_to(self, requester: Requester, day: date | None = None) -> bool:
        """Whether this user may use it on that day (default: today)."""
        if self.until is not None and (day or now().date()) > self.until:
            return False
        if self.users is None and self.groups is None:
            return True
        named = requester.name in (self.users or ())
        return named or not requester.groups.isdisjoint(self.groups or ())

    def options_model(self, kind: str) -> type[Options]:
        """The kind's options model with this profile's defaults and bounds."""
        return self._models[kind]


class Catalogue(Model):
    """The whole file."""

    profiles: dict[str, Profile] = Field(description="Profiles by name, in the form's order.")
    quotas: Quotas = Field(Quotas(), description="How much each user may have at a time.")

    @cached_property
    def platforms(self) -> frozenset[str]:
        """The platforms that the profiles use."""
        return frozenset(profile.platform for profile in self.profiles.values())

    def for_user(self, requester: Requester) -> dict[str, Profile]:
        """The profiles that this user may use today."""
        return {n: p for n, p in self.profiles.items() if p.open_to(requester)}

    def profile(self, requester: Requester, name: str | None, kind: str | None = None) -> str:
        """The name of the profile meant: the one named, or the first that offers the kind.

        One answer for "unknown" and "not for you", so that names can't be tried out.
        """
        mine = self.for_user(requester)
        if name is None:
            for candidate, profile in mine.items():
                if kind is None or kind in profile.backends:
                    return candidate
            raise NotAllowed(
                "No profile that you may use offers this.", "Ask an administrator.", "profile"
            )
        if name not in mine:
            known = ", ".join(mine) or "none"
            raise NotAllowed(
                f"There is no profile {name[:63]!r} for you.", f"Choose one of: {known}.", "profile"
            )
        return name

    def choose(self, requester: Requester, wish: UserOptions) -> tuple[str, Launch | None]:
        """What spawn options come to: the profile, and the backend to launch, if any."""
        kind = wish.backend.kind if wish.backend else None
        name = self.profile(requester, wish.profile, kind)
        profile = self.profiles[name]
        if wish.image is not None:
            allowed_image(wish.image, profile.images, name)
        if wish.wants_default:
            if profile.default is None:
                return name, None
            return name, Launch(kind=profile.default, profile=name, image=wish.image)
        if wish.backend is None:
            return name, None
        given = wish.backend.model_dump(exclude_unset=True)
        launch = Launch(**given, profile=name, image=wish.image)
        self.resolve(requester, launch, nonce="")
        return name, launch

    def resolve(
        self,
        requester: Requester,
        launch: Launch,
        nonce: str,
        created: datetime | None = None,
    ) -> Spec:
        """The specification that a launch comes to, or why it can't be.

        `requester` is the owner-to-be. Quota and capacity are not looked at here. `nonce` tells
        apart launches that are otherwise equal; the same one gives the same id.
        """
        kind = get_kind(launch.kind)
        profile_name = self.profile(requester, launch.profile, launch.kind)
        profile = self.profiles[profile_name]
        if launch.kind not in profile.backends:
            known = ", ".join(profile.backends) or "none"
            raise InvalidRequest(
                f"Profile {profile_name} has no {kind.title}.", f"It offers: {known}.", "kind"
            )
        offer = profile.backends[launch.kind]
        options = self.options(profile_name, launch.kind, launch.options)
        name = check_name(launch.name if launch.name is not None else launch.kind)
        around = profile.pod.over(launch.pod or Pod())
        if launch.image is not None:
            allowed_image(launch.image, profile.images, profile_name)
            around = around.model_copy(update={"image": launch.image})
        return Spec(
            id=backend_id(requester.name, launch.session, name, nonce),
            name=name,
            kind=launch.kind,
            platform=profile.platform,
            profile=profile_name,
            owner=requester.name,
            session=launch.session,
            options=options.model_dump(mode="json"),
            resources=kind.resources(options),
            lifetime=limit_lifetime(launch.lifetime, offer.lifetime),
            keep=launch.keep,
            start_timeout=offer.start_timeout,
            directory=launch.directory,
            account=launch.account,
            pod=offer.pod_of(kind, around),
            created=created or now(),
        )

    def unclaimed(self, profile_name: str, kind_name: str) -> Spec:
        """The specification of a backend that is kept ready, of the profile's default size."""
        profile = self.profiles[profile_name]
        offer, kind = profile.backends[kind_name], get_kind(kind_name)
        options = self.options(profile_name, kind_name, {})
        return Spec(
            id=backend_id("", None, kind_name, secrets.token_hex(16)),
            name=kind_name,
            kind=kind_name,
            platform=profile.platform,
            profile=profile_name,
            owner="",
            session=None,
            options=options.model_dump(mode="json"),
            resources=kind.resources(options),
            start_timeout=offer.start_timeout,
            pod=offer.pod_of(kind, profile.pod),
            created=now(),
        )

    def options(self, profile: str, kind: str, given: Mapping[str, Any]) -> Options:
        """The options checked against the profile's bounds."""
        return parse(self.profiles[profile].options_model(kind), dict(given), "options")


def limit_lifetime(asked: Lifetime | None, longest: Lifetime) -> Lifetime:
    """The lifetime asked for, or the profile's; InvalidRequest when it is longer than that."""
    if asked is None:
        return longest
    chosen = {}
    for name in Lifetime.model_fields:
        value, most = getattr(asked, name), getattr(longest, name)
        if value is not None and most is not None and value > most:
            text = Lifetime(**{name: most}).model_dump(mode="json")[name]
            raise InvalidRequest(
                f"lifetime.{name} is longer than the profile allows.",
                f"Choose at most {text}.",
                f"lifetime.{name}",
            )
        chosen[name] = most if value is None else value
    return Lifetime(**chosen)


__all__ = ["Catalogue", "Offer", "Profile", "Rule", "SessionOffer", "narrow"]
