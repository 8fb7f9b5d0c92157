"""Credentials for a user's storage: they end by themselves and are renewed while a session runs."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from alongside_authenticators.signing import assertion
from tests.authenticators.hubs import got_in, hub_with, knock, sentence
from tests.spawners.live_hub import LiveHub, until

pytestmark = pytest.mark.slow

KEY = b"k" * 32
NAME = "X-Portal-Assertion"
HEADERS = ("Remote-User", "X-Mount", "X-Other")
CONFIG = f"""
from pathlib import Path
from alongside_authenticators.parsers import MountParser
Path("keys").write_bytes({KEY!r})
h = c.HeaderAuthenticator
h.signature = "hmac"
h.shared_keys_file = "keys"
h.allowed_headers = {{"auth": "Remote-User", "mount": "X-Mount", "other": "X-Other"}}
h.header_parser_classes = {{"mount": MountParser}}
h.session_readable_attributes = ["X-Mount"]
h.set_spawner_attributes = {{"environment": {{"STORE": "{{X-Mount.host}}"}}}}
c.JupyterHub.load_roles[0]["scopes"].append("tokens")
"""
HOUR = 3600.0


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHub]:
    """A hub whose portal sends keys for a store, which sessions may fetch."""
    with hub_with(CONFIG) as running:
        yield running


def mount(secret: str, seconds: float) -> dict[str, Any]:
    """Credentials as a portal sends them, good for so long."""
    kind = "OPENSSH " + "PRIVATE KEY"  # in two parts, or it would be taken for one
    return {
        "host": "store.example",
        "username": "u-1",
        "private_key": f"-----BEGIN {kind}-----\n{secret}\n-----END {kind}-----\n",
        "expires": time.time() + seconds,
    }


def signed(user: str, credentials: dict[str, Any] | None = None) -> dict[str, str]:
    """What the portal's proxy adds to a request for the hub's page for signing in."""
    said = {"Remote-User": user, "X-Other": "of-no-interest"}
    if credentials:
        said["X-Mount"] = json.dumps(credentials)
    covered = dict.fromkeys(HEADERS, "") | said
    return said | {NAME: assertion(KEY, "GET", "/hub/login", covered)}


def enter(hub: LiveHub, user: str, credentials: dict[str, Any] | None = None) -> dict[str, str]:
    """Sign in by the portal; the browser's cookies."""
    answer = knock(hub, signed(user, credentials))
    assert got_in(answer), sentence(answer)
    return dict(answer.cookies)


def fetch(hub: LiveHub, token: str, name: str = "X-Mount") -> httpx.Response:
    """What a session gets."""
    headers = {"Authorization": f"token {token}"}
    return knock(hub, headers, path=f"/hub/user-data?name={name}")


@pytest.mark.shows("T10")
def test_a_key_that_has_expired_is_renewed_by_a_login_while_the_session_goes_on(
    hub: LiveHub,
) -> None:
    """And none of them is ever in an environment, an argument, a log, or readable in a file."""
    secrets = ("Zmlyc3Q", "c2Vjb25k", "dGhpcmQ")
    enter(hub, "ada", mount(secrets[0], HOUR))
    hub.session("ada")
    try:
        before = hub.state("ada")
        environment = knock(hub, path="/user/ada/").json()
        assert environment["STORE"] == "store.example"
        token = environment["JUPYTERHUB_API_TOKEN"]
        assert secrets[0] in fetch(hub, token).json()["private_key"]

        enter(hub, "ada", mount(secrets[1], 2))
        expired = until(lambda: _gone(fetch(hub, token)), "the key has expired", 60, 0.2)
        assert "X-Mount has expired. Sign in at the hub again" in expired
        assert secrets[1] not in expired
        assert fetch(hub, token).json()["link"] == "/hub/login?next=%2Fhub%2Fhome"

        enter(hub, "ada", mount(secrets[2], HOUR))
        assert secrets[2] in fetch(hub, token).json()["private_key"]
        assert hub.state("ada") == before
        stored = b"".join(file.read_bytes() for file in hub.place.glob("hub.sqlite*"))
        running = [_told_by(process) for process in psutil.process_iter()]
        assert any("store.example" in told for told in running), "nothing was looked at"
        for secret in secrets:
            assert secret not in json.dumps(environment)
            assert secret not in hub.text()
            assert secret.encode() not in stored
            assert not any(secret in told for told in running)
    finally:
        hub.stop("ada")


