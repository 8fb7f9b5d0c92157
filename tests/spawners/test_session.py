"""Sessions and their backends, from asking to the end, on a real hub with real Dask."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.spawners.live_hub import LiveHubWithService, Visitor, until

HOPELESS = {"profile": "hopeless", "backend": {"kind": "toy"}}
DASK = {"profile": "small", "backend": {"kind": "dask", "options": {"workers": 1}}}

pytestmark = [pytest.mark.long, pytest.mark.slow]


@pytest.fixture
def ada(hub: LiveHubWithService) -> Iterator[str]:
    """A user whose session has ended afterwards."""
    yield "ada"
    if hub.servers("ada"):
        hub.stop("ada")


@pytest.fixture
def slow(hub: LiveHubWithService) -> Iterator[str]:
    """A user whose sessions start plainly, so that there is time to watch."""
    yield "slow-ada"
    if hub.servers("slow-ada"):
        hub.stop("slow-ada")


@pytest.fixture
def vera(hub: LiveHubWithService) -> Iterator[Visitor]:
    """Somebody at a browser."""
    visitor = Visitor(hub, "vera")
    yield visitor
    visitor.close()


@pytest.mark.shows("K1", "T28", "T29")
def test_session_and_dask_cluster_come_up_and_go_together(
    hub: LiveHubWithService, slow: str
) -> None:
    ada = slow
    events = hub.watch(ada, DASK)
    told = [event["message"] for event in events]
    percents = [event["progress"] for event in events if "progress" in event]
    assert percents == sorted(percents)
    assert told[0] == "Server requested"
    assert any("notebook server" in message for message in told), told
    assert any("Dask cluster" in message for message in told), told
    assert told[-1].startswith("Server ready"), told

    def usable() -> list[dict[str, object]]:
        return [b for b in hub.backends(ada) if b["phase"] == "running"]

    (backend,) = until(usable, "the cluster is running")
    assert (backend["name"], backend["session"], backend["owner"]) == ("dask", "", ada)
    hub.stop(ada)
    until(lambda: not hub.backends(ada), "the cluster has ended")
    assert hub.processes(ada) == []


KEEP = """
import dask.array
from distributed import Client
with Client() as client:
    client.publish_dataset(dask.array.arange(1000, chunks=100).persist(), name="kept")
"""
FIND = """
import alongside
with alongside.attach("dask") as client:
    print(client.get_dataset("kept").sum().compute())
"""


@pytest.mark.shows("K5")
def test_a_backend_that_is_to_be_kept_outlives_its_session(
    hub: LiveHubWithService, ada: str
) -> None:
    """The next session attaches to it, and what was in its memory is there."""
    hub.session(ada, {"profile": "small", "backend": {"kind": "dask", "keep": True}})
    (first,) = until(
        lambda: [b for b in hub.backends(ada) if b["phase"] == "running"], "its cluster runs"
    )
    in_kernel(hub, ada, KEEP)
    hub.stop(ada)
    (kept,) = hub.backends(ada)
    hub.session(ada, {"profile": "small", "backend": None})
    found = in_kernel(hub, ada, FIND)
    hub.stop(ada)
    (still,) = hub.backends(ada)
    hub.end_backend(kept["id"])
    assert found == "499500"
    assert still["id"] == kept["id"] == first["id"]
    assert still["phase"] == kept["phase"] == "running"


def in_kernel(hub: LiveHubWithService, user: str, code: str) -> str:
    """What code prints that has what a kernel of the user's session has."""
    hub.kernel(user)
    environments = [hub.environment(pid) for pid in hub.processes(user)]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=next(e for e in environments if "JPY_PARENT_PID" in e),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.shows("K6", "T29")
def test_a_failed_backend_leaves_a_working_session_and_says_why(
    hub: LiveHubWithService, slow: str
) -> None:
    ada = slow
    told = " ".join(e["message"] for e in hub.watch(ada, HOPELESS))
    assert "Starting the notebook server" in told
    assert "The Toy did not start" in told
    assert "The session starts without it" in told
    until(lambda: hub.servers(ada).get("", {}).get("ready"), "the session is ready")
    hub.kernel(ada)
    assert hub.backends(ada) == []
    hub.stop(ada)


