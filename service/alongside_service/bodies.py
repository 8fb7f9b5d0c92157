"""Bodies of requests: bounded in size, and JSON as its standard has it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alongside_service.problems import plain, problem

LARGEST = 256 * 1024
LARGEST_WORKFLOW = 1024 * 1024


class StrictRequest(Request):
    """Its `json` takes no NaN, no infinity, no key twice, no half character, no tower."""

    async def json(self) -> Any:
        """The body. Raises json.JSONDecodeError, which FastAPI turns into a 422."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route whose body is read by `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a `StrictRequest`."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def parse(body: bytes) -> Any:
    """JSON, or json.JSONDecodeError."""
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=_constant, object_pairs_hook=_pairs)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except UnicodeError:
        raise json.JSONDecodeError("it has broken characters", "", 0) from None
    except ValueError as error:
        raise json.JSONDecodeError(str(error)[:200], "", 0) from None
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a value")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key appears twice")
    return found


class TooLarge(Exception):
    """More came than the request said, or than is taken."""


class BodyLimit:
    """ASGI middleware: a body of more than `largest` bytes is answered with 413.

    more : other limits, by patterns of paths
    """

    def __init__(
        self, app: ASGIApp, largest: int = LARGEST, more: Mapping[str, int] | None = None
    ) -> None:
        self.app = app
        self.largest = largest
        self.more = [(re.compile(path), limit) for path, limit in (more or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = next((n for path, n in self.more if path.fullmatch(scope["path"])), self.largest)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > largest:
            await self._refuse(largest, scope, receive, send)
            return
        seen, started, refused = 0, False, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > largest:
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            # whatever the application makes of a body that breaks off, this is the answer
            nonlocal started, refused
            if seen > largest and not started:
                started = refused = True
                await self._refuse(largest, scope, receive, send)
            started = True
            if not refused:
                await send(message)

        try:
            await self.app(scope, counted, watched)
        except TooLarge:
            if not started:
                await self._refuse(largest, scope, receive, send)

    async def _refuse(self, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
        kib = largest // 1024
        answer = problem(
            plain(413, "The request is too large.", f"Send at most {kib} KiB."),
            {"Connection": "close"},
        )
        await answer(scope, receive, send)


class Head:
    """ASGI middleware: HEAD is GET without the body, except where an answer has no end."""

    def __init__(self, app: ASGIApp, endless: tuple[str, ...]) -> None:
        self.app = app
        self.endless = endless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "HEAD"
            or scope["path"].endswith(self.endless)
        ):
            await self.app(scope, receive, send)
            return

        async def headers_only(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, headers_only)
