"""Weeks of a schedule in which anything happens at any time."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.hand_clock import HandClock, at
from tests.service.conftest import CATALOGUE
from tests.service.test_schedule_keeper import DAY, HOUR, Mortal, Timed, _until_it_dies, timed

pytestmark = pytest.mark.slow

ZONE = "America/New_York"
STEPS = st.one_of(
    st.tuples(st.just("go"), st.integers(1, 30)),
    st.tuples(st.just("die"), st.integers(1, 8)),
    st.tuples(st.just("hub"), st.booleans()),
    st.tuples(st.just("end"), st.just(0)),
    st.tuples(st.just("suspend"), st.booleans()),
)


@settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(STEPS, min_size=4, max_size=14),
    begin=st.sampled_from(["2026-03-05", "2026-10-29"]),
)
def test_never_two_never_twice_never_outside_its_hours(
    steps: list[tuple[str, int]], begin: str
) -> None:
    asyncio.run(asyncio.wait_for(_live_through(steps, begin), 60))


async def _live_through(steps: list[tuple[str, int]], begin: str) -> None:
    clock, platform = HandClock(at(f"{begin}T12:00")), Mortal()
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder, "catalogue.yaml")
        catalogue.write_text(CATALOGUE)
        async with timed(catalogue, clock, platform) as run:
            id = (await run.make())["id"]
        left, away = list(steps), False
        while left:
            async with timed(catalogue, clock, platform) as run:
                run.hours, run.hub.down = id, away
                what = ""
                while left and what != "die":
                    what, how = left.pop(0)
                    await _do(run, platform, what, how)
                away = run.hub.down
            platform.revive()
        async with timed(catalogue, clock, platform) as run:
            run.hours = id
            await run.patch(suspended=False)
            before = len(platform.launched)
            await run.go(clock.moment + 14 * DAY)
            _check(run)
            # and perhaps today's, which was due before
            assert len(platform.launched) - before in {10, 11}, "it works as ever afterwards"


async def _do(run: Timed, platform: Mortal, what: str, how: int) -> None:
    moment = run.clock.moment
    match what:
        case "go":
            await run.go(moment + how * HOUR)
            _check(run)
        case "die":
            platform.dies_at = (len(platform.steps) + 1 + how // 2, bool(how % 2))
            await _until_it_dies(run, platform, moment + 20 * HOUR)
        case "hub":
            run.hub.down = not how
        case "end":
            for id in run.live:
                await platform.stop(id)
        case "suspend" if not run.hub.down:
            await run.patch(suspended=bool(how))


def _check(run: Timed) -> None:
    launched = run.platform.launched
    assert len(launched) == len(set(launched))
    assert len(run.live) <= 1
    there = run.clock.moment.astimezone(ZoneInfo(ZONE))
    if run.live:
        assert there.weekday() < 5
        assert 7 <= there.hour < 19
