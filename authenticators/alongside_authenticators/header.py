"""The authenticator `alongside-header`: a portal has signed people in, and says so by a header."""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote, urlencode

from jupyterhub.auth import Authenticator
from jupyterhub.utils import maybe_future
from traitlets import Bool, Dict, Enum, Float, List, Set, Unicode, default

from alongside_authenticators.assertions import Check
from alongside_authenticators.configuration import check_of
from alongside_authenticators.handing_over import share
from alongside_authenticators.hearing import heard
from alongside_authenticators.identity import IDENTITY, Reading, nobody
from alongside_authenticators.keeping import Keeping
from alongside_authenticators.names import is_user_name, normal
from alongside_authenticators.pages import SignInPage, SignOutPage, not_by_the_portal
from alongside_authenticators.refusals import Misconfigured, Refused
from alongside_authenticators.user_data import UserDataPage


class HeaderAuthenticator(Authenticator):
    """Signs in whom a portal or reverse proxy names by a header, which it has to sign."""

    allowed_headers = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="""The headers that are read, by key; with `signature = "jwt"` the token's claims.

        `auth` says who it is and has to be there. `groups` has the user's groups. Whatever else
        is listed is kept with the user, encrypted, under the header's own name. Headers that
        aren't listed are never looked at. Claims within others are named with dots.

        Default: `{"auth": "Remote-User"}`, with `signature = "jwt"` `{"auth": "sub"}`.
        """,
    ).tag(config=True)

    header_parser_classes = Dict(
        help="""What makes values of headers: a parser, or a list of them, for each key.

        A parser is a class, an instance or a dotted path. There are, in
        `alongside_authenticators.parsers`, `RegexUsernameParser`, `JSONParser`, `ListParser`,
        `X509SubjectParser` and `MountParser`; your own have a method `parse(data)`. Without one
        a value is kept as it came; groups are a list of words with commas between them.
        """
    ).tag(config=True)

    signature = Enum(
        ("jwt", "hmac"),
        default_value="jwt",
        help="""How the portal signs: `jwt`, a JSON Web Token, or `hmac`, headers with an HMAC.

        Everything that is used is in the token, or covered by the HMAC.
        """,
    ).tag(config=True)

    assertion_header = Unicode(
        "X-Portal-Assertion", help="The header with the token, or with the HMAC."
    ).tag(config=True)

    jwks_url = Unicode(
        help="""Where the portal's public keys are (JWKS), by HTTPS, for `jwt`.

        Without it tokens are signed with a key of `shared_keys_file`.
        """
    ).tag(config=True)

    jwks_age = Float(
        3600.0,
        help="""Seconds after which the public keys are fetched anew.

        A key that isn't known has them fetched at once. While they can't be had, the last ones
        stay good for as long again.
        """,
    ).tag(config=True)

    shared_keys_file = Unicode(
        help="""File with the keys that hub and portal share, one a line, 32 bytes or more each.

        All that are in it are good, so that keys can be changed; it is read when it has changed.
        """
    ).tag(config=True)

    algorithms = List(
        Unicode(),
        help="""The algorithms that tokens may be signed with.

        Default: `["ES256", "RS256"]` with `jwks_url`, else `["HS256"]`.
        """,
    ).tag(config=True)

    issuer = Unicode(
        help="The claim `iss` that tokens must have. Has to be set with `jwks_url`."
    ).tag(config=True)

    audience = Unicode(
        help="""The claim `aud` that tokens must have: this hub, as the portal calls it.

        Has to be set with `jwt`, so that a token for another service is no good here.
        """
    ).tag(config=True)

    single_use = Bool(
        False,
        help="""Whether a token is good for one request only.

        Tokens must then have `jti` and `iat`, and the portal makes one for each request. An HMAC
        is always good for one request only.
        """,
    ).tag(config=True)

    replay_window = Float(60.0, help="Seconds that an HMAC is good for, once.").tag(config=True)

    leeway = Float(10.0, help="Seconds that the clocks of portal and hub may be apart.").tag(
        config=True
    )

    unsafe_plain_headers = Bool(
        False,
        help="""Believe headers that nobody has signed. Unsafe.

        Whoever can connect to the hub's own port from `hub_proxy_addresses`, as sessions on the
        hub's machine can, may then be anybody. Needs `proxy_addresses`.
        """,
    ).tag(config=True)

    proxy_addresses = List(
        Unicode(),
        help="""Addresses or networks of the portal's proxy, as it connects to the hub's proxy.

        If set, an assertion that comes from elsewhere is refused, also one that is signed.
        """,
    ).tag(config=True)

    hub_proxy_addresses = List(
        Unicode(),
        default_value=["127.0.0.1", "::1"],
        help="Addresses or networks of the hub's own proxy. Used together with `proxy_addresses`.",
    ).tag(config=True)

    identity_age = Float(
        12 * 3600.0,
        help="""Seconds after which the portal has to say anew who somebody is.

        Looked at every `auth_refresh_age` seconds: who comes with an assertion is checked by it,
        who comes without has to sign in again once this is over, which a portal does without
        asking. Tokens of the hub's API are not affected. 0: as long as the hub's own cookie.
        """,
    ).tag(config=True)

    permanent_attributes = List(
        Unicode(),
        help="""Names of headers and attributes that are kept when somebody signs out.

        They stay until the portal sends others. All else is kept for the login.
        """,
    ).tag(config=True)

    spawner_shared_headers = List(
        Unicode(),
        help="""Names of headers and attributes that sessions get as environment variables.

        The variable is called as the header, in capitals and with `_` for `-`. Nothing is
        shared that isn't listed here or in `set_spawner_attributes`.
        """,
    ).tag(config=True)

    set_spawner_attributes = Dict(
        help="""Settings of the spawner, filled with what is known of the user.

        For example `{"environment": {"PORTAL_DN": "{data.User.CERT}"}}`, or volumes and their
        mounts. Mappings and lists are added to what the setting has. What lacks a value is left
        out. Within a longer text only plain words are put.
        """
    ).tag(config=True)

    session_readable_attributes = List(
        Unicode(),
        help="""Names of headers and attributes that sessions may ask the hub for while they run.

        By `GET` of one of `user_data_paths` with the argument `name` and the session's own token,
        they get what the portal has sent last. For what mustn't be in an environment, or changes.
        """,
    ).tag(config=True)

    user_data_paths = List(
        Unicode(),
        default_value=["/user-data"],
        help="""Paths below the hub's own at which the portal may post data of a signed-in user, and
        sessions may ask for some.""",
    ).tag(config=True)

    user_external_allow_attributes = List(
        Unicode(),
        help="""Names of attributes that the portal may post. None: it may post nothing.

        They are kept as headers are. A parser of `header_parser_classes` under the same name, or
        under the key of the header of that name, reads them.
        """,
    ).tag(config=True)

    allowed_groups = Set(
        Unicode(), help="Groups whose members may use the hub, beside `allowed_users`."
    ).tag(config=True)

    admin_groups = Set(
        Unicode(),
        help="""Groups whose members administer the hub, beside `admin_users`.

        If set, who is in none of them and not in `admin_users` loses the right when signing in.
        """,
    ).tag(config=True)

    portal_login_url = Unicode(
        help="""Where somebody is sent who comes without an assertion.

        `{next}` in it becomes the path within the hub that was asked for, quoted.
        """
    ).tag(config=True)

    portal_logout_url = Unicode(
        help="Where somebody is sent after signing out. Default: the hub's own page."
    ).tag(config=True)

    @default("allowed_headers")
    def _allowed_headers_default(self) -> dict[str, str]:
        token = self.signature == "jwt" and not self.unsafe_plain_headers
        return {"auth": "sub" if token else "Remote-User"}

    @default("algorithms")
    def _algorithms_default(self) -> list[str]:
        return ["ES256", "RS256"] if self.jwks_url else ["HS256"]

    # what is only sensible here: what is known of users is kept, and nothing is typed in

    @default("enable_auth_state")
    def _enable_auth_state_default(self) -> bool:
        return True

    @default("auto_login")
    def _auto_login_default(self) -> bool:
        return True

    @default("auto_login_oauth2_authorize")
    def _auto_login_oauth2_authorize_default(self) -> bool:
        return True

    @default("any_allow_config")
    def _any_allow_config_default(self) -> bool:
        # the hub's own takes allowed_headers for one
        some = self.allowed_users or self.allowed_groups
        return bool(self.allow_all or self.allow_existing_users or some)

    @cached_property
    def keeping(self) -> Keeping:
        """What is known of users."""
        return Keeping(self.enable_auth_state)

    @cached_property
    def reading(self) -> Reading:
        """Which values are used. Misconfigured if that can't be told."""
        return Reading(self.allowed_headers, self.header_parser_classes)

    @cached_property
    def check(self) -> Check:
        """How assertions are checked. Misconfigured if that can't be told."""
        return check_of(self)

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """The pages of this authenticator. The hub ends if the settings are no good."""
        try:
            _ = (self.check, self.keeping)  # made now, so that they are as old as the hub
            self._refuse_settings_of_others(app.spawner_class)
        except Misconfigured as error:
            app.log.critical("%s", error)
            app.exit(1)
        pages: list[tuple[str, type]] = [("/login", SignInPage), ("/logout", SignOutPage)]
        if self.user_external_allow_attributes or self.session_readable_attributes:
            pages += [(path, UserDataPage) for path in self.user_data_paths]
        return pages

    def _refuse_settings_of_others(self, spawner: type) -> None:
        for name in self.set_spawner_attributes:
            if not hasattr(spawner, name):
                raise Misconfigured(
                    f"set_spawner_attributes has {name}, which is no setting of "
                    f"{spawner.__name__}. Look how it is spelt."
                )

    # Who it is

    async def said(self, handler: Any) -> Mapping[str, Any] | None:
        """What the portal says in this request, None for nothing. Refused if it isn't good."""
        return await heard(handler.request, self.check, self.reading.names, self.log)

    async def authenticate(self, handler: Any, data: Any = None) -> dict[str, Any]:
        """Who the portal says it is; forms say nothing here."""
        said = await self.said(handler)
        if said is None:
            raise not_by_the_portal()
        return self.model(said)

    def model(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What the hub calls an authentication model. Refused without a name that can be one."""
        identity = self.reading.identity(said)
        if not self.validate_username(self.normalize_username(identity.name)):
            raise nobody()
        return {"name": identity.name, "groups": identity.groups, "auth_state": identity.state}

    def normalize_username(self, username: str) -> str:
        """The name in small letters and one way of writing them, then as `username_map` says."""
        return cast("str", super().normalize_username(normal(username)))

    def validate_username(self, username: str) -> bool:
        """Whether it can be a name: letters, digits and ``. _ @ + -``."""
        return is_user_name(username) and bool(super().validate_username(username))

    def check_allowed(self, username: str, authentication: Any = None) -> bool:
        """Whether the user is listed, or in one of the groups that are."""
        groups = set((authentication or {}).get("groups") or ())
        return bool(super().check_allowed(username, authentication) or groups & self.allowed_groups)

    def is_admin(self, handler: Any, authentication: dict[str, Any]) -> bool | None:
        """Whether the user administers the hub; None leaves that as it is."""
        if authentication["name"] in self.admin_users:
            return True
        groups = set(authentication.get("groups") or ())
        return bool(groups & self.admin_groups) if self.admin_groups else None

    async def run_post_auth_hook(self, handler: Any, auth_model: dict[str, Any]) -> Any:
        """Called with everybody who may come in, before they are stored."""
        name, state = auth_model["name"], auth_model["auth_state"]
        held = getattr(handler, "held", None)
        if held is not None:
            await held.enter_async_context(self.keeping.turn(name))
        stored = await self.keeping.admit(name, state[IDENTITY], handler.find_user(name))
        # what the portal has posted lasts until somebody signs out, also when they sign in again
        lasting = {*self.permanent_attributes, *self.user_external_allow_attributes}
        kept = {key: value for key, value in stored.items() if key in lasting}
        auth_model["auth_state"] = {**kept, **state}
        return await super().run_post_auth_hook(handler, auth_model)

    async def refresh_user(self, user: Any, handler: Any = None) -> Any:
        """Whether a login is still good: as the portal says now, or said not too long ago."""
        # a token of the API is no login, and in a request of somebody else's the portal says
        # nothing about this user: there is nobody who could sign in again
        if handler is None or getattr(handler, "_token_authenticated", False):
            return True
        if handler.current_user is not user:
            return True
        try:
            if await self.said(handler) is None:
                return not self.identity_age or self.keeping.age(user.name) <= self.identity_age
            model = await self.get_authenticated_user(handler, None)
        except Refused as refusal:
            self.log.warning("%s has to sign in again. %s", user.name, refusal.message)
            return False
        return model if model and model["name"] == user.name else False

    # What is known of them

    def renewal(self, base: str, then: str) -> str:
        """The page where the portal says anew what is known of who goes there, and `then` goes on.

        base : path of the hub, as ``/hub/``
        """
        login = f"{base}login?{urlencode({'next': base + then})}"
        return self.portal_login_url.replace("{next}", quote(login, safe="")) or login

    async def forget_login(self, user: Any) -> None:
        """Forget what was kept for the login only."""
        await self.keeping.forget(user, {IDENTITY, *self.permanent_attributes})

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        """Hand over to a session what the operator has listed."""
        if self.spawner_shared_headers or self.set_spawner_attributes:
            values = await self.keeping.stored(user)
            names, templates = self.spawner_shared_headers, self.set_spawner_attributes
            renewal = self.renewal(spawner.hub.base_url, "spawn")
            if left_out := share(spawner, names, templates, values, renewal):
                self.log.warning("Nothing is known of %s for %s", user.name, ", ".join(left_out))
        await maybe_future(super().pre_spawn_start(user, spawner))

    def delete_user(self, user: Any) -> None:
        """Forget a user who is deleted."""
        self.keeping.drop(user.name)
        super().delete_user(user)
