"""The Jupyter server extension: its settings, its handlers, and the tasks behind them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Unicode

from alongside.endpoint import API
from alongside_lab.alone import Alone
from alongside_lab.follower import Follower
from alongside_lab.news import SCHEMA, News
from alongside_lab.routes import routes
from alongside_lab.surroundings import Surroundings
from alongside_lab.upstream import Upstream

_END_WITHIN = 15.0


class AlongsideLab(ExtensionApp):
    """Alongside in JupyterLab: the panel's way to the service."""

    name = "alongside_lab"
    load_other_extensions = True

    alone = Bool(
        True,
        help="Whether a JupyterLab that no hub has started runs a service of its own, so that "
        "clusters can be launched on this machine. It starts when it is first used.",
    ).tag(config=True)
    api = Unicode(
        help="URL of a hub, or of Alongside's API, that is used instead of the one that the "
        "session's environment names (`$ALONGSIDE_API`). The token is `$JUPYTERHUB_API_TOKEN`."
    ).tag(config=True)

    home = Unicode(
        help="Directory of the state of that service. Default: `$ALONGSIDE_HOME`, else "
        "`~/.alongside`. Unix sockets lie in it, so its path should be short. A file "
        "`catalogue.yaml` in it says what can be launched; without one it is what the machine has."
    ).tag(config=True)

    def initialize_handlers(self) -> None:
        """Add the handlers, and the schema of the events that they go with."""
        assert self.serverapp is not None
        if self.api:
            os.environ[API] = self.api  # kernels use the same service as the panel
        self.surroundings = Surroundings()
        if self.alone and self.surroundings.needs_own_service:
            self.surroundings.alone = Alone(self.home, log=self.log)
            self.surroundings.alone.prepare()
        logger = self.serverapp.event_logger
        assert logger is not None
        logger.register_event_schema(SCHEMA)
        self.news = News(logger)
        self.upstream = Upstream(self.surroundings.endpoint, self.surroundings.wanted)
        self.handlers.extend(routes(self.news, self.upstream, self.surroundings))
        self._tasks: list[asyncio.Task[None]] = []

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        self._tasks.append(asyncio.create_task(self._follow()))
        if self.surroundings.alone is not None:
            self._tasks.append(asyncio.create_task(self.surroundings.alone.run()))

    async def _follow(self) -> None:
        await Follower(self.news, self.upstream, self.log).run()

    async def stop_extension(self) -> None:
        """Let go of the service, when the Jupyter server ends."""
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.wait({task}, timeout=_END_WITHIN)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_WITHIN):
                await self.upstream.close()
