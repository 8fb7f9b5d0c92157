"""In place of dashboards, where what passes them on is not installed."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from alongside.errors import Unavailable
from alongside_lab.dashboard_page import STATIC, page_of
from alongside_lab.handlers import Handler

_MISSING = Unavailable(
    "Dashboards can't be shown here: jupyter-server-proxy is not installed.",
    "Install it (pip install jupyter-server-proxy) and start the Jupyter server again.",
)


class NoDashboard(Handler):
    """Says so."""

    @web.authenticated
    @authorized
    async def get(self, id: str, path: str) -> None:
        """A page that says what to install."""
        page = page_of(_MISSING)
        self.set_status(page.status)
        self.set_header("Content-Security-Policy", STATIC)
        self.finish(page.text, set_content_type="text/html; charset=utf-8")
