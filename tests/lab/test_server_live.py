"""State and events of the server extension, over a real service and a real cluster."""

from __future__ import annotations

import httpx

from tests.client.real import RealService
from tests.lab.jupyter import Jupyter, wait_for

WISH = {"name": "etl", "kind": "dask", "options": {"workers": 1}}


def connected(browser: httpx.Client) -> dict[str, object]:
    """The state once the service is reached."""

    def state() -> dict[str, object] | None:
        found = browser.get("alongside/state").json()
        return found if found["connected"] else None

    return wait_for(state, "the connection")


def test_state_and_events_tell_the_life_of_a_backend(
    jupyter: Jupyter, browser: httpx.Client, service: RealService
) -> None:
    state = connected(browser)
    assert {state["user"], state["session"], state["alone"]} == {"ada", "", False}
    assert state["problem"] is None
    with jupyter.events() as events:
        answer = browser.post("alongside/api/backends", json=WISH)
        assert answer.status_code == 202, answer.text
        backend = answer.json()
        assert backend["session"] == ""
        first = events.until(lambda e: e["type"] == "changed")
        assert first["backend"]["id"] == backend["id"]
        running = events.until(lambda e: e.get("backend", {}).get("phase") == "running")
        assert running["sample"]
        state = browser.get("alongside/state").json()
        assert [b["name"] for b in state["backends"]] == ["etl"]
        assert state["backends"][0]["history"]
        assert browser.delete(f"alongside/api/backends/{backend['id']}").status_code == 202
        gone = events.until(lambda e: e["type"] == "removed")
        assert gone["id"] == backend["id"]
        numbers = [event["sequence"] for event in events.seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert {event["epoch"] for event in events.seen} == {state["epoch"]}
        assert service.token not in str(events.seen) + str(state) + jupyter.log
    assert browser.get("alongside/state").json()["backends"] == []
