"""The files of this session: what the file browser shows of this machine's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from jupyter_server.services.contents.filemanager import FileContentsManager

from alongside.errors import InvalidRequest


def root_of(manager: Any) -> str:
    """The directory that the file browser begins in. Raises InvalidRequest when there is none."""
    if not isinstance(manager, FileContentsManager):
        raise InvalidRequest(
            "The files of this session are not on a file system, so a run can't read them.",
            "Save the notebook where the session has a directory.",
        )
    return str(manager.root_dir)


def browsed(root: str, urls: Iterable[str]) -> dict[str, str]:
    """The path in the file browser of each of these `file:` URLs that is there now."""
    found = {}
    for url in urls:
        path = Path(url2pathname(urlsplit(url).path)) if url.startswith("file://") else None
        if path is not None and path.is_relative_to(root) and path.exists():
            found[url] = path.relative_to(root).as_posix()
    return found
