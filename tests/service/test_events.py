"""The stream of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alongside.phases import Phase
from alongside_service.auth import Caller
from alongside_service.events import STREAMS_EACH, Events, Message, TooMany
from tests.service.conftest import Running


class Reader:
    """Reads one stream, with a limit on every wait."""

    def __init__(self, stream: AsyncIterator[Message]) -> None:
        self._stream = stream

    async def next(self) -> Message:
        async with asyncio.timeout(5):
            return await anext(self._stream)

    async def data(self, event: str) -> dict[str, Any]:
        message = await self.next()
        assert message.event == event
        return json.loads(message.data)

    async def until(self, event: str, **values: object) -> Message:
        """The next message of this sort with these values."""
        while True:
            message = await self.next()
            data = json.loads(message.data)
            if message.event == event and values.items() <= data.items():
                return message


@asynccontextmanager
async def reading(run: Running, user: str, last: str = "") -> AsyncIterator[Reader]:
    """A stream of this user."""
    token = run.hub.add(user)
    caller = await run.service.authority.caller(token)

    async def recheck() -> Caller:
        return await run.service.authority.caller(token)

    stream = run.service.events.stream(caller, last, recheck)
    try:
        yield Reader(stream)
    finally:
        await stream.aclose()


async def launch(run: Running, user: str, name: str = "etl") -> str:
    """The id of a new backend."""
    body = {"kind": "dask", "name": name}
    return (await run.user(user).post("backends", json=body)).json()["id"]


@pytest.mark.shows("K3")
async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_changes(run: Running) -> None:
    id = await launch(run, "ada")
    await run.settled(lambda: run.service.registry.get(id).status.phase == Phase.RUNNING)
    async with reading(run, "ada") as reader:
        snapshot = await reader.data("snapshot")
        assert [b["id"] for b in snapshot["backends"]] == [id]
        run.platform.become(id, phase=Phase.SCALING)
        changed = await reader.data("changed")
        assert (changed["id"], changed["phase"]) == (id, "scaling")
        await run.user("ada").delete(f"backends/{id}")
        await reader.until("removed", id=id)


@pytest.mark.shows("K98")
async def test_a_reader_hears_only_of_what_it_may_see(run: Running) -> None:
    async with reading(run, "bob") as reader:
        assert (await reader.data("snapshot"))["backends"] == []
        hidden = await launch(run, "ada")
        shown = await launch(run, "bob")
        assert (await reader.data("changed"))["id"] == shown
        share = {"shares": [{"user": "bob"}]}
        await run.user("ada").patch(f"backends/{hidden}", json=share)
        await reader.until("changed", id=hidden)
        await run.user("ada").patch(f"backends/{hidden}", json={"shares": []})
        await reader.until("removed", id=hidden)


async def test_a_reader_that_comes_back_misses_nothing(run: Running) -> None:
    async with reading(run, "ada") as reader:
        last = (await reader.next()).id
    id = await launch(run, "ada")
    async with reading(run, "ada", last) as reader:
        assert (await reader.data("changed"))["id"] == id


@pytest.mark.parametrize("last", ["", "x", "0-0", "other-5", "-", "☃-1", "0" * 60])
async def test_an_unknown_last_id_gets_a_new_snapshot(run: Running, last: str) -> None:
    async with reading(run, "ada", last) as reader:
        await reader.data("snapshot")


async def test_a_last_id_from_too_long_ago_gets_a_new_snapshot(run: Running) -> None:
    run.service.events = Events(run.service.registry, remembered=2)
    async with reading(run, "ada") as reader:
        last = (await reader.next()).id
    for number in range(3):
        await launch(run, "ada", f"{number}")
    async with reading(run, "ada", last) as reader:
        await reader.data("snapshot")


async def test_a_slow_reader_is_cut_off_and_holds_nobody_up(run: Running) -> None:
    run.service.events = Events(run.service.registry, pending=3)
    async with reading(run, "ada") as slow:
        await slow.data("snapshot")
        id = await launch(run, "ada")
        for number in range(10):
            run.platform.become(id, message=f"{number}")
        await run.settled(lambda: run.service.registry.get(id).status.message == "9")
        heard = [message async for message in slow._stream]
        assert len(heard) <= 3
    assert len(run.service.events) == 0


async def test_one_user_has_a_bounded_number_of_streams(run: Running) -> None:
    caller = await run.service.authority.caller(run.hub.add("ada"))

    async def recheck() -> Caller:
        return caller

    streams = [run.service.events.stream(caller, "", recheck) for _ in range(STREAMS_EACH)]
    for stream in streams:
        await anext(stream)
    with pytest.raises(TooMany):
        run.service.events.admit(caller)
    for stream in streams:
        await stream.aclose()
    run.service.events.admit(caller)


async def test_a_stream_ends_when_its_token_no_longer_counts(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside_service.events.RECHECK", 0.01)
    monkeypatch.setattr("alongside_service.auth.FRESH", 0.0)
    async with reading(run, "ada") as reader:
        await reader.next()
        run.hub.tokens.clear()
        with pytest.raises(Exception, match="does not accept this token"):
            await reader.next()


async def test_a_busy_stream_ends_too_when_its_token_no_longer_counts(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside_service.events.RECHECK", 0.0)
    monkeypatch.setattr("alongside_service.auth.FRESH", 0.0)
    async with reading(run, "ada") as reader:
        await reader.next()
        id = await launch(run, "ada")
        await reader.until("changed", phase="running")
        run.hub.tokens.clear()
        for number in range(3):  # there is always something to tell
            run.platform.become(id, message=f"{number}")
        await run.settled(lambda: run.service.registry.get(id).status.message == "2")
        with pytest.raises(Exception, match="does not accept this token"):
            await reader.next()


async def test_no_event_has_a_secret(run: Running) -> None:
    async with reading(run, "ada") as reader:
        await reader.next()
        id = await launch(run, "ada")
        message = await reader.until("changed", phase="running")
        await run.user("ada").get(f"backends/{id}/connection")
        assert "secret" not in message.data
