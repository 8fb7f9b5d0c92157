"""From login to a session with an entry of its own, on a real hub and a real OpenLDAP."""

from __future__ import annotations

import contextlib
import html
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.authenticators.slapd import (
    COUNTER,
    HUB,
    PASSWORD,
    PEOPLE,
    SUFFIX,
    Slapd,
    needs_slapd,
)
from tests.spawners.live_hub import LiveHub, Visitor, until

pytestmark = [needs_slapd, pytest.mark.slow]

CONFIG = """
from alongside_authenticators.ldap import LdapEntry, before_spawn

def note(spawner):
    spawner.environment["AFTER"] = spawner.environment["NB_UID"]

c.Spawner.pre_spawn_hook = before_spawn(LdapEntry, note)
c.JupyterHub.default_url = "/hub/home"
c.Spawner.http_timeout = 90
c.LdapEntry.url = "{slapd.url}"
c.LdapEntry.ca_file = "{slapd.ca_file}"
c.LdapEntry.bind_dn = "{HUB}"
c.LdapEntry.password_file = "{password}"
c.LdapEntry.base_dn = "{SUFFIX}"
c.LdapEntry.dn = "uid={{name}},{PEOPLE}"
c.LdapEntry.allocate = {{"uidNumber": "{COUNTER}"}}
c.LdapEntry.set_spawner_attributes = {{
    "environment": {{"NB_USER": "{{uid}}", "NB_UID": "{{uidNumber}}"}}
}}
c.LdapEntry.timeout = 20
"""
HELLO = """
import logging
from alongside_authenticators.ldap_hooks import hello_hook
c.{section}.pre_spawn_hook = hello_hook
c.EventLogger.handlers = [logging.StreamHandler()]
"""


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    running = Slapd(tmp_path_factory.mktemp("slapd")).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def hub(slapd: Slapd) -> Iterator[LiveHub]:
    with tempfile.TemporaryDirectory(prefix="ldap-hub-") as place:
        password = Path(place, "password")
        password.write_text(PASSWORD)
        names = {"HUB": HUB, "SUFFIX": SUFFIX, "PEOPLE": PEOPLE, "COUNTER": COUNTER}
        config = CONFIG.format(slapd=slapd, password=password, **names)
        running = LiveHub(Path(place), config)
        try:
            yield running.start()
        finally:
            running.end()


def environment_of_kernel(hub: LiveHub, user: str) -> dict[str, str]:
    """What a kernel of the user's session was started with."""
    headers = {"Authorization": f"token {hub.token}"}
    answer = hub.client.post(f"/user/{user}/api/kernels", headers=headers, json={})
    assert answer.status_code == 201, answer.text
    return dict(until(lambda: _started_for(user), f"a kernel of {user} runs"))


def _started_for(user: str) -> dict[str, str] | None:
    return next((one for one in _sessions_of(user) if one.get("NB_USER") == user), None)


def _sessions_of(user: str) -> Iterator[dict[str, str]]:
    """The environments of all processes of the user's sessions, here or on any other hub."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            found = process.environ()
            if found.get("JUPYTERHUB_USER") == user:
                yield found


def test_a_login_makes_an_entry_and_the_session_knows_it(hub: LiveHub, slapd: Slapd) -> None:
    visitor = Visitor(hub, "jane")
    visitor.client.get("/hub/spawn")
    until(lambda: hub.servers("jane").get("", {}).get("ready"), "jane's session is ready", 150)
    (entry,) = (one for dn, one in slapd.entries(PEOPLE).items() if dn.startswith("uid=jane,"))
    given = environment_of_kernel(hub, "jane")
    assert given["NB_UID"] == entry["uidnumber"][0] == "5001"
    assert given["AFTER"] == "5001"
    assert given["NB_USER"] == "jane"
    assert PASSWORD not in str(given)
    assert PASSWORD not in hub.text()
    hub.stop("jane")
    visitor.close()


@pytest.mark.shows("T18")
def test_without_a_directory_there_is_no_session_and_the_reason_is_shown(
    hub: LiveHub, slapd: Slapd
) -> None:
    visitor = Visitor(hub, "karl")
    slapd.stop()
    try:
        visitor.client.get("/hub/spawn")
        until(lambda: "LDAP: failed" in hub.text(), "the hub says so in its log", 60)
        shown = html.unescape(until(lambda: _told(visitor), "the reason is shown", 60))
        assert "The directory can't be reached." in shown
        assert "failed at “connect”" in shown
        assert "karl" not in str(slapd.entries(PEOPLE))
        assert not hub.servers("karl")
        assert not list(_sessions_of("karl"))
        over_rest = hub.begin("lena")
        assert over_rest.status_code == 503
        assert "can't be reached" in over_rest.json()["message"]
        assert PASSWORD not in hub.text() + shown
    finally:
        slapd.start()
        visitor.close()


@pytest.mark.shows("T18")
def test_while_a_directory_is_silent_others_are_answered_as_before(
    hub: LiveHub, slapd: Slapd
) -> None:
    """Some that begin a session wait for it to their end, and the hub does what else it has to."""

    def typical(number: int) -> float:
        """Seconds that somebody else's request takes, in the middle of as many."""
        took = []
        for _ in range(number):
            began = time.monotonic()
            assert hub.api("GET", "users").status_code == 200
            took.append(time.monotonic() - began)
        return statistics.median(took)

    names = [f"patient{number}" for number in range(8)]
    for name in names:
        hub.api("POST", f"users/{name}")
    before = typical(40)
    assert slapd.process is not None
    slapd.process.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(len(names)) as waiting:
            asked = [waiting.submit(hub.begin, name) for name in names]
            until(lambda: _pending(hub, names), "all of them have begun", 60)
            during = typical(40)
            waited = _pending(hub, names)
            answers = [one.result() for one in asked]
        until(lambda: not any(hub.servers(name) for name in names), "they are refused", 120)
    finally:
        slapd.process.send_signal(signal.SIGCONT)
    assert waited, "nobody waited meanwhile"
    assert {answer.status_code for answer in answers} <= {202, 503}
    assert during < 10 * before, f"{during:.4f} s instead of {before:.4f} s"
    assert "took longer than 20 seconds" in hub.text()
    assert "patient" not in str(slapd.entries(PEOPLE))
    assert not any(list(_sessions_of(name)) for name in names)


def _pending(hub: LiveHub, names: list[str]) -> bool:
    """Whether the sessions of all of them are being started."""
    found = {user["name"]: user["pending"] for user in hub.api("GET", "users").json()}
    return all(found[name] == "spawn" for name in names)


@pytest.mark.shows("T13", "T170")
@pytest.mark.parametrize("section", ["Spawner", "LocalSessionSpawner"])
def test_hello_is_said_before_the_session_starts(section: str) -> None:
    """The listing, by the hub's own event log."""
    with tempfile.TemporaryDirectory(prefix="hello-") as place:
        hub = LiveHub(Path(place), HELLO.format(section=section))
        try:
            hub.start().session("hal")
            log = until(lambda: _with_event(hub.text()), "the start is in the log", 30)
            assert log.index("Hello World") < log.index('"action": "start"')
        finally:
            hub.end()


def _with_event(log: str) -> str:
    return log if '"action": "start"' in log else ""


def _told(visitor: Visitor) -> str:
    """The page that says why a session didn't start, if it is there yet."""
    text = visitor.client.get(f"/hub/spawn-pending/{visitor.name}").text
    return text if "user directory" in text else ""
