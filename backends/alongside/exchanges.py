"""How operations are made: generators that yield calls and pauses, and are sent the answers.

An operation is free of I/O and returns its result. Drivers (`alongside.client`) only carry calls
out, so one operation serves the sync and the async client alike.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from alongside.calls import Call
from alongside.errors import Unavailable
from alongside.problems import error_of

T = TypeVar("T")
TRIES = 5  # over 4 s: longer than a service takes to start again
FIRST_PAUSE = 0.1


@dataclass(frozen=True)
class Answer:
    """What came back; `status` 0 means that nothing did, and `content` says why."""

    status: int
    content: bytes
    type: str = ""


@dataclass(frozen=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


Operation = Generator[Call | Pause, Answer | None, T]


def _exchange(call: Call) -> Operation[Answer]:
    answer = yield call
    assert answer is not None
    return answer


def fetch(call: Call) -> Operation[Answer]:
    """Make a call and return what came back.

    Repeats it, with growing pauses and at most `TRIES` times, when the service can't be reached:
    every call may be made twice (a POST carries an idempotency key). Raises the error that the
    service reports, or Unavailable.
    """
    pause = FIRST_PAUSE
    for attempt in range(1, TRIES + 1):
        answer = yield from _exchange(call)
        unreachable = answer.status in (0, 502, 504) or (
            answer.status == 503 and "problem" not in answer.type
        )
        if not unreachable or attempt == TRIES:
            break
        yield Pause(pause)
        pause *= 3
    if not 200 <= answer.status < 300:
        raise error_of(answer.status, answer.content, answer.type)
    return answer


def ask(call: Call) -> Operation[Any]:
    """Make a call, as `fetch`, and return its JSON document, None if there is none."""
    answer = yield from fetch(call)
    if answer.status == 204 or not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        raise Unavailable(
            "What answered is not Alongside's service.", "Check the address of the hub."
        ) from None


def understood(model: TypeAdapter[T], document: Any) -> T:
    """What a document says. Raises Unavailable when the service speaks of it in another form."""
    try:
        return model.validate_python(document)
    except ValidationError:
        raise Unavailable(
            "The service answered in a form that this version does not understand.",
            "Install the version of jupyterhub-alongside that the hub has.",
        ) from None


__all__ = ["FIRST_PAUSE", "TRIES", "Answer", "Operation", "Pause", "ask", "fetch", "understood"]
