"""What made a file, as the browser is told: by the records of real runs, and by what lies there."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

import alongside
from alongside_workflows import RunHandle, submit, workflow
from tests.client.real import RealService
from tests.lab.jupyter import Jupyter

ROUTE = "alongside/trace"


@pytest.fixture(scope="module")
def runs(service: RealService, jupyter: Jupyter) -> Iterator[list[RunHandle]]:
    """Two, the second of which has read what the first has made."""
    place = jupyter.folder / "grö ße"
    place.mkdir()
    (place / "in.txt").write_text("1")
    first = workflow("first", directory=place)
    first.command(
        "double",
        ["sh", "-c", 'cat "$source" "$source" > "$doubled"'],
        inputs={"source": "in.txt"},
        outputs={"doubled": "doubled.txt"},
    )
    second = workflow("second", directory=place)
    second.command(
        "report",
        ["sh", "-c", 'cat "$doubled" > "$report"; echo . >> "$report"'],
        inputs={"doubled": "doubled.txt"},
        outputs={"report": "report.txt"},
    )
    with alongside.Client(service.url, service.token) as client:
        yield [submit(flow, service=client, wait=True, wait_for=60) for flow in (first, second)]


def steps(told: dict[str, Any]) -> list[str]:
    return [act["step"] for act in told["acts"]]


@pytest.mark.shows("T122")
def test_what_made_a_file_and_whether_it_is_still_the_same(
    browser: httpx.Client, jupyter: Jupyter, runs: list[RunHandle]
) -> None:
    place = jupyter.folder / "grö ße"
    told = browser.get(ROUTE, params={"path": "grö ße/report.txt"}).json()
    assert steps(told) == ["report", "double"]
    report, double = told["acts"]
    assert [act["run"] for act in told["acts"]] == [runs[1].id, runs[0].id]
    assert (report["owner"], report["executor"]) == ("ada", "local")
    assert told["file"]["now"] == "same"
    assert double["read"][0]["now"] == "same"
    assert told["paths"][(place / "in.txt").as_uri()] == "grö ße/in.txt"

    # asked of a step, it is the same file; what has changed since is told, and what is gone
    (place / "report.txt").write_text("by hand")
    (place / "in.txt").unlink()
    asked = {"run": runs[1].id, "step": "report", "name": "report"}
    again = browser.get(ROUTE, params=asked).json()
    assert again == browser.get(ROUTE, params={"path": "grö ße/report.txt"}).json()
    assert again["file"]["sha256"] == told["file"]["sha256"]
    assert again["file"]["now"] == "changed"
    report, double = again["acts"]
    assert (report["read"][0]["now"], double["read"][0]["now"]) == ("same", "missing")
    assert (place / "in.txt").as_uri() not in again["paths"]

    # onward; and of a run that is older than those which are looked at
    asked = {"run": runs[0].id, "step": "double", "name": "source", "derived": "true"}
    assert steps(browser.get(ROUTE, params=asked).json()) == ["double", "report"]
    last = browser.get(ROUTE, params={**asked, "limit": "1"}).json()
    assert (steps(last), last["runs"], last["more"]) == (["double", "report"], 2, 0)


def test_what_no_run_has_made_is_told_as_such(
    browser: httpx.Client, jupyter: Jupyter, runs: list[RunHandle]
) -> None:
    (jupyter.folder / "own.txt").write_text("mine")
    told = browser.get(ROUTE, params={"path": "own.txt"}).json()
    assert (told["acts"], told["runs"]) == ([], 2)
    assert told["file"]["sha256"] == sha256(b"mine").hexdigest()
    assert Path(jupyter.folder, told["paths"][told["file"]["place"]]).exists()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"run": "none", "step": "a"}, 422),
        ({"run": "none", "step": "a", "name": "b"}, 404),
        ({"path": "missing.txt"}, 404),
        ({"path": "../../etc/passwd"}, 404),
        ({"path": "server.log", "limit": "0"}, 422),
        ({"path": "server.log", "limit": "many"}, 422),
    ],
)
def test_what_cannot_be_traced_is_refused_with_a_remedy(
    browser: httpx.Client, asked: dict[str, str], status: int
) -> None:
    answer = browser.get(ROUTE, params=asked)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert answer.json()["remedy"]
