"""The Jupyter server extension: its settings, its handlers, and the tasks behind them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Unicode

from alongside.endpoint import API
from alongside_lab.follower import Follower
from alongside_lab.news import SCHEMA, News
from alongside_lab.routes import routes
from alongside_lab.surroundings import Surroundings
from alongside_lab.upstream import Upstream

_END_WITHIN = 5.0


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

    _task: asyncio.Task[None] | None = None

    def initialize_handlers(self) -> None:
        """Add the handlers, and the schema of the events that they go with."""
        assert self.serverapp is not None
        if self.api:
            os.environ[API] = self.api  # kernels use the same service as the panel
        logger = self.serverapp.event_logger
        assert logger is not None
        logger.register_event_schema(SCHEMA)
        self.surroundings = Surroundings()
        self.news = News(logger)
        self.upstream = Upstream(self.surroundings.endpoint, self._wanted)
        self.handlers.extend(routes(self.news, self.upstream, self.surroundings))

    async def _wanted(self) -> None:
        """In a session of a hub the events are followed from the start."""

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        self._task = asyncio.create_task(Follower(self.news, self.upstream, self.log).run())

    async def stop_extension(self) -> None:
        """Let go of the service, when the Jupyter server ends."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=_END_WITHIN)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_WITHIN):
                await self.upstream.close()
