"""Schedules from Python, for asyncio, and on the command line, with the real service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

import alongside
from alongside.errors import InvalidRequest, NotFound
from alongside_workflows import aio, schedule, workflow, write_workflow
from tests.client.real import RealService, real_service

WEEKDAYS = {"days": "Mon-Fri", "to": "19:00", "zone": "America/New_York"}
IN_A_MONTH = datetime.now(UTC).date() + timedelta(days=30)
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
    assert made.launch is not None
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


def test_a_workflow_by_the_clock(client: alongside.Client) -> None:
    flow = workflow("report")
    flow.command("say", ["echo", "hello"])
    tonight = {"at": "22:00", "zone": "Europe/Berlin"}
    made = schedule(flow, times=tonight, service=client)
    assert (made.name, made.workflow, made.launch, made.overlap) == ("report",) * 2 + (None, "skip")
    assert made.once is not None
    assert made.once.hour == 22
    assert made.submit is not None
    assert "session" not in made.submit
    weekdays = {"days": "weekdays", "from_": "22:00", "zone": "UTC", "overlap": "together"}
    again = schedule(flow, name="again", times=weekdays, executor="local", service=client)
    assert (again.start, again.once, again.overlap) == ("0 22 * * 1-5", None, "together")
    changed = client.change_schedule("again", submit={**made.submit, "executor": None}, at="23:00")
    assert changed.once is not None
    with pytest.raises(InvalidRequest, match="no executor 'moon'"):
        schedule(flow, name="moon", times=tonight, executor="moon", service=client)


async def test_a_workflow_by_the_clock_for_asyncio(service: RealService) -> None:
    flow = workflow("report")
    flow.command("say", ["echo", "hello"])
    async with alongside.AsyncClient(service.url, service.token) as client:
        times = {"at": f"{IN_A_MONTH} 22:00", "zone": "UTC"}
        made = await aio.schedule(flow, service=client, times=times)
        assert made.next_start == datetime.combine(IN_A_MONTH, time(22), UTC)
        await client.unschedule(made.id)


def test_what_makes_no_sense_is_said_before_anything_is_asked(client: alongside.Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.schedule("often", SMALL, start="* 7 * * *", zone="UTC")
    assert "0 7 * * *" in str(caught.value) + caught.value.remedy
    with pytest.raises(InvalidRequest):
        client.schedule("nowhere", SMALL, from_="07:00", zone="Europe/Atlantis")


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(service: RealService) -> Command:
    """Run a command in a session of ada's."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALONG", "JUPY"))}
        kept.pop("TZ", None)
        return subprocess.run(
            [sys.executable, "-m", "alongside.cli", *arguments],
            env=kept | service.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_a_workflow_by_the_clock_on_the_command_line(
    client: alongside.Client, run: Command, tmp_path: Path
) -> None:
    flow = workflow("report")
    flow.command("say", ["echo", "hello"])
    path = str(tmp_path / "flow.yaml")
    write_workflow(flow.build(), path)
    made = run("submit", path, "--at", f"{IN_A_MONTH}T22:00", "--zone", "Asia/Tokyo")
    assert made.returncode == 0, made.stderr
    assert f"{IN_A_MONTH} 22:00" in made.stdout
    assert "alongside unschedule report-" in made.stdout
    again = ("--name", "again", "--at", "22:00", "--days", "weekdays", "--together", "--json")
    shown = json.loads(run("submit", path, *again, "--zone", "UTC").stdout)
    assert (shown["start"], shown["overlap"]) == ("0 22 * * 1-5", "together")
    listed = run("schedules").stdout
    assert listed.count("workflow") == 2
    assert not json.loads(run("runs", "--json").stdout), "nothing has begun"
    for words, told in (
        (("--at", "22:00"), "--zone Europe/Berlin"),
        (("--zone", "UTC"), "--at 22:00"),
        (("--at", "22:00", "--zone", "UTC", "--follow"), "Leave out --wait"),
        (("--at", "late", "--zone", "UTC"), "22:00"),
    ):
        wrong = run("submit", path, *words)
        assert (wrong.returncode, told in wrong.stderr) == (2, True), wrong.stderr


def test_on_the_command_line(client: alongside.Client, run: Command) -> None:
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
