"""From the portal to a session, in a real browser."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import expect

from alongside_authenticators.signing import assertion
from tests.authenticators.hubs import hub_with
from tests.authenticators.portal import Portal
from tests.chromium import chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(420),
    pytest.mark.slow,
    pytest.mark.always,
]

KEY = b"k" * 32
NAME = "X-Portal-Assertion"
CONFIG = f"""
from pathlib import Path
Path("keys").write_bytes({KEY!r})
h = c.HeaderAuthenticator
h.signature = "hmac"
h.shared_keys_file = "keys"
h.portal_login_url = "/portal/login?back={{next}}"
h.portal_logout_url = "/portal/login"
c.Spawner.default_url = "/lab"
c.Spawner.args = {["--allow-root"] if os.geteuid() == 0 else []}
"""


def says(user: str, method: str, path: str) -> dict[str, str]:
    """Signed for the one page that it is for."""
    headers = {"Remote-User": user}
    if path != "/hub/login":
        return {}
    return {**headers, NAME: assertion(KEY, method, path, headers)}


@pytest.mark.shows("T1", "T9")
def test_from_the_portal_to_a_session_and_nothing_is_typed_at_the_hub() -> None:
    """Who asks for the hub is sent to the portal, and back to what they had asked for."""
    with (
        hub_with(CONFIG, spawner="alongside-local") as hub,
        Portal(hub.port, says, ("Remote-User", NAME)) as portal,
        chromium() as browser,
    ):
        page = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{portal.url}/hub/spawn")
        expect(page.get_by_role("heading", name="Portal")).to_be_visible()
        page.get_by_label("Name").fill("ada")
        page.get_by_role("button", name="Enter").click()
        page.wait_for_url(re.compile(r"/user/ada/lab"), timeout=180_000)
        expect(page.get_by_role("main").first).to_be_visible()
        assert hub.servers("ada")[""]["ready"]

        page.goto(f"{portal.url}/hub/home", wait_until="networkidle")
        portal.user = ""
        page.get_by_role("button", name="Logout").click()
        expect(page.get_by_role("heading", name="Portal")).to_be_visible()
        page.goto(f"{portal.url}/user/ada/lab")
        expect(page.get_by_role("heading", name="Portal")).to_be_visible()
