"""A small service that answers as the real one does, and fails on request.

It keeps backends in memory and starts nothing; what runs behind them is up to the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from alongside.errors import AlongsideError, Conflict, NotAllowed, NotFound, NotReady
from alongside.kinds import get_kind
from alongside.models import Backend, Connection, Spec, Status, now
from alongside.names import backend_id
from alongside.phases import Phase
from alongside.requests import Launch, Patch, parse
from tests.waiting import wait_until

PREFIX = "/services/alongside/api/v1"
TOKEN = "a-token-of-ada"


class FakeService:
    """State and routes. `phase` is what a launched backend has at once."""

    def __init__(self) -> None:
        self.backends: dict[str, tuple[Spec, Status]] = {}
        self.connections: dict[str, Connection] = {}
        self.keys: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.drop = 0
        """How many of the next requests get their connection closed after they were carried out."""
        self.phase = Phase.RUNNING
        self.history: list[tuple[str, Any]] = []
        self.log = ["first line", "second line"]

    def add(self, name: str = "dask", **changes: Any) -> str:
        """A backend that is there; `changes` go to specification and status."""
        options = get_kind("dask").Options.model_validate(changes.pop("options", {}))
        owner, session = changes.pop("owner", "ada"), changes.pop("session", "")
        own = {k: changes.pop(k) for k in list(changes) if k in Spec.model_fields}
        spec = Spec(
            id=backend_id(owner, session, name, str(len(self.backends))),
            name=name,
            kind="dask",
            platform="local",
            profile="small",
            owner=owner,
            session=session,
            options=options.model_dump(mode="json"),
            resources=get_kind("dask").resources(options),
            created=now() + timedelta(microseconds=len(self.backends)),
            **own,
        )
        wanted = get_kind("dask").wanted(options)
        seen = {"phase": self.phase, "ready": wanted, "wanted": wanted, "versions": {}}
        seen |= {"roles": ("scheduler", "worker-0")} | changes
        self.backends[spec.id] = (spec, Status(**seen))
        self.history.append(("backend", {"id": spec.id, "phase": seen["phase"]}))
        return spec.id

    def set(self, id: str, **changes: Any) -> None:
        """Change the status of a backend."""
        spec, status = self.backends[id]
        self.backends[id] = (spec, status.model_copy(update=changes))

    def view(self, id: str) -> dict[str, Any]:
        return Backend.of(*self.backends[id]).model_dump(mode="json")

    async def handle(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX).strip("/")
        self.requests.append((request.method, path))
        if request.headers.get("authorization") != f"token {TOKEN}":
            return _problem(NotAllowed("The token is not known.", "Log in again."))
        try:
            answer = await self._answer(request, path.split("/"))
        except AlongsideError as error:
            answer = _problem(error)
        if self.drop:
            self.drop -= 1
            request.scope["state"]["abort"]()
        return answer

    async def _answer(self, request: Request, path: list[str]) -> Response:
        match request.method, path:
            case "GET", ["healthz"]:
                return JSONResponse({"status": "ok"})
            case "GET", ["me"]:
                return JSONResponse({"user": "ada", "groups": [], "admin": False})
            case "GET", ["events"]:
                return self._events(request.headers.get("last-event-id", "0"))
            case "GET", ["backends"]:
                return JSONResponse([self.view(id) for id in self.backends])
            case "POST", ["backends"]:
                return self._launch(request, await request.json())
            case method, ["backends", id, *rest]:
                if id not in self.backends:
                    raise NotFound("There is no such backend.")
                return await self._one(method, id, rest, request)
        raise NotFound("There is nothing at this address.")

    def _launch(self, request: Request, body: Any) -> Response:
        self.bodies.append(body)
        wish = parse(Launch, body)
        parse(get_kind(wish.kind).Options, dict(wish.options), "options")
        key = request.headers.get("idempotency-key", "")
        if key not in self.keys:
            named = [s for s, t in self.backends.values() if s.name == wish.name and t.live]
            if named:
                raise Conflict(f"You have a backend {wish.name!r} already.", "Choose another name.")
            self.keys[key] = self.add(
                wish.name or wish.kind,
                options=wish.options,
                session=wish.session,
                keep=wish.keep,
            )
        return JSONResponse(self.view(self.keys[key]), 202)

    async def _one(self, method: str, id: str, rest: list[str], request: Request) -> Response:
        spec, status = self.backends[id]
        match method, rest:
            case "GET", []:
                return JSONResponse(self.view(id))
            case "PATCH", []:
                patch = parse(Patch, await request.json())
                kind = get_kind(spec.kind)
                changed = kind.change(
                    kind.Options.model_validate(spec.options), patch.options or {}
                )
                options = parse(kind.Options, changed, "options")
                spec = spec.model_copy(update={"options": options.model_dump(mode="json")})
                wanted = kind.wanted(options)
                self.backends[id] = (spec, status.model_copy(update={"wanted": wanted}))
                if wanted > status.ready:
                    self.set(id, ready=wanted)
                return JSONResponse(self.view(id))
            case "DELETE", []:
                if not status.live:
                    return Response(status_code=204)
                self.set(id, phase=Phase.STOPPED)
                return JSONResponse(self.view(id), 202)
            case "GET", ["connection"]:
                if id not in self.connections:
                    raise NotReady("It has no address yet.")
                return JSONResponse(self.connections[id].model_dump(mode="json"))
            case "GET", ["logs"]:
                role = request.query_params["role"]
                lines = int(request.query_params["lines"])
                text = "".join(f"{role}: {line}\n" for line in self.log[-lines:])
                return Response(text, media_type="text/plain")
        raise NotFound("There is nothing at this address.")

    def _events(self, last: str) -> Response:
        """One event a connection, so that reading on takes resuming."""

        async def send() -> AsyncIterator[str]:
            number = int(last)
            if number < len(self.history):
                name, data = self.history[number]
                yield f"id: {number + 1}\nevent: {name}\ndata: {json.dumps(data)}\n\n"

        return StreamingResponse(send(), media_type="text/event-stream")


def _problem(error: AlongsideError) -> Response:
    return JSONResponse(error.problem(), error.status, media_type="application/problem+json")


class _Abortable:
    """Gives requests the power to cut their own connection before they are answered."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        cut = asyncio.Event()
        transport = receive.__self__.transport

        def abort() -> None:
            cut.set()
            transport.abort()

        scope.setdefault("state", {})["abort"] = abort

        async def sending(message: Any) -> None:
            if not cut.is_set():
                await send(message)

        await self.app(scope, receive, sending)


@contextlib.contextmanager
def serving(service: FakeService) -> Iterator[str]:
    """The URL that it is served at while the block lasts."""
    app = Starlette(
        routes=[
            Route(
                PREFIX + "/{path:path}",
                service.handle,
                methods=["GET", "POST", "PATCH", "DELETE"],
            )
        ]
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            _Abortable(app), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until("the service", lambda: server.started or not thread.is_alive(), every=0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
