"""`jupyter lab` without a hub: a service and clusters of its own, ended with it."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import alongside
from alongside.errors import NotAuthenticated
from alongside.platforms.local.process import marked
from tests.lab.jupyter import Jupyter, short_folder, wait_for
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

FROM_THE_SERVER = re.compile(
    r"^Task was destroyed|^Traceback|Exception ignored|ERROR", re.MULTILINE
)
"""What no ending of ours may leave in the log."""


def processes_of(home: Path) -> list[int]:
    """The processes that have a path in this folder on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if any(word.startswith(f"{home}/") for word in words):
            found.append(int(entry.name))
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    folder = short_folder()
    yield folder
    wait_until("the end of all processes there", lambda: not processes_of(folder))
    shutil.rmtree(folder)


@pytest.fixture
def jupyter(tmp_path: Path, home: Path) -> Iterator[Jupyter]:
    """A Jupyter server that no hub has started."""
    with Jupyter(tmp_path, {"ALONGSIDE_HOME": str(home)}, base="/") as it:
        yield it


def kernel_environment(jupyter: Jupyter) -> dict[str, str]:
    """What a process that the server starts has in its environment."""
    assert jupyter.process is not None
    with jupyter.client() as browser:
        kernel = browser.post("api/kernels", json={"name": "python3"}).json()["id"]

        def environment() -> dict[str, str]:
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    if kernel in (entry / "cmdline").read_text():
                        pairs = (entry / "environ").read_text().split("\0")
                        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
                except OSError:
                    continue
            return {}

        def ready() -> bool:
            return bool(browser.get(f"api/kernels/{kernel}").json()["last_activity"])

        try:
            return wait_for(lambda: ready() and environment(), "the kernel")
        finally:
            browser.delete(f"api/kernels/{kernel}")


def after_start(log: str) -> str:
    """What was logged once the service was wanted; before that, a kernel was interrupted."""
    return log.partition("Starting Alongside's service")[2]


def connected(jupyter: Jupyter) -> dict[str, Any]:
    with jupyter.client() as browser:

        def state() -> dict[str, object] | None:
            found: dict[str, object] = browser.get("alongside/state").json()
            assert found["problem"] is None, found
            return found if found["connected"] else None

        return wait_for(state, "the connection", 60)


def test_a_kernel_launches_on_this_machine_and_all_ends_with_the_server(
    jupyter: Jupyter, home: Path
) -> None:
    assert not (home / "lab1").exists(), "the service has started before anybody asked for it"
    environment = kernel_environment(jupyter)
    url, token = environment["ALONGSIDE_API"], environment["ALONGSIDE_TOKEN"]
    assert url.startswith("http://127.0.0.1:")
    assert environment["ALONGSIDE_SESSION"] == ""
    with alongside.Client(url, token) as client:
        backend = client.launch("dask", session="", workers=1, memory="512 MiB")
        with backend.client() as dask:
            assert dask.submit(sum, [1, 2]).result(timeout=30) == 3
        kept = client.launch("dask", name="kept", session="", keep=True, workers=1, wait=False)
        state = connected(jupyter)
        assert state["alone"] is True
        assert state["session"] == ""
        assert state["hub"] == ""
        found = {b["name"]: b for b in state["backends"]}
        assert found.keys() == {"dask", "kept"}
        with alongside.Client(url, "another") as stranger, pytest.raises(NotAuthenticated):
            stranger.backends()
        id = backend.id
        assert marked(id)
    assert jupyter.stop() == 0
    wait_until("the end of the backend", lambda: not marked(id))
    assert marked(kept.id), "what is to be kept has ended too"
    assert token not in jupyter.log
    assert not FROM_THE_SERVER.search(after_start(jupyter.log)), jupyter.log
    # the next one finds it
    with Jupyter(jupyter.folder, jupyter.environment, base="/") as following:
        names = {b["name"]: b["session"] for b in connected(following)["backends"]}
        assert names == {"kept": None}
        with following.client() as browser:
            browser.delete(f"alongside/api/backends/{kept.id}")
        wait_until("its end", lambda: not marked(kept.id))


def test_killed_with_its_service_it_leaves_no_backend_behind(jupyter: Jupyter) -> None:
    connected(jupyter)
    with jupyter.client() as browser:
        wish = {"kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}
        answer = browser.post("alongside/api/backends", json=wish)
        assert answer.status_code == 202, answer.text
        id = answer.json()["id"]
    wait_until("the backend", lambda: marked(id))
    jupyter.stop(signal.SIGKILL)
    wait_until("the end of the backend", lambda: not marked(id))


def test_two_servers_do_not_meet(jupyter: Jupyter, home: Path, tmp_path: Path) -> None:
    connected(jupyter)
    wish = {"name": "first's", "kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}
    with jupyter.client() as browser:
        id = browser.post("alongside/api/backends", json=wish).json()["id"]
    folder = tmp_path / "second"
    folder.mkdir()
    with Jupyter(folder, {"ALONGSIDE_HOME": str(home)}, base="/") as second:
        assert connected(second)["backends"] == []
        assert {path.name for path in home.glob("lab*")} == {"lab1", "lab2"}
    wait_until("the backend of the other", lambda: marked(id))


def test_what_is_left_when_all_was_killed_is_ended_by_the_next_one(
    jupyter: Jupyter, home: Path
) -> None:
    connected(jupyter)
    with jupyter.client() as browser:
        wish = {"kind": "dask", "options": {"workers": 1, "memory": "512 MiB"}}
        id = browser.post("alongside/api/backends", json=wish).json()["id"]
    wait_until("the backend", lambda: marked(id))
    for pid in processes_of(home):
        if "afterwards" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    jupyter.stop(signal.SIGKILL)
    assert marked(id)
    with Jupyter(jupyter.folder, jupyter.environment, base="/") as following:
        assert connected(following)["backends"] == []
        assert not marked(id)


def test_what_is_missing_is_said_and_lab_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['fastapi'] = None\n")
    with Jupyter(tmp_path, base="/") as jupyter:
        with jupyter.client() as browser:
            state = browser.get("alongside/state").json()
            assert state["alone"] is True
            problem = wait_for(
                lambda: browser.get("alongside/state").json()["problem"], "the problem"
            )
            assert "fastapi is not installed" in problem["detail"]
            assert "pip install 'jupyterhub-alongside[local,service]'" in problem["remedy"]
            answer = browser.get("alongside/api/me")
            assert answer.status_code == 503
            assert answer.json()["remedy"] == problem["remedy"]
            assert browser.get("api/status").status_code == 200
        environment = kernel_environment(jupyter)
        assert "ALONGSIDE_API" not in environment


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with (
        Jupyter(tmp_path, arguments=("--AlongsideLab.alone=False",), base="/") as jupyter,
        jupyter.client() as browser,
    ):
        state = browser.get("alongside/state").json()
        assert state["alone"] is False
        assert state["session"] is None
        problem = wait_for(lambda: browser.get("alongside/state").json()["problem"], "why")
        assert problem["remedy"]
        assert browser.get("alongside/api/me").status_code == 422
