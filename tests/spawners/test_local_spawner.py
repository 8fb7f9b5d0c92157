"""Notebook servers as processes of this machine: started plainly, refused in words, ended whole."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from alongside_spawners.session_processes import SessionProcesses, mark_of
from tests.spawners.live_hub import LiveHub, Visitor, until

pytestmark = [pytest.mark.long, pytest.mark.slow]


@pytest.fixture(scope="module")
def plain_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHub]:
    """A hub without a service; what a user is called says what goes wrong."""
    config = """
import socket
taken = socket.create_server(("127.0.0.1", 0))

def prepare(spawner):
    match spawner.user.name:
        case "cold":
            spawner.warm = False
            spawner.popen_kwargs = {"env": {}, "umask": 0o027}
        case "blocked":
            spawner.port = taken.getsockname()[1]
        case "homeless":
            spawner.notebook_dir = "~/nowhere"
        case "typo":
            spawner.cmd = ["jupyterhub-singelusser"]
        case "hasty":
            spawner.start_timeout = 3
        case "brief":
            spawner.cmd = ["sh", "-c", "echo Out of coffee >&2; exit 3"]

c.Spawner.pre_spawn_hook = prepare
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 30}
"""
    running = LiveHub(tmp_path_factory.mktemp("hub"), config)
    try:
        yield running.start()
    finally:
        running.end()


def test_without_a_service_sessions_start_warm_or_plainly(plain_hub: LiveHub) -> None:
    for user in ("warm", "cold"):
        plain_hub.session(user)
        pid = plain_hub.state(user)["pid"]
        warm = f"{os.sep}python" not in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
        assert warm is (user == "warm")
        log = next((plain_hub.place / "sessions").glob(f"{user}-*.log"))
        assert "Jupyter Server" in log.read_text()
        plain_hub.stop(user)
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ("blocked", "is in use by another program. Stop that program"),
        ("homeless", "is missing or can't be written. Ask an administrator"),
        ("typo", "The notebook server can't be started: No such file or directory."),
        ("brief", "ended before it was ready. Its last words: Out of coffee"),
    ],
)
def test_what_keeps_a_session_from_starting_is_told(
    plain_hub: LiveHub, user: str, sentence: str
) -> None:
    answer = plain_hub.begin(user)
    assert 400 <= answer.status_code <= 507, answer.text
    assert answer.status_code != 500
    assert sentence in answer.json()["message"]
    assert plain_hub.servers(user) == {}


def test_a_process_that_got_the_same_id_later_is_not_taken_for_the_session(
    plain_hub: LiveHub,
) -> None:
    plain_hub.session("ada")
    pid = plain_hub.state("ada")["pid"]
    plain_hub.kill()
    os.kill(pid, signal.SIGKILL)
    # the hub's record now names a process that is there, but is another one
    plain_hub.alter_state("ada", pid=os.getpid())
    plain_hub.start()
    until(lambda: plain_hub.servers("ada") == {}, "the hub has noticed")
    assert os.getpid()  # and we have not been ended in its stead


def test_a_start_that_a_killed_hub_left_behind_is_cleared_away(plain_hub: LiveHub) -> None:
    plain_hub.session("ada")
    orphan = plain_hub.state("ada")["pid"]
    plain_hub.kill()
    plain_hub.alter_state("ada", pid=None)  # as if it had died before it could write it down
    plain_hub.start()
    until(lambda: not Path(f"/proc/{orphan}").exists(), "the forgotten notebook server has ended")
    assert plain_hub.servers("ada") == {}


@pytest.mark.shows("T40")
def test_when_the_service_is_away_a_session_can_start_alone(lonely_hub: LiveHub) -> None:
    visitor = Visitor(lonely_hub, "ada")
    page = visitor.form()
    assert "The Alongside service does not answer" in page
    answer = lonely_hub.begin("ada", {"backend": {"kind": "dask"}})
    assert answer.status_code == 503
    assert "Start the session alone" in answer.json()["message"]
    answer = visitor.send({"kind": ""})
    visitor.close()
    assert answer.status_code == 302
    until(lambda: lonely_hub.servers("ada").get("", {}).get("ready"), "the session is ready")
    lonely_hub.stop("ada")


def test_a_session_that_is_yet_to_be_forked_is_ended_without_waiting_for_its_death(
    plain_hub: LiveHub,
) -> None:
    plain_hub.session("warm")
    plain_hub.stop("warm")
    assert plain_hub.process is not None
    children = psutil.Process(plain_hub.process.pid).children()
    (forker,) = (child for child in children if "alongside.platforms.local.warm" in child.cmdline())
    forker.suspend()
    try:
        # the hub loses patience while the request to fork is on its way, and stops the session
        assert plain_hub.begin("hasty").status_code >= 500
    finally:
        forker.resume()
    assert "never died" not in plain_hub.text()
    assert plain_hub.servers("hasty") == {}
    plain_hub.session("warm")  # forked after the other, if that was forked at all
    hasty = SessionProcesses(mark_of(plain_hub.place, "hasty", ""), plain_hub.place / "none.log")
    until(lambda: not hasty.find(), "nothing is left of what nobody wants any more")
    plain_hub.stop("warm")


def test_sockets_of_the_hub_are_not_the_session_s(plain_hub: LiveHub) -> None:
    plain_hub.session("ada")
    pid = plain_hub.state("ada")["pid"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", plain_hub.hub_port)) == 0
    plain_hub.kill()

    def port_is_free() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", plain_hub.hub_port)) != 0

    until(port_is_free, "nobody holds the hub's port")
    assert Path(f"/proc/{pid}").exists()
    plain_hub.start()
