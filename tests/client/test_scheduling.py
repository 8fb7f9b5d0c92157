"""Schedules from Python, for asyncio, and on the command line, with the real service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import alongside
from alongside.errors import InvalidRequest, NotFound
from tests.client.real import RealService, real_service

WEEKDAYS = {"days": "Mon-Fri", "to": "19:00", "zone": "America/New_York"}
SMALL = {"kind": "dask", "options": {"workers": 1}}


@pytest.fixture(scope="module")
def service() -> Iterator[RealService]:
    with real_service() as service:
        yield service


@pytest.fixture
def client(service: RealService) -> Iterator[alongside.Client]:
    """Ada's, with none of her schedules left afterwards."""
    with alongside.Client(service.url, service.token) as client:
        yield client
        for one in client.schedules():
            client.unschedule(one.id)


def test_a_schedule_is_made_seen_changed_and_deleted(
    client: alongside.Client, service: RealService
) -> None:
    made = client.schedule("day", SMALL, from_="07:00", **WEEKDAYS)
    assert (made.start, made.stop, made.zone) == ("0 7 * * 1-5", "0 19 * * 1-5", WEEKDAYS["zone"])
    assert made.next_start is not None
    assert made.launch.options == {"workers": 1}
    assert [one.id for one in client.schedules()] == [made.id]
    with alongside.Client(service.url, service.bob) as bob:
        assert bob.schedules() == []
        with pytest.raises(NotFound):
            bob.unschedule(made.id)
    changed = client.change_schedule("day", suspended=True, name="later")
    assert (changed.suspended, changed.next_start) == (True, None)
    client.unschedule("later", stop=True)
    assert client.schedules() == []
    with pytest.raises(NotFound, match="There is no schedule 'later'"):
        client.unschedule("later")


async def test_the_same_for_asyncio(service: RealService) -> None:
    async with alongside.AsyncClient(service.url, service.token) as client:
        made = await client.schedule("nightly", SMALL, start="0 2 * * *", zone="Europe/Paris")
        assert made.stop is None
        assert [one.name for one in await client.schedules()] == ["nightly"]
        assert (await client.change_schedule(made.id, zone="UTC")).zone == "UTC"
        await client.unschedule("nightly")
        assert await client.schedules() == []


def test_what_makes_no_sense_is_said_before_anything_is_asked(client: alongside.Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.schedule("often", SMALL, start="* 7 * * *", zone="UTC")
    assert "0 7 * * *" in str(caught.value) + caught.value.remedy
    with pytest.raises(InvalidRequest):
        client.schedule("nowhere", SMALL, from_="07:00", zone="Europe/Atlantis")


def test_on_the_command_line(client: alongside.Client, service: RealService) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "JUPY"))}
        return subprocess.run(
            [sys.executable, "-m", "alongside.cli", *arguments],
            env=environment | service.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert "You have no schedules" in run("schedules").stdout
    times = ("--from", "07:00", "--to", "19:00", "--days", "Mon-Fri", "--zone", "Asia/Tokyo")
    made = run("schedule", "dask", "--workers", "3", "--name", "day", *times)
    assert made.returncode == 0, made.stderr
    assert "0 7 * * 1-5" in made.stdout
    listed = run("schedules").stdout.splitlines()
    assert listed[0].split()[:3] == ["NAME", "KIND", "START"]
    assert "Asia/Tokyo" in listed[1]
    assert " 07:00" in listed[1], "when it starts next, in its own zone"
    [known] = json.loads(run("schedules", "--json").stdout)
    assert known["launch"]["options"] == {"workers": 3}
    assert run("unschedule", "day", "--stop").stdout.startswith("day is deleted")
    wrong = run("unschedule", "day")
    assert (wrong.returncode, "There is no schedule" in wrong.stderr) == (1, True)
    assert run("schedule", "dask", "--from", "07:00").returncode == 2, "the zone is missing"
