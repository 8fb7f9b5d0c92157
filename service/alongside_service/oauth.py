"""Browsers log in here with the hub's OAuth: code flow with PKCE.

https://jupyterhub.readthedocs.io/en/stable/reference/services.html
The token that comes of it has only the scope to use this service. It is kept in a cookie that
scripts can't read and that is sent to the service's own paths only.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse

from alongside.errors import InvalidRequest
from alongside_service.hub import Hub

_STATES = 1000
_STATE_LIFE = 600.0
_BROWSER = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True)
class Endpoints:
    """Where to send browsers, and who we are to the hub."""

    client_id: str
    secret: str = field(repr=False)
    authorize: str
    token: str
    callback: str

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None) -> Endpoints:
        """From the variables that the hub starts a service with."""
        env = os.environ if environ is None else environ
        base = env.get("JUPYTERHUB_BASE_URL", "/").rstrip("/")
        prefix = env.get("JUPYTERHUB_SERVICE_PREFIX", "/services/alongside/")
        host = env.get("JUPYTERHUB_HOST", "")
        api = env.get("JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hub/api").rstrip("/")
        return cls(
            client_id=env.get("JUPYTERHUB_CLIENT_ID", "service-alongside"),
            secret=env.get("JUPYTERHUB_API_TOKEN", ""),
            authorize=f"{host}{base}/hub/api/oauth2/authorize",
            token=f"{api}/oauth2/token",
            callback=env.get("JUPYTERHUB_OAUTH_CALLBACK_URL") or f"{prefix}oauth_callback",
        )


@dataclass(frozen=True)
class _State:
    browser: str = field(repr=False)
    next: str
    verifier: str = field(repr=False)
    time: float


class Login:
    """The logins that are under way, and the cookie of those that are done."""

    def __init__(
        self,
        hub: Hub,
        endpoints: Endpoints,
        prefix: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._endpoints = endpoints
        self._prefix = prefix
        self._clock = clock
        self._states: OrderedDict[str, _State] = OrderedDict()
        self._cookie = endpoints.client_id
        self._browser_cookie = f"{endpoints.client_id}-oauth-browser"

    def token(self, connection: HTTPConnection) -> str:
        """The token in the cookie, or ''."""
        return connection.cookies.get(self._cookie, "")

    def begin(self, connection: HTTPConnection) -> RedirectResponse:
        """Send a browser to the hub; it comes back to where it is now."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        path = connection.url.path
        if connection.url.query:
            path = f"{path}?{connection.url.query}"
        # one for all logins of a browser that are under way: it may open several pages at once
        browser = connection.cookies.get(self._browser_cookie, "")
        if not _BROWSER.fullmatch(browser):
            browser = secrets.token_urlsafe(24)
        self._states[state] = _State(browser, path, verifier, self._clock())
        while len(self._states) > _STATES:
            self._states.popitem(last=False)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = urlencode(
            {
                "client_id": self._endpoints.client_id,
                "redirect_uri": self._endpoints.callback,
                "response_type": "code",
                "state": state,
                "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
                "code_challenge_method": "S256",
            }
        )
        answer = RedirectResponse(f"{self._endpoints.authorize}?{query}", 302)
        self._set(answer, connection, self._browser_cookie, browser, int(_STATE_LIFE))
        return answer

    async def finish(self, connection: HTTPConnection) -> RedirectResponse:
        """A browser is back from the hub: take the token and send it where it wanted to go.

        Raises InvalidRequest for a login that was not begun here, or too long ago.
        """
        query = connection.query_params
        known = self._states.pop(query.get("state", ""), None)
        same = known is not None and secrets.compare_digest(
            connection.cookies.get(self._browser_cookie, "").encode(), known.browser.encode()
        )
        if known is None or not same or self._clock() - known.time > _STATE_LIFE:
            raise InvalidRequest(
                "This login is not known here, or took too long.", "Open the page again.", "state"
            )
        if not query.get("code"):
            raise InvalidRequest(
                "The hub did not grant the login.", "Open the page again and agree.", "code"
            )
        token = await self._hub.exchange(
            self._endpoints.token,
            {
                "client_id": self._endpoints.client_id,
                "client_secret": self._endpoints.secret,
                "grant_type": "authorization_code",
                "code": query["code"],
                "redirect_uri": self._endpoints.callback,
                "code_verifier": known.verifier,
            },
        )
        answer = RedirectResponse(known.next, 302)
        self._set(answer, connection, self._cookie, token, None)
        return answer

    def _set(
        self,
        answer: RedirectResponse,
        connection: HTTPConnection,
        name: str,
        value: str,
        max_age: int | None,
    ) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=max_age,
            path=self._prefix,
            httponly=True,
            samesite="lax",
            secure=is_https(connection),
        )


def is_https(connection: HTTPConnection) -> bool:
    """Whether the browser came by HTTPS, by the word of the proxies in between."""
    forwarded = connection.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    return (forwarded or connection.url.scheme) in {"https", "wss"}


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether a websocket was opened by a page of the same host."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")
