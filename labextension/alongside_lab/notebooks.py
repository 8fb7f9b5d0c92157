"""``alongside/notebook-…``: what of a notebook can be set, and what of it travels with a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import ApiPath, to_os_path
from tornado import web

from alongside.errors import AlongsideError, InvalidRequest, NotFound
from alongside_lab.handlers import Handler
from alongside_lab.session_files import root_of

if TYPE_CHECKING:
    from nbformat import NotebookNode


class _Notebook(Handler):
    """Reads a notebook of this session's file browser."""

    async def _answer(self, read: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        try:
            document = await read(self._path())
        except AlongsideError as error:
            self.refuse(error)
        else:
            self.answer(document, type="application/json")

    def _path(self) -> str:
        """As the file browser has it: `path`, or by its absolute path, `file`."""
        path, file = (self.get_query_argument(name, "") for name in ("path", "file"))
        if file:
            root = Path(root_of(self.contents_manager)).resolve()
            inside = Path(file).resolve()
            if not inside.is_relative_to(root):
                raise InvalidRequest(
                    f"“{file}” is not among the files of this session.",
                    "Open a session that has it, or copy it here.",
                )
            path = inside.relative_to(root).as_posix()
        if not path.strip("/"):
            raise InvalidRequest("No notebook is named.", "Name one by `path` or `file`.")
        return path.strip("/")

    async def _model(self, path: str, *, content: bool) -> Any:
        """What the session's server says of it. Raises AlongsideError."""
        try:
            # the contents API has no types of its own
            get: Callable[..., Any] = self.contents_manager.get
            return await ensure_async(get(path, type="notebook", content=content))
        except web.HTTPError as error:
            kind = NotFound if error.status_code == HTTPStatus.NOT_FOUND else InvalidRequest
            message = f"“{path}” can't be read as a notebook."
            raise kind(message, "Open it in JupyterLab to see why.") from None


class NotebookParameters(_Notebook):
    """What can be set in a notebook."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Its parameters, its kernel, and where it is for a process on this machine."""
        await self._answer(self._described)

    async def _described(self, path: str) -> dict[str, Any]:
        root = root_of(self.contents_manager)
        model = await self._model(path, content=True)
        folder, _, name = path.rpartition("/")
        where = {"notebook": name, "directory": to_os_path(ApiPath(folder), root)}
        return {**where, **await asyncio.to_thread(described, model["content"])}


class NotebookContent(_Notebook):
    """What of a notebook travels with a run to where this session's files are not."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """All that is executed of what is in its file, in the newest notebook format."""
        await self._answer(self._content)

    async def _content(self, path: str) -> dict[str, Any]:
        root = root_of(self.contents_manager)
        await self._model(path, content=False)  # whether it may be read, and is there
        return await asyncio.to_thread(travelling, to_os_path(ApiPath(path), root))


def described(notebook: NotebookNode) -> dict[str, Any]:
    """What can be set in a notebook, and its kernel. Raises AlongsideError."""
    # in a function, since it takes a moment that a server which just starts does not have
    from alongside_workflows import parameters

    found = parameters.read(notebook)
    return {
        "kernel": notebook.metadata.get("kernelspec", {}).get("name", ""),
        "parameters": [one.model_dump(mode="json") for one in found],
    }


def travelling(path: str) -> dict[str, Any]:
    """The notebook at a path, as `alongside submit --bring` has it. Raises AlongsideError."""
    from alongside_workflows import files

    found: dict[str, Any] = json.loads(json.dumps(files.read_notebook(path)))
    return found
