"""``schedules`` of the API: who may do what, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alongside.errors import Unavailable
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.conftest import OWN_TOKEN, Running, running

PROBLEM = "application/problem+json"
BODY = {
    "name": "weekdays",
    "launch": {"kind": "dask", "options": {"workers": 1}},
    "days": "Mon-Fri",
    "from": "07:00",
    "to": "19:00",
    "zone": "America/New_York",
}


async def test_make_see_change_delete(run: Running) -> None:
    ada = run.user("ada")
    made = await ada.post("schedules", json=BODY)
    assert made.status_code == 201, made.text
    schedule = made.json()
    assert made.headers["location"].endswith(f"/schedules/{schedule['id']}")
    assert (await ada.get(f"schedules/{schedule['id']}")).json() == schedule
    assert (await ada.get("schedules")).json() == [schedule]
    assert (schedule["owner"], schedule["overlap"], schedule["history"]) == ("ada", "replace", [])
    changed = await ada.patch(
        f"schedules/{schedule['id']}", json={"name": "new", "until": "2999-01-01"}
    )
    assert (changed.status_code, changed.json()["name"]) == (200, "new")
    for status in (204, 404):
        assert (await ada.delete(f"schedules/{schedule['id']}")).status_code == status
    assert (await ada.get("schedules")).json() == []
    assert not run.platform.documents.kept


async def test_a_repeated_request_finds_its_schedule(run: Running) -> None:
    ada = run.user("ada")
    headers = {"Idempotency-Key": "once"}
    first = await ada.post("schedules", json=BODY, headers=headers)
    again = await ada.post("schedules", json=BODY, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    twice = await ada.post("schedules", json=BODY)
    assert twice.status_code == 409
    assert twice.json()["remedy"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "empty"),
        ({"launch": {"kind": "spark"}}, "kind", "spark"),
        ({"launch": {"kind": "dask", "options": {"workers": 99}}}, "options.workers", "too large"),
        ({"launch": {"kind": "dask", "profile": "course"}}, "profile", "no profile"),
        ({"launch": {"kind": "dask", "lifetime": {"maximum": "9 h"}}}, "lifetime.maximum", ""),
        ({"to": "07:00"}, "", "same time"),
        ({"until": "2020-01-01"}, "start", "Nothing would ever be started"),
        ({"zone": "Nowhere/Land"}, "zone", "no time zone"),
        ({"owner": "bob"}, "owner", "for yourself"),
    ],
)
async def test_what_could_never_start_is_refused_at_once(
    run: Running, changes: dict[str, Any], field: str, words: str
) -> None:
    answer = await run.user("ada").post("schedules", json=BODY | changes)
    assert answer.status_code in {403, 422}
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem.get("field", "") == field
    assert words in problem["detail"]
    assert problem["remedy"]
    assert not run.platform.documents.kept


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"stop": "0 7 * * 1-5"}, "same time"),
        ({"start": "* 7 * * *"}, "every minute of an hour"),
        ({"launch": {"kind": "spark"}}, "spark"),
        ({"name": "\u0007"}, "control characters"),
        ({"owner": "bob"}, "not known"),
    ],
)
async def test_a_change_that_can_not_be_changes_nothing(
    run: Running, patch: dict[str, Any], words: str
) -> None:
    ada = run.user("ada")
    made = (await ada.post("schedules", json=BODY)).json()
    answer = await ada.patch(f"schedules/{made['id']}", json=patch)
    assert answer.status_code == 422
    assert words in answer.text
    assert (await ada.get(f"schedules/{made['id']}")).json() == made


async def test_who_may_do_what(run: Running) -> None:
    ada, bob, root = run.user("ada"), run.user("bob"), run.user("root", admin=True)
    path = f"schedules/{(await ada.post('schedules', json=BODY)).json()['id']}"
    assert (await bob.get("schedules")).json() == []
    for answer in (
        await bob.get(path),
        await bob.patch(path, json={"suspended": True}),
        await bob.delete(path),
    ):
        assert answer.status_code == 404, "nobody learns that it is there"
    assert [s["owner"] for s in (await root.get("schedules")).json()] == ["ada"]
    assert (await root.get("schedules", params={"owner": "bob"})).json() == []
    assert (await root.patch(path, json={"suspended": True})).status_code == 403
    assert (await run.spawner.patch(path, json={"suspended": True})).status_code == 200
    for_bob = await root.post("schedules", json={**BODY, "owner": "bob"})
    assert for_bob.json()["owner"] == "bob"
    assert (await root.delete(path)).status_code == 204
    assert (await run.client(None).get("schedules")).status_code == 401
    assert (await run.client(OWN_TOKEN).post("schedules", json=BODY)).status_code == 422


async def test_each_user_has_a_number_of_them(catalogue_path: Path) -> None:
    async with running(catalogue_path, most_schedules=2) as run:
        ada = run.user("ada")
        answers = [await ada.post("schedules", json={**BODY, "name": n}) for n in "abc"]
        assert [a.status_code for a in answers] == [201, 201, 403]
        assert answers[-1].json()["detail"] == "You may have 2 schedules; 2 are there already."
        assert (await run.user("bob").post("schedules", json=BODY)).status_code == 201


async def test_two_of_one_name_at_once_are_one(run: Running) -> None:
    import asyncio

    ada = run.user("ada")
    answers = await asyncio.gather(*(ada.post("schedules", json=BODY) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409]


async def test_one_that_was_kept_without_an_answer_is_there(run: Running) -> None:
    ada = run.user("ada")
    run.platform.documents.failures = [(Unavailable("No answer.", "Try again."), True)]
    made = await ada.post("schedules", json=BODY)
    assert made.status_code == 201
    assert (await ada.get("schedules")).json() == [made.json()]
    run.platform.documents.failures = [(Unavailable("No answer.", "Try again."), False)]
    assert (await ada.post("schedules", json={**BODY, "name": "b"})).status_code == 503
    assert len((await ada.get("schedules")).json()) == 1


async def test_one_that_is_too_large_to_be_kept_is_refused(run: Running) -> None:
    many = {f"option{n}": "x" * 900 for n in range(80)}
    answer = await run.user("ada").post(
        "schedules", json={**BODY, "launch": {"kind": "dask", "options": many}}
    )
    assert answer.status_code == 422


async def test_a_platform_without_a_place_for_them_says_so(catalogue_path: Path) -> None:
    class Bare(MemoryPlatform):
        def shelf(self) -> None:
            return None

    async with running(catalogue_path, Bare()) as run:
        answer = await run.user("ada").post("schedules", json=BODY)
        assert answer.status_code == 503
        assert (await run.user("ada").get("schedules")).json() == []
