"""The page where the portal leaves data of a user, and where their sessions fetch some of it."""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.user import User

from alongside_authenticators.handing_over import Expired, unexpired
from alongside_authenticators.identity import IDENTITY
from alongside_authenticators.keeping import not_signed_in
from alongside_authenticators.pages import not_by_the_portal
from alongside_authenticators.refusals import Refused

if TYPE_CHECKING:
    from alongside_authenticators.header import HeaderAuthenticator

LARGEST = 64 * 1024
"""Bytes of a body with data of a user."""


class UserDataPage(BaseHandler):
    """For programs, not for browsers: cookies mean nothing here, so they can't be misused."""

    authenticator: HeaderAuthenticator
    _accept_cookie_auth = False
    _accept_token_auth = True

    def check_xsrf_cookie(self) -> None:
        """Nothing to check where no cookie counts."""

    async def post(self) -> None:
        """Take ``{"name": value}`` for the user whom the assertion names; null removes one."""
        said = await self.authenticator.said(self)
        if said is None:
            raise not_by_the_portal(403)
        await self._keep(said, _object(self.request.body))
        self.set_status(204)

    async def get(self) -> None:
        """Give the value that the argument `name` names, to a session of the user whose it is."""
        user = self._owner()
        name = self.get_argument("name", "")
        values = await self.authenticator.keeping.stored(user)
        if name not in self.authenticator.session_readable_attributes or name not in values:
            raise Refused(
                404,
                "NotGiven",
                "The hub has no such value for sessions. Its operator lists them in "
                "session_readable_attributes, and the portal has to have sent it.",
            )
        try:
            value = unexpired(name, values[name])
        except Expired as expired:
            raise Refused(
                410,
                "Expired",
                f"{expired} Sign in at the hub again by the portal; your session goes on.",
                link=self.authenticator.renewal(self.hub.base_url, "home"),
            ) from None
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(value))

    async def _keep(self, said: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Keep what the portal posts of somebody who has signed in; None removes it."""
        authenticator = self.authenticator
        strangers = set(data) - set(authenticator.user_external_allow_attributes)
        if strangers or not data:
            raise Refused(
                403,
                "AttributeNotAllowed",
                "The portal may not change this. Send attributes that the hub's "
                "user_external_allow_attributes lists.",
            )
        model = authenticator.model(said)
        name = authenticator.normalize_username(model["name"])
        user = self.find_user(name)
        if user is None or not authenticator.check_blocked_users(name, model):
            raise not_signed_in()
        read = {key: authenticator.reading.posted(key, value) for key, value in data.items()}
        await authenticator.keeping.change(user, model["auth_state"][IDENTITY], read)
        self.log.info("The portal has set %s of %s", ", ".join(sorted(data)), name)

    def _owner(self) -> User:
        """Whose session asks: by a token that opens one of their sessions, where what is given
        here can be read anyway."""
        user = self.current_user
        if isinstance(user, User):
            for server in user.orm_spawners:
                if self.has_scope(f"access:servers!server={user.name}/{server}"):
                    return user
        raise Refused(
            403,
            "NoSession",
            "Only sessions can ask for this. Send the token of one: its JUPYTERHUB_API_TOKEN.",
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The sentence as JSON: a program reads it."""
        error = kwargs.get("exc_info", (None, None))[1]
        said = {"status": status_code, "message": getattr(error, "message", "") or self._reason}
        if link := getattr(error, "link", ""):
            said["link"] = link
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(said))


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise Refused(413, "TooLong", f"Send {LARGEST} bytes or less.")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "Unreadable", "The body isn't a JSON object. Send one.")
    return found
