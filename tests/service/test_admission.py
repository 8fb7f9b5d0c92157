"""Admission under load and under faults."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alongside.errors import StorageFailed
from alongside.models import Resources, now
from alongside.phases import Phase
from tests.doubles.memory_platform import MemoryPlatform
from tests.service.conftest import Running, running


@pytest.mark.shows("K99")
async def test_of_fifty_launches_at_once_exactly_the_quota_is_made(run: Running) -> None:
    ada = run.user("ada")
    answers = await asyncio.gather(
        *(ada.post("backends", json={"kind": "dask", "name": f"b{n}"}) for n in range(50))
    )
    assert Counter(a.status_code for a in answers) == {202: 3, 403: 47}
    assert len(run.platform.backends) == 3
    for refused in (a.json() for a in answers if a.status_code == 403):
        assert refused["type"] == "urn:alongside:problem:quota-exceeded"
        assert refused["detail"] == "Your quota is 3 backends; 3 in use, 1 more asked for."


async def test_two_equal_requests_at_once_are_one_backend(run: Running) -> None:
    ada = run.user("ada")
    headers = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(ada.post("backends", json={"kind": "dask"}, headers=headers) for _ in range(10))
    )
    assert {a.status_code for a in answers} == {202}
    assert len({a.json()["id"] for a in answers}) == 1
    assert len(run.platform.launched) == 1


async def test_a_repeated_request_finds_its_backend_after_a_restart(catalogue_path: Path) -> None:
    platform = MemoryPlatform()
    ids = []
    for _ in range(2):
        async with running(catalogue_path, platform) as run:
            headers = {"Idempotency-Key": "once"}
            answer = await run.user("ada").post("backends", json={"kind": "dask"}, headers=headers)
            ids.append(answer.json()["id"])
    assert ids[0] == ids[1]
    assert platform.launched == ids[:1]


async def test_a_key_is_good_for_one_request_only(run: Running) -> None:
    ada = run.user("ada")
    headers = {"Idempotency-Key": "once"}
    made = (await ada.post("backends", json={"kind": "dask"}, headers=headers)).json()
    other = await ada.post(
        "backends", json={"kind": "dask", "options": {"workers": 1}}, headers=headers
    )
    assert other.status_code == 422
    assert other.json()["field"] == "Idempotency-Key"
    await ada.delete(f"backends/{made['id']}")
    await run.settled(lambda: not run.platform.backends and not len(run.service.registry))
    late = await ada.post("backends", json={"kind": "dask"}, headers=headers)
    assert late.status_code == 409
    assert not run.platform.backends


async def test_a_name_is_given_once_in_each_session(run: Running) -> None:
    ada = run.user("ada")
    first = (await ada.post("backends", json={"kind": "dask", "name": "etl"})).json()
    again = await ada.post("backends", json={"kind": "dask", "name": " etl"})
    assert again.status_code == 409
    assert again.json()["backend"] == first["id"]
    elsewhere = await ada.post("backends", json={"kind": "dask", "name": "etl", "session": "x"})
    assert elsewhere.status_code == 202


async def test_a_session_that_starts_again_waits_for_its_old_backend(run: Running) -> None:
    run.platform.automatic = False
    ada = run.user("ada")
    ids = [
        (await ada.post("backends", json={"kind": "dask", "name": f"b{n}"})).json()["id"]
        for n in range(3)
    ]
    assert (await ada.delete(f"backends/{ids[0]}")).status_code == 202
    launch = asyncio.create_task(ada.post("backends", json={"kind": "dask", "name": "b0"}))
    done, _ = await asyncio.wait({launch}, timeout=0.1)
    assert not done
    run.platform.finish(ids[0])
    assert (await launch).status_code == 202


@pytest.mark.shows("K99")
async def test_scaling_up_is_admitted_and_scaling_down_always_works(
    run: Running, catalogue_path: Path
) -> None:
    ada = run.user("ada")
    body = {"kind": "dask", "options": {"workers": 4, "memory": "512 MiB"}}
    first, second = [
        (await ada.post("backends", json=body | {"name": name})).json()["id"] for name in "ab"
    ]
    refused = await ada.post("backends", json=body | {"name": "c"})
    assert refused.status_code == 403
    assert "8 in use" in refused.json()["detail"]
    shrunk = await ada.patch(f"backends/{first}", json={"options": {"workers": 2}})
    assert shrunk.status_code == 200
    both = await asyncio.gather(
        ada.post("backends", json=body | {"name": "c", "options": {"workers": 2}}),
        ada.patch(f"backends/{first}", json={"options": {"workers": 4}}),
    )
    assert sorted(a.status_code // 100 for a in both) == [2, 4]
    catalogue_path.write_text(catalogue_path.read_text().replace("workers: 8", "workers: 1"))
    run.service.catalogue.refresh()
    shrunk = await ada.patch(f"backends/{second}", json={"options": {"workers": 1}})
    assert shrunk.status_code == 200


async def test_more_than_the_machine_has_is_refused(catalogue_path: Path) -> None:
    platform = MemoryPlatform(total=Resources(cores=3, memory=2**40))
    async with running(catalogue_path, platform) as run:
        ada = run.user("ada")
        assert (await ada.post("backends", json={"kind": "dask"})).status_code == 202
        full = await ada.post("backends", json={"kind": "dask", "name": "b"})
        assert full.status_code == 409
        assert "only 1 of 3 are free" in full.json()["detail"]
        never = await ada.post(
            "backends", json={"kind": "dask", "name": "b", "options": {"workers": 4}}
        )
        assert "only 3 in all" in never.json()["detail"]


async def test_a_full_disk_is_a_sentence_and_leaves_nothing(run: Running) -> None:
    ada = run.user("ada")
    run.platform.fail("launch", StorageFailed("The disk is full.", "Make room."))
    answer = await ada.post("backends", json={"kind": "dask"})
    assert answer.status_code == 507
    assert answer.json()["detail"] == "The disk is full."
    assert (await ada.get("backends")).json() == []
    assert (await ada.get("me")).json()["used"]["backends"] == 0
    assert (await ada.post("backends", json={"kind": "dask"})).status_code == 202


async def test_a_bug_is_a_problem_without_a_trace_and_the_lock_is_free_again(run: Running) -> None:
    ada = run.user("ada")
    run.platform.fail("launch", RuntimeError("secret internals"))
    answer = await ada.post("backends", json={"kind": "dask"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "internals" not in answer.text
    assert (await ada.post("backends", json={"kind": "dask"})).status_code == 202


async def test_a_launch_that_the_client_gave_up_leaves_no_lock_behind(run: Running) -> None:
    ada = run.user("ada")
    release = run.platform.hold("launch")
    launch = asyncio.create_task(ada.post("backends", json={"kind": "dask", "name": "a"}))
    await asyncio.wait({launch}, timeout=0.05)
    launch.cancel()
    release()
    assert (await ada.post("backends", json={"kind": "dask", "name": "b"})).status_code == 202


@pytest.mark.shows("K99")
async def test_twenty_users_start_and_stop_at_once_with_exact_quotas(run: Running) -> None:
    async def user(number: int) -> None:
        client = run.user(f"user{number}")
        for _ in range(3):
            made = await asyncio.gather(
                *(client.post("backends", json={"kind": "dask", "name": f"{n}"}) for n in range(5))
            )
            ids = [a.json()["id"] for a in made if a.status_code == 202]
            assert len(ids) == 3
            used = (await client.get("me")).json()["used"]
            assert (used["backends"], used["workers"]) == (3, 6)
            ended = await asyncio.gather(*(client.delete(f"backends/{id}") for id in ids))
            assert {a.status_code for a in ended} <= {202, 204}

    await asyncio.gather(*(user(n) for n in range(20)))
    await run.settled(lambda: not len(run.service.registry))
    assert not run.platform.backends


async def test_an_ended_backend_counts_no_more_and_is_cleared_by_its_successor(
    run: Running,
) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    run.platform.become(id, phase=Phase.FAILED, reason="Lost", message="It is gone.")
    await run.settled(lambda: run.service.registry.get(id).status.phase == Phase.FAILED)
    assert (await ada.get("me")).json()["used"]["backends"] == 0
    next = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    run.service.reconciler.look(id)
    await run.settled(lambda: [o.spec.id for o in run.service.registry] == [next])


async def test_lifetime_shares_and_keep_are_changed(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask", "session": ""})).json()["id"]
    patch = {
        "lifetime": {"idle": "10 min"},
        "keep": True,
        "shares": [{"user": "bob", "access": "attach"}, {"group": "datf"}],
    }
    changed = (await ada.patch(f"backends/{id}", json=patch)).json()
    assert changed["lifetime"] == {"idle": "10 min", "maximum": "8 h"}
    assert changed["keep"] is True
    assert [s["access"] for s in changed["shares"]] == ["attach", "read"]
    longer = await ada.patch(f"backends/{id}", json={"lifetime": {"maximum": "9 h"}})
    assert (longer.status_code, longer.json()["field"]) == (422, "lifetime.maximum")
    both = await ada.patch(f"backends/{id}", json={"shares": [{"user": "a", "group": "b"}]})
    assert (both.status_code, both.json()["field"]) == (422, "shares.0")


async def test_who_still_needs_a_backend_says_so_and_its_idleness_counts_anew(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    since = now() - timedelta(minutes=29)
    run.platform.become(id, phase=Phase.RUNNING, idle_since=since)
    await run.settled(lambda: run.service.registry.get(id).status.idle_since == since)
    changed = (await ada.patch(f"backends/{id}", json={"needed": True})).json()
    left = datetime.fromisoformat(changed["expires"]) - now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    refused = await ada.patch(f"backends/{id}", json={"needed": False})
    assert (refused.status_code, refused.json()["field"]) == (422, "needed")


async def test_a_platform_that_hangs_is_said_to_and_holds_up_nobody_for_ever(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alongside_service.bounded.PLATFORM_WAIT", 0.05)
    ada = run.user("ada")
    release = run.platform.hold("launch")
    assert (await ada.post("backends", json={"kind": "dask"})).status_code == 503
    release()
    assert (await ada.post("backends", json={"kind": "dask"})).status_code == 202
