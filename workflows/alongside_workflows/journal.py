"""The journal of a run: what has happened, one line of JSON an event, only ever appended to.

All that is known of a run is the fold of these events (`course`). An event is on disk before what
it says is acted upon or shown. A line that was being written when the power went is dropped.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, ValidationError

from alongside.errors import StorageFailed
from alongside.models import Record
from alongside.platforms.local.store import storing
from alongside_workflows.runs import State
from alongside_workflows.task import Spent


class _Event(Record):
    time: AwareDatetime


class Begun(_Event):
    """The run has begun."""

    what: Literal["begun"] = "begun"


class Intended(_Event):
    """An attempt is about to be started. Its process proves who it is by the nonce."""

    what: Literal["intended"] = "intended"
    step: str
    attempt: int
    nonce: str
    boot: str = Field("", description="Which start of the machine this was in.")
    digest: str = ""


class Ended(_Event):
    """An attempt is over, and nothing of its processes is left."""

    what: Literal["ended"] = "ended"
    step: str
    attempt: int
    state: Literal[State.SUCCEEDED, State.FAILED, State.CANCELLED]
    exit_code: int | None = None
    message: str = ""
    remedy: str = ""
    backend: str = ""
    spent: Spent | None = None
    results: dict[str, JsonValue] = {}


class Taken(_Event):
    """A step is skipped: nothing has changed since it succeeded in another run."""

    what: Literal["taken"] = "taken"
    step: str
    run: str
    digest: str
    results: dict[str, JsonValue] = {}


class Cancelling(_Event):
    """The run is to end; its steps are told."""

    what: Literal["cancelling"] = "cancelling"
    message: str


class Finished(_Event):
    """The run has ended."""

    what: Literal["finished"] = "finished"
    state: Literal[State.SUCCEEDED, State.FAILED, State.CANCELLED]
    message: str = ""
    remedy: str = ""


class Resumed(_Event):
    """A run that had ended goes on; what has not succeeded begins anew."""

    what: Literal["resumed"] = "resumed"


Event = Begun | Intended | Ended | Taken | Cancelling | Finished | Resumed
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="what")])


def parse(data: bytes) -> Iterator[tuple[Event, int]]:
    """The events of a journal, each with the offset of its end. Raises StorageFailed.

    What follows the last good line is left out when it is a single line: it was being written.
    """
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1
        if not end:
            return
        try:
            event = _EVENT.validate_json(data[start : end - 1])
        except ValidationError:
            if end == len(data):
                return
            raise StorageFailed(
                f"The run's journal is spoilt at byte {start}.", "Submit the workflow again."
            ) from None
        yield event, end
        start = end


class Journal:
    """The file. Whoever writes it holds the run's lock."""

    def __init__(self, path: Path) -> None:
        """Open it for writing, making it where there is none. Raises StorageFailed."""
        with storing("Opening the run's journal"):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)
        self._size = 0

    def read(self) -> list[Event]:
        """All events; a torn last line is cut off. Raises StorageFailed."""
        with storing("Reading the run's journal"):
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise StorageFailed("The run's journal is not a file.", "Submit it again.")
            data = bytearray()
            while block := os.pread(self._descriptor, 2**20, len(data)):
                data += block
        found = list(parse(bytes(data)))
        self._size = found[-1][1] if found else 0
        with storing("Mending the run's journal"):
            if self._size < len(data):
                os.ftruncate(self._descriptor, self._size)
        return [event for event, _ in found]

    def append(self, *events: Event) -> None:
        """Write events durably: all of them, or none and StorageFailed."""
        data = b"".join(event.model_dump_json().encode() + b"\n" for event in events)
        with storing("Writing the run's journal"):
            try:
                done = 0
                while done < len(data):
                    done += os.pwrite(self._descriptor, data[done:], self._size + done)
                os.fdatasync(self._descriptor)
            except OSError:
                with contextlib.suppress(OSError):  # a torn line is dropped by the next reader
                    os.ftruncate(self._descriptor, self._size)
                raise
        self._size += len(data)

    def close(self) -> None:
        os.close(self._descriptor)


__all__ = [
    "Begun",
    "Cancelling",
    "Ended",
    "Event",
    "Finished",
    "Intended",
    "Journal",
    "Resumed",
    "Taken",
    "parse",
]
