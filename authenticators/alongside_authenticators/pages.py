"""The hub's pages for signing in and out."""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyterhub.handlers.login import LoginHandler, LogoutHandler
from tornado import web

from alongside_authenticators.refusals import Refused

if TYPE_CHECKING:
    from alongside_authenticators.header import HeaderAuthenticator


class SignInPage(LoginHandler):
    """Signs in whom the portal says it is; there is no form."""

    authenticator: HeaderAuthenticator
    held: AsyncExitStack | None = None
    """What is held until the user is stored (`HeaderAuthenticator.run_post_auth_hook`)."""

    async def get(self) -> None:
        """Sign in, and go on to where somebody wanted to go within this hub."""
        if await self.authenticator.said(self) is not None:
            async with AsyncExitStack() as self.held:
                user = await self.login_user()
            if user is None:
                raise Refused(
                    403,
                    "NotAllowed",
                    "The portal knows you, but you may not use this hub. Ask its operator for "
                    "access.",
                )
        elif (user := self.current_user) is not None:
            self.set_login_cookie(user)
        elif self.authenticator.portal_login_url:
            wanted = self._validate_next_url(self.get_argument("next", default=""))
            url = self.authenticator.portal_login_url
            self.redirect(url.replace("{next}", quote(wanted, safe="")))
            return
        else:
            raise not_by_the_portal()
        self.redirect(self.get_next_url(user))

    async def post(self) -> None:
        """There is no form, so nobody sends one."""
        raise web.HTTPError(405)


class SignOutPage(LogoutHandler):
    """Signs out here, forgets what was kept for this login, and goes on to the portal's page."""

    authenticator: HeaderAuthenticator

    async def handle_logout(self) -> None:
        """Called after the cookies have been cleared."""
        if self.current_user is not None:
            await self.authenticator.forget_login(self.current_user)

    async def render_logout_page(self) -> None:
        """The portal's page, or the hub's own."""
        if self.authenticator.portal_logout_url:
            self.redirect(self.authenticator.portal_logout_url)
        else:
            await super().render_logout_page()


def not_by_the_portal(status: int = 401) -> Refused:
    """The refusal of a request in which the portal says nothing."""
    return Refused(
        status,
        "NotByThePortal",
        "This hub is entered by its portal only. Sign in there, and come back by it.",
    )