@pytest.mark.shows("K6")
def test_a_session_that_needs_its_backend_fails_with_it_and_leaves_nothing(
    hub: LiveHubWithService, ada: str
) -> None:
    answer = hub.begin(ada, {"profile": "demanding", "backend": {"kind": "toy"}})
    assert answer.status_code == 503
    assert "The Toy that this session needs did not start" in answer.json()["message"]
    until(lambda: not hub.servers(ada), "the session is gone")
    assert hub.backends(ada) == []
    assert hub.processes(ada) == []


def test_what_the_session_sees_in_its_environment(hub: LiveHubWithService, ada: str) -> None:
    hub.session(ada, DASK)
    hub.kernel(ada)
    environments = [hub.environment(pid) for pid in hub.processes(ada)]
    kernel = next(e for e in environments if "JPY_PARENT_PID" in e)
    assert kernel["DASK_SCHEDULER_ADDRESS"] == "alongside://session"
    assert kernel["ALONGSIDE_SESSION"] == ""
    assert kernel["ALONGSIDE_API"].endswith("/services/alongside/api/v1")
    assert kernel["COURSE"] == "dask-101"
    assert kernel["LANG"] == "C.UTF-8"  # the profile's, whatever the hub's own is
    assert kernel["HOME"] == str(hub.place / "home" / "ada")
    assert kernel["CPU_LIMIT"] == "1.0"
    scopes = hub.scopes_of(kernel["JUPYTERHUB_API_TOKEN"])
    assert "access:services!service=alongside" in scopes


@pytest.mark.shows("T28")
def test_killing_the_notebook_server_leaves_nothing(hub: LiveHubWithService, ada: str) -> None:
    hub.session(ada, DASK)
    hub.kernel(ada)
    assert len(hub.processes(ada)) >= 2
    os.kill(hub.state(ada)["pid"], signal.SIGKILL)
    until(lambda: not hub.servers(ada), "the hub has noticed", 30)
    until(lambda: not hub.processes(ada), "its kernel has ended")
    until(lambda: not hub.backends(ada), "its backend has ended")


def test_sessions_and_backends_outlive_a_killed_hub(hub: LiveHubWithService, ada: str) -> None:
    before = hub.session(ada, DASK)["state"]
    (backend,) = until(lambda: hub.backends(ada), "a backend")
    hub.kill()
    hub.start()
    until(lambda: hub.servers(ada).get("", {}).get("ready"), "the session is found again")
    assert hub.state(ada) == before
    assert [b["id"] for b in hub.backends(ada)] == [backend["id"]]
    hub.kernel(ada)
    hub.stop(ada)
    until(lambda: not hub.backends(ada), "the backend has ended")
    assert hub.processes(ada) == []


def test_a_session_that_died_while_no_hub_was_there_is_cleared_up(
    hub: LiveHubWithService, ada: str
) -> None:
    hub.session(ada, DASK)
    hub.kernel(ada)
    server = hub.state(ada)["pid"]
    hub.kill()
    os.kill(server, signal.SIGKILL)
    hub.start()
    until(lambda: not hub.servers(ada), "the hub has noticed")
    until(lambda: not hub.backends(ada), "its backend has ended")
    assert hub.processes(ada) == []


def test_deleting_a_user_ends_session_and_backend(hub: LiveHubWithService) -> None:
    hub.session("grace", DASK)
    assert hub.api("DELETE", "users/grace").status_code in {202, 204}
    until(lambda: not hub.processes("grace"), "the session has ended")
    until(lambda: not hub.backends("grace"), "the backend has ended")


