"""Dask's dashboard, built when somebody first asks for one of its pages.

Bokeh takes nearly as much processor time to import as all the rest of a scheduler's start, just
when the workers and the user's session start as well, and most clusters end without anybody having
looked. So schedulers start with ``--no-dashboard``, and get it here.
"""

from __future__ import annotations

from typing import Any

from distributed.http.utils import get_handlers
from tornado.httputil import HTTPServerRequest
from tornado.web import Application


class Dashboard(Application):
    """Stands last among the applications of a scheduler's HTTP server, for what none of them has.

    At the first request it puts the dashboard in its own place. Without a Bokeh that Dask can use,
    that is Dask's page which says so.
    """

    def __init__(self, scheduler: Any) -> None:
        super().__init__()
        self._scheduler = scheduler

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Called by tornado; who answers `request`."""
        pages = self._scheduler.http_application
        if self in pages.applications:
            pages.applications.remove(self)
            self._build(pages)
        return pages.find_handler(request, **kwargs)

    def _build(self, pages: Application) -> None:
        try:
            from distributed.dashboard.scheduler import connect
        except ImportError:
            missing = ["distributed.http.scheduler.missing_bokeh"]
            pages.add_handlers(r".*", get_handlers(self._scheduler, missing))
        else:
            connect(pages, self._scheduler.http_server, self._scheduler)
