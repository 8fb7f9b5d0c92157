"""Where this server stands: in a session of a hub, or alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alongside.endpoint import API, SESSION, USER, Endpoint
from alongside.errors import InvalidRequest

if TYPE_CHECKING:
    from alongside_lab.alone import Alone

_NO_SERVICE = "The hub started this session without Alongside."
_ASK = "Ask an administrator to let Alongside's spawner start it."
_NOBODY = "There is no service to ask: this is no session of a hub, and alone is switched off."
_SWITCH_ON = "Start JupyterLab from a hub, or set c.AlongsideLab.alone to True."


@dataclass
class Surroundings:
    """What the server's environment says, and the service of its own where it has one."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    alone: Alone | None = None
    trusted: set[str] = field(default_factory=set)
    """Ids of other people's backends whose pages the user wants to see."""

    @property
    def user(self) -> str:
        """Whose session this is; '' when that isn't known."""
        return self.alone.user if self.alone else self.environ.get(USER, "")

    @property
    def in_hub(self) -> bool:
        """Whether a hub started this server."""
        return "JUPYTERHUB_SERVICE_PREFIX" in self.environ

    @property
    def needs_own_service(self) -> bool:
        """Whether nobody but this server could run a service for it."""
        return not self.in_hub and not self.environ.get(API)

    def want(self) -> None:
        """Somebody looks."""
        if self.alone is not None:
            self.alone.want()

    async def wanted(self) -> None:
        """Until there is reason to connect: in a session of a hub, at once."""
        if self.alone is not None:
            await self.alone.wanted()

    def endpoint(self) -> Endpoint:
        """The service and the token for it. Raises an AlongsideError when there is none."""
        if self.alone is not None and self.alone.problem is not None:
            raise self.alone.problem
        if not self.environ.get(API):
            told = (_NO_SERVICE, _ASK) if self.in_hub else (_NOBODY, _SWITCH_ON)
            raise InvalidRequest(*told)
        return Endpoint.find(environ=self.environ)

    def document(self) -> dict[str, Any]:
        """Its part of the state."""
        return {
            "session": self.environ.get(SESSION),
            "user": self.user,
            "alone": self.alone is not None,
            "hub": self._hub(),
        }

    def _hub(self) -> str:
        if not self.in_hub:
            return ""
        host = self.environ.get("JUPYTERHUB_HOST", "")
        return f"{host}{self.environ.get('JUPYTERHUB_BASE_URL', '/')}"
