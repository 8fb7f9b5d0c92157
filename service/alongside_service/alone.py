"""The service inside of a Jupyter server that no hub has started: one user, one session.

It runs in the Jupyter server's event loop, on the platform `local`, and listens on loopback for
whoever has its token, which the server gives to the kernels that it starts. Backends of the
session end with the server (`alongside_service.afterwards`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alongside.endpoint import complete
from alongside.errors import AlongsideError
from alongside_service.afterwards import WITHIN, end_session, watch
from alongside_service.alone_home import Folder, catalogue_for, default_home

if TYPE_CHECKING:
    from alongside_service.service import Service

_log = logging.getLogger("alongside.service")
_SLOW = (
    *("fastapi", "uvicorn", "sse_starlette", "websockets", "ruamel.yaml"),
    *("alongside.kinds.dask", "alongside.platforms.local", "alongside_workflows.executors.local"),
    *("alongside_service.app", "alongside_service.server", "alongside_service.alone_hub"),
)
"""What takes long to import; done in a thread, since the event loop is Lab's."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_END_WITHIN = 10.0


@dataclass
class Alone:
    """A service for one user.

    sock : where it listens, on loopback; connections may be waiting already
    token : what its user's requests carry
    user : the name that its backends belong to
    home : the folder of all state; default: `alone_home.default_home`
    ready : called each time that it has begun to answer
    """

    sock: socket.socket
    token: str = field(repr=False)
    user: str
    home: Path | None = None
    ready: Callable[[], None] = lambda: None

    async def serve(self) -> None:
        """Serve until cancelled. Raises AlongsideError when it can't begin.

        What fails later on is logged, and begun anew after a pause.
        """
        for module in _SLOW:
            await asyncio.to_thread(import_module, module)
        home = self.home or default_home(os.environ)
        folder = await asyncio.to_thread(Folder.take, home)
        with contextlib.closing(folder), _watched(folder):
            await self._end_what_is_left(folder.path)
            catalogue = await asyncio.to_thread(_catalogue, home, folder.path)
            pause, began = _FIRST_PAUSE, False
            while True:
                try:
                    await self._serve_once(folder.path, catalogue)
                    pause, began = _FIRST_PAUSE, True
                except AlongsideError:
                    if not began:
                        raise
                    _log.exception("The service can't begin anew; it is tried again.")
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _end_what_is_left(self, folder: Path) -> None:
        """Of a server that was killed together with the process that should have done this."""
        try:
            async with asyncio.timeout(WITHIN):
                await end_session(folder)
        except TimeoutError:
            _log.warning("Backends of an earlier session in %s do not end.", folder)

    async def _serve_once(self, folder: Path, catalogue: Path) -> None:
        """Serve until a part of the service fails. Raises AlongsideError when it can't begin."""
        from alongside_service.app import create_app
        from alongside_service.server import Server

        class Guest(Server):
            """A web server in somebody else's process, who minds the signals."""

            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        service = await asyncio.to_thread(self._service, folder, catalogue)
        service.give_up = lambda why: None if failed.done() else failed.set_result(why)
        app = await asyncio.to_thread(create_app, service)
        server = Guest(app)
        async with app.router.lifespan_context(app):
            # a copy, so that connections wait in ours while there is no server
            serving = asyncio.create_task(server.serve(sockets=[self.sock.dup()]))
            self.ready()
            try:
                either: set[asyncio.Future[Any]] = {serving, failed}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                server.should_exit = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(serving, _END_WITHIN)
                _end_watchers()
        if failed.done():
            _log.error("The service begins anew: %s.", failed.result())

    def _service(self, folder: Path, catalogue: Path) -> Service:
        from alongside.catalogue_file import CatalogueFile
        from alongside.platforms.local import LocalPlatform
        from alongside_service.alone_hub import OnlyUser
        from alongside_service.run_settings import local_runs
        from alongside_service.run_token import RunTokens
        from alongside_service.service import Service

        platforms = {"local": LocalPlatform(home=str(folder))}
        executors, tokens = local_runs(platforms)
        port = self.sock.getsockname()[1]
        return Service(
            catalogue=CatalogueFile(catalogue),
            platforms=platforms,
            executors=executors,
            api=complete(f"http://127.0.0.1:{port}"),
            run_tokens=tokens or RunTokens(),
            hub=OnlyUser(self.user, self.token),
            token="",  # no spawner asks
            sessions_interval=60.0,
        )


def _end_watchers() -> None:
    """End what sse_starlette leaves running in an event loop that is not a web server's own."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "") == "_shutdown_watcher":
            task.cancel()


@contextlib.contextmanager
def _watched(folder: Folder) -> Iterator[None]:
    """Whatever becomes of us, the backends in this folder are ended."""
    keeps_waiting = watch(folder.path, folder.lock)
    try:
        yield
    finally:
        os.close(keeps_waiting)


def _catalogue(home: Path, folder: Path) -> Path:
    """The user's own catalogue, or one for this machine."""
    from alongside.platforms.local.machine import usable_cores, usable_memory

    if given := os.environ.get("ALONGSIDE_CATALOGUE"):
        return Path(given)
    if (own := home / "catalogue.yaml").exists():
        return own
    made = folder / "catalogue.yaml"
    made.write_text(catalogue_for(usable_cores(), usable_memory()), encoding="utf-8")
    return made
