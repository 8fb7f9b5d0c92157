"""When a session ends because its time is over, and when it does not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alongside.catalogue import Catalogue, SessionOffer
from alongside.errors import Unavailable
from alongside.models import Lifetime
from alongside.platforms.base import Observed
from alongside_service.sessions import End, Ends, Session, Wait, decide, lifetime_of, with_reports
from tests.service.conftest import Running, running
from tests.waiting import awaited

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAY = 24 * HOUR
LATE = timedelta(seconds=331)
"""How late a session may report that it was used, where nothing short is asked for."""

CATALOGUE = """\
profiles:
  free: {title: Free, backends: {dask: {}}}
  limited:
    title: Limited
    session: {lifetime: {idle: 1 h, maximum: 8 h}}
    backends: {dask: {}}
"""


@pytest.mark.shows("T31", "T32")
@pytest.mark.parametrize(
    ("lifetime", "started", "active", "heard", "action"),
    [
        ({}, T0 - DAY, T0 - DAY, T0 - DAY, Wait()),
        ({"maximum": "1 h"}, T0 - MINUTE, T0, T0 - DAY, Wait(T0 + 59 * MINUTE)),
        ({"maximum": "1 h"}, T0 - HOUR, T0, T0, End("it has lasted 1 h, the most allowed")),
        ({"maximum": "1 h"}, None, T0, T0, Wait()),
        ({"idle": "1 h"}, T0 - DAY, T0, T0 - DAY, Wait(T0 + HOUR + LATE)),
        ({"idle": "1 h"}, T0 - DAY, T0 - HOUR, T0 - DAY, Wait(T0 + LATE)),
        (
            {"idle": "1 h"},
            T0 - DAY,
            T0 - HOUR - LATE,
            T0 - DAY,
            End("it has not been used for 1 h"),
        ),
        # the hub has just come back: sessions could not tell it that they are used
        ({"idle": "1 h"}, T0 - DAY, T0 - 2 * HOUR, T0, Wait(T0 + LATE)),
        ({"idle": "1 h", "maximum": "8 h"}, T0 - 7 * HOUR, T0, T0 - DAY, Wait(T0 + HOUR)),
        (
            {"idle": "1 h", "maximum": "8 h"},
            T0 - 9 * HOUR,
            T0,
            T0 - DAY,
            End("it has lasted 8 h, the most allowed"),
        ),
    ],
)
def test_the_decision(
    lifetime: dict[str, Any],
    started: datetime | None,
    active: datetime,
    heard: datetime,
    action: object,
) -> None:
    session = Session("ada", "", started=started)
    assert decide(session, Lifetime(**lifetime), active, heard, T0) == action


def test_one_that_starts_or_stops_is_left_alone() -> None:
    session = Session("ada", "", started=T0 - DAY, pending=True)
    assert decide(session, Lifetime(idle="1 h", maximum="1 h"), T0 - DAY, T0 - DAY, T0) == Wait()


@pytest.mark.parametrize(
    ("options", "groups", "profile"),
    [
        ({"profile": "second"}, (), "second"),
        ({}, (), "first"),
        (None, (), "first"),
        ({"backend": {"kind": "dask"}}, (), "second"),
        ({"profile": "course"}, (), "course"),  # the user has left the group meanwhile
        ({}, ("datf",), "course"),
        ({"profile": "removed"}, (), None),
        ({"profile": ["x"]}, (), None),
        ({"backend": {"kind": "unheard"}}, (), None),
        ("nonsense", (), "first"),
    ],
)
def test_the_profile_is_the_one_chosen_or_else_the_first_for_the_user(
    options: Any, groups: tuple[str, ...], profile: str | None
) -> None:
    names: dict[str, Any] = {
        "course": {"groups": ["datf"]},
        "first": {},
        "second": {"backends": {"dask": {}}},
    }
    profiles = {
        name: {"title": name, "session": {"lifetime": {"idle": 100 + n}}, **more}
        for n, (name, more) in enumerate(names.items())
    }
    session = Session("ada", "", frozenset(groups), options=options)
    found = lifetime_of(Catalogue.model_validate({"profiles": profiles}), session).idle
    expected = None if profile is None else timedelta(seconds=100 + list(names).index(profile))
    assert found == expected


@pytest.mark.parametrize(
    ("idle", "seconds"), [("2 h", "300"), ("10 min", "60"), ("20 s", "2"), ("1 s", "1")]
)
def test_a_session_tells_of_its_use_the_more_often_the_shorter_it_may_be_idle(
    idle: str, seconds: str
) -> None:
    offer = SessionOffer(lifetime=Lifetime(idle=idle), environment={"A": "b"})
    environment = with_reports(offer).environment
    assert environment == {"A": "b", "JUPYTERHUB_ACTIVITY_INTERVAL": seconds}
    kept = offer.model_copy(update={"environment": environment | {"A": "c"}})
    assert with_reports(kept).environment["A"] == "c"
    assert with_reports(SessionOffer()).environment == {}


def test_what_the_hub_tells_is_read() -> None:
    user = {"name": "ada", "groups": ["datf"]}
    server = {
        "name": "etl",
        "started": "2026-11-21T11:00:00Z",
        "last_activity": "2026-11-21T12:00:00.000000Z",
        "user_options": {"profile": "small"},
        "pending": None,
        "ready": True,
    }
    assert Session.of(user, server) == Session(
        "ada", "etl", frozenset({"datf"}), T0 - HOUR, T0, {"profile": "small"}
    )
    assert Session.of(user, {**server, "pending": "stop"}).pending
    assert Session.of({"name": "ada"}, {"name": "", "started": None}).started is None


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Running]:
    path = tmp_path / "limits.yaml"
    path.write_text(CATALOGUE)
    async with running(path) as it:
        it.hub.add("ada")
        it.hub.servers["ada"] = {"old"}
        it.service.reaper.lifetimes._heard = datetime.now(UTC) - DAY
        yield it


def about(run: Running, age: timedelta, idle: timedelta, profile: str = "limited") -> None:
    """Ada's session, started and used so long ago."""
    moment = datetime.now(UTC)
    run.hub.about["ada", "old"] = {
        "started": moment - age,
        "active": moment - idle,
        "options": {"profile": profile},
    }


