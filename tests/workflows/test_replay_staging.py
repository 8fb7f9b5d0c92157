"""Inputs and outputs declared with a job: a path here, a URL, and results that come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alongside_workflows.step.hashing import sha256
from alongside_workflows.task import CRATE
from tests.workflows.notebooks import Attempt
from tests.workflows.test_step_notebooks import read_crate


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is had by a URL only."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


@pytest.mark.shows("T87")
def test_a_path_and_a_url_go_in_and_results_come_back_with_their_hashes(
    tmp_path: Path, store: tuple[Path, str]
) -> None:
    folder, url = store
    (folder / "far.txt").write_text("far\n")
    (tmp_path / "near.txt").write_text("near\n")
    attempt = Attempt(
        tmp_path,
        step={
            "command": ["sh", "-c", 'cat "$near" "$far" > "$both"'],
            "inputs": {"near": "near.txt", "far": f"{url}/far.txt"},
            "outputs": {"both": f"local://{tmp_path}/back/both.txt"},
        },
    )
    outcome = attempt.run()
    assert outcome.succeeded, (outcome, attempt.log)
    back = tmp_path / "back" / "both.txt"
    assert back.read_text() == "near\nfar\n"
    assert outcome.outputs == {"both": sha256(back)}
    assert outcome.inputs == {
        "near": sha256(tmp_path / "near.txt"),
        "far": sha256(folder / "far.txt"),
    }
    recorded = read_crate(attempt.folder / CRATE)
    assert recorded[f"{url}/far.txt"]["sha256"] == outcome.inputs["far"]


@pytest.mark.shows("T90")
def test_staging_and_computing_are_told_apart(tmp_path: Path, store: tuple[Path, str]) -> None:
    folder, url = store
    (folder / "far.bin").write_bytes(bytes(3_000_000))
    (tmp_path / "near.bin").write_bytes(bytes(1000))
    attempt = Attempt(
        tmp_path,
        step={
            "command": ["sh", "-c", 'sleep 1; cat "$far" "$near" > "$back"; cp "$back" "$here"'],
            "inputs": {"near": "near.bin", "far": f"{url}/far.bin"},
            "outputs": {"back": f"local://{tmp_path}/back.bin", "here": "here.bin"},
        },
    )
    outcome = attempt.run()
    assert outcome.succeeded, (outcome, attempt.log)
    spent = outcome.spent
    assert spent is not None
    # what lies here already is used in place
    assert (spent.bytes_in, spent.bytes_out) == (3_000_000, 3_001_000)
    assert spent.computing >= 1
    assert spent.staging_in > 0
    assert spent.staging_out > 0
    assert spent.waiting == 0

    recorded = read_crate(attempt.folder / CRATE)
    action = recorded["#attempt"]
    told = {
        recorded[one["@id"]]["name"]: recorded[one["@id"]] for one in action["additionalProperty"]
    }
    assert told["bytes staged in"]["value"] == 3_000_000
    assert told["bandwidth in"]["value"] == pytest.approx(3_000_000 / spent.staging_in)
    assert told["bandwidth out"]["value"] == pytest.approx(3_001_000 / spent.staging_out)
    assert told["bandwidth out"]["unitText"] == "B/s"
    parts = ("staging in", "waiting for the backend", "computing", "staging out")
    wall = datetime.fromisoformat(action["endTime"]) - datetime.fromisoformat(action["startTime"])
    assert sum(told[part]["value"] for part in parts) == pytest.approx(
        wall.total_seconds(), rel=0.02
    )
