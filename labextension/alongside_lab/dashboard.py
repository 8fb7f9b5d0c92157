"""``alongside/backends/{id}/dashboard/…``: a backend's own pages on the address of the session.

Pages and websockets come from the service, which asks the backend. They run scripts of whoever
owns the backend on this server's address, as the results of a cluster run in a kernel: to open
the dashboard of a shared backend is to trust its owner as much as to attach to it is. So other
people's are shown only once the user has said so (`alongside_lab.trust`).
"""

# mypy: allow-untyped-calls, allow-untyped-defs

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.utils import url_path_join
from jupyter_server_proxy.handlers import ProxyHandler
from tornado import httpclient, httputil, web, websocket

from alongside.endpoint import Endpoint
from alongside.errors import AlongsideError, NotFound
from alongside_lab.dashboard_page import (
    FRAMED,
    STATIC,
    Page,
    foreign,
    page_of,
    page_of_answer,
    refusal,
)
from alongside_lab.handlers import RESOURCE
from alongside_lab.upstream import silent

if TYPE_CHECKING:
    from alongside_lab.news import News
    from alongside_lab.surroundings import Surroundings
    from alongside_lab.upstream import Upstream

_PASSED = ("If-None-Match", "If-Modified-Since", "Range", "User-Agent")
"""What of the browser's headers goes on; never its cookies, nor the Jupyter server's token."""
_TIMES = {"connect_timeout": 5.0, "request_timeout": 60.0, "follow_redirects": False}
_POLICY, _AGAIN = 1008, 1013  # why a websocket is closed: it may not be, or not at the moment
_OWN_SECRETS = frozenset({"token", "_xsrf"})


class Dashboard(ProxyHandler):
    """One page or websocket. Only GET: these pages are there to look at."""

    auth_resource = RESOURCE

    def __init__(self, application: Any, request: Any, **arguments: Any) -> None:
        self.news: News = arguments.pop("news")
        self.upstream: Upstream = arguments.pop("upstream")
        self.surroundings: Surroundings = arguments.pop("surroundings")
        self._id = ""
        super().__init__(
            application,
            request,
            absolute_url=True,  # the service knows its own address, and tells no other
            host_allowlist=lambda *_: True,  # the only one is the service's
            rewrite_response=lambda response: self._outward(response),
            update_last_activity=False,  # a page that is looked at by nobody moves too
            **arguments,
        )

    @ws_authenticated
    @authorized
    async def get(self, id: str, path: str) -> None:
        """A page, or the websocket of one."""
        self.surroundings.want()
        self._id = id
        if error := self._refusal(path):
            self._show(page_of(error))  # a websocket is not opened then
            return
        await super().get(id, path)

    @ws_authenticated
    def post(self, *_: Any) -> None:
        """Nothing: the backend would change behind the service's back."""
        raise web.HTTPError(405)

    put = patch = delete = head = options = post

    def _refusal(self, path: str) -> AlongsideError | None:
        if any(part in {".", ".."} for part in path.split("/")):
            return NotFound("There is nothing at this address.", "Close this tab.")
        backend = self.news.mirror.get(self._id)
        if error := refusal(backend, connected=self.news.connected):
            return error
        trusted = self._id in self.surroundings.trusted
        return None if trusted else foreign(backend, self.surroundings.user)

    async def http_get(self, id: str, path: str) -> None:  # type: ignore[override]  # our route
        self.request.headers["Accept"] = "*/*"
        try:
            where = urlsplit(self._endpoint().url)
            await self.proxy(where.hostname, where.port, path)
        except AlongsideError as error:
            self._show(page_of(error))
        except (web.HTTPError, httpclient.HTTPError, OSError) as error:
            self._show(page_of(silent(error)))

    async def open(self, id: str, path: str) -> None:
        try:
            where = urlsplit(self._endpoint().url)
            await self.proxy_open(where.hostname, where.port, path)
        except AlongsideError:
            self.close(_POLICY)
        except httpclient.HTTPError as error:
            self.close(_POLICY if 400 <= error.code < 500 else _AGAIN)
        except (OSError, websocket.WebSocketError):
            self.close(_AGAIN)

    def on_message(self, message: str | bytes) -> None:
        with contextlib.suppress(websocket.WebSocketClosedError):
            super().on_message(message)

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Send to the browser what comes, until it has gone: both ends may close at once."""
        try:
            return super().write_message(message, binary)
        except websocket.WebSocketClosedError:
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            gone.set_result(None)
            return gone

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close as the other side has."""
        if code is None:
            code = getattr(getattr(self, "ws", None), "close_code", None)
        super().close(None if code in {1005, 1006, 1015} else code, reason)

    # what goes out

    def _endpoint(self) -> Endpoint:
        return self.upstream.find()

    def _root(self) -> str:
        api = urlsplit(self._endpoint().url).path
        return f"{api.removesuffix('/api/v1')}/backends/{self._id}/dashboard/"

    def get_client_uri(self, protocol: str, host: str, port: int | None, path: str) -> str:
        where = urlsplit(self._endpoint().url)
        scheme = f"{protocol}s" if where.scheme == "https" else protocol
        kept = [
            (name, value)
            for name, value in parse_qsl(self.request.query, keep_blank_values=True)
            if name not in _OWN_SECRETS
        ]
        query = f"?{urlencode(kept)}" if kept else ""
        place = quote(path.lstrip("/"), safe="/:@!$&'()*+,;=-._~")
        return f"{scheme}://{where.netloc}{self._root()}{place}{query}"

    def proxy_request_headers(self) -> httputil.HTTPHeaders:
        given = self.request.headers
        headers = httputil.HTTPHeaders({n: given[n] for n in _PASSED if n in given})
        headers["Accept"] = "*/*"
        headers["Authorization"] = f"token {self._endpoint().token}"
        return headers

    def proxy_request_options(self) -> dict[str, Any]:
        return dict(_TIMES)

    # what comes back

    def _outward(self, response: Any) -> None:
        headers = response.headers
        headers.pop("Set-Cookie", None)
        location = headers.pop("Location", "")
        path = urlsplit(location).path
        if location and not path.startswith(self._root()):
            response.code = 502  # to a login, which this session's token should have spared
        elif location:
            below = location.partition(self._root())[2]
            headers["Location"] = url_path_join(self._here(), below)
        headers["Content-Security-Policy"] = FRAMED
        if response.code >= 400:
            page = page_of_answer(response.code, _document(response.body))
            headers["Content-Type"] = "text/html; charset=utf-8"
            headers["Content-Security-Policy"] = STATIC
            response.body = page.text.encode()

    def _here(self) -> str:
        return url_path_join(self.base_url, "alongside/backends", self._id, "dashboard/")

    def _show(self, page: Page) -> None:
        self.set_status(page.status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", STATIC)
        self.set_header("Cache-Control", "no-store")
        self.finish(page.text)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
