"""The listening socket, and the web server on it."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import time
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

_log = logging.getLogger("alongside.service")
_PORT_WAIT = 15.0
_PAUSE = 0.1
_GRACE = 2
_CONNECTIONS = 2000
# Longer than proxies keep a connection that nobody uses (Node 5 s, many others 60 s): one that is
# closed here at the moment of its next use would be a request without an answer.
_KEPT = 75


class CannotListen(Exception):
    """The address can't be had; says why and what to do."""


def listen(url: str, wait: float = _PORT_WAIT) -> socket.socket:
    """A socket that listens at the host and port of a URL.

    Waits `wait` seconds for a predecessor that is just ending. Raises CannotListen.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 0
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + wait
    told = False
    while True:
        # named TCP, so that asyncio knows it and switches off Nagle's waiting (40 ms an answer)
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            sock.listen(2048)
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                raise CannotListen(
                    f"Can't listen at {host}:{port}: {error.strerror}. "
                    "Correct the service's `url` in the hub's configuration."
                ) from None
            if time.monotonic() > deadline:
                raise CannotListen(
                    f"Port {port} on {host} is in use. End the program that has it, or give the "
                    "service another `url` in the hub's configuration."
                ) from None
            if not told:
                _log.warning("Port %d is in use; waiting for it up to %g s.", port, wait)
                told = True
            time.sleep(_PAUSE)
        else:
            return sock


class Server(uvicorn.Server):
    """Ends streams of events at once, so that a successor need not wait for them to be cut."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(_config_of(app))
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End in good order."""
        self._app.state.service.events.close()
        await super().shutdown(sockets)


def _config_of(app: FastAPI) -> uvicorn.Config:
    """How the application is served; open streams are cut after `_GRACE` seconds."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",  # by ourselves, so that an error comes out of it as it is
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEPT,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=64 * 1024,
    )


def serve(app: FastAPI, sock: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT. Raises AlongsideError when it can't be opened."""
    # the server raises the signal that ended it once more; what is to be closed comes after that
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: None)

    async def run() -> None:
        async with app.router.lifespan_context(app):
            await Server(app).serve(sockets=[sock])

    asyncio.run(run())