def _gone(answer: httpx.Response) -> str:
    assert answer.status_code in {200, 410}, answer.text
    return str(answer.json()["message"]) if answer.status_code == 410 else ""


def _told_by(process: psutil.Process) -> str:
    """Arguments and environment of a process, as everybody with its account can see them."""
    try:
        return json.dumps([process.cmdline(), process.environ()])
    except (psutil.Error, OSError):
        return ""


@pytest.mark.shows("T10")
def test_no_session_starts_with_a_key_that_has_expired(hub: LiveHub) -> None:
    """In one sentence with what to do, and a button that does it."""
    cookies = enter(hub, "bob", mount("Ym9i", 1))

    def refused() -> httpx.Response | None:
        asked = hub.begin("bob")
        if asked.status_code == 403:
            return asked
        hub.stop("bob")
        return None

    answer = until(refused, "it has expired", 60)
    told = answer.json()["message"]
    assert told == (
        "What the portal has given you as X-Mount has expired. Sign in again by the portal, then "
        "start your session."
    )
    assert not hub.servers("bob")
    page = knock(hub, path="/hub/spawn-pending/bob", cookies=cookies)
    button = re.search(r'<a class="btn btn-jupyter" href="([^"]*)">Sign in again</a>', page.text)
    assert button, sentence(page)
    assert told.partition(".")[0] in sentence(page)
    renewed = signed("bob", mount("Ym9i", HOUR))
    there = knock(hub, renewed, path=html.unescape(button[1]), cookies=cookies)
    assert (there.status_code, there.headers["location"]) == (302, "/hub/spawn")
    hub.session("bob")
    hub.stop("bob")


@pytest.mark.shows("T10")
def test_only_a_session_of_the_user_fetches_what_is_listed(hub: LiveHub) -> None:
    """Nobody else, nothing else, and no page in a browser."""
    cookies = enter(hub, "eve", mount("ZXZl", HOUR))
    hub.session("eve")
    try:
        token = knock(hub, path="/user/eve/").json()["JUPYTERHUB_API_TOKEN"]
        narrow = hub.api("POST", "users/eve/tokens", json={"scopes": ["read:users:name!user"]})
        enter(hub, "kim")
        hub.session("kim")
        other = knock(hub, path="/user/kim/").json()["JUPYTERHUB_API_TOKEN"]
        by_cookie = knock(hub, path="/hub/user-data?name=X-Mount", cookies=cookies)
        answers = {
            "its own": (fetch(hub, token), 200),
            "without a token": (knock(hub, path="/hub/user-data?name=X-Mount"), 403),
            "by cookie": (by_cookie, 403),
            "a token for less": (fetch(hub, narrow.json()["token"]), 403),
            "a service": (fetch(hub, hub.token), 403),
            "a made-up token": (fetch(hub, "0" * 32), 403),
            "another user's": (fetch(hub, other), 404),
            "not listed": (fetch(hub, token, "X-Other"), 404),
            "the hub's own": (fetch(hub, token, "identity"), 404),
            "nothing": (fetch(hub, token, ""), 404),
        }
        assert {what: answer.status_code for what, (answer, _) in answers.items()} == {
            what: status for what, (_, status) in answers.items()
        }
        assert answers["its own"][0].headers["cache-control"] == "no-store"
        refused = [answer for what, (answer, _) in answers.items() if what != "its own"]
        assert all(len(answer.json()["message"]) > 10 for answer in refused)
        assert not any("ZXZl" in answer.text for answer in refused)
    finally:
        for user in ("eve", "kim"):
            hub.stop(user)
