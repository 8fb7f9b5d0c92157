"""Runs for real: a hub, its service, runners, steps, and the Dask clusters of these."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.service.conftest import CATALOGUE
from tests.service.hub import RealHub, answers, hub_home, real_hub
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

OVER = ("succeeded", "failed", "cancelled")
DASK = {"kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}
FIT = """\
from distributed import Client

with Client() as client:
    total = client.submit(sum, range(n)).result(timeout=30)
    page = client.dashboard_link
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with hub_home(CATALOGUE) as path:
        yield path


@pytest.fixture(scope="module")
def hub(home: Path) -> Iterator[RealHub]:
    with real_hub(home, home / "catalogue.yaml") as it:
        yield it
        root = it.client(it.token_of("root"))
        for run in root.get("runs").json():
            root.delete(f"runs/{run['id']}")
        wait_until("the end of all runs", lambda: not of_runs(home), 60)


@pytest.fixture
def ada(hub: RealHub) -> httpx.Client:
    return hub.client(hub.token_of("ada"))


def of_runs(home: Path) -> list[psutil.Process]:
    """Processes of this home's runs."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(f"{home}/runs/" in word for word in process.info["cmdline"] or ())
    ]


def notebook(path: Path, *cells: str) -> str:
    """A notebook with these code cells; its path."""
    document = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "source": source,
                "metadata": {"tags": ["parameters"] if number == 0 else []},
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document))
    return str(path)


def submit(client: httpx.Client, **workflow: Any) -> str:
    answer = client.post("runs", json={"workflow": {"name": "report", **workflow}})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def over(client: httpx.Client, id: str, within: float = 60) -> dict[str, Any]:
    """The run once it is over."""
    wait_until(f"the end of {id}", lambda: client.get(f"runs/{id}").json()["state"] in OVER, within)
    found: dict[str, Any] = client.get(f"runs/{id}").json()
    return found


@pytest.mark.shows("K55", "K56", "K63", "K71")
def test_fr4_nfr4_a_notebook_computes_on_a_cluster_of_its_own_which_ends_with_it(
    ada: httpx.Client, tmp_path: Path
) -> None:
    path = notebook(tmp_path / "fit.ipynb", "n = 1", FIT)
    id = submit(
        ada,
        directory=str(tmp_path),
        steps=[
            {"name": "plain", "command": ["sh", "-c", "echo hello > plain.txt"]},
            {
                "name": "fit",
                "notebook": path,
                "after": ["plain"],
                "parameters": {"n": 10},
                "results": ["total", "page"],
                "backend": DASK,
            },
        ],
    )
    run = over(ada, id, 120)
    assert run["state"] == "succeeded", run
    steps = {step["name"]: step for step in run["steps"]}
    assert steps["fit"]["results"]["total"] == 45
    assert steps["fit"]["backend"] in steps["fit"]["results"]["page"]
    assert steps["plain"]["backend"] == ""
    assert steps["fit"]["backend"].startswith(f"fit-{id[-6:]}")
    wait_until("the end of its cluster", lambda: ada.get("backends").json() == [], 60)
    executed = ada.get(f"runs/{id}/steps/fit/notebook").json()
    assert "n = 10" in str(executed["cells"])
    assert ada.get(f"runs/{id}/steps/fit/log").status_code == 200
    record = ada.get(f"runs/{id}/record").json()
    assert {"@id": "steps/fit/"} in next(e for e in record["@graph"] if e["@id"] == "./")["hasPart"]


@pytest.mark.shows("K98")
def test_the_token_of_a_run_is_nowhere_to_be_seen(
    ada: httpx.Client, home: Path, tmp_path: Path
) -> None:
    id = submit(
        ada,
        steps=[{"name": "wait", "command": ["sh", "-c", f"touch {tmp_path}/begun; sleep 60"]}],
    )
    wait_until("the step", (tmp_path / "begun").exists)
    secret = (home / "runs.key").read_bytes()
    assert (home / "runs.key").stat().st_mode & 0o777 == 0o600
    processes = of_runs(home)
    assert processes
    for process in processes:
        assert "alongside-run." not in " ".join(process.info["cmdline"])
    ada.post(f"runs/{id}/cancel")
    assert over(ada, id)["state"] == "cancelled"
    assert "alongside-run." not in ada.get(f"runs/{id}").text
    shown = (home / "hub.log").read_bytes() if (home / "hub.log").exists() else b""
    assert secret not in shown
    assert b"alongside-run." not in shown


@pytest.mark.shows("K92")
@pytest.mark.timeout(300)
def test_forty_workflows_are_all_accepted_and_run_beside_each_other(
    hub: RealHub, tmp_path: Path
) -> None:
    """Of two users, each with as many as one may have at once where nothing else is set."""
    here = "echo here >> begun; until [ -e go ]; do sleep 0.2; done"
    step = {"name": "meet", "command": ["sh", "-c", here]}
    clients = [hub.client(hub.token_of(user)) for user in ("ada", "bob")]
    submitted = [
        (client, submit(client, directory=str(tmp_path), steps=[step]))
        for _ in range(20)
        for client in clients
    ]
    begun = tmp_path / "begun"
    wait_until(
        "all forty", lambda: begun.exists() and len(begun.read_text().splitlines()) == 40, 120
    )
    (tmp_path / "go").touch()
    assert {over(client, id, 120)["state"] for client, id in submitted} == {"succeeded"}


def test_runs_go_on_while_the_service_is_killed(
    hub: RealHub, ada: httpx.Client, tmp_path: Path
) -> None:
    marks = [tmp_path / "begun", tmp_path / "go"]
    script = f"touch {marks[0]}; while [ ! -e {marks[1]} ]; do sleep 0.1; done"
    id = submit(
        ada,
        steps=[
            {"name": "one", "command": ["sh", "-c", script]},
            {"name": "two", "command": ["true"], "after": ["one"]},
        ],
    )
    wait_until("the first step", marks[0].exists)
    os.kill(hub.keeper(), signal.SIGKILL)
    marks[1].touch()
    wait_until("the service", lambda: answers(f"{hub.api}/healthz"), 60)
    assert over(ada, id)["state"] == "succeeded"


@pytest.mark.timeout(300)
def test_a_service_that_is_killed_between_decision_and_submission_submits_once(
    hub: RealHub, home: Path, ada: httpx.Client, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    step = {"name": "mark", "command": ["sh", "-c", f"echo here >> {mark}"]}
    due = datetime.now(UTC) + timedelta(minutes=1, seconds=3)
    made = ada.post(
        "schedules",
        json={
            "name": "soon",
            "submit": {"workflow": {"name": "soon", "steps": [step]}},
            "at": due.strftime("%Y-%m-%dT%H:%M"),
            "zone": "UTC",
        },
    )
    assert made.status_code == 201, made.text
    path = f"schedules/{made.json()['id']}"
    document = home / "shelf" / "schedule" / f"{made.json()['id']}.json"
    pids = [hub.keeper(), hub.server()]

    def decided() -> bool:
        kept = json.loads(json.loads(document.read_bytes())["text"])
        return bool(kept["trying"] or kept["history"])

    wait_until("the decision", decided, 90, every=0.001)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until("the service", lambda: answers(f"{hub.api}/healthz"), 60)
    wait_until("the run", lambda: ada.get(path).json()["history"], 60)
    (past,) = ada.get(path).json()["history"]
    assert past["outcome"] == "started", past
    assert over(ada, past["run"])["state"] == "succeeded"
    assert ada.get(path).json()["history"][0]["state"] == "succeeded"
    assert [r["id"] for r in ada.get("runs").json() if r["origin"]] == [past["run"]]
    assert mark.read_text() == "here\n"
    assert ada.delete(path).status_code == 204
