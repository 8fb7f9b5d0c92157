"""The service's stream of events, one connection at a time. Quick to import."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

from alongside.calls import Call, arguments
from alongside.errors import Unavailable
from alongside.problems import error_of

SILENCE = 60.0
"""Seconds without a sign of life after which a stream counts as broken."""


@dataclass(frozen=True)
class Event:
    """Something that happened: `name` says what, `data` is its document, `id` its place."""

    name: str
    data: Any
    id: str = ""


def event_of(sent: ServerSentEvent) -> Event:
    """The event that was sent."""
    try:
        data = json.loads(sent.data) if sent.data else None
    except ValueError:
        data = sent.data
    return Event(sent.event, data, sent.id)


def events_call(last: str | None, silence: float = SILENCE) -> Call:
    """The call that follows the events after the one whose id is `last`."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last:
        headers["Last-Event-ID"] = last
    return Call("GET", "events", headers=headers, timeout=silence)


def broken_by(error: Exception) -> Unavailable:
    """The error that a connection which broke so stands for."""
    found = error_of(0, (str(error) or type(error).__name__).encode(), "")
    assert isinstance(found, Unavailable)
    return found


async def afollow_events(
    http: httpx.AsyncClient,
    last: str | None,
    opened: Callable[[], object] = lambda: None,
    silence: float = SILENCE,
) -> AsyncGenerator[Event, None]:
    """The events of one connection, after the one whose id is `last`.

    `opened` is called when the service has accepted; with nothing missed, the first event may be
    long in coming. Ends by raising the error that says why it broke, Unavailable as a rule;
    `silence` is the number of seconds without a sign of life (the service gives one every 15)
    after which it counts as broken.
    """
    try:
        async with http.stream(**arguments(events_call(last, silence))) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, await response.aread(), type_of(response))
            opened()
            async for sent in EventSource(response).aiter_sse():
                yield event_of(sent)
    except httpx.RequestError as broken:
        raise broken_by(broken) from None
    raise Unavailable("The stream of events ended.", "Try again.")


def type_of(response: httpx.Response) -> str:
    """The media type of an answer, with its parameters."""
    return str(response.headers.get("content-type", ""))
