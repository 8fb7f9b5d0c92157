"""Bare headers, believed by address; and logins that the portal has to confirm."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.authenticators.hubs import got_in, hub_with, knock, sentence
from tests.authenticators.portal import Portal
from tests.spawners.live_hub import LiveHub, until

pytestmark = pytest.mark.slow

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
CONFIG = f"""
h = c.HeaderAuthenticator
h.unsafe_plain_headers = True
h.proxy_addresses = ["{PROXY}", "10.9.0.0/16"]
h.hub_proxy_addresses = ["127.0.0.1"]
h.identity_age = 3
c.Authenticator.auth_refresh_age = 1
c.Authenticator.auth_refresh_strict = True  # as always before JupyterHub 6.1
c.Authenticator.refresh_pre_spawn = True
c.JupyterHub.load_roles[0]["scopes"].append("tokens")
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHub]:
    """A hub as a REMOTE_USER site has it."""
    with hub_with(CONFIG) as running:
        yield running


def remote_user(user: str, method: str, path: str) -> dict[str, str]:
    """What a proxy sets that has signed somebody in."""
    return {"Remote-User": user}


def ask(url: str, headers: dict[str, str] | None = None, source: str = "") -> httpx.Response:
    """One request, from a certain address."""
    transport = httpx.HTTPTransport(local_address=source or None)
    with httpx.Client(transport=transport, trust_env=False, timeout=60) as client:
        return client.get(f"{url}/hub/login", headers=headers)


@pytest.mark.shows("T1", "T7")
def test_who_comes_by_the_proxy_gets_in(hub: LiveHub) -> None:
    """Under the name that it sets; one that the browser sends is gone."""
    with Portal(hub.port, remote_user, ("Remote-User",), PROXY) as portal:
        portal.user = "alice"
        answer = ask(portal.url, {"Remote-User": "root-of-the-hub"})
        assert got_in(answer), sentence(answer)
        assert hub.api("GET", "users/alice").status_code == 200
        assert hub.api("GET", "users/root-of-the-hub").json()["last_activity"] is None
        portal.user = ""
        answer = ask(portal.url, {"Remote-User": "alice"})
        assert (answer.status_code, got_in(answer)) == (401, False)


@pytest.mark.shows("T7")
def test_who_comes_from_elsewhere_does_not(hub: LiveHub) -> None:
    """To the hub's proxy, to the hub's own port, or with an address of their own invention."""
    direct = f"http://127.0.0.1:{hub.hub_port}"
    forged = {"Remote-User": "alice", "X-Forwarded-For": PROXY, "X-Real-IP": PROXY}
    for answer in (
        ask(hub.url, {"Remote-User": "alice"}, STRANGER),
        ask(hub.url, forged, STRANGER),
        ask(hub.url, forged),
        ask(direct, {"Remote-User": "alice"}),
        ask(direct, {"Remote-User": "alice"}, PROXY),
        ask(direct, forged, STRANGER),
        ask(direct, forged | {"X-Forwarded-For": "nonsense"}),
    ):
        assert (answer.status_code, got_in(answer)) == (403, False)
        assert "didn't come by the portal" in sentence(answer)


@pytest.mark.shows("T7")
def test_a_careless_proxy_lets_nobody_choose(hub: LiveHub) -> None:
    """One that adds its header to what the browser sent: the two are never taken for one."""
    with Portal(hub.port, remote_user, None, PROXY) as portal:
        portal.user = "alice"
        answer = ask(portal.url, {"Remote-User": "root-of-the-hub"})
        assert (answer.status_code, got_in(answer)) == (400, False)
        assert "more than once" in sentence(answer)


