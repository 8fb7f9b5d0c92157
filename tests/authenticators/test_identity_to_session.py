"""From what a portal says of people to what they are offered, and to what their sessions know."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from alongside_authenticators.signing import assertion
from tests.authenticators.hubs import got_in, hub_with_service, knock, sentence
from tests.spawners.live_hub import LiveHubWithService, until
from tests.stack import marked_processes

pytestmark = pytest.mark.slow

KEY = b"k" * 32
NAME = "X-Portal-Assertion"
HEADERS = ("Remote-User", "X-Groups", "X-Course", "X-Badge")
CATALOGUE = """
profiles:
  basic:
    title: Notebook for everybody
  course:
    title: Notebook of the course
    groups: [students, staff]
    default: dask
    backends:
      dask: {options: {workers: 1, cores: 1, memory: 300 MiB}}
  large:
    title: Notebook of the staff
    groups: [staff]
"""
CONFIG = f"""
from pathlib import Path
from alongside_authenticators.parsers import JSONParser
Path("keys").write_bytes({KEY!r})
c.JupyterHub.authenticator_class = "alongside-header"
h = c.HeaderAuthenticator
h.signature = "hmac"
h.shared_keys_file = "keys"
h.allowed_headers = {{
    "auth": "Remote-User", "groups": "X-Groups", "course": "X-Course", "badge": "X-Badge"}}
h.manage_groups = True
h.admin_groups = {{"staff"}}
h.spawner_shared_headers = ["X-Course"]
c.JupyterHub.load_roles[0]["scopes"].append("tokens")
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHubWithService]:
    """A hub whose catalogue differs by groups."""
    with hub_with_service(CONFIG, CATALOGUE) as running:
        yield running


def enter(hub: LiveHubWithService, user: str, groups: str, **more: str) -> dict[str, str]:
    """Sign in by the portal; the browser's cookies."""
    said = {"Remote-User": user, "X-Groups": groups}
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    covered = dict.fromkeys(HEADERS, "") | said
    answer = knock(hub, said | {NAME: assertion(KEY, "GET", "/hub/login", covered)})
    assert got_in(answer), sentence(answer)
    return dict(answer.cookies)


PEOPLE = {
    "boss": ("staff", ["basic", "course", "large"]),
    "ada": ("students, physics", ["basic", "course"]),
    "guest": ("", ["basic"]),
}


@pytest.mark.shows("T12")
def test_groups_of_the_portal_decide_what_is_offered(hub: LiveHubWithService) -> None:
    """Three people, three catalogues: in the form, over REST and when it is asked for anyway."""
    titles = {
        name: f"Notebook {whose}"
        for name, whose in (
            ("basic", "for everybody"),
            ("course", "of the course"),
            ("large", "of the staff"),
        )
    }
    for user, (groups, offered) in PEOPLE.items():
        cookies = enter(hub, user, groups)
        form = knock(hub, path="/hub/spawn", cookies=cookies).text
        assert [name for name, title in titles.items() if title in form] == offered
        token = hub.api("POST", f"users/{user}/tokens", json={}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        found = knock(hub, headers, path="/services/alongside/api/v1/catalogue").json()
        assert [profile["name"] for profile in found["profiles"]] == offered
        for name in titles.keys() - set(offered):
            answer = hub.begin(user, {"profile": name, "backend": None})
            assert 400 <= answer.status_code < 500, answer.text
            assert len(answer.json()["message"]) > 10
            assert not hub.servers(user)
        admin = knock(hub, path="/hub/admin", cookies=cookies)
        assert admin.status_code == (200 if user == "boss" else 403)


@pytest.mark.shows("T11")
def test_a_session_s_terminal_and_backend_know_what_is_listed_only(
    hub: LiveHubWithService,
) -> None:
    """By `env` in a terminal, and by the environment of all that belongs to session and backend."""
    course, badge = "physics-of-the-7th-term", "a-badge-that-opens-doors"
    enter(hub, "sam", "students", X_Course=course, X_Badge=badge)
    choice = {"profile": "course", "backend": {"kind": "dask", "options": {"workers": 1}}}
    hub.session("sam", choice)
    try:
        seen = env_of_terminal(hub, "sam")
        assert f"X_COURSE={course}\n" in seen
        hub.kernel("sam")
        session = [json.dumps(hub.environment(pid)) for pid in hub.processes("sam")]
        assert any(course in one for one in session)
        (backend,) = until(
            lambda: [b for b in hub.backends("sam") if b["phase"] == "running"], "its cluster", 90
        )
        members = [json.dumps(one.environ()) for one in marked_processes(backend["id"])]
        assert len(members) >= 2, "a scheduler and a worker"
        for environment in (seen, *session, *members):
            assert badge not in environment
            assert "X_BADGE" not in environment
            assert "X_GROUPS" not in environment
            assert "physics, " not in environment
        assert not any(course in one or "X_COURSE" in one for one in members)
    finally:
        hub.stop("sam")


def env_of_terminal(hub: LiveHubWithService, user: str) -> str:
    """What `env` says in a terminal of the user's session."""
    headers = {"Authorization": f"token {hub.token}"}
    terminals = f"{hub.url}/user/{user}/api/terminals"
    answer = httpx.post(terminals, headers=headers, json={}, trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text
    address = f"{hub.url.replace('http', 'ws', 1)}/user/{user}/terminals/websocket"
    found = hub.place / f"{user}.env"
    with connect(
        f"{address}/{answer.json()['name']}",
        additional_headers=headers,
        proxy=None,
        open_timeout=60,
    ) as terminal:
        terminal.send(json.dumps(["stdin", f"env > {found}.new && mv {found}.new {found}\r"]))
        until(found.exists, "`env` has been run", 60)
    return found.read_text()
