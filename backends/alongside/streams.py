"""Answers that keep coming: log lines and events, resumed where a connection broke."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

from alongside.asking import arguments
from alongside.errors import NotFound, Unavailable
from alongside.models import Backend
from alongside.operations import Call, backend_path
from alongside.problems import error_of

SILENCE = 60.0
"""Seconds without a sign of life after which a stream counts as broken."""
TRIES = 5
FIRST_PAUSE = 0.2


@dataclass(frozen=True)
class Event:
    """Something that happened: `name` says what, `data` is its document, `id` its place."""

    name: str
    data: Any
    id: str = ""


def logs(backend: Backend, role: str | None, lines: int, follow: bool) -> Call:
    """The call that reads the log of one process; NotFound names the roles that there are."""
    known = ", ".join(backend.roles)
    if not backend.roles or (role is not None and role not in backend.roles):
        what = f"no log called {role!r}" if role else "no logs"
        raise NotFound(
            f"{backend.name} has {what}.",
            f"Choose one of: {known}." if known else "Wait until it has started.",
            "role",
        )
    params = {"role": role or backend.roles[0], "lines": str(lines)}
    if follow:
        params["follow"] = "true"
    path = f"{backend_path(backend.id)}/logs"
    return Call("GET", path, params, timeout=SILENCE)


def _event(sent: ServerSentEvent) -> Event:
    try:
        data = json.loads(sent.data) if sent.data else None
    except ValueError:
        data = sent.data
    return Event(sent.event, data, sent.id)


def _events_call(last: str | None, silence: float = SILENCE) -> Call:
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last:
        headers["Last-Event-ID"] = last
    return Call("GET", "events", headers=headers, timeout=silence)


def _broken(error: Exception) -> Unavailable:
    found = error_of(0, (str(error) or type(error).__name__).encode(), "")
    assert isinstance(found, Unavailable)
    return found


class _Patience:
    """How often a stream may break in a row, and how long to pause before the next try."""

    def __init__(self) -> None:
        self.failures = 0

    def next_pause(self, error: Unavailable) -> float:
        self.failures += 1
        if self.failures >= TRIES:
            raise error
        return min(FIRST_PAUSE * 2.0**self.failures, 5.0)


def follow_lines(http: httpx.Client, call: Call) -> Iterator[str]:
    """The lines of a log."""
    try:
        with http.stream(**arguments(call)) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, response.read(), _type(response))
            if "event-stream" in _type(response):
                for sent in EventSource(response).iter_sse():
                    if sent.event == "end":
                        return
                    yield sent.data
            else:
                yield from response.iter_lines()
    except httpx.RequestError as error:
        raise _broken(error) from None


async def afollow_lines(http: httpx.AsyncClient, call: Call) -> AsyncIterator[str]:
    """The lines of a log."""
    try:
        async with http.stream(**arguments(call)) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, await response.aread(), _type(response))
            if "event-stream" in _type(response):
                async for sent in EventSource(response).aiter_sse():
                    if sent.event == "end":
                        return
                    yield sent.data
            else:
                async for line in response.aiter_lines():
                    yield line
    except httpx.RequestError as error:
        raise _broken(error) from None


def events(http: httpx.Client, last: str | None) -> Iterator[Event]:
    """Events, resumed after the last one seen."""
    patience = _Patience()
    while True:
        try:
            with http.stream(**arguments(_events_call(last))) as response:
                if response.status_code != 200:
                    raise error_of(response.status_code, response.read(), _type(response))
                for sent in EventSource(response).iter_sse():
                    patience.failures = 0
                    last = sent.id or last
                    yield _event(sent)
            error = Unavailable("The stream of events ended.", "Try again.")
        except Unavailable as unavailable:
            error = unavailable
        except httpx.RequestError as broken:
            error = _broken(broken)
        time.sleep(patience.next_pause(error))


async def afollow_events(
    http: httpx.AsyncClient,
    last: str | None,
    opened: Callable[[], object] = lambda: None,
    silence: float = SILENCE,
) -> AsyncIterator[Event]:
    """The events of one connection, after the one whose id is `last`.

    `opened` is called when the service has accepted; with nothing missed, the first event may be
    long in coming. Ends by raising the error that says why it broke, Unavailable as a rule;
    `silence` is the number of seconds without a sign of life (the service gives one every 15)
    after which it counts as broken.
    """
    try:
        async with http.stream(**arguments(_events_call(last, silence))) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, await response.aread(), _type(response))
            opened()
            async for sent in EventSource(response).aiter_sse():
                yield _event(sent)
    except httpx.RequestError as broken:
        raise _broken(broken) from None
    raise Unavailable("The stream of events ended.", "Try again.")


async def aevents(http: httpx.AsyncClient, last: str | None) -> AsyncIterator[Event]:
    """Events, resumed after the last one seen."""
    patience = _Patience()
    while True:
        try:
            async for event in afollow_events(http, last):
                patience.failures = 0
                last = event.id or last
                yield event
        except Unavailable as error:
            await asyncio.sleep(patience.next_pause(error))


def _type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", ""))
