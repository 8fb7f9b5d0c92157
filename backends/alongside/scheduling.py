"""What can be asked of the service about schedules, for the sync and the async client alike.

As in `alongside.operations`: generators that yield calls and return the result.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from alongside.calls import Call
from alongside.errors import NotFound
from alongside.exchanges import Operation, ask, understood
from alongside.requests import parse
from alongside.schedule_requests import NewSchedule, SchedulePatch
from alongside.schedules import Schedule

_ONE, _LIST = TypeAdapter(Schedule), TypeAdapter(list[Schedule])


def wish(name: str, launch: Mapping[str, Any] | None, more: Mapping[str, Any]) -> NewSchedule:
    """The body of a new schedule: what is launched, or `submit` among the rest.

    Raises InvalidRequest.
    """
    given = {key.removesuffix("_"): value for key, value in more.items() if value is not None}
    if launch is not None:
        given["launch"] = dict(launch)
    return parse(NewSchedule, {"name": name, **given})


def changes(given: Mapping[str, Any]) -> SchedulePatch:
    """The body of a change. Raises InvalidRequest."""
    return parse(SchedulePatch, {key.removesuffix("_"): value for key, value in given.items()})


def schedules() -> Operation[list[Schedule]]:
    """All schedules that the user may see, by name."""
    found = understood(_LIST, (yield from ask(Call("GET", "schedules"))))
    return sorted(found, key=lambda one: (one.owner, one.name))


def find(wanted: str) -> Operation[Schedule]:
    """The schedule of this id or name. Raises NotFound."""
    known = yield from schedules()
    for one in known:
        if one.id == wanted:
            return one
    for one in known:
        if one.name == wanted:
            return one
    names = ", ".join(one.name for one in known) or "none"
    raise NotFound(f"There is no schedule {wanted[:63]!r}.", f"There are: {names}.")


def make(new: NewSchedule) -> Operation[Schedule]:
    """Ask for a schedule; repeated under the same key, it is still one."""
    body = new.model_dump(mode="json", by_alias=True, exclude_unset=True)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    call = Call("POST", "schedules", body=body, headers=headers)
    return understood(_ONE, (yield from ask(call)))


def change(wanted: str, patch: SchedulePatch) -> Operation[Schedule]:
    """Other times, another name, suspended or not."""
    one = yield from find(wanted)
    body = patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return understood(_ONE, (yield from ask(Call("PATCH", _path(one.id), body=body))))


def remove(wanted: str, *, stop: bool) -> Operation[None]:
    """Start nothing any more, and with `stop` end what it has started."""
    one = yield from find(wanted)
    try:
        yield from ask(Call("DELETE", _path(one.id), params={"stop": "true"} if stop else {}))
    except NotFound:
        return  # somebody else was quicker


def _path(id: str) -> str:
    return f"schedules/{quote(id, safe='')}"