@pytest.mark.shows("T31", "T32")
@pytest.mark.parametrize(("age", "idle"), [(9 * HOUR, MINUTE), (3 * HOUR, 2 * HOUR)])
async def test_a_session_whose_time_is_over_is_ended_and_the_reason_logged_once(
    run: Running, caplog: pytest.LogCaptureFixture, age: timedelta, idle: timedelta
) -> None:
    caplog.set_level(logging.INFO, "alongside.sessions")
    about(run, age, idle)
    run.hub.refusals = 1
    await run.service.reaper.look()
    await awaited("an end", lambda: run.hub.ends)
    for _ in range(3):  # not again at once
        await run.service.reaper.look()
    assert len(run.hub.ends) == 1
    run.service.reaper.lifetimes._endings["ada", "old"].again = datetime.now(UTC)
    await run.service.reaper.look()
    await awaited("no session", lambda: not run.hub.servers["ada"])
    await run.service.reaper.look()
    reasons = [r.message for r in caplog.records if r.levelname == "INFO"]
    assert len(reasons) == 1
    assert reasons[0].startswith("Ending session 'old' of ada: it has ")
    assert [r.levelname for r in caplog.records].count("WARNING") == 1
    assert run.hub.ends == [("ada", "old")] * 2


async def test_it_is_not_asked_for_without_end(run: Running) -> None:
    about(run, 9 * HOUR, MINUTE)
    run.hub.refusals = 1000
    lifetimes = run.service.reaper.lifetimes

    def tried(times: int) -> bool:
        return len(run.hub.ends) == times

    for attempt in range(40):
        await run.service.reaper.look()
        await awaited("an attempt", partial(tried, min(attempt + 1, 24)))
        lifetimes._endings["ada", "old"].again = datetime.now(UTC)
    assert len(run.hub.ends) == 24


