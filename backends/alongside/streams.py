"""Answers that keep coming: log lines and events, resumed where a connection broke."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

import httpx
from httpx_sse import EventSource

from alongside.calls import Call, arguments
from alongside.errors import NotFound, Unavailable
from alongside.event_stream import (
    SILENCE,
    Event,
    afollow_events,
    broken_by,
    event_of,
    events_call,
    type_of,
)
from alongside.models import Backend
from alongside.operations import backend_path
from alongside.problems import error_of

TRIES = 5
FIRST_PAUSE = 0.2


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
                raise error_of(response.status_code, response.read(), type_of(response))
            yield from response.iter_lines()
    except httpx.RequestError as error:
        raise broken_by(error) from None


async def afollow_lines(http: httpx.AsyncClient, call: Call) -> AsyncIterator[str]:
    """The lines of a log."""
    try:
        async with http.stream(**arguments(call)) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, await response.aread(), type_of(response))
            async for line in response.aiter_lines():
                yield line
    except httpx.RequestError as error:
        raise broken_by(error) from None


def events(http: httpx.Client, last: str | None) -> Iterator[Event]:
    """Events, resumed after the last one seen."""
    patience = _Patience()
    while True:
        try:
            with http.stream(**arguments(events_call(last))) as response:
                if response.status_code != 200:
                    raise error_of(response.status_code, response.read(), type_of(response))
                for sent in EventSource(response).iter_sse():
                    patience.failures = 0
                    last = sent.id or last
                    yield event_of(sent)
            error = Unavailable("The stream of events ended.", "Try again.")
        except Unavailable as unavailable:
            error = unavailable
        except httpx.RequestError as broken:
            error = broken_by(broken)
        time.sleep(patience.next_pause(error))


async def aevents(http: httpx.AsyncClient, last: str | None) -> AsyncGenerator[Event, None]:
    """Events, resumed after the last one seen."""
    patience = _Patience()
    while True:
        try:
            async with aclosing(afollow_events(http, last)) as connected:
                async for event in connected:
                    patience.failures = 0
                    last = event.id or last
                    yield event
        except Unavailable as error:
            await asyncio.sleep(patience.next_pause(error))
