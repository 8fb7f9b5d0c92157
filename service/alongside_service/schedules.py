"""All schedules: a cache of what lies on the platform's shelf, and the only writer of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from pydantic import JsonValue, ValidationError

from alongside.errors import (
    AlongsideError,
    Conflict,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    Unavailable,
)
from alongside.models import Model
from alongside.names import backend_id, check_name
from alongside.once import once
from alongside.platforms.shelf import Document, Shelf
from alongside.requests import Requester
from alongside.schedule_requests import check_fits
from alongside.schedules import ScheduleRecord
from alongside_service.schedule_bodies import NewSchedule, SchedulePatch
from alongside_workflows.runs import NewRun

Listener = Callable[[ScheduleRecord | None, ScheduleRecord | None], None]
"""Called with a schedule before and after a change; None before it exists and after it is gone."""

_SORT = "schedule"
_TRIES = 5  # of a change that others get in the way of
_log = logging.getLogger("alongside.schedules")


class Schedules:
    """Every schedule of one service. `most` is how many each user may have."""

    def __init__(self, shelf: Callable[[], Shelf | None], most: int) -> None:
        self._find_shelf = shelf
        self._most = most
        self._known: dict[str, tuple[ScheduleRecord, str]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._listeners: list[Listener] = []

    def __iter__(self) -> Iterator[ScheduleRecord]:
        return iter([record for record, _ in self._known.values()])

    def get(self, id: str) -> ScheduleRecord | None:
        """The schedule of this id, if it is known."""
        record, _ = self._known.get(id, (None, ""))
        return record

    def of(self, owner: str) -> list[ScheduleRecord]:
        """All schedules of one user."""
        return [record for record in self if record.owner == owner]

    def listen(self, listener: Listener) -> None:
        """Call this for every change from now on."""
        self._listeners.append(listener)

    @property
    def _shelf(self) -> Shelf:
        shelf = self._find_shelf()
        if shelf is None:
            raise Unavailable(
                "This service has no place for schedules.", "Ask an administrator for a platform."
            )
        return shelf

    async def load(self) -> None:
        """Learn all of them. Raises AlongsideError."""
        shelf, known = self._find_shelf(), set(self._known)
        documents = [] if shelf is None else await shelf.documents(_SORT)
        for gone in known - {document.id for document in documents}:
            self._take(gone, None)
        for document in documents:
            self._take(document.id, document)

    async def add(self, record: ScheduleRecord) -> ScheduleRecord:
        """Keep a new one; the same again: what there is. Raises Conflict, QuotaExceeded."""
        async with self._locks[""]:
            if (known := self.get(record.id)) is not None:
                return known
            self._check_name(record)
            mine = self.of(record.owner)
            used = len(mine)
            if used >= self._most and (over := [one for one in mine if one.is_over()]):
                await self.remove(min(over, key=lambda one: one.created).id)
            elif used >= self._most:
                raise QuotaExceeded(
                    f"You may have {self._most} schedules; {used} are there already.",
                    "Delete one first.",
                )
            try:
                document = await self._shelf.put(_SORT, record.id, _text(record), None)
            except AlongsideError:
                await self._look_again(record.id)  # a write without an answer may have been made
                if (known := self.get(record.id)) is None:
                    raise
                return known
            self._take(record.id, document)
        return record

    async def update(
        self, id: str, change: Callable[[ScheduleRecord], ScheduleRecord]
    ) -> ScheduleRecord | None:
        """Replace a schedule by what `change` makes of it; None when there is none any more.

        `change` is asked again when somebody else has written in between.
        """
        async with self._locks[id]:
            for _ in range(_TRIES):
                record, version = self._known.get(id, (None, ""))
                if record is None:
                    return None
                wanted = change(record)
                if wanted == record:
                    return record
                if wanted.name != record.name:
                    self._check_name(wanted)
                try:
                    document = await self._shelf.put(_SORT, id, _text(wanted), version)
                except Conflict:
                    self._take(id, await self._shelf.get(_SORT, id))
                except NotFound:
                    self._take(id, None)
                else:
                    self._take(id, document)
                    return wanted
        raise Conflict("The schedule changes all the time.", "Try again.")

    async def remove(self, id: str) -> None:
        """Forget a schedule. Unknown: nothing."""
        async with self._locks[id]:
            await self._shelf.delete(_SORT, id)
            self._take(id, None)

    async def _look_again(self, id: str) -> None:
        with suppress(AlongsideError):
            self._take(id, await self._shelf.get(_SORT, id))

    def _check_name(self, record: ScheduleRecord) -> None:
        for other in self.of(record.owner):
            if other.name == record.name and other.id != record.id:
                raise Conflict(
                    f"A schedule called {record.name!r} is there already.",
                    "Choose another name, or change that one.",
                    "name",
                )

    def _take(self, id: str, document: Document | None) -> None:
        """Take note of what is on the shelf."""
        before, _ = self._known.pop(id, (None, ""))
        after = None if document is None else _parse(document)
        if document is not None and after is not None:
            self._known[id] = (after, document.version)
        else:
            self._locks.pop(id, None)
        if before != after:
            for listener in self._listeners:
                listener(before, after)


def make(body: NewSchedule, owner: Requester, moment: datetime, key: str | None) -> ScheduleRecord:
    """The schedule that a request asks for. Raises InvalidRequest.

    key : the request's idempotency key: the same one gives the same id
    """
    name = check_name(body.name)
    nonce = secrets.token_hex(16) if key is None else hashlib.sha256(key.encode()).hexdigest()
    start, stop = body.crons()
    until = body.until
    if body.at is not None:
        with _told("at"):
            start, until = once(body.at, body.zone, moment)
    record = ScheduleRecord(
        # two backends or schedules never have the same id, should they have the same key
        id=backend_id(owner.name, None, name, f"schedule {nonce}"),
        owner=owner.name,
        name=name,
        launch=body.launch,
        submit=_kept(body.submit),
        start=str(start),
        stop=stop,
        zone=body.zone,
        overlap=body.overlapping,
        tolerance=body.tolerance,
        suspended=body.suspended,
        until=until,
        created=moment,
        handled=moment,
    )
    _check_times(record, moment)
    return record


def changed(record: ScheduleRecord, patch: SchedulePatch, moment: datetime) -> ScheduleRecord:
    """The schedule as a request wants it from now on. Raises InvalidRequest.

    Other starts are those that come from now on: what a new time would have meant for this
    morning, or what was due while it was suspended, is not made up for.
    """
    update = patch.changes()
    if "name" in update:
        update["name"] = check_name(update["name"])
    if patch.submit is not None:
        update["submit"] = _kept(patch.submit)
    if ("launch" if record.of_runs else "submit") in update:
        raise InvalidRequest(
            "A schedule is either of a backend or of a workflow.", "Make another one for that."
        )
    if patch.at is not None:
        with _told("at"):
            update["start"], update["until"] = once(patch.at, patch.zone or record.zone, moment)
    elif "start" in update and "until" not in update and record.once:
        update["until"] = None
    wanted = record.model_copy(update=update)
    if wanted == record:
        return record
    moved = (wanted.start, wanted.zone) != (record.start, record.zone)
    if moved or wanted.timetable != record.timetable or wanted.overlap != record.overlap:
        _check_times(wanted, moment)
    state: dict[str, object] = {}
    if moved or (record.suspended and not wanted.suspended):
        state["handled"] = max(moment, record.handled)
    if record.trying is not None:
        why = ""
        if wanted.suspended:
            why = "The schedule was suspended before it could be started."
        elif moved:
            why = "The schedule was changed before it could be started."
        state["trying"] = record.trying.model_copy(update={"again": moment, "cancelled": why})
    return wanted.model_copy(update=state)


def _kept(submit: NewRun | None) -> dict[str, JsonValue] | None:
    return None if submit is None else submit.model_dump(mode="json", exclude_unset=True)


def _check_times(record: ScheduleRecord, moment: datetime) -> None:
    with _told("start"):
        check_fits(record.of_runs, record.overlap, record.stop)
        record.timetable.check(moment, apart=record.overlap == "replace")


@contextmanager
def _told(field: str) -> Iterator[None]:
    """A ValueError, a sentence and after a semicolon a remedy, becomes an InvalidRequest."""
    try:
        yield
    except ValueError as error:
        what, _, how = str(error).partition("; ")
        raise InvalidRequest(
            f"{what[:1].upper()}{what[1:]}.", f"{how[:1].upper()}{how[1:]}.", field
        ) from None


def _text(record: Model) -> str:
    return record.model_dump_json()


def _parse(document: Document) -> ScheduleRecord | None:
    try:
        record = ScheduleRecord.model_validate_json(document.text)
    except ValidationError as error:
        _log.warning("Schedule %s is left out, it is spoilt: %s", document.id, error)
        return None
    return record if record.id == document.id else None
