"""From an OpenID portal through nginx into JupyterLab, in a real browser."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.authenticators.hubs import auth_state
from tests.authenticators.portal_fronts import by_nginx
from tests.authenticators.portal_recipes import missing
from tests.authenticators.portal_store import Store, why_not
from tests.chromium import chromium
from tests.lab.panel import PATIENCE, Lab
from tests.spawners.live_hub import free_port

WHY = missing("nginx") or why_not()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(420),
    pytest.mark.skipif(bool(WHY), reason=WHY),
]

CATALOGUE = """
profiles:
  small:
    title: Small
    session: {environment: {SOFTWARE: small}}
  large:
    title: Large
    session: {environment: {SOFTWARE: large}}
"""
NAME = "/C=DK/O=Example/CN=Ada Lovelace"
CONFIG = """
from pathlib import Path
from alongside_authenticators.parsers import MountParser
from alongside_spawners import configure
h = c.HeaderAuthenticator
h.allowed_headers = {"auth": "preferred_username", "dn": "dn", "mount": "mount"}
h.header_parser_classes = {"mount": MountParser}
h.set_spawner_attributes = {"environment": {"PORTAL_DN": "{dn}"}}
Path("catalogue.yaml").write_text(CATALOGUE)
configure(c, catalogue=str(Path("catalogue.yaml").absolute()), home=str(Path.cwd()),
          unix_users=False, service_url="http://127.0.0.1:FREE")
c.Spawner.default_url = "/lab"
"""
CELL = """
import os
secret = [name for name, value in os.environ.items() if "PRIVATE KEY" in value]
print(os.environ["PORTAL_DN"], os.environ["SOFTWARE"], secret)
"""


@pytest.mark.shows("K92", "T1", "T9")
def test_from_an_openid_portal_into_lab_and_nothing_is_typed_at_the_hub() -> None:
    """A name at the portal, a choice and a click at the hub, and in Lab the files of the portal."""
    with tempfile.TemporaryDirectory(prefix="store-", ignore_cleanup_errors=True) as place:
        store = Store(Path(place))
        (store.files / "measurements.csv").write_text("1,2\n")
        config = CONFIG.replace("CATALOGUE", repr(CATALOGUE)).replace("FREE", str(free_port()))
        with (
            store.open(),
            by_nginx(
                config + store.mounting,
                "alongside-local",
                knows=lambda _: {"dn": NAME, "mount": store.credentials(3600)},
            ) as front,
            chromium() as browser,
        ):
            page = browser.new_context(
                ignore_https_errors=True, viewport={"width": 1200, "height": 900}
            ).new_page()
            page.set_default_timeout(PATIENCE)
            lab = Lab(page, f"{front.url}/user/ada/")
            page.goto(f"{front.url}/hub/spawn")
            assert page.url.startswith(front.provider.url)
            page.get_by_label("Name").fill("ada")
            page.get_by_role("button", name="Enter").click()

            expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
            assert page.url.startswith(f"{front.url}/hub/spawn")
            page.get_by_role("radio", name="Large").check()
            page.get_by_role("button", name="Start", exact=True).click()
            page.wait_for_url(re.compile(r"/user/ada/lab"), timeout=180_000)
            lab.loaded()

            def file(name: str) -> Locator:
                return page.get_by_role("listitem", name=re.compile(f"^Name: {name} "))

            expect(file("measurements.csv")).to_be_visible()
            notebook = lab.new_notebook()
            notebook.run(CELL)
            notebook.says(f"{NAME} large []")
            expect(file("Untitled.ipynb")).to_be_visible()
            assert (store.files / "Untitled.ipynb").exists()

            assert auth_state(front.hub, "ada")["dn"] == NAME
            assert front.provider.asked == 1
            front.hub.stop("ada")
            assert not (store.mounts / "ada").is_mount()
