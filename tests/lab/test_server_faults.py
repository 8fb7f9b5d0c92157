"""What the browser is told when the service dies, comes back, or refuses the session."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from alongside.platforms.local.home import Home
from alongside.platforms.local.process import kill_marked, marked
from tests.client.real import CATALOGUE
from tests.lab.jupyter import Jupyter, short_folder, wait_for
from tests.service.hub import real_hub
from tests.stack import ROOT, free_port

pytestmark = pytest.mark.slow

TOKEN = "token-of-ada"


@dataclass
class Killable:
    """The service as a process of its own, on a port and in a home that stay the same."""

    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ALONGSIDE_API": f"http://127.0.0.1:{self.port}",
            "ALONGSIDE_SESSION": "",
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JUPYTERHUB_USER": "ada",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        }

    def start(self, **variables: str) -> None:
        command = [sys.executable, "-m", "tests.lab.killable", str(self.home), str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, env=os.environ | variables
        )

    def kill(self, signum: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(signum)
        self.process.wait(20)


@pytest.fixture
def service() -> Iterator[Killable]:
    home = short_folder()
    it = Killable(home)
    it.start()
    yield it
    if it.process is not None and it.process.poll() is None:
        it.kill(signal.SIGTERM)
    for folder in Home(home).folders():
        if supervisor := folder.supervisor():
            supervisor.send(signal.SIGKILL)
        assert kill_marked(folder.id)
    shutil.rmtree(home)


@pytest.fixture
def jupyter(service: Killable, tmp_path: Path) -> Iterator[Jupyter]:
    with Jupyter(tmp_path, service.environment) as it:
        yield it


@pytest.fixture
def browser(jupyter: Jupyter) -> Iterator[httpx.Client]:
    with jupyter.client() as it:
        wait_for(lambda: state(it)["connected"], "the connection", 60)
        yield it


def state(browser: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = browser.get("alongside/state").json()
    return found


def launch(browser: httpx.Client, **more: Any) -> str:
    wish = {"kind": "dask", "options": {"workers": 1}, **more}
    answer = browser.post("alongside/api/backends", json=wish)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def told(connected: bool) -> Callable[[Any], bool]:
    return lambda event: event["type"] == "state" and event["connected"] is connected


def test_a_service_that_dies_and_comes_back(
    service: Killable, jupyter: Jupyter, browser: httpx.Client
) -> None:
    id = launch(browser)
    wait_for(lambda: state(browser)["backends"][0]["phase"] == "running", "the cluster", 90)
    before = state(browser)
    with jupyter.events() as events:
        service.kill()
        died = time.monotonic()
        lost = events.until(told(connected=False))
        assert time.monotonic() - died < 3
        assert lost["problem"]["detail"]
        assert lost["problem"]["remedy"]
        # what is known stays to be seen, with the reason why nothing can be done
        assert [b["id"] for b in state(browser)["backends"]] == [id]
        refused = browser.delete(f"alongside/api/backends/{id}")
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["remedy"]
        # meanwhile the backend dies
        supervisor = Home(service.home).folder(id).supervisor()
        assert supervisor is not None
        supervisor.send(signal.SIGKILL)
        service.start()
        events.until(told(connected=True), 60)
        failed = wait_for(
            lambda: [b for b in state(browser)["backends"] if b["phase"] == "failed"], "the news"
        )
        assert failed[0]["message"]
        numbers = [event["sequence"] for event in events.seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    after = state(browser)
    assert after["epoch"] == before["epoch"]
    assert after["backends"][0]["history"][: len(before["backends"][0]["history"])]
    assert "Traceback" not in jupyter.log


def test_a_token_that_is_no_longer_valid(
    service: Killable, jupyter: Jupyter, browser: httpx.Client
) -> None:
    with jupyter.events() as events:
        service.kill()
        service.start(NOBODY="1")
        refused = events.until(
            lambda e: e["type"] == "state" and "token" in (e["problem"] or {}).get("title", ""), 60
        )
        assert refused["problem"]["title"] == "The session's token is no longer valid"
        assert refused["problem"]["remedy"].startswith("Restart the session")
        assert browser.get("alongside/api/me").status_code == 401
        service.kill()
        service.start()
        events.until(told(connected=True), 60)
    assert TOKEN not in jupyter.log


def test_a_service_that_its_keeper_starts_again_is_followed_on(tmp_path: Path) -> None:
    home = short_folder()
    catalogue = home / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    with real_hub(home, catalogue) as hub:
        environment = {
            "ALONGSIDE_API": hub.service,
            "ALONGSIDE_SESSION": "",
            "JUPYTERHUB_API_TOKEN": hub.token_of("ada"),
            "JUPYTERHUB_USER": "ada",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        }
        with Jupyter(tmp_path, environment) as jupyter, jupyter.client() as browser:
            wait_for(lambda: state(browser)["connected"], "the connection", 60)
            with jupyter.events() as events:
                os.kill(hub.server(), signal.SIGKILL)
                id = launch(browser, session=None)
                wait_for(lambda: [b for b in state(browser)["backends"] if b["id"] == id], "it")
                browser.delete(f"alongside/api/backends/{id}")
                events.until(lambda e: e["type"] == "removed" and e["id"] == id, 60)
    shutil.rmtree(home)


def test_the_server_restarts_and_all_is_there(
    service: Killable, jupyter: Jupyter, browser: httpx.Client
) -> None:
    id = launch(browser)
    wait_for(lambda: [b["id"] for b in state(browser)["backends"]] == [id], "the backend")
    before = state(browser)
    began = time.monotonic()
    assert jupyter.stop() == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in jupyter.log
    assert "was destroyed" not in jupyter.log
    jupyter.start()
    wait_for(lambda: state(browser)["connected"], "the connection", 60)
    after = state(browser)
    assert after["epoch"] != before["epoch"]
    assert [b["id"] for b in after["backends"]] == [id]
    assert marked(id)


def test_a_session_that_was_not_started_by_alongside(tmp_path: Path) -> None:
    environment = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/", "JUPYTERHUB_API_TOKEN": TOKEN}
    with Jupyter(tmp_path, environment) as jupyter, jupyter.client() as browser:
        problem = wait_for(lambda: state(browser)["problem"], "why")
        assert problem["title"] == "Alongside is not set up here"
        assert problem["remedy"].startswith("Ask an administrator")
        assert state(browser)["alone"] is False
        assert browser.get("alongside/api/me").json()["remedy"] == problem["remedy"]
