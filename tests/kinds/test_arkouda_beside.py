"""How an Arkouda server on a network is: as the exporter beside it says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from alongside.errors import NotReady
from alongside.kinds.arkouda import beside, state
from alongside.kinds.base import Place

pytestmark = pytest.mark.slow

READY = {
    "ready": True,
    "busy": False,
    "idle_since": 12.5,
    "clients": None,
    "locales": 2,
    "memory": [{"locale": n, "host": "h", "used": 2**20, "limit": 2**30} for n in range(2)],
    "versions": {"arkouda": "2026.7.15"},
    "facts": {"Locales": "2"},
}


class Answers(BaseHTTPRequestHandler):
    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/state" else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Have this answered where the exporter would be."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    monkeypatch.setattr(beside, "EXPORTER_PORT", server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def say(content: Any, status: int = 200) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        monkeypatch.setattr(Answers, "body", body)
        monkeypatch.setattr(Answers, "status", status)

    yield say
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_beside_it_is_asked_where_it_has_an_address(says: Callable[..., None]) -> None:
    says(READY)
    seen = state.observe(Place(Path("/nowhere"), head="127.0.0.1"), 2, 5)
    assert seen.address == "tcp://127.0.0.1:5555"
    assert len(seen.ready) == 2
    assert seen.idle_since == 12.5
    assert seen.usage
    assert seen.usage.memory == 2**21
    assert (seen.versions, seen.facts) == (READY["versions"], READY["facts"])
    says(READY | {"busy": True, "idle_since": None, "more": "than we know"})
    assert beside.observe("127.0.0.1", 5555, 2, 5).idle_since is None


@pytest.mark.parametrize(
    ("content", "status"),
    [(READY | {"ready": False}, 200), (b"<html>", 200), ([], 200), (READY, 500)],
)
def test_anything_else_is_not_ready(says: Callable[..., None], content: Any, status: int) -> None:
    says(content, status)
    with pytest.raises(NotReady):
        beside.observe("127.0.0.1", 5555, 2, 5)


def test_nor_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "EXPORTER_PORT", 1)
    with pytest.raises(NotReady, match="Nothing answers"):
        beside.observe("127.0.0.1", 5555, 2, 5)
