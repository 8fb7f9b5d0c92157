"""What a scheduler or worker of ours does when it starts (``dask ... --preload`` this module).

Their HTTP servers know no passwords: the scheduler's (dashboard and API) moves from TCP to a Unix
socket next to its scheduler file, the worker's is closed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import dask.config
from tornado.netutil import bind_unix_socket

from alongside.kinds.dask.control import SOCKET

_ROUTES = "distributed.scheduler.http.routes"
_OURS = ("distributed.http.scheduler.api", "alongside.kinds.dask.routes")


def add_routes() -> None:
    """Add the API, and ours, to the scheduler's web pages, whatever these are."""
    present = dask.config.get(_ROUTES)
    dask.config.set({_ROUTES: [*present, *(name for name in _OURS if name not in present)]})


add_routes()  # this module is imported before the scheduler reads them


async def dask_setup(server: Any) -> None:
    """Called by Dask once the server listens, before others can know of it."""
    web = server.http_server
    web.stop()
    await web.close_all_connections()
    scheduler_file = getattr(server, "scheduler_file", "")
    if hasattr(server, "check_idle"):  # a scheduler
        path = Path(scheduler_file).with_name(SOCKET)
        web.add_socket(bind_unix_socket(str(path), mode=0o600))
    else:
        # Modules beside the user's notebook; last, so that they hide nothing.
        sys.path.append(str(Path.cwd()))
