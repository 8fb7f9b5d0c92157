"""``healthz`` and ``metrics``: for those who keep the service running."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from alongside.errors import NotAllowed
from alongside.models import Model
from alongside_service.problems import documented
from alongside_service.routes.callers import TheService, no_run, the_bearer

router = APIRouter(tags=["operations"])


class Health(Model):
    """That the service works."""

    status: str
    leading: bool = Field(
        description="Whether it is this replica that acts and answers; without others it always is."
    )


@router.get("/healthz", summary="Whether the service works")
async def healthz(service: TheService) -> Health:
    """For a load balancer, a launcher or a probe; needs no token and tells nothing else.

    It says nothing about hub or cluster: a service that can't reach them is not mended by being
    started anew. One whose parts have failed ends by itself; one that hangs does not answer.
    """
    return Health(status="ok", leading=service.leading)


async def _reader(request: Request, service: TheService) -> None:
    if service.metrics_without_token:
        return
    caller = no_run(await the_bearer(request, service, None))
    if not caller.reads_metrics:
        raise NotAllowed("You may not read the metrics.", "It needs the hub's scope read:metrics.")


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented(401, 403, 503),
    },
)
async def metrics(service: TheService, _: Annotated[None, Depends(_reader)]) -> Response:
    """For admins, the hub, and tokens with the scope `read:metrics`."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
