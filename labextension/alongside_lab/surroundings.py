"""Where this server stands: in a session of a hub, or alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alongside.endpoint import API, SESSION, USER, Endpoint
from alongside.errors import InvalidRequest

_NO_SERVICE = "The hub started this session without Alongside."
_ASK = "Ask an administrator to let Alongside's spawner start it."
_NOBODY = "There is no service to ask: this is no session of a hub, and alone is switched off."
_SWITCH_ON = "Start JupyterLab from a hub, or set c.AlongsideLab.alone to True."


@dataclass
class Surroundings:
    """What the server's environment says. `want` is called when somebody first looks."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    alone: bool = False
    user: str = ""
    want: Callable[[], None] = lambda: None

    @property
    def in_hub(self) -> bool:
        """Whether a hub started this server."""
        return "JUPYTERHUB_SERVICE_PREFIX" in self.environ

    @property
    def has_service(self) -> bool:
        """Whether it is said where the service is."""
        return bool(self.environ.get(API))

    def endpoint(self) -> Endpoint:
        """The service and the token for it. Raises InvalidRequest when there is none."""
        if not self.has_service:
            told = (_NO_SERVICE, _ASK) if self.in_hub else (_NOBODY, _SWITCH_ON)
            raise InvalidRequest(*told)
        return Endpoint.find(environ=self.environ)

    def document(self) -> dict[str, Any]:
        """Its part of the state."""
        hub = ""
        if self.in_hub and not self.alone:
            host = self.environ.get("JUPYTERHUB_HOST", "")
            hub = f"{host}{self.environ.get('JUPYTERHUB_BASE_URL', '/')}"
        return {
            "session": self.environ.get(SESSION),
            "user": self.user or self.environ.get(USER, ""),
            "alone": self.alone,
            "hub": hub,
        }
