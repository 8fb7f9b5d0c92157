"""Progress: one stream of several, which is never silent for long and has an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alongside_spawners.story import Story, merge


async def base(*events: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event


async def collect(story: Story, *events: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    settings: dict[str, Any] = {"going_on": lambda: True, "limit": 5.0, "silence": 5.0} | options
    return [event async for event in merge(base(*events), story, **settings)]


@pytest.mark.shows("K3", "T29")
async def test_the_spawner_and_the_backend_tell_one_story() -> None:
    story = Story()
    story.tell("Scheduler is up.", 40)
    story.tell("Workers 1 of 2.", 60)
    story.end()
    events = await collect(story, {"progress": 30, "message": "Starting the notebook server."})
    assert {e["message"] for e in events} == {
        "Starting the notebook server.",
        "Scheduler is up.",
        "Workers 1 of 2.",
    }


async def test_progress_never_goes_back_and_leaves_the_last_percent_to_the_hub() -> None:
    story = Story()
    for percent in (60, 20, 100):
        story.tell(f"at {percent}", percent)
    story.end()
    assert [e["progress"] for e in await collect(story)] == [60, 60, 99]


async def test_a_long_silence_is_filled_with_the_time_it_takes() -> None:
    story = Story()
    story.tell("Waiting for a worker.")
    told = []
    async for event in merge(base(), story, going_on=lambda: True, limit=5.0, silence=0.05):
        told.append(event["message"])
        if len(told) == 2:
            story.tell("It is there.")
            story.end()
    assert told[0] == "Waiting for a worker."
    assert told[1] == "Waiting for a worker (0 s so far)."
    assert told[-1] == "It is there."


async def test_two_people_read_the_same_story_from_its_beginning() -> None:
    story = Story()
    story.tell("one")
    first = asyncio.create_task(collect(story))
    await asyncio.sleep(0)
    story.tell("two")
    second = asyncio.create_task(collect(story))
    await asyncio.sleep(0)
    story.end()
    assert await first == await second == [{"message": "one"}, {"message": "two"}]


async def test_it_ends_when_nothing_is_started_any_more() -> None:
    assert await collect(Story(), going_on=lambda: False) == []


async def test_it_ends_in_any_case() -> None:
    assert await collect(Story(), limit=0.1) == []


async def test_a_spawner_whose_progress_fails_does_not_end_the_story() -> None:
    async def broken() -> AsyncIterator[dict[str, Any]]:
        yield {"message": "first"}
        raise RuntimeError("no progress here")

    story = Story()
    story.tell("ours")
    reading = merge(broken(), story, lambda: True, 5.0)
    told = [(await anext(reading))["message"] for _ in range(2)]
    story.end()
    assert [event async for event in reading] == []
    assert sorted(told) == ["first", "ours"]


async def test_text_from_users_is_left_to_the_page_to_escape() -> None:
    story = Story()
    story.tell("<b>etl</b> is up.")
    story.end()
    assert await collect(story) == [{"message": "<b>etl</b> is up."}]
