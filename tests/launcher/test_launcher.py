"""`make run`: one line when it is ready, sentences when it isn't, nothing left when it ends."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.stack import LAUNCHER, READY, Stack, free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A hub that several tests look at."""
    with Stack(tmp_path_factory.mktemp("running") / "home").start() as stack:
        yield stack


def refused(home: Path, **environment: str) -> str:
    """What the launcher says when it can't start."""
    known = {k: v for k, v in os.environ.items() if not k.startswith("ALONGSIDE_")}
    done = subprocess.run(
        [sys.executable, str(LAUNCHER)],
        env={**known, "ALONGSIDE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def everything_of(stack: Stack) -> list[psutil.Process]:
    """The launcher and all below it."""
    assert stack.process is not None
    return [psutil.Process(stack.process.pid), *stack.processes()]


def none_left(processes: list[psutil.Process]) -> None:
    """All have ended, within bounds."""
    _, left = psutil.wait_procs(processes, timeout=30)
    assert not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]


def hub_of(stack: Stack) -> psutil.Process:
    """The process of the hub."""
    (hub,) = stack.find("jupyterhub", "--config")
    return hub


@pytest.mark.shows("K100")
def test_its_secrets_are_its_owners_only(running: Stack) -> None:
    """Made on first use, in closed folders."""
    assert stat.S_IMODE(running.home.stat().st_mode) == 0o700
    secrets = sorted((running.home / "secrets").iterdir())
    assert [s.name for s in secrets] == ["cookie-secret", "crypt-key", "password", "proxy-token"]
    assert {stat.S_IMODE(s.stat().st_mode) for s in secrets} == {0o600}
    assert len({s.read_text() for s in secrets}) == len(secrets)
    for process in running.processes():
        told = " ".join([*process.cmdline(), *map(str, process.environ().values())])
        hub = "jupyterhub" in process.cmdline()
        for secret in secrets:
            if secret.name != "proxy-token" and not hub:
                assert secret.read_text().strip() not in told, (secret.name, process.cmdline())


def test_everything_listens_on_loopback_only(running: Stack) -> None:
    """Nobody else on the network can try."""
    listening = []
    for process in running.processes():
        with suppress(psutil.NoSuchProcess):  # some come and go
            connections = process.net_connections(kind="inet")
            listening += [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]
    assert len(listening) >= 4  # hub, service, proxy and its interface
    assert set(listening) == {"127.0.0.1"}


def test_any_user_with_the_password_gets_in_and_nobody_without(running: Stack) -> None:
    """The name is free, the password isn't."""
    running.login("somebody-new").close()
    with httpx.Client(base_url=running.url, follow_redirects=True, timeout=30) as browser:
        browser.get("/hub/login")
        form = {"username": "x", "password": "wrong", "_xsrf": browser.cookies["_xsrf"]}
        assert browser.post("/hub/login", data=form).status_code in (401, 403)


def test_a_second_one_on_the_same_home_is_told_about_the_first(running: Stack) -> None:
    """Two hubs would destroy each other's state."""
    said = refused(running.home, PORT="0")
    assert "PORT is '0'" in said
    said = refused(running.home, PORT=str(running.port + 1))
    assert "already runs" in said
    assert running.url in said
    assert httpx.get(f"{running.url}/hub/health").status_code == 200


def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    """And what to do about it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused(tmp_path / "home", PORT=str(port))
    assert f"Port {port} is taken by another program." in said
    assert "PORT=8001 make run" in said


@pytest.mark.parametrize("port", ["x", "-1", "70000", "8000.5"])
def test_a_port_that_is_none_is_told_in_a_sentence(port: str, tmp_path: Path) -> None:
    """Before anything is made."""
    assert f"PORT is '{port}'" in refused(tmp_path / "home", PORT=port)
    assert not (tmp_path / "home").exists()


def test_a_state_folder_that_can_not_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").write_text("")
    said = refused(tmp_path / "file" / "home")
    assert "can't be used" in said
    assert "ALONGSIDE_HOME" in said


def test_a_killed_hub_is_started_again(running: Stack) -> None:
    """Under the same address, without a second service or proxy."""
    before = hub_of(running)
    services = len(running.find("alongside_service"))
    assert services
    before.kill()
    wait_until("another hub", lambda: running.find("jupyterhub", "--config") not in ([], [before]))
    wait_until("its answer", lambda: answers(running), timeout=60)
    wait_until("one service", lambda: len(running.find("alongside_service")) == services)
    wait_until("one proxy", lambda: len(running.find("configurable-http-proxy")) == 1)


def answers(stack: Stack) -> bool:
    """Whether hub and service answer through the proxy."""
    try:
        paths = ("/hub/health", "/services/alongside/api/v1/healthz")
        return all(httpx.get(stack.url + p, timeout=5).status_code == 200 for p in paths)
    except httpx.HTTPError:
        return False


def test_a_killed_launcher_takes_everything_along_and_the_next_one_starts(tmp_path: Path) -> None:
    """The hub notices, and clears up by itself; by a path that is too long for sockets."""
    home = tmp_path / ("a-folder-with-a-name-" * 6) / "home"
    with Stack(home).start() as stack:
        assert stack.process is not None
        everything = everything_of(stack)
        stack.process.kill()
        stack.process.wait(10)
        none_left(everything)
    with Stack(home, port=stack.port).start() as again:
        assert again.password == stack.password
        assert answers(again)


@pytest.mark.shows("K5")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_backends_too(how: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C in the terminal, SIGTERM of a service manager, a closed terminal."""
    with Stack(tmp_path / "home").start() as stack:
        assert stack.process is not None
        if how is signal.SIGTERM:
            with stack.api(stack.token("ada")) as api:
                made = api.post("backends", json={"kind": "dask", "options": {"workers": 1}})
                assert made.status_code == 202, made.text
                wait_until("a supervisor", lambda: supervisors(stack))
        everything = everything_of(stack)
        stack.process.send_signal(how)
        assert stack.process.wait(60) == 0
        none_left(everything)


@pytest.mark.shows("K5")
def test_backends_are_kept_when_that_is_wanted(tmp_path: Path) -> None:
    """And ended by the next one, when it isn't any more."""
    home = tmp_path / "home"
    with Stack(home, environment={"ALONGSIDE_KEEP_BACKENDS": "1"}).start() as stack:
        with stack.api(stack.token("ada")) as api:
            wish = {"kind": "dask", "options": {"workers": 1}}
            id = api.post("backends", json=wish).json()["id"]
            wait_until("it runs", lambda: phase(api, id) == "running", 60)
        kept = supervisors(stack)
        others = [p for p in everything_of(stack) if p not in kept]
    none_left(others)
    assert kept
    assert all(p.is_running() for p in kept)
    with Stack(home).start() as again, again.api(again.token("ada")) as api:
        assert phase(api, id) == "running"
    none_left(kept)


def phase(api: httpx.Client, id: str) -> str:
    """Where a backend is in its life."""
    return str(api.get(f"backends/{id}").json()["phase"])


def test_the_password_can_be_chosen(tmp_path: Path) -> None:
    """And is then kept nowhere."""
    with Stack(tmp_path / "home", environment={"ALONGSIDE_PASSWORD": "chosen"}).start() as stack:
        assert stack.password == "chosen"
        stack.login("ada").close()
        assert not (stack.home / "secrets" / "password").exists()


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Its environment, empty when it has ended."""
    try:
        return process.environ()
    except psutil.Error:
        return {}


def supervisors(stack: Stack) -> list[psutil.Process]:
    """The processes of backends."""
    return [p for p in stack.processes() if "ALONGSIDE_BACKEND" in environment_of(p)]


def test_the_line_is_the_only_thing_on_standard_output(tmp_path: Path) -> None:
    """Programs may read it; progress is on the other channel, and short."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ALONGSIDE_")}
    with subprocess.Popen(
        [sys.executable, str(LAUNCHER)],
        env={**environment, "ALONGSIDE_HOME": str(tmp_path / "home"), "PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout is not None
        line = launcher.stdout.readline()
        launcher.send_signal(signal.SIGINT)
        rest, said = launcher.communicate(timeout=60)
    assert READY.fullmatch(line.strip())
    assert rest == ""
    assert said.splitlines() == ["Starting the hub...", "Ending..."]
