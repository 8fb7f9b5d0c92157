"""``healthz``: for those who keep the service running."""

from __future__ import annotations

from fastapi import APIRouter

from alongside.models import Model
from alongside_service.routes.callers import TheService

router = APIRouter(tags=["operations"])


class Health(Model):
    """That the service works."""

    status: str


@router.get("/healthz", summary="Whether the service works")
async def healthz(service: TheService) -> Health:
    """For a load balancer or a launcher; needs no token and tells nothing."""
    return Health(status="ok")
