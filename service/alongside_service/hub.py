"""What the service asks the hub, through the hub's REST API.

A hub that doesn't answer is `Unavailable`, never "no such session".
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import quote

import httpx

from alongside.errors import NotFound, Unavailable
from alongside_service.sessions import Session

_PAGE = 200
_PAGES = 1000
_STOP_TIMEOUT = 30.0
"""Seconds; the hub waits ten for a session to end before it answers."""
_PAGINATED = {"Accept": "application/jupyterhub-pagination+json"}


class Hub:
    """A client of one hub. `token` is the service's own."""

    def __init__(
        self, api_url: str, token: str, *, timeout: float = 10.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._token = token
        self._client = httpx.AsyncClient(
            base_url=api_url.rstrip("/") + "/",
            timeout=timeout,
            limits=httpx.Limits(max_connections=20),
            verify=tls if tls is not None else api_url.startswith("https:"),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def identify(self, token: str) -> dict[str, Any] | None:
        """The hub's model of a token's owner with the token's scopes; None for a bad token."""
        if not token.isascii() or not token.isprintable():
            return None
        answer = await self._get("user", token)
        if answer.status_code in {401, 403}:
            return None
        return _model(answer)

    async def own_scopes(self) -> frozenset[str]:
        """The scopes of the service's own token."""
        answer = await self._get("user", self._token)
        if answer.status_code in {401, 403}:
            raise Unavailable("The hub does not know the service's token.", "Restart the service.")
        return frozenset(_model(answer).get("scopes", ()))

    async def groups(self, user: str) -> frozenset[str]:
        """The groups of a user. Raises NotFound for one that the hub does not have."""
        answer = await self._get(f"users/{quote(user, safe='')}", self._token)
        if answer.status_code == 404:
            raise NotFound(f"The hub has no user {user[:63]!r}.", "Check the name.", "owner")
        model = _model(answer)
        if "groups" not in model:
            raise Unavailable(
                "The hub does not tell the service the groups of its users.",
                "Give the service's role the scope read:users:groups.",
            )
        return frozenset(model["groups"])

    async def session(self, owner: str, name: str) -> Session | None:
        """A session that runs, starts or stops at the moment; None if there is none so called."""
        answer = await self._get(f"users/{quote(owner, safe='')}", self._token)
        if answer.status_code == 404:
            return None
        user = _model(answer)
        server = (user.get("servers") or {}).get(name)
        return None if server is None else Session.of(user, server)

    async def sessions(self) -> dict[str, dict[str, Session]]:
        """Every user with the sessions, by name, that run, start or stop at the moment."""
        found: dict[str, dict[str, Session]] = {}
        offset = 0
        for _ in range(_PAGES):
            answer = await self._get(
                "users", self._token, params={"offset": offset, "limit": _PAGE}, headers=_PAGINATED
            )
            page = _model(answer)
            for user in page["items"]:
                servers = user.get("servers") or {}
                found[user["name"]] = {n: Session.of(user, s) for n, s in servers.items()}
            following = page["_pagination"]["next"]
            if not following:
                return found
            offset = following["offset"]
        raise Unavailable("The hub has more users than the service can list.", "")

    async def end_session(self, owner: str, name: str) -> None:
        """Have a session end, which may take longer than the answer. One that is gone: nothing."""
        which = f"servers/{quote(name, safe='')}" if name else "server"
        try:
            answer = await self._client.delete(
                f"users/{quote(owner, safe='')}/{which}",
                headers={"Authorization": f"token {self._token}"},
                timeout=_STOP_TIMEOUT,
            )
        except httpx.HTTPError as error:
            raise _silent(error) from None
        if not answer.is_success and answer.status_code != 404:
            raise _refused(answer)

    async def exchange(self, url: str, form: dict[str, str]) -> str:
        """The access token that an OAuth code stands for. Raises Unavailable."""
        try:
            answer = await self._client.post(url, data=form)
        except httpx.HTTPError as error:
            raise _silent(error) from None
        return str(_model(answer)["access_token"])

    async def _get(
        self,
        path: str,
        token: str,
        params: dict[str, int] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            return await self._client.get(
                path,
                params=params,
                headers={"Authorization": f"token {token}", **(headers or {})},
            )
        except httpx.HTTPError as error:
            raise _silent(error) from None


def _silent(error: Exception) -> Unavailable:
    return Unavailable(
        f"The hub does not answer ({type(error).__name__}).", "Try again in a moment."
    )


def _model(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        try:
            model = answer.json()
        except ValueError:
            model = None
        if isinstance(model, dict):
            return model
    raise _refused(answer)


def _refused(answer: httpx.Response) -> Unavailable:
    remedy = (
        "Give the service's role the scopes that alongside_service.scopes lists."
        if answer.status_code == 403
        else "Try again in a moment."
    )
    return Unavailable(f"The hub answered {answer.status_code} to the service.", remedy)