@pytest.mark.shows("T31", "T32")
async def test_users_are_told_when_their_session_ends(run: Running) -> None:
    about(run, 3 * HOUR, MINUTE)
    await run.service.reaper.look()
    ada = run.client("token-of-ada")
    told = (await ada.get("me", params={"session": "old"})).json()["session"]
    started, used = (run.hub.about["ada", "old"][when] for when in ("started", "active"))
    assert datetime.fromisoformat(told["latest"]) == started + 8 * HOUR
    assert datetime.fromisoformat(told["unused"]) == used + HOUR + LATE
    never = {"unused": None, "latest": None}
    assert (await ada.get("me", params={"session": "other"})).json()["session"] == never
    assert (await ada.get("me")).json()["session"] == never
    run.hub.servers["ada"] = set()
    await run.service.reaper.look()
    assert run.service.reaper.lifetimes.ends("ada", "old") == Ends()


@pytest.mark.shows("T32")
async def test_a_backend_that_is_busy_keeps_its_session(run: Running) -> None:
    ada = run.client("token-of-ada")
    body = {"kind": "dask", "session": "old", "profile": "limited"}
    id = (await ada.post("backends", json=body)).json()["id"]
    await run.settled(lambda: run.service.registry.get(id).status.phase == "running")
    about(run, 3 * HOUR, 2 * HOUR)
    await run.service.reaper.look()
    await run.service.reaper.look()
    assert not run.hub.ends

    # since a minute it has had nothing to do: the session's hour begins there
    observed = run.service.registry.get(id)
    assert observed is not None
    since = datetime.now(UTC) - MINUTE
    idle = observed.status.model_copy(update={"idle_since": since})
    run.service.registry.put(Observed(observed.spec, idle))
    run.service.reaper.lifetimes._active.clear()
    await run.service.reaper.look()
    assert run.service.reaper._due == since + HOUR + LATE
    run.service.registry.drop(id)  # what is known of it stays known
    await run.service.reaper.look()
    assert run.service.reaper._due == since + HOUR + LATE
    assert not run.hub.ends


async def test_a_hub_that_is_down_ends_nothing_and_time_begins_anew_after(run: Running) -> None:
    about(run, 3 * HOUR, 2 * HOUR)
    run.hub.down = True
    with pytest.raises(Unavailable):
        await run.service.reaper.look()
    run.hub.down = False
    await run.service.reaper.look()
    assert not run.hub.ends
    assert run.service.reaper._due is not None
    assert run.service.reaper._due - datetime.now(UTC) <= LATE


async def test_a_profile_without_limits_ends_nothing(run: Running) -> None:
    about(run, 900 * HOUR, 900 * HOUR, "free")
    await run.service.reaper.look()
    assert not run.hub.ends
    assert run.service.reaper._due is None


async def test_without_the_scope_nothing_is_ended_and_it_says_so(run: Running) -> None:
    about(run, 9 * HOUR, 9 * HOUR)
    run.hub.scopes -= {"delete:servers"}
    run.service.reaper._scopes_checked = None
    await run.service.reaper.look()
    assert not run.hub.ends
    assert "lacks the hub scope delete:servers" in run.service.reaper.problem


async def test_the_next_look_is_when_the_first_time_is_over(run: Running) -> None:
    about(run, 8 * HOUR - timedelta(seconds=3), MINUTE)
    await run.service.reaper.look()
    assert 2 < run.service.reaper._pause() <= 3


@pytest.mark.shows("T32")
async def test_the_catalogue_tells_users_how_long_a_session_may_last(run: Running) -> None:
    profiles = (await run.client("token-of-ada").get("catalogue")).json()["profiles"]
    lifetimes = {profile["name"]: profile["session"]["lifetime"] for profile in profiles}
    assert lifetimes["limited"] == {"idle": "1 h", "maximum": "8 h"}
    assert lifetimes["free"] == {"idle": None, "maximum": None}
