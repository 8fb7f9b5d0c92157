"""What a scheduler or worker of ours does when it starts (``dask ... --preload`` this module).

Their HTTP servers know no passwords. On one machine the scheduler's (dashboard and API) moves from
TCP to a Unix socket next to its scheduler file, and the worker's is closed. Where each process has
a network address of its own, which two environment variables tell, both move from the loopback
interface to that address and speak HTTPS behind a guard.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import dask.config
from tornado.netutil import bind_unix_socket

from alongside.kinds.dask.control import SOCKET
from alongside.kinds.dask.ports import PAGES_PORT, PAGES_SECRETS

_ROUTES = "distributed.scheduler.http.routes"
_PATIENCE = 2.0  # seconds that a worker has to end by itself
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
    scheduler = hasattr(server, "check_idle")
    if scheduler:
        from alongside.kinds.dask.dashboard import Dashboard

        server.http_application.add_application(Dashboard(server))
    else:
        # Modules beside the user's notebook; last, so that they hide nothing.
        sys.path.append(str(Path.cwd()))
    if port := os.environ.get(PAGES_PORT):
        if not scheduler:
            _end_in_time()
        from alongside.kinds.dask.guard import serve

        serve(web, server.ip, int(port), Path(os.environ[PAGES_SECRETS]))
    elif scheduler:
        path = Path(server.scheduler_file).with_name(SOCKET)
        web.add_socket(bind_unix_socket(str(path), mode=0o600))


def _end_in_time() -> None:
    """Have SIGTERM end the process, also when its scheduler goes at the same time.

    Dask then cancels a worker's close and waits for what has been cancelled, for ever.
    """
    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        timer = threading.Timer(_PATIENCE, os._exit, (0,))
        timer.daemon = True
        timer.start()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, end)


async def dask_teardown(server: Any) -> None:
    """Called by Dask while the server closes, after its connections have been closed."""
    if os.environ.get(PAGES_PORT) and hasattr(server, "executors"):
        # The container starts the worker again. Dask would wait 30 s for what still computes, and
        # nobody is there any more to take its results.
        server.executors.clear()
