"""``workflows``: what is wrong with a definition, before it is submitted."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from alongside.errors import NotAllowed
from alongside.models import Pod
from alongside.requests import Requester
from alongside_service.auth import Caller
from alongside_service.bodies import StrictRoute
from alongside_service.problems import documented
from alongside_service.routes.callers import TheCaller, TheService
from alongside_service.run_backends import check_backends
from alongside_service.service import Service
from alongside_workflows.model import Workflow

router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=StrictRoute)
EXAMPLE = {
    "name": "report",
    "steps": [
        {"name": "fetch", "command": ["python", "fetch.py"], "outputs": {"data": "data.parquet"}},
        {
            "name": "fit",
            "notebook": "fit.ipynb",
            "after": ["fetch"],
            "parameters": {"n": 10},
            "backend": {"kind": "dask", "options": {"workers": 2}, "minimum": 2},
        },
    ],
}


@router.post(
    "/check",
    response_model=Workflow,
    summary="Check a workflow",
    responses=documented(401, 403, 413, 422, 503),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def check(body: Workflow, caller: TheCaller, service: TheService) -> Response:
    """All that is wrong with a definition, each with its place; else the definition in full.

    Its backends are checked against the profiles and the quota of the caller.
    """
    admissible(service, caller, caller.requester, body)
    return Response(body.model_dump_json(), media_type="application/json")


def admissible(service: Service, caller: Caller, owner: Requester, workflow: Workflow) -> None:
    """Raises InvalidFields or NotAllowed when a run of it would be refused, or fail, for sure.

    Which volumes may be mounted is looked at by the executor that makes the pods.
    """
    beside = workflow.pod.model_copy(update={"volumes": (), "volume_mounts": ()})
    if beside != Pod() and not caller.is_hub:
        raise NotAllowed("Only the hub may say what pods have.", "Leave it out.", "workflow.pod")
    check_backends(workflow, owner, service.offers())
