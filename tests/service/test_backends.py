"""Launch, see, change and end backends over the API."""

from __future__ import annotations

import pytest

from tests.service.conftest import Running


@pytest.mark.shows("K1", "K16")
async def test_a_launch_is_accepted_and_can_be_followed(run: Running) -> None:
    ada = run.user("ada")
    answer = await ada.post("backends", json={"kind": "dask", "name": "etl"})
    assert answer.status_code == 202
    backend = answer.json()
    assert backend["name"] == "etl"
    assert backend["owner"] == "ada"
    assert backend["profile"] == "small"
    each = {"cores": 1, "memory": "1 GiB", "gpus": 0}
    assert backend["options"] == {"workers": 2, **each, "adaptive": None, "groups": []}
    assert answer.headers["location"].endswith(f"/backends/{backend['id']}")
    await run.settled(lambda: run.service.registry.get(backend["id"]).status.phase == "running")
    seen = (await ada.get(f"http://hub.test{answer.headers['location']}")).json()
    assert (seen["phase"], seen["ready"]) == ("running", 2)
    assert [b["id"] for b in (await ada.get("backends")).json()] == [backend["id"]]


@pytest.mark.shows("K5")
async def test_ending_twice_is_no_error(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    run.platform.automatic = False
    assert (await ada.delete(f"backends/{id}")).status_code == 202
    assert (await ada.delete(f"backends/{id}")).status_code == 204
    run.platform.finish(id)
    await run.settled(lambda: run.service.registry.get(id) is None)
    assert (await ada.delete(f"backends/{id}")).status_code == 404


@pytest.mark.shows("K12")
async def test_a_running_backend_is_scaled(run: Running) -> None:
    ada = run.user("ada")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    answer = await ada.patch(f"backends/{id}", json={"options": {"workers": 4}})
    assert answer.status_code == 200
    assert answer.json()["options"]["workers"] == 4
    refused = await ada.patch(f"backends/{id}", json={"options": {"workers": 5}})
    assert refused.status_code == 422
    assert refused.json()["field"] == "options.workers"
    assert refused.json()["remedy"] == "Choose at most 4."


@pytest.mark.shows("K4")
async def test_the_spawner_launches_for_its_user(run: Running) -> None:
    run.user("ada", "datf")
    body = {"kind": "dask", "owner": "ada", "session": "", "profile": "course"}
    answer = await run.spawner.post("backends", json=body)
    assert answer.status_code == 202
    assert (answer.json()["owner"], answer.json()["session"]) == ("ada", "")
