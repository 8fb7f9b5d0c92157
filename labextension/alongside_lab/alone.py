"""JupyterLab without a hub: a service of its own, from the moment that somebody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import os
import secrets
import socket
import sys
from collections.abc import MutableMapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alongside.endpoint import API, OWN_TOKEN, SESSION
from alongside.errors import AlongsideError
from alongside_lab.connection import NoService

_NEEDED = (
    *("fastapi", "uvicorn", "sse_starlette", "websockets", "prometheus_client"),
    *("ruamel", "watchfiles", "cryptography", "distributed", "bokeh", "psutil"),
)
_INSTALL = (
    "Install what is missing (pip install 'jupyterhub-alongside[local,service]') and start Jupyter "
    "again."
)


class Alone:
    """The service of this Jupyter server.

    `prepare` takes a port and puts address and token into the environment, so that every kernel
    gets them; `run` starts the service when somebody connects or `want` is called. `problem` says
    why there is none.
    """

    def __init__(
        self,
        home: str = "",
        environ: MutableMapping[str, str] = os.environ,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
    ) -> None:
        self.problem: AlongsideError | None = None
        self.user = _own_user()
        self._home = Path(home).expanduser().absolute() if home else None
        self._environ = environ
        self._log = log or logging.getLogger(__name__)
        self._wanted = asyncio.Event()
        self._sock: socket.socket | None = None

    def prepare(self) -> None:
        """Take an address; takes no time. Where there can be no service, `problem` says why."""
        self.problem = _obstacle()
        if self.problem is not None:
            return
        try:
            self._sock = socket.create_server(("127.0.0.1", 0), backlog=128)
        except OSError as error:
            self.problem = NoService(
                f"No address on this machine could be had: {error.strerror}.", "Try again later."
            )
            return
        port = self._sock.getsockname()[1]
        self._environ[API] = f"http://127.0.0.1:{port}"
        self._environ[OWN_TOKEN] = secrets.token_urlsafe(32)
        self._environ[SESSION] = ""

    def want(self) -> None:
        """Somebody looks: start the service, if it has not been."""
        self._wanted.set()

    async def wanted(self) -> None:
        """Until somebody looks."""
        await self._wanted.wait()

    async def run(self) -> None:
        """Start the service when it is wanted and keep it up, until cancelled."""
        if self._sock is None:
            return
        try:
            await self._first_connection(self._sock)
            self._log.info("Starting Alongside's service in this Jupyter server.")
            module = await asyncio.to_thread(import_module, "alongside_service.alone")
            token = self._environ[OWN_TOKEN]
            await module.Alone(self._sock, token, self.user, self._home).serve()
        except AlongsideError as error:
            self._fail(error)
        except Exception:
            self._log.exception("Alongside's service failed.")
            bug = "Alongside's service can't be started on this machine."
            self._fail(NoService(bug, "Jupyter's log has the details; start Jupyter again."))
        finally:
            self._close()

    async def _first_connection(self, sock: socket.socket) -> None:
        """Until somebody looks, or a kernel asks."""
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, self.want)
        try:
            await self._wanted.wait()
        finally:
            loop.remove_reader(sock)

    def _fail(self, error: AlongsideError) -> None:
        self._log.warning("Alongside has no service here: %s", error)
        self.problem = error

    def _close(self) -> None:
        """Let nobody wait at an address where nobody answers any more."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        for name in (API, OWN_TOKEN, SESSION):
            with contextlib.suppress(KeyError):
                del self._environ[name]


def _own_user() -> str:
    """The name of the account that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


def _obstacle() -> AlongsideError | None:
    """Why there can be no clusters on this machine."""
    if sys.platform != "linux":
        return NoService(
            "Clusters on this machine need Linux.",
            "Use a hub that has Alongside, or start JupyterLab in a Linux container.",
        )
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return NoService(
            f"Clusters can't be started on this machine: {', '.join(missing)} is not installed.",
            _INSTALL,
        )
    return None
