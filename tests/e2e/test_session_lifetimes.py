"""Sessions that end because an operator says so: the whole product, real Lab, real Dask."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from distributed import Client, Future
from distributed.security import Security

from tests.stack import Stack, marked_processes
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]

IDLE = 10.0
LATE = 2.1
"""Seconds by which the report of some use may be late, with this idle time."""
BUSY = 25
CATALOGUE = f"""\
profiles:
  idle:
    title: Ends when it is not used
    session: {{lifetime: {{idle: {IDLE:.0f} s}}}}
    backends: {{dask: {{options: {{workers: 1, cores: 1, memory: 512 MiB}}}}}}
  minute:
    title: Ends after a minute
    session: {{lifetime: {{maximum: 1 min}}}}
    backends: {{dask: {{options: {{workers: 1, cores: 1, memory: 512 MiB}}}}}}
"""
DASK = {"backend": {"kind": "dask"}}


@dataclass
class Ada:
    """A user of the hub, and what she sees."""

    hub: httpx.Client
    api: httpx.Client

    def start(self, session: str, **options: Any) -> None:
        """Ask for a session; "" is the default one."""
        which = f"servers/{session}" if session else "server"
        answer = self.hub.post(f"users/ada/{which}", json=options)
        assert answer.status_code in (201, 202), answer.text

    def session(self, name: str) -> dict[str, Any] | None:
        """The hub's model of a session that runs."""
        servers: dict[str, dict[str, Any]] = self.hub.get("users/ada").json()["servers"]
        found = servers.get(name)
        return found if found and found["ready"] else None

    def backend(self, session: str) -> dict[str, Any] | None:
        """The backend of a session that can be used."""
        found: list[dict[str, Any]] = self.api.get("backends").json()
        return next((b for b in found if b["session"] == session and b["phase"] == "running"), None)

    @contextlib.contextmanager
    def work(self, session: str, seconds: int) -> Iterator[list[Future]]:
        """Tasks of a second on the session's cluster of one worker."""
        id = wait_until("the cluster", lambda: self.backend(session))["id"]
        connection = self.api.get(f"backends/{id}/connection").json()
        credentials = connection["credentials"]
        security = Security(
            tls_ca_file=credentials["ca"],
            tls_client_cert=credentials["cert"],
            tls_client_key=credentials["key"],
            require_encryption=True,
        )
        with Client(connection["address"], security=security, timeout=20) as client:
            yield client.map(time.sleep, [1] * seconds, pure=False)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("stack") / "home"
    catalogue: Path = home.with_name("catalogue.yaml")
    catalogue.write_text(CATALOGUE)
    with Stack(home, environment={"ALONGSIDE_CATALOGUE": str(catalogue)}) as running:
        yield running


@pytest.fixture(scope="module")
def ada(stack: Stack) -> Iterator[Ada]:
    token = stack.token("ada")
    url, headers = f"{stack.url}/hub/api/", {"Authorization": f"token {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as hub, stack.api(token) as api:
        it = Ada(hub, api)
        # at once, so that the longest wait is the only one
        it.start("minute", profile="minute", **DASK)
        it.start("busy", profile="idle", **DASK)
        for session in ("minute", "busy"):
            wait_until(session, partial(it.session, session), 60)
        yield it


@pytest.mark.shows("T32")
def test_an_idle_session_ends_and_one_whose_cluster_works_does_not(stack: Stack, ada: Ada) -> None:
    with ada.work("busy", BUSY) as work:
        ada.start("", profile="idle")
        began = time.monotonic()
        wait_until("the idle session", lambda: ada.session(""))
        wait_until("its end", lambda: not ada.session(""), BUSY)
        assert IDLE <= time.monotonic() - began <= IDLE + LATE + 5
        assert not work[-1].done()
        work[-1].result(BUSY)
        assert ada.session("busy")
    began = time.monotonic()
    backend = ada.backend("busy")
    assert backend
    wait_until("the end of the busy one", lambda: not ada.session("busy"), IDLE + LATE + 10)
    assert time.monotonic() - began >= IDLE - 2  # the scheduler looks at itself now and then
    wait_until("its cluster's end", lambda: not marked_processes(backend["id"]), 5)
    log = (stack.home / "log" / "hub.log").read_text()
    assert log.count("Ending the default session of ada: it has not been used for 10 s.") == 1
    assert log.count("Ending session 'busy' of ada: it has not been used for 10 s.") == 1


@pytest.mark.shows("T31")
def test_session_and_backend_end_after_one_minute(stack: Stack, ada: Ada) -> None:
    session, backend = ada.session("minute"), ada.backend("minute")
    assert session
    assert backend
    started = datetime.fromisoformat(session["started"]).timestamp()
    with ada.work("minute", 300):
        wait_until("its end", lambda: not ada.session("minute"), 70)
        assert time.time() - started == pytest.approx(60, abs=5)
        wait_until("its cluster's end", lambda: not marked_processes(backend["id"]), 5)
        assert time.time() - started == pytest.approx(60, abs=5)
    asked = datetime.fromisoformat(backend["created"]).timestamp()
    assert time.time() - asked == pytest.approx(60, abs=5)
