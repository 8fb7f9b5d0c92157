"""kill -9 of anything, in any phase: nothing is left that no live backend owns, and what was
running and not hit goes on serving its old client."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest
from distributed import Client

import alongside
from alongside.phases import ENDED
from tests.stack import Stack, command, marked_processes
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.slow]

VICTIMS = ("hub", "proxy", "service", "supervisor", "scheduler", "worker")
OWN = {"supervisor", "scheduler"}
"""Without these a backend can't go on."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return stack.token("ada")


@pytest.fixture
def api(stack: Stack, token: str) -> Iterator[httpx.Client]:
    with stack.api(token) as client:
        yield client
        end_all(client)


def call(api: httpx.Client, method: str, path: str, **body: Any) -> httpx.Response:
    """A request that is repeated while hub, proxy or service are on their way back."""

    def answer() -> httpx.Response | None:
        with contextlib.suppress(httpx.TransportError):
            response = api.request(method, path, **body)
            # What the hub or the proxy say in between is a page, not JSON.
            from_service = "json" in response.headers.get("content-type", "")
            if response.status_code == 204 or (
                from_service and response.status_code not in (403, 500, 502, 503)
            ):
                return response
        return None

    found: httpx.Response = wait_until(f"an answer to {method} {path}", answer, 60)
    return found


def end_all(api: httpx.Client) -> None:
    for backend in call(api, "GET", "backends").json():
        call(api, "DELETE", f"backends/{backend['id']}")
    wait_until("all backends are gone", lambda: call(api, "GET", "backends").json() == [], 60)


def launch(api: httpx.Client) -> str:
    body = {"kind": "dask", "name": uuid.uuid4().hex[:8], "options": {"workers": 2}}
    answer = call(api, "POST", "backends", json=body)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["id"]
    return id


def phase(api: httpx.Client, id: str) -> str:
    found = {b["id"]: b["phase"] for b in call(api, "GET", "backends").json()}
    return str(found.get(id, "gone"))


def victim(stack: Stack, name: str, id: str) -> Callable[[], list[psutil.Process]]:
    """How to find the processes that the name stands for."""
    match name:
        case "hub":
            return lambda: stack.find("-m jupyterhub --config")
        case "proxy":
            return lambda: stack.find("configurable-http-proxy")
        case "service":
            return lambda: stack.find("-m alongside_service")
        case "supervisor":
            return lambda: [p for p in marked_processes(id) if "supervisor" in command(p)]
        case "worker":
            return lambda: [p for p in marked_processes(id) if "worker-1" in command(p)]
        case _:
            return lambda: [p for p in marked_processes(id) if "dask scheduler" in command(p)]


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def assert_clean(stack: Stack, api: httpx.Client, ids: list[str]) -> None:
    """Processes and directories belong to backends that the service knows, or there are none."""

    def strays() -> list[str]:
        listed = {b["id"]: b["phase"] for b in call(api, "GET", "backends").json()}
        alive = {id for id, phase in listed.items() if phase not in ENDED}
        left = [command(p) for id in ids if id not in alive for p in marked_processes(id)]
        folders = [f.name for f in (stack.home / "backends").iterdir() if f.is_dir()]
        return left + [name for name in folders if name not in listed and not name.startswith(".")]

    wait_until(f"nothing is left ({strays()})", lambda: not strays(), 60)


@pytest.mark.parametrize("name", VICTIMS)
@pytest.mark.shows("K6", "K23")
def test_killed_while_running_the_rest_goes_on(
    stack: Stack, api: httpx.Client, token: str, name: str
) -> None:
    id, other = launch(api), launch(api)
    wait_until("both run", lambda: {phase(api, id), phase(api, other)} == {"running"}, 60)
    ours = alongside.Client(url=f"{stack.url}/services/alongside/api/v1", token=token)
    with ours, Client(ours.backend(id)) as hit, Client(ours.backend(other)) as spared:
        data = spared.scatter(list(range(100)), broadcast=True)
        kill(wait_until(f"a {name}", victim(stack, name, id)))
        assert spared.submit(len, data).result(timeout=60) == 100
        if name in OWN:
            wait_until("it has failed", lambda: phase(api, id) == "failed", 30)
            [shown] = [b for b in call(api, "GET", "backends").json() if b["id"] == id]
            assert shown["reason"]
            assert shown["message"]
            assert shown["remedy"]
            assert not marked_processes(id)
        else:
            wait_until("it runs", lambda: phase(api, id) == "running", 60)
            hit.wait_for_workers(2, timeout=60)
            assert hit.submit(sum, [1, 2]).result(timeout=60) == 3
        assert phase(api, other) == "running"
    assert_clean(stack, api, [id, other])


@pytest.mark.parametrize("name", VICTIMS)
@pytest.mark.parametrize("moment", ["starting", "scaling", "stopping"])
@pytest.mark.shows("K6")
def test_killed_on_the_way_nothing_is_left_over(
    stack: Stack, api: httpx.Client, name: str, moment: str
) -> None:
    id = launch(api)
    if moment != "starting":
        wait_until("running", lambda: phase(api, id) == "running", 60)
    if moment == "scaling":
        call(api, "PATCH", f"backends/{id}", json={"options": {"workers": 3}})
    if moment == "stopping":
        call(api, "DELETE", f"backends/{id}")
    kill(victim(stack, name, id)())  # a role that isn't there (yet) can't be killed
    settled = {"running", "failed", "stopped", "gone"} if moment != "stopping" else {"gone"}
    wait_until("it has settled", lambda: phase(api, id) in settled, 90)
    assert_clean(stack, api, [id])


def test_without_a_warm_process_sessions_start_plainly(stack: Stack, token: str) -> None:
    hub = httpx.Client(
        base_url=f"{stack.url}/hub/api/users",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    with hub:
        kill(wait_until("the warm process", lambda: stack.find("local.warm", "singleuser")))
        assert hub.post("ada/server", json={"backend": None}).status_code in (201, 202)

        def ready() -> bool:
            servers = hub.get("ada").json()["servers"]
            return "" in servers and servers[""]["ready"] is True

        wait_until("the session is ready", ready, 60)
        assert hub.delete("ada/server").status_code in (202, 204)
        wait_until("the session is over", lambda: not hub.get("ada").json()["servers"], 60)


@pytest.mark.shows("K6", "K25")
def test_all_killed_at_once_the_next_start_finds_a_clean_house(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    stack = Stack(tmp_path_factory.mktemp("all") / "home").start()
    try:
        token = stack.token("ada")
        with stack.api(token) as api:
            ids = [launch(api), launch(api)]
            wait_until("running", lambda: phase(api, ids[0]) == "running", 60)
        assert stack.process is not None
        everything = [psutil.Process(stack.process.pid), *stack.processes()]
        kill(everything)
        psutil.wait_procs(everything, timeout=20)
        stack.process.wait(10)
        stack.start()
        with stack.api(token) as api:
            wait_until(
                "both have failed, or are gone",
                lambda: {phase(api, id) for id in ids} <= {"failed", "gone", "stopped"},
                60,
            )
            assert_clean(stack, api, ids)
            fresh = launch(api)
            wait_until("a new one runs", lambda: phase(api, fresh) == "running", 60)
    finally:
        stack.stop()
    assert not marked_processes(fresh)
    assert not (stack.home / "backends" / fresh).exists()
