"""What a replica answers that stands by while another acts."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from alongside.errors import Unavailable
from alongside_service.problems import answer
from alongside_service.service import Service

_TRY_AGAIN_LATER = 1013  # a WebSocket's close code


class Standby:
    """ASGI middleware: only the replica that acts answers, except at the paths `always`.

    What the others know may be a moment old, and what they did would be done twice.
    """

    def __init__(self, app: ASGIApp, service: Service, always: tuple[str, ...]) -> None:
        self.app = app
        self.service = service
        self.always = always

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        requested = scope["type"] in ("http", "websocket")
        if self.service.leading or not requested or scope["path"] in self.always:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
        else:
            error = Unavailable("Another replica of the service answers.", "Try again in a moment.")
            await answer(error)(scope, receive, send)
