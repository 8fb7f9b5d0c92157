"""The contract of a shelf: where a platform keeps small documents for the service.

The service itself keeps nothing: what it must not forget, schedules for instance, lies on the
shelf of its platform, beside the backends.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from alongside.errors import Conflict, InvalidRequest, NotFound
from alongside.names import is_backend_id

LARGEST = 512 * 1024
"""Bytes of a document's text in UTF-8."""
_SORT = re.compile(r"[a-z]{1,20}")


@dataclass(frozen=True)
class Document:
    """One document. `version` is opaque, and another one after each change."""

    sort: str
    id: str
    text: str = field(repr=False)
    version: str


class Shelf(ABC):
    """Documents by sort and id.

    Each method is atomic and bounded in time; several processes may use the same shelf at once.
    A write replaces the whole document or, when it fails, nothing; what was written outlives the
    process and the machine. All raise AlongsideError (StorageFailed, Unavailable) when the place
    where documents lie can't be used.

    A sort is 1 to 20 lower case letters; an id is as those of backends (`alongside.names`).
    """

    @abstractmethod
    async def documents(self, sort: str) -> list[Document]:
        """All documents of a sort, by id. What is no document of ours is left out, and logged."""

    @abstractmethod
    async def get(self, sort: str, id: str) -> Document | None:
        """The document, None when there is none."""

    @abstractmethod
    async def put(self, sort: str, id: str, text: str, after: str | None) -> Document:
        """Write it, and return what is there now.

        after : the version that it takes the place of; None when there is to be none yet

        Raises Conflict when there is another version, NotFound when there is none any more, and
        InvalidRequest for a text of more than `LARGEST` bytes.
        """

    @abstractmethod
    async def delete(self, sort: str, id: str) -> None:
        """Remove it. Unknown: nothing."""


def check(sort: str, id: str, text: str = "") -> None:
    """What every implementation asks before a name becomes a path. Raises InvalidRequest."""
    if not _SORT.fullmatch(sort) or not is_backend_id(id):
        raise InvalidRequest("This can't be the name of a document.", "", "id")
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise InvalidRequest(
            "It is too large to be kept.", f"Shorten it to {LARGEST // 1024} KiB in all."
        )


def changed(id: str) -> Conflict:
    """Somebody else has written in between."""
    return Conflict(f"{id} has been changed meanwhile.", "Look at it again, then repeat.")


def gone(id: str) -> NotFound:
    """There is none, or none any more."""
    return NotFound(f"{id} is there no more.", "It may have been deleted meanwhile.")


__all__ = ["LARGEST", "Document", "Shelf", "changed", "check", "gone"]
