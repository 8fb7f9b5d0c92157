"""A step waits for its backend, and nothing begins before enough of it is there."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from alongside_workflows.task import CANCELLED, CRATE, NO_BACKEND, TASK, TOKEN
from tests.workflows.notebooks import Attempt, notebook, wait_for
from tests.workflows.test_step_notebooks import read_crate

QUEUE = "0 of 3 workers: the cluster has no room (Insufficient cpu)."
WAITING = {"id": "b1", "message": QUEUE, "kind": "dask", "wanted": 3}
READY = WAITING | {"ready": True, "members": 3, "message": "3 workers."}
SHOW = "import json, os;json.dump(dict((n, os.environ.get(n)) for n in %r), open('seen.json', 'w'))"
NAMES = ["ALONGSIDE_API", "ALONGSIDE_TOKEN", "ALONGSIDE_ATTACHED"]


class Service:
    """The one route that a step uses, on a real port; `answer` is what it says, with a status."""

    def __init__(self) -> None:
        self.answer: tuple[int, Any] = (200, WAITING)
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    @contextmanager
    def up(self) -> Iterator[None]:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.asked.append((self.path, self.headers["Authorization"]))
                status, body = told.answer
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", self.port), Handler)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/alongside/api/v1"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with made.up():
        yield made


def attempt_on(service: Service, root: Path, **step: Any) -> Attempt:
    command = [sys.executable, "-c", SHOW % NAMES]
    wish = {"kind": "dask", "options": {"workers": 3}, "wait": "1 min"}
    return Attempt(
        root, api=service.api, token="s3cret", step={"command": command, "backend": wish} | step
    )


@pytest.mark.shows("K57", "T90")
def test_fr5_it_begins_only_when_all_are_there_and_shows_why_it_waits(
    service: Service, tmp_path: Path
) -> None:
    attempt = attempt_on(service, tmp_path)
    with attempt.started() as started:
        wait_for(lambda: attempt.progress and attempt.progress.message == QUEUE)
        assert attempt.progress is not None
        assert (attempt.progress.phase, attempt.progress.backend) == ("waiting", "b1")
        asked = len(service.asked)
        wait_for(lambda: len(service.asked) > asked + 1)
        assert not (tmp_path / "seen.json").exists()
        service.answer = (200, READY)
        assert started.wait(30) == 0
    assert json.loads((tmp_path / "seen.json").read_text()) == {
        "ALONGSIDE_API": service.api,
        "ALONGSIDE_TOKEN": "s3cret",
        "ALONGSIDE_ATTACHED": "b1",
    }
    path = "/services/alongside/api/v1/runs/r1/steps/test/backend?attempt=1"
    assert set(service.asked) == {(path, "Bearer s3cret")}
    assert attempt.outcome.backend == "b1"
    spent = attempt.outcome.spent
    assert spent is not None
    assert spent.waiting > 0.1  # it has asked at least twice, and that is no computing
    circumstances = {
        entity["name"]: entity["value"]
        for id, entity in read_crate(attempt.folder / CRATE).items()
        if id.startswith("#circumstance-")
    }
    assert circumstances["backend kind"] == "dask"
    assert circumstances["backend members"] == 3
    for file in attempt.folder.iterdir():
        assert file.name == TOKEN or b"s3cret" not in file.read_bytes(), file


def test_a_service_that_is_away_is_waited_for(service: Service, tmp_path: Path) -> None:
    away = Service()
    with away.up():
        pass
    attempt = attempt_on(away, tmp_path)
    with attempt.started() as started:
        wait_for(lambda: attempt.progress and "away" in attempt.progress.message)
        away.answer = (503, {"detail": "The service is starting."})
        with away.up():
            wait_for(lambda: attempt.progress and "is starting" in attempt.progress.message)
            away.answer = (200, READY)
            assert started.wait(30) == 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, WAITING | {"failed": True, "message": "The image is not there."}), "The image is"),
        ((404, {"detail": "no"}), "The service gives this step no backend"),
    ],
)
def test_waiting_that_is_of_no_use_ends(
    service: Service, tmp_path: Path, answer: tuple[int, Any], message: str
) -> None:
    service.answer = answer
    outcome = attempt_on(service, tmp_path).run()
    assert outcome.exit_code == NO_BACKEND
    assert outcome.message.startswith(message)


def test_waiting_ends_with_the_reason_of_the_queue(service: Service, tmp_path: Path) -> None:
    attempt = attempt_on(service, tmp_path, backend={"kind": "dask", "wait": 1}, timeout="1 ms")
    outcome = attempt.run()  # waiting is no part of the timeout
    assert outcome.exit_code == NO_BACKEND
    assert outcome.message == f"There was no backend within 1 s: {QUEUE}"


def test_who_waits_can_be_cancelled(service: Service, tmp_path: Path) -> None:
    attempt = attempt_on(service, tmp_path)
    with attempt.started() as started:
        wait_for(lambda: service.asked)
        wait_for(lambda: attempt.progress and attempt.progress.message == QUEUE)
        started.terminate()
        assert started.wait(10) == CANCELLED
    assert attempt.outcome.message == "The step was cancelled while it waited for its backend."


@pytest.mark.shows("K55")
def test_a_plain_step_asks_for_nothing(service: Service, tmp_path: Path) -> None:
    attempt = attempt_on(service, tmp_path, backend=None)
    assert attempt.run().succeeded
    assert service.asked == []
    assert json.loads((tmp_path / "seen.json").read_text())["ALONGSIDE_ATTACHED"] is None


def test_bad_input_is_told_before_anything_is_asked(service: Service, tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "n = 1")
    attempt = attempt_on(service, tmp_path, command=None, notebook=str(path))
    task = json.loads((attempt.folder / TASK).read_text())
    (attempt.folder / TASK).write_text(json.dumps(task | {"values": {"unknown": 1}}))
    assert "unknown" in attempt.run().message
    assert service.asked == []


def test_a_notebook_computes_on_it(service: Service, tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "import os", "id = os.environ['ALONGSIDE_ATTACHED']")
    service.answer = (200, READY)
    attempt = attempt_on(service, tmp_path, command=None, notebook=str(path), results=["id"])
    assert attempt.run().results == {"id": "b1"}


def test_a_backend_without_a_service_fails(tmp_path: Path) -> None:
    outcome = Attempt(tmp_path, step={"command": ["true"], "backend": "shared"}).run()
    assert outcome.exit_code == NO_BACKEND
