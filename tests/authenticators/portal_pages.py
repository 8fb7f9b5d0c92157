"""A portal beside a reverse proxy: signs people in by OpenID, and tells the proxy who they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.authenticators.key_sets import KeySet
from tests.authenticators.portal_provider import Provider, served

BELOW = "/hub/login/portal"
"""Where its pages are, as the guide has it."""

COOKIE = "portal-session"
CLIENT = "portal"


@dataclass
class Pages:
    """Its pages. It is the client `portal` of the provider, and signs with keys of its own.

    audience : the hub, as the portal calls it
    knows : further claims, by the name of who has signed in
    """

    provider: Provider
    keys: KeySet
    audience: str = "hub"
    knows: Callable[[str], Mapping[str, Any]] = lambda _: {}
    url: str = ""
    _entering: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    _sessions: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[Pages]:
        """It is there while the block lasts."""
        pages = [
            Route(f"{BELOW}/login", self._login),
            Route(f"{BELOW}/callback", self._callback),
            Route(f"{BELOW}/assert", self._assert),
            Route(f"{BELOW}/enter", self._enter),
        ]
        with served(pages) as self.url:
            yield self

    async def _login(self, request: Request) -> Response:
        """To the provider; `back` is where they go afterwards."""
        state, nonce = secrets.token_urlsafe(), secrets.token_urlsafe()
        front = f"{request.headers['x-forwarded-proto']}://{request.headers['host']}"
        callback = f"{front}{BELOW}/callback"
        back = request.query_params.get("back") or "/hub/"
        assert back.startswith("/")
        assert not back.startswith("//")
        self._entering[state] = (back, callback, nonce)
        query = urlencode(
            {
                "response_type": "code",
                "scope": "openid",
                "client_id": CLIENT,
                "redirect_uri": callback,
                "state": state,
                "nonce": nonce,
            }
        )
        return RedirectResponse(f"{self.provider.url}/authorize?{query}", 302)

    async def _callback(self, request: Request) -> Response:
        """From the provider: the ID token says who it is, and a cookie says so from now on."""
        back, callback, nonce = self._entering.pop(request.query_params["state"])
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.post(
                f"{self.provider.url}/token",
                data={
                    "grant_type": "authorization_code",
                    "code": request.query_params["code"],
                    "redirect_uri": callback,
                },
                auth=(CLIENT, self.provider.clients[CLIENT]),
            )
            published = (await client.get(self.provider.keys.url)).json()
        token = answer.raise_for_status().json()["id_token"]
        key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(token)["kid"]]
        said = jwt.decode(token, key, ["ES256"], audience=CLIENT, issuer=self.provider.url)
        assert said["nonce"] == nonce
        session = secrets.token_urlsafe()
        self._sessions[session] = said["preferred_username"]
        leading_back = RedirectResponse(back, 302)
        leading_back.set_cookie(
            COOKIE, session, path="/hub/login", secure=True, httponly=True, samesite="lax"
        )
        return leading_back

    async def _assert(self, request: Request) -> Response:
        """For the proxy: who it is, or 401."""
        name = self._sessions.get(request.cookies.get(COOKIE, ""))
        if name is None:
            return Response(status_code=401)
        return Response(headers={"X-Portal-Assertion": self.assertion(name)})

    async def _enter(self, request: Request) -> Response:
        """For the proxy: who it is, or the way to sign in."""
        answer = await self._assert(request)
        if answer.status_code != 401:
            return answer
        query = urlencode({"back": request.headers["x-forwarded-uri"]})
        return RedirectResponse(f"{BELOW}/login?{query}", 302)

    def assertion(self, name: str) -> str:
        """What it signs of somebody."""
        return self.keys.token(
            f"id-of-{name}", aud=self.audience, preferred_username=name, **self.knows(name)
        )
