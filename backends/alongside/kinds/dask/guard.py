"""Web pages of a scheduler or worker on the network: HTTPS, and only for who has the token.

Dask's own pages know no passwords. The guard stands before all of them, so that a page, a file or
a websocket that a later release of Dask or Bokeh adds is protected, too.
"""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from alongside.kinds.dask.ports import HEALTH

_REFUSAL = b"403: These pages are reached through the hub.\n"


class Guard(HTTPServerConnectionDelegate):
    """Lets requests with the token pass to `pages`, and everybody to the health page."""

    def __init__(self, pages: HTTPServerConnectionDelegate, token: bytes) -> None:
        self._pages = pages
        self._expected = b"Bearer " + token

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Called by tornado for each request, before anything of it is read."""
        return _Guarded(self, server_conn, request_conn)

    def admit(
        self, start_line: Any, headers: HTTPHeaders, *connection: Any
    ) -> HTTPMessageDelegate | None:
        """Who answers this request; None when nobody is to."""
        given = headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        known = hmac.compare_digest(given, self._expected)
        health = start_line.path == HEALTH and start_line.method in ("GET", "HEAD")
        return self._pages.start_request(*connection) if known or health else None


class _Guarded(HTTPMessageDelegate):
    def __init__(self, guard: Guard, server_conn: object, request_conn: HTTPConnection) -> None:
        self._guard = guard
        self._server = server_conn
        self._request = request_conn
        self._inner: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._inner = self._guard.admit(start_line, headers, self._server, self._request)
        if self._inner is not None:
            return self._inner.headers_received(start_line, headers)
        self._refuse()
        return None

    def _refuse(self) -> None:
        # before its body has been read, if it has one, which makes tornado close the connection
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(_REFUSAL)),
            "Connection": "close",
        }
        self._request.write_headers(
            ResponseStartLine("HTTP/1.1", 403, "Forbidden"), HTTPHeaders(headers), _REFUSAL
        )
        self._request.finish()

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk) if self._inner is not None else None

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()


def serve(web: Any, host: str, port: int, secrets: Path) -> None:
    """Open `web`, a tornado HTTPServer without sockets, on the network.

    `secrets` is the directory of the cluster's certificate and of the token. Raises OSError when
    the port is taken or a file isn't there.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(secrets / "cluster.pem", secrets / "cluster-key.pem")
    web.ssl_options = context
    web.request_callback = Guard(web.request_callback, (secrets / "token").read_bytes())
    web.listen(port, address=host)
    web.port = port  # announced to the scheduler