def test_a_login_that_the_portal_does_not_confirm_ends(hub: LiveHub) -> None:
    """Who comes with an assertion stays; who comes without has to go back to the portal."""
    with (
        Portal(hub.port, remote_user, ("Remote-User",), PROXY) as portal,
        httpx.Client(base_url=portal.url, trust_env=False, timeout=60) as browser,
    ):
        portal.user = "carol"
        assert browser.get("/hub/login").status_code == 302
        portal.user = ""
        ended = until(
            lambda: browser.get("/hub/home").status_code == 302, "the login has ended", 60, 0.3
        )
        assert ended
        portal.user = "carol"
        assert browser.get("/hub/home", follow_redirects=True).status_code == 200
        # somebody else at the portal is somebody else here, whatever the cookie says
        portal.user = "dave"
        until(
            lambda: "dave" in browser.get("/hub/home", follow_redirects=True).text,
            "the browser is the other user's",
            60,
            0.3,
        )


def test_a_token_of_the_api_outlives_the_login(hub: LiveHub) -> None:
    """Programs can't sign in again; their tokens end by themselves."""
    with (
        Portal(hub.port, remote_user, ("Remote-User",), PROXY) as portal,
        httpx.Client(base_url=portal.url, trust_env=False, timeout=60) as browser,
    ):
        portal.user = "erin"
        browser.get("/hub/login")
        token = hub.api("POST", "users/erin/tokens", json={}).json()["token"]
        portal.user = ""
        until(lambda: browser.get("/hub/home").status_code == 302, "the login has ended", 60, 0.3)
    answer = knock(hub, {"Authorization": f"token {token}"}, path="/hub/api/user")
    assert (answer.status_code, answer.json()["name"]) == (200, "erin")


def test_an_admin_starts_the_session_of_somebody_else(hub: LiveHub) -> None:
    """Although the portal says in that request that it is the admin."""
    hub.api("POST", "users/frank")
    with (
        Portal(hub.port, remote_user, ("Remote-User",), PROXY) as portal,
        httpx.Client(base_url=portal.url, trust_env=False, timeout=60) as browser,
    ):
        portal.user = "root-of-the-hub"
        assert browser.get("/hub/admin", follow_redirects=True).status_code == 200
        answer = browser.post(
            "/hub/api/users/frank/server",
            headers={
                "X-XSRFToken": str(browser.cookies.get("_xsrf", path="/hub/")),
                "Referer": f"{portal.url}/hub/admin",
            },
        )
        assert answer.status_code in {201, 202}, answer.text
    until(lambda: hub.servers("frank").get("", {}).get("ready"), "the session is ready", 60)
    hub.stop("frank")


SWITCHED = """
c.JupyterHub.authenticator_class = (
    "alongside_authenticators.unsafe_remote_user.RemoteUserAuthenticator"
)
c.RemoteUserAuthenticator.header_name = "Remote_User"
"""


@pytest.mark.shows("T8")
def test_a_site_with_remote_user_changes_one_line() -> None:
    """The class; what it had set of the old one, such as the header's name, stays as it is."""

    def server(user: str, method: str, path: str) -> dict[str, str]:
        return {"Remote_User": user}

    with (
        hub_with(SWITCHED) as hub,
        Portal(hub.port, server, ("Remote_User",)) as portal,
        httpx.Client(base_url=portal.url, trust_env=False, timeout=60) as browser,
    ):
        blank = browser.get("/hub/login", headers={"Remote_User": "alice"})
        assert (blank.status_code, got_in(blank)) == (401, False)
        portal.user = "alice"
        answer = browser.get("/hub/login?next=/hub/spawn")
        assert (answer.status_code, answer.headers["location"]) == (302, "/hub/spawn")
        evil = browser.get("/hub/login?next=https://evil.example")
        assert "evil" not in evil.headers["location"]
        stranger = ask(hub.url, {"Remote_User": "alice"}, STRANGER)
        assert (stranger.status_code, got_in(stranger)) == (403, False)
        browser.get("/hub/spawn", follow_redirects=True)
        until(lambda: hub.servers("alice").get("", {}).get("ready"), "alice's session", 60)
        hub.stop("alice")
