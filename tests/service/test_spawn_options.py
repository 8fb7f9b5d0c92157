"""What spawn options come to, before anything is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.service.conftest import Running, running

ROOT = Path(__file__).resolve().parents[2]


def _wish(profile: str = "small", **options: Any) -> dict[str, Any]:
    return {"profile": profile, "backend": {"kind": "dask", "options": options}}


async def test_the_answer_says_what_the_backend_counts_for(run: Running) -> None:
    ada = run.user("ada")
    answer = await ada.post("spawn-options", json=_wish(workers=3, memory="512 MiB"))
    assert answer.json()["resources"] == {
        "backends": 1,
        "workers": 3,
        "cores": 3,
        "memory": 3 * 2**29,
        "gpus": 0,
    }
    launched = await ada.post("backends", json=answer.json()["launch"])
    assert launched.json()["resources"] == answer.json()["resources"]


async def test_adaptive_counts_with_its_maximum(run: Running) -> None:
    wish = _wish(adaptive={"minimum": 0, "maximum": 4})
    counted = (await run.user("ada").post("spawn-options", json=wish)).json()["resources"]
    assert (counted["workers"], counted["cores"]) == (4, 4)


async def test_no_backend_counts_for_nothing(run: Running) -> None:
    wish = {"profile": "small", "backend": None}
    answer = (await run.user("ada").post("spawn-options", json=wish)).json()
    assert (answer["launch"], answer["resources"]) == (None, None)


async def test_what_is_wrong_is_said_of_each_field(run: Running) -> None:
    wish = _wish(workers=9, memory="much")
    answer = await run.user("ada").post("spawn-options", json=wish)
    fields = [error["field"] for error in answer.json()["errors"]]
    assert (answer.status_code, fields) == (422, ["options.workers", "options.memory"])


async def test_more_than_the_quota_is_refused_before_it_is_launched(run: Running) -> None:
    ada = run.user("ada")
    for name in ("one", "two"):
        body = {"kind": "dask", "name": name, "options": {"workers": 3}}
        assert (await ada.post("backends", json=body)).status_code == 202
    refused = (await ada.post("spawn-options", json=_wish(workers=3))).json()
    assert (refused["field"], refused["remedy"]) == (
        "options.workers",
        "Ask for at most 2, or stop a backend first.",
    )
    assert (await ada.post("spawn-options", json=_wish(workers=2))).status_code == 200


async def test_the_catalogue_says_how_the_size_changes(run: Running) -> None:
    offered = (await run.user("ada").get("catalogue")).json()
    assert offered["profiles"][0]["backends"]["dask"]["scaling"] == "live"


async def test_the_dialogs_of_the_lab_extension_are_tested_with_what_is_on_offer() -> None:
    known = json.loads((ROOT / "labextension/tests/dialogs.offers.json").read_text())
    async with running(ROOT / "deploy/local/catalogue.yaml") as run:
        ada = run.user("ada")
        assert (await ada.get("catalogue")).json() == known["catalogue"]
        assert (await ada.get("me")).json().keys() >= known["me"].keys()
        launched = await ada.post("backends", json={"kind": "dask"})
        assert launched.json().keys() >= known["backend"].keys()
