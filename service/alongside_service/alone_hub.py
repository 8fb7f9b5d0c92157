"""In place of a hub, where there is none: one user, one session, one token."""

from __future__ import annotations

import hmac
from typing import Any

from alongside.errors import NotAllowed, NotFound, Unavailable
from alongside_service.hub import Hub
from alongside_service.scopes import SEES_EVERYTHING
from alongside_service.sessions import Session


class OnlyUser(Hub):
    """What the service asks a hub, answered by itself for the one user whose
    machine this is.

    The session is the Jupyter server that the service is part of: as long as anybody can ask, it
    is there.
    """

    def __init__(self, user: str, token: str, service: str = "alongside") -> None:
        self._user = user
        self._secret = token.encode()
        self._scopes = [f"access:services!service={service}"]

    async def identify(self, token: str) -> dict[str, Any] | None:
        """The user, for the one token; it takes as long for every other one."""
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._secret):
            return None
        return {"kind": "user", "name": self._user, "groups": [], "scopes": self._scopes}

    async def own_scopes(self) -> frozenset[str]:
        """As the service would have them from a hub."""
        return frozenset(SEES_EVERYTHING)

    async def groups(self, user: str) -> frozenset[str]:
        """None. Raises NotFound for anybody else."""
        if user != self._user:
            raise NotFound(f"There is no user {user[:63]!r} here.", "Leave `owner` out.", "owner")
        return frozenset()

    async def session(self, owner: str, name: str) -> Session | None:
        """The default one, for which nothing was chosen."""
        return None if name else Session(owner, name)

    async def sessions(self) -> dict[str, dict[str, Session]]:
        """The one session, which is the default one."""
        return {self._user: {"": Session(self._user, "")}}

    async def end_session(self, owner: str, name: str) -> None:
        """Nobody but its user ends a Jupyter server that no hub has started."""
        raise NotAllowed("Without a hub, sessions are ended by hand.", "Shut Jupyter down.")

    async def exchange(self, url: str, form: dict[str, str]) -> str:
        """There is no login but the Jupyter server's own."""
        raise Unavailable("There is no hub to log in at.", "Open the page from JupyterLab.")

    async def close(self) -> None:
        """Nothing to close."""