NO_COUNTS: list[Any]
NO_COUNTS = [0, -1, 5, 10**30, 1.5, "many", None, [], {}, "٣", "1e3", "\x00", "\ud800"]
HOSTILE: list[Any] = [

    "text",
    7,
    {"profile": 1},
    {"profile": None, "backend": 3},
    {"profile": "../small"},
    {"profile": "x" * 100_000},
    {"profile": "closed"},
    {"profile": "small", "backend": {}},
    {"profile": "small", "backend": {"kind": "arkouda"}},
    {"profile": "small", "backend": {"kind": ["dask"]}},
    {"profile": "plain", "backend": {"kind": "dask"}},
    {"profile": "small", "extra": 1},
    {"profile": "small", "backend": {"kind": "dask", "extra": 1}},
    *(
        {"profile": "small", "backend": {"kind": "dask", "options": {"workers": value}}}
        for value in NO_COUNTS
    ),
    *(
        {"profile": "small", "backend": {"kind": "dask", "options": {"memory": value}}}
        for value in (0, -1, "1 YiB", "NaN GiB", "lots", "1 GiB; rm", 2**70, [1], "1 TiB")
    ),
    *(
        {"profile": "small", "backend": {"kind": "dask", "options": {"adaptive": value}}}
        for value in ({"minimum": 3, "maximum": 1}, {"maximum": 99}, {"most": 2}, 3)
    ),
    {"profile": "small", "backend": {"kind": "dask", "name": "n" * 10_000}},
    {"profile": "small", "backend": {"kind": "dask", "name": "\u0007"}},
    {"profile": "small", "backend": {"kind": "dask", "lifetime": {"maximum": "9 h"}}},
    {"profile": "small", "backend": {"kind": "dask", "lifetime": {"idle": "soon"}}},
]  # fmt: skip


@pytest.mark.shows("T40")
@pytest.mark.parametrize("options", HOSTILE, ids=lambda options: repr(options)[:50])
def test_bad_options_over_rest_are_refused_in_words_and_start_nothing(
    hub: LiveHubWithService, options: object
) -> None:
    user = "mallory"
    answer = hub.begin(user, options)
    assert 400 <= answer.status_code < 500, answer.text
    assert len(answer.json()["message"]) > 10, answer.text
    assert hub.processes(user) == []
    assert hub.backends(user) == []


@pytest.mark.shows("T21", "T40")
def test_the_form_offers_what_the_user_may_have_and_nothing_else(vera: Visitor) -> None:
    page = vera.form()
    assert "Start a session" in page
    assert "Notebook only" in page
    assert "For others" not in page
    assert "Small &lt;b&gt;&amp; simple&lt;/b&gt;" in page
    assert "<b>&" not in page


@pytest.mark.shows("T40")
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(vera: Visitor) -> None:
    answer = vera.send(
        {
            "profile": "small",
            "kind": "dask",
            "number:small:dask:workers": "9",
            "text:small:dask:memory": "1 GiB",
        }
    )
    assert answer.status_code == 422
    assert "options.workers is too large. Choose at most 4." in answer.text
    assert re.search(r'name="number:small:dask:workers" value="9"', answer.text)


@pytest.mark.shows("T40")
def test_the_form_starts_what_was_chosen_and_remembers_it(
    hub: LiveHubWithService, vera: Visitor
) -> None:
    answer = vera.send(
        {
            "profile": "small",
            "kind": "dask",
            "number:small:dask:workers": "2",
            "text:small:dask:memory": "300 MiB",
            "text:small:dask:@name": "Étude <1>",
            "text:plain:dask:ignored": "because another profile is chosen",
        }
    )
    assert answer.status_code == 302, answer.text
    until(lambda: hub.servers("vera").get("", {}).get("ready"), "the session is ready")
    (backend,) = until(lambda: hub.backends("vera"), "its backend")
    hub.stop("vera")
    page = vera.form()
    assert backend["name"] == "Étude <1>"
    assert backend["options"]["memory"] == "300 MiB"
    assert "Your last choice is filled in" in page
    assert 'value="300 MiB"' in page
    assert 'value="Étude &lt;1&gt;"' in page


def test_named_servers_have_backends_of_their_own(hub: LiveHubWithService) -> None:
    for name in ("", "second"):
        hub.session("nina", DASK, name)
    sessions = sorted(str(b["session"]) for b in until(lambda: hub.backends("nina"), "backends"))
    assert sessions == ["", "second"]
    hub.stop("nina", "second")
    until(lambda: [b["session"] for b in hub.backends("nina")] == [""], "only the other is left")
    hub.stop("nina")
    until(lambda: not hub.backends("nina"), "none is left")
