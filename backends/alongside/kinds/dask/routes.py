"""What we ask of a scheduler: how it is, several times a second while it starts, and to shrink.

Listed in ``distributed.scheduler.http.routes`` by `preload`. The first is one request instead of
the three that Dask's own API needs, the second spares workers of other roles, which that can't.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from distributed.core import Status
from distributed.http.utils import RequestHandler
from distributed.versions import get_versions

from alongside.kinds.dask.control import RETIRE, STATE


@cache
def _versions() -> dict[str, str]:
    packages = get_versions()["packages"]
    return {name: str(version) for name, version in packages.items() if version is not None}


def _usage(scheduler: Any) -> dict[str, Any]:
    """Cores and bytes in use, by the scheduler and, at their last heartbeats, by the workers."""
    measured = [scheduler.monitor.recent(), *(w.metrics for w in scheduler.workers.values())]
    return {
        "cpu": sum(m.get("cpu", 0.0) for m in measured) / 100,
        "memory": sum(m.get("memory", 0) for m in measured),
    }


class StateHandler(RequestHandler):
    """Who is ready, since when there is no work, how much is used.

    On request also how many workers it would like.
    """

    def get(self) -> None:
        scheduler: Any = self.server
        document = {
            "address": scheduler.address,
            "ready": [
                str(worker.name)
                for worker in scheduler.workers.values()
                if worker.status in (Status.running, Status.paused)
            ],
            "idle_since": scheduler.check_idle(),
            "versions": _versions(),
        } | _usage(scheduler)
        if self.get_query_argument("target", ""):
            document["target"] = scheduler.adaptive_target()
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(document))


class RetireHandler(RequestHandler):
    """Let workers of one role go, those first that have least to do and to keep."""

    async def post(self) -> None:
        scheduler: Any = self.server
        wish = json.loads(self.request.body)
        count, role = int(wish["count"]), str(wish["role"])
        # all that may go, the best ones first
        order = scheduler.workers_to_close(n=len(scheduler.workers))
        chosen = [a for a in order if role in ("", _role_of(scheduler.workers[a]))][:count]
        gone = await scheduler.retire_workers(workers=chosen)
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps([str(worker["name"]) for worker in gone.values()]))


def _role_of(worker: Any) -> str:
    return str(worker.name).rpartition("-")[0]


routes: list[tuple[str, type, dict[str, Any]]] = [
    (STATE, StateHandler, {}),
    (RETIRE, RetireHandler, {}),
]
