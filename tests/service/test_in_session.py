"""What is added to a session later has the profile and the image that were chosen for it."""

from __future__ import annotations

from typing import Any

import pytest

from alongside.catalogue_file import parse_catalogue
from alongside.requests import Launch, Requester
from alongside_service.in_session import as_in_session
from tests.doubles.memory_hub import MemoryHub
from tests.service.conftest import Running

OFFERS = parse_catalogue("""\
profiles:
  plain:
    title: Plain
    platform: kubernetes
    backends: {dask: {}}
  own:
    title: Own
    platform: kubernetes
    images: ["example.org/team/*"]
    backends: {dask: {}}
  bare:
    title: Bare
    platform: kubernetes
  staff:
    title: Staff
    platform: kubernetes
    groups: [staff]
    images: ["example.org/team/*"]
    backends: {dask: {}}
""")
ADA = Requester("ada", frozenset())
OURS, THEIRS = "example.org/team/lab:2", "example.org/others/lab:2"


async def had(wish: dict[str, Any], chosen: Any) -> tuple[str | None, str | None]:
    """Profile and image of a launch in a session for which this was chosen."""
    hub = MemoryHub()
    hub.add("ada")
    hub.about["ada", ""] = {"options": chosen}
    launch = Launch(**{"kind": "dask", "session": "", **wish})
    found = await as_in_session(launch, ADA, OFFERS, hub)
    return found.profile, found.image


@pytest.mark.shows("K11")
@pytest.mark.parametrize(
    ("wish", "chosen", "profile", "image"),
    [
        ({}, {"profile": "own"}, "own", None),
        ({}, {"profile": "own", "image": OURS}, "own", OURS),
        ({"profile": "own"}, {"profile": "own", "image": OURS}, "own", OURS),
        # what is said counts
        ({"profile": "plain"}, {"profile": "own", "image": OURS}, "plain", None),
        (
            {"image": "example.org/team/new"},
            {"profile": "own", "image": OURS},
            "own",
            "example.org/team/new",
        ),
        # what the profile doesn't offer or allow is left out
        ({}, {"profile": "bare", "image": OURS}, "plain", None),
        ({}, {"profile": "staff", "image": OURS}, "plain", None),
        ({}, {"profile": "gone", "image": OURS}, "plain", None),
        ({"profile": "own"}, {"profile": "own", "image": THEIRS}, "own", None),
        # and so is what no form of ours has sent
        ({}, None, "plain", None),
        ({}, ["own"], "plain", None),
        ({}, {"profile": 1, "image": {}}, "plain", None),
        # elsewhere nothing is known of it
        ({"session": None}, {"profile": "own", "image": OURS}, None, None),
        ({"session": "second"}, {"profile": "own", "image": OURS}, None, None),
        ({"kind": "unknown"}, {"profile": "own", "image": OURS}, None, None),
    ],
)
async def test_it_has_what_was_chosen_for_the_session(
    wish: dict[str, Any], chosen: Any, profile: str | None, image: str | None
) -> None:
    assert await had(wish, chosen) == (profile, image)


async def test_a_hub_that_is_silent_keeps_nobody_from_launching() -> None:
    """And it is not asked where what it says would change nothing."""
    hub = MemoryHub()
    hub.add("ada")
    hub.down = True
    launch = Launch(kind="dask", session="")
    assert await as_in_session(launch, ADA, OFFERS, hub) == launch
    assert hub.questions == 1
    plain = Launch(kind="dask", session="", profile="plain")
    assert await as_in_session(plain, ADA, OFFERS, hub) == plain
    assert hub.questions == 1


@pytest.mark.shows("K11")
async def test_a_user_gets_the_sessions_profile_and_the_hub_what_it_names(run: Running) -> None:
    eve = run.user("eve", "datf")
    run.hub.about["eve", ""] = {"options": {"profile": "course"}}
    answer = await eve.post("backends", json={"kind": "dask", "session": ""})
    assert (answer.status_code, answer.json()["profile"]) == (202, "course")
    elsewhere = await eve.post("backends", json={"kind": "dask"})
    assert (elsewhere.status_code, elsewhere.json()["profile"]) == (202, "small")
    body = {"kind": "dask", "name": "more", "owner": "eve", "session": ""}
    by_hub = await run.spawner.post("backends", json=body)
    assert (by_hub.status_code, by_hub.json()["profile"]) == (202, "small")
