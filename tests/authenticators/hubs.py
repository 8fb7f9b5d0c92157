"""Hubs that are entered by a portal, and how somebody knocks at them."""

from __future__ import annotations

import html
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.spawners.live_hub import LiveHub, LiveHubWithService, free_port

SESSION = """\
import http.server, json, os, urllib.parse
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
url = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
http.server.ThreadingHTTPServer((url.hostname, url.port), Answer).serve_forever()
"""
"""A session that tells its environment."""

BASE = """
import sys
c.JupyterHub.authenticator_class = "alongside-header"
"""
TELLING = f"c.Spawner.cmd = [sys.executable, '-c', {SESSION!r}]\n"
COOKIE = "jupyterhub-hub-login"


@contextmanager
def hub_with(config: str, spawner: str = "simple") -> Iterator[LiveHub]:
    """A hub of its own with this authenticator and these settings.

    spawner : of sessions that tell their environment; with another one sessions are what it makes
    """
    with tempfile.TemporaryDirectory(prefix="hub-", ignore_cleanup_errors=True) as folder:
        sessions = TELLING if spawner == "simple" else ""
        hub = LiveHub(Path(folder), BASE + sessions + config, spawner=spawner)
        try:
            yield hub.start()
        finally:
            hub.end()


@contextmanager
def hub_with_service(config: str, catalogue: str) -> Iterator[LiveHubWithService]:
    """A hub with Alongside's spawner and service, this catalogue, and these settings."""
    with tempfile.TemporaryDirectory(prefix="hub-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "catalogue.yaml").write_text(catalogue)
        token, url = secrets.token_hex(16), f"http://127.0.0.1:{free_port()}"
        ours = f"""
from alongside_spawners import configure
configure(c, catalogue="{place}/catalogue.yaml", home="{place}", service_url="{url}",
          token="{token}", unix_users=False)
# On a busy machine the answer to a request says how it came out nevertheless.
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 45}}
"""
        hub = LiveHubWithService(place, ours + config, service=url, service_token=token)
        try:
            yield hub.start()
        finally:
            hub.end()


def knock(
    hub: LiveHub,
    headers: Any = None,
    *,
    path: str = "/hub/login",
    method: str = "GET",
    direct: bool = False,
    body: bytes | None = None,
    cookies: dict[str, str] | None = None,
) -> httpx.Response:
    """One request, through the hub's proxy or at its own port; the answer isn't followed."""
    port = hub.hub_port if direct else hub.port
    with httpx.Client(trust_env=False, timeout=60, cookies=cookies) as client:
        return client.request(
            method, f"http://127.0.0.1:{port}{path}", headers=headers, content=body
        )


def got_in(answer: httpx.Response) -> bool:
    """Whether the answer signs anybody in."""
    return any(c.startswith(f"{COOKIE}=") for c in answer.headers.get_list("set-cookie"))


def who(hub: LiveHub, answer: httpx.Response) -> str:
    """Whom the answer signs in."""
    page = knock(hub, path="/hub/home", cookies=dict(answer.cookies))
    found = re.search(r'id="login_widget".*?>\s*([^<\s]+)\s*</', page.text, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def sentence(answer: httpx.Response) -> str:
    """What the page says."""
    text = re.sub(r"<(script|style|head).*?</\1>", " ", answer.text, flags=re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()))


def auth_state(hub: LiveHub, user: str) -> Any:
    """What the hub has stored of a user, decrypted."""
    return hub.api("GET", f"users/{user}").json()["auth_state"]
