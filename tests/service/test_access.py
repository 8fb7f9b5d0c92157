"""Who may see, connect to, change and end a backend."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.service.conftest import Running

# who: (see, connect, change, stop)
TABLE: dict[str, tuple[int, int, int, int]] = {
    "owner": (200, 200, 200, 202),
    "attach": (200, 200, 403, 403),
    "attach-by-group": (200, 200, 403, 403),
    "read": (200, 403, 403, 403),
    "read-by-group": (200, 403, 403, 403),
    "admin": (200, 403, 403, 202),
    "hub": (200, 403, 200, 202),
    "stranger": (404, 404, 404, 404),
    "nobody": (401, 401, 401, 401),
}


def clients(run: Running) -> dict[str, httpx.AsyncClient]:
    """One client for each row."""
    return {
        "owner": run.user("ada"),
        "attach": run.user("bob"),
        "attach-by-group": run.user("carol", "team"),
        "read": run.user("dan"),
        "read-by-group": run.user("eve", "class"),
        "admin": run.user("root", admin=True),
        "hub": run.spawner,
        "stranger": run.user("mallory", "other"),
        "nobody": run.client(None),
    }


@pytest.mark.shows("K98", "K102")
@pytest.mark.parametrize("who", TABLE)
async def test_the_truth_table_of_access(run: Running, who: str) -> None:
    all_clients = clients(run)
    ada, client = all_clients["owner"], all_clients[who]
    id = (await ada.post("backends", json={"kind": "dask", "name": "etl"})).json()["id"]
    shares = [
        {"user": "bob", "access": "attach"},
        {"group": "team", "access": "attach"},
        {"user": "dan", "access": "read"},
        {"group": "class", "access": "read"},
    ]
    await ada.patch(f"backends/{id}", json={"shares": shares})
    see, connect, change, stop = TABLE[who]
    path = f"backends/{id}"
    assert (await client.get(path)).status_code == see
    assert (await client.get(f"{path}/logs")).status_code == see
    listed = await client.get("backends")
    if see == 200:
        assert [b["id"] for b in listed.json()] == [id]
    elif see == 404:
        assert listed.json() == []
    answer = await client.get(f"{path}/connection")
    assert answer.status_code == connect
    assert ("secret-" in answer.text) == (connect == 200)
    assert (await client.patch(path, json={"keep": False})).status_code == change
    assert (await client.delete(path)).status_code == stop


@pytest.mark.shows("K98")
async def test_what_is_hidden_and_what_is_not_there_look_the_same(run: Running) -> None:
    ada, mallory = run.user("ada"), run.user("mallory")
    id = (await ada.post("backends", json={"kind": "dask"})).json()["id"]
    other = "dask-aaaaaaaaaaaaaaaa"
    for method, end in [("GET", ""), ("GET", "/connection"), ("DELETE", ""), ("GET", "/logs")]:
        hidden = await mallory.request(method, f"backends/{id}{end}")
        absent = await mallory.request(method, f"backends/{other}{end}")
        assert hidden.text.replace(id, "*") == absent.text.replace(other, "*")


@pytest.mark.shows("K98")
@pytest.mark.parametrize(
    ("body", "field"),
    [({"owner": "bob"}, "owner"), ({"account": "root"}, "account")],
)
async def test_only_admins_and_the_hub_act_for_others(
    run: Running, body: dict[str, Any], field: str
) -> None:
    run.user("bob")
    refused = await run.user("ada").post("backends", json={"kind": "dask", **body})
    assert (refused.status_code, refused.json()["field"]) == (403, field)


@pytest.mark.shows("K98", "T34")
async def test_an_admin_launches_for_a_user_within_that_users_limits(run: Running) -> None:
    run.user("bob")
    admin = run.user("root", "datf", admin=True)
    body = {"kind": "dask", "owner": "bob"}
    assert (await admin.post("backends", json=body)).json()["owner"] == "bob"
    refused = await admin.post("backends", json=body | {"profile": "course", "name": "x"})
    assert refused.status_code == 403
    unknown = await admin.post("backends", json=body | {"owner": "nobody"})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "owner")


@pytest.mark.shows("K98")
async def test_the_list_is_filtered_by_owner_and_session(run: Running) -> None:
    ada, admin = run.user("ada"), run.user("root", admin=True)
    for session in ("", "x", None):
        await ada.post("backends", json={"kind": "dask", "session": session})
    await admin.post("backends", json={"kind": "dask"})
    assert len((await ada.get("backends")).json()) == 3
    assert len((await admin.get("backends")).json()) == 4
    assert len((await admin.get("backends?owner=ada")).json()) == 3
    assert [b["session"] for b in (await ada.get("backends?session=")).json()] == [""]
    assert (await ada.get("backends?owner=root")).json() == []


@pytest.mark.shows("K1", "T34")
async def test_the_catalogue_has_what_a_user_may_use_and_what_forms_need(run: Running) -> None:
    def names(answer: httpx.Response) -> list[str]:
        return [p["name"] for p in answer.json()["profiles"]]

    student = run.user("eve", "datf")
    offered = await run.user("ada").get("catalogue")
    assert names(offered) == ["small"]
    assert names(await student.get("catalogue")) == ["small", "course"]
    assert names(await run.spawner.get("catalogue?owner=eve")) == ["small", "course"]
    assert (await student.get("catalogue?owner=ada")).status_code == 403
    kind = offered.json()["profiles"][0]["backends"]["dask"]
    assert kind["member"] == "worker"
    assert kind["schema"]["properties"]["workers"]["maximum"] == 4
    assert kind["schema"]["properties"]["memory"]["x-maximum"] == 2**31
    assert kind["lifetime"] == {"idle": "30 min", "maximum": "8 h"}


@pytest.mark.shows("T26")
async def test_only_admins_are_told_what_is_wrong_with_the_catalogue(run: Running) -> None:
    run.service.catalogue.path.write_text("profiles: [")
    run.service.catalogue.refresh()
    admin = (await run.user("root", admin=True).get("catalogue")).json()
    assert "line 1" in admin["problem"]
    assert len(admin["profiles"]) == 1
    assert (await run.user("ada").get("catalogue")).json()["problem"] == ""


@pytest.mark.shows("K99")
async def test_me_tells_limits_and_use(run: Running) -> None:
    ada = run.user("ada", "datf")
    await ada.post("backends", json={"kind": "dask"})
    me = (await ada.get("me")).json()
    assert me["homes"] == list(me["executors"])
    assert (me["user"], me["groups"], me["admin"]) == ("ada", ["datf"], False)
    assert me["limits"]["backends"] == 5
    assert me["limits"]["memory"] == "16 GiB"
    assert (me["used"]["backends"], me["used"]["workers"]) == (1, 2)
    assert me["capacity"]["local"]["free"]["cores"] > 0
    assert me["profiles"] == ["small", "course"]


@pytest.mark.shows("T26", "T34")
async def test_an_edit_of_the_catalogue_is_seen_and_a_removed_profile_refused(
    run: Running,
) -> None:
    ada = run.user("ada")
    made = (await ada.post("backends", json={"kind": "dask"})).json()
    path = run.service.catalogue.path
    path.write_text(path.read_text().replace("  small:", "  tiny:"))
    async with asyncio.timeout(5):
        while (await ada.get("me")).json()["profiles"] != ["tiny"]:
            await asyncio.sleep(0.02)
    refused = await ada.post("backends", json={"kind": "dask", "name": "x", "profile": "small"})
    assert (refused.status_code, refused.json()["field"]) == (403, "profile")
    assert (await ada.get(f"backends/{made['id']}")).json()["phase"] == "running"
    scaled = await ada.patch(f"backends/{made['id']}", json={"options": {"workers": 3}})
    assert (scaled.status_code, scaled.json()["detail"]) == (
        422,
        "Profile small is not offered any more.",
    )
    assert (await ada.delete(f"backends/{made['id']}")).status_code == 202


async def test_a_list_among_500_backends_of_200_users_takes_little_time(run: Running) -> None:
    for number in range(500):
        user = f"user{number % 200}"
        body = {"kind": "dask", "name": f"{number}", "options": {"workers": 1}}
        assert (await run.user(user).post("backends", json=body)).status_code == 202
    client = run.user("user7")
    begin = time.process_time()
    for _ in range(100):
        assert len((await client.get("backends")).json()) == 3
    assert (time.process_time() - begin) / 100 < 0.02
