"""Files of attempts where runs have no volume: sent when a step has ended, kept as objects."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from alongside.errors import InvalidRequest, NotFound
from alongside_workflows.executors.argo import attempt
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.executors.argo.kept import LARGEST, config_map, object_name, unpacked
from alongside_workflows.task import CRATE, OUTPUT
from tests.workflows.argo_runs import SETTINGS, SHARING, command, notebook, run_of
from tests.workflows.notebooks import notebook as written

RUN = run_of(command("a", "true"))


def test_a_file_comes_out_as_it_was_put_in() -> None:
    item = config_map(RUN, "a", 2, OUTPUT, gzip.compress(b"{}"))
    assert item["metadata"]["name"] == "alongside.run.weather-abc.a.2.notebook"
    assert item["metadata"]["labels"]["alongside.jupyter.org/run"] == RUN.id
    assert unpacked(item) == b"{}"


def test_no_two_files_are_called_the_same() -> None:
    files = itertools.product("ab", (1, 11), (OUTPUT, CRATE))
    assert len({object_name("r", *file) for file in files}) == 8


@pytest.mark.parametrize("name", ["token", "../task.json", ""])
def test_other_files_are_none_of_these(name: str) -> None:
    with pytest.raises(InvalidRequest):
        object_name("r", "a", 1, name)


def test_what_is_too_large_or_spoilt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidRequest, match="can be kept"):
        config_map(RUN, "a", 1, OUTPUT, bytes(LARGEST + 1))
    cut = gzip.compress(b"x" * 1000)[:-4]
    for data in (b"no gzip", cut, b""):
        with pytest.raises(NotFound):
            unpacked({"binaryData": {"file": base64.b64encode(data).decode()}})
    monkeypatch.setattr("alongside_workflows.executors.argo.kept._UNPACKED", 100)
    with pytest.raises(NotFound):
        unpacked(config_map(RUN, "a", 1, OUTPUT, gzip.compress(b"x" * 1000)))


def test_only_attempts_whose_files_nobody_sees_send_them() -> None:
    for settings, api, sends in ((SETTINGS, "http://s", True), (SETTINGS, "", False),
                                 (SHARING, "http://s", False)):  # fmt: skip
        (told, _) = manifests(RUN, settings, api)
        assert ("sends" in json.loads(told["data"]["a"])) is sends


class Service(ThreadingHTTPServer):
    """Takes files; first refuses so often."""

    def __init__(self, away: int = 0, refuses: int = 503) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.away, self.refuses = away, refuses
        self.taken: dict[str, bytes] = {}
        self.bearers: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service = self.server
        assert isinstance(service, Service)
        service.away -= 1
        if service.away >= 0:
            self.send_response(service.refuses)
        else:
            service.taken[self.path] = gzip.decompress(body)
            service.bearers.add(self.headers["Authorization"])
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(service: Service) -> Iterator[str]:
    thread = Thread(target=service.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{service.server_port}/api"
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_PAUSES", (0.01, 0.01, 0.0))


def sent(folder: Path, api: str, most: int = LARGEST) -> None:
    (folder / OUTPUT).write_bytes(b"notebook")
    (folder / CRATE).write_bytes(b"record")
    (folder / "token").write_text("s3cret")
    task = {"api": api, "run": "r", "step": {"name": "a"}, "attempt": 3}
    attempt._send(folder, task, most)


def test_they_are_sent_with_the_runs_token(tmp_path: Path) -> None:
    service = Service(away=2)
    with serving(service) as api:
        sent(tmp_path, api)
    place = "/api/runs/r/steps/a/attempts/3"
    assert service.taken == {f"{place}/{OUTPUT}": b"notebook", f"{place}/{CRATE}": b"record"}
    assert service.bearers == {"Bearer s3cret"}


@pytest.mark.parametrize("refuses", [503, 403])
def test_what_can_not_be_sent_is_told_in_the_log_only(
    tmp_path: Path, refuses: int, capfd: pytest.CaptureFixture[str]
) -> None:
    service = Service(away=100, refuses=refuses)
    with serving(service) as api:
        sent(tmp_path, api)
    said = capfd.readouterr().err
    assert f"lost with this pod: the service answers {refuses}" in said
    assert service.away == (100 - 6 if refuses == 503 else 100 - 2)
    sent(tmp_path, api)  # there is nobody any more
    sent(tmp_path, api, most=3)
    assert "more than the 3 that can be kept" in capfd.readouterr().err


def test_a_step_that_has_ended_has_sent_them(tmp_path: Path) -> None:
    """The whole of what the pod does, with a real notebook."""
    service = Service()
    written(tmp_path / "a.ipynb", "print(6 * 7)")
    spec = run_of(notebook("a"), directory=str(tmp_path))
    with serving(service) as api:
        (told, _) = manifests(spec, SETTINGS, api)
        (tmp_path / "task").mkdir()
        (tmp_path / "task" / "task.json").write_text(told["data"]["a"])
        (tmp_path / "access").mkdir()
        (tmp_path / "access" / "token").write_text("s3cret")
        assert attempt.run(tmp_path / "run", tmp_path, os.environ) == 0
    found = {path.rpartition("/")[2]: body for path, body in service.taken.items()}
    assert "42" in json.dumps([c.get("outputs") for c in json.loads(found[OUTPUT])["cells"]])
    assert json.loads(found[CRATE])["@graph"]
