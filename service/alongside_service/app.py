"""The web application."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from alongside_service import problems
from alongside_service.bodies import LARGEST_WORKFLOW, BodyLimit, Head
from alongside_service.metrics import Timed
from alongside_service.routes import (
    backends,
    catalogue,
    dashboard,
    events,
    me,
    operations,
    run_files,
    runs,
    schedules,
    spawn_options,
    workflows,
)
from alongside_service.service import Service
from alongside_service.standby import Standby

_DESCRIPTION = """\
Launch, scale, watch, share and end the Dask clusters and Arkouda locale groups that run alongside
JupyterHub sessions, at once or by a schedule; have workflows of notebooks carried out with backends
of their own. Every request carries a token of the hub; every
error is a problem document (RFC 9457) with a sentence in `detail` and what to do in `remedy`.
"""


def create_app(service: Service) -> FastAPI:
    """The application of one service; it opens and closes the service itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.open()
        try:
            yield
        finally:
            await service.close()

    api = f"{service.prefix}api/v1"
    app = _Application(
        title="Alongside",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{api}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    problems.install(app)
    routes = APIRouter(prefix=api)
    for module in (me, catalogue, spawn_options, backends, schedules, workflows, runs, run_files):
        routes.include_router(module.router)
    for module in (events, operations):
        routes.include_router(module.router)
    app.include_router(routes)
    app.include_router(dashboard.router, prefix=service.prefix.rstrip("/"))
    app.add_middleware(Head, endless=("/events", "/logs"))
    app.add_middleware(
        BodyLimit,
        more={
            f"{re.escape(api)}/(runs|workflows/check)": LARGEST_WORKFLOW,
            f"{re.escape(api)}{run_files.PLACE}": LARGEST_WORKFLOW,
        },
    )
    app.add_middleware(Standby, service=service, always=(f"{api}/healthz", f"{api}/metrics"))
    app.add_middleware(Timed, metrics=service.metrics)
    return app


class _Application(FastAPI):
    """FastAPI documents an error model as plain JSON too, which it never is."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        document = super().openapi()
        for methods in document["paths"].values():
            for operation in methods.values():
                for answer in operation["responses"].values():
                    content = answer.get("content", {})
                    if problems.MEDIA_TYPE in content:
                        content.pop("application/json", None)
        return document
