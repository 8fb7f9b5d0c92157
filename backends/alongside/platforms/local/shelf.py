"""The shelf of the local platform: one file a document, replaced atomically.

::

    <home>/shelf/<sort>/<id>.json    {"version": "9f3c...", "text": "..."}
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alongside.platforms.local.store import Corrupt, alone, read, storing, write
from alongside.platforms.shelf import Document, Shelf, changed, check, gone

_log = logging.getLogger("alongside.shelf")


class LocalShelf(Shelf):
    """Documents in the state directory `home`, readable by nobody else."""

    def __init__(self, home: Path) -> None:
        self._path = home / "shelf"

    async def documents(self, sort: str) -> list[Document]:
        check(sort, "any")
        return await asyncio.to_thread(self._list, sort)

    async def get(self, sort: str, id: str) -> Document | None:
        check(sort, id)
        with storing("Reading a document"):
            return await asyncio.to_thread(self._read, sort, id)

    async def put(self, sort: str, id: str, text: str, after: str | None) -> Document:
        check(sort, id, text)
        return await asyncio.to_thread(self._put, sort, id, text, after)

    async def delete(self, sort: str, id: str) -> None:
        check(sort, id)
        await asyncio.to_thread(self._delete, sort, id)

    def _file(self, sort: str, id: str) -> Path:
        return self._path / sort / f"{id}.json"

    def _list(self, sort: str) -> list[Document]:
        with storing("Reading the documents"):
            try:
                paths = sorted(self._file(sort, "any").parent.iterdir())
            except FileNotFoundError:
                return []
            # drafts of an interrupted write begin with a dot
            ids = [p.stem for p in paths if p.suffix == ".json" and not p.name.startswith(".")]
            return [found for id in ids if (found := self._read(sort, id)) is not None]

    def _read(self, sort: str, id: str) -> Document | None:
        path = self._file(sort, id)
        try:
            content = json.loads(read(path))
            return Document(sort, id, str(content["text"]), str(content["version"]))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (Corrupt, ValueError, KeyError, TypeError) as error:
            _log.warning("%s is left out, it is spoilt: %r", path, error)
            return None

    def _put(self, sort: str, id: str, text: str, after: str | None) -> Document:
        path = self._file(sort, id)
        with self._alone():
            present = self._read(sort, id)
            if present is None and after is not None:
                raise gone(id)
            if present is not None and present.version != after:
                raise changed(id)
            written = Document(sort, id, text, secrets.token_hex(8))
            with storing("Storing a document"):
                path.parent.parent.mkdir(mode=0o700, exist_ok=True)
                path.parent.mkdir(mode=0o700, exist_ok=True)
                content = {"version": written.version, "text": text}
                write(path, json.dumps(content).encode(), durable=True)
        return written

    def _delete(self, sort: str, id: str) -> None:
        with self._alone(), storing("Removing a document"):
            self._file(sort, id).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # A lock of our own: whoever changes a specification must not wait for a document.
        with storing("Making the folder of documents"):
            self._path.mkdir(parents=True, mode=0o700, exist_ok=True)
        with alone(self._path / "lock"):
            yield


__all__ = ["LocalShelf"]
