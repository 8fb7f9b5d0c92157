"""``alongside/trace``: what made a file, or what was made of it, over all runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import ApiPath, to_os_path
from tornado import web

from alongside.errors import AlongsideError, InvalidRequest, NotFound
from alongside_lab.handlers import Handler
from alongside_lab.session_files import browsed, root_of

if TYPE_CHECKING:
    from alongside_workflows.trace_lookup import Known
    from alongside_workflows.tracing import File, Trace

_MOST = 1000
_NEEDED = ("alongside.async_client", "alongside_workflows.trace_lookup")


class FileTrace(Handler):
    """The steps that a file goes back to, by the records of runs."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Of a `path` in the file browser, or of what a `step` of a `run` calls `name`.

        `derived=true` asks what was made of it, `limit` for so many runs, the newest first.
        """
        try:
            trace = await self._trace()
        except AlongsideError as error:
            self.refuse(error)
        else:
            self.answer(await asyncio.to_thread(self._told, trace), type="application/json")

    async def _trace(self) -> Trace:
        for module in _NEEDED:  # in a thread, since it takes a moment
            await asyncio.to_thread(import_module, module)
        from alongside.async_client import AsyncClient
        from alongside_workflows import trace_comparing, trace_lookup

        path, run, derived = map(self._asked, ("path", "run", "derived"))
        limit = self._limit()
        wanted = await self._meant(path) if path else None
        endpoint = self.upstream.find()
        async with AsyncClient(endpoint.url, endpoint.token) as service:
            known = await service.run(trace_lookup.known(limit, besides=run))
        file = wanted or self._exchanged(known)
        found = await asyncio.to_thread(
            trace_lookup.traced, file, known, derived=derived == "true", as_it_was=True
        )
        return await asyncio.to_thread(trace_comparing.compared, found)

    def _asked(self, name: str) -> str:
        return self.get_query_argument(name, "")

    def _limit(self) -> int:
        from alongside_workflows.trace_lookup import LIMIT

        text = self._asked("limit") or str(LIMIT)
        if not text.isdecimal() or not 1 <= int(text) <= _MOST:
            raise InvalidRequest(
                f"{text[:20]!r} is no number of runs.", f"Ask for 1 to {_MOST}.", "limit"
            )
        return int(text)

    async def _meant(self, path: str) -> File:
        from alongside_workflows import trace_lookup

        root = root_of(self.contents_manager)
        path = path.strip("/")
        try:
            # whether it may be seen, and is there; the contents API has no types of its own
            get: Callable[..., Any] = self.contents_manager.get
            await ensure_async(get(path, content=False))
        except web.HTTPError as error:
            kind = NotFound if error.status_code == HTTPStatus.NOT_FOUND else InvalidRequest
            raise kind(f"“{path}” can't be read.", "Choose it in the file browser.") from None
        return await asyncio.to_thread(trace_lookup.meant, to_os_path(ApiPath(path), root))

    def _exchanged(self, known: Known) -> File:
        from alongside_workflows import trace_lookup

        run, step, name = map(self._asked, ("run", "step", "name"))
        if not (run and step and name):
            raise InvalidRequest(
                "No file is named.", "Name one by `path`, or by `run`, `step` and `name`."
            )
        return trace_lookup.exchanged(known, run, step, name)

    def _told(self, trace: Trace) -> dict[str, Any]:
        """With the `paths` in the file browser of all that is there."""
        try:
            root = root_of(self.contents_manager)
        except InvalidRequest:
            paths = {}
        else:
            files = [f for act in trace.acts for f in (*act.made, *act.read, act.code)]
            paths = browsed(root, (file.place for file in (trace.file, *files)))
        return {**trace.model_dump(mode="json"), "paths": paths}
