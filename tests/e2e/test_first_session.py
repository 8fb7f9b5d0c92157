"""A scientist's first session, in a real browser, found by role and label."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

PICTURES = os.environ.get("ALONGSIDE_PICTURES")
"""Where screenshots for the documentation go; unset: nowhere."""


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def login(page: Page, stack: Stack, user: str) -> None:
    page.goto(f"{stack.url}/hub/login")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()


def backends_of(stack: Stack, token: str) -> list[dict[str, object]]:
    with stack.api(token) as api:
        answer = api.get("backends")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()
        return found


@pytest.mark.shows("K1", "K3", "K4", "K5", "K7", "K13")
def test_from_login_to_a_result_on_ones_own_cluster_and_back(stack: Stack, page: Page) -> None:
    login(page, stack, "ada")
    expect(page.get_by_role("heading", name="Start a session")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^Dask cluster")).check(force=True)
    page.get_by_role("spinbutton", name="Workers").fill("2")
    picture(page, "form")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/hub/spawn-pending/|/user/ada/"))
    if "/hub/spawn-pending/" in page.url:
        picture(page, "progress")
    page.wait_for_url(re.compile(r"/user/ada/lab"), timeout=120_000)
    page.get_by_role("main").first.wait_for()

    page.goto(f"{stack.url}/user/ada/lab/tree/examples/first-cluster.ipynb")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(page.get_by_text("All done on 2 workers")).to_be_visible(timeout=240_000)
    picture(page, "lab")

    token = stack.token("ada")
    [backend] = backends_of(stack, token)
    assert backend["phase"] == "running"
    marked = [p for p in stack.processes() if p.environ().get("ALONGSIDE_BACKEND")]
    assert marked

    # the page's buttons do nothing before its scripts have been loaded
    page.goto(f"{stack.url}/hub/home", wait_until="networkidle")
    page.get_by_role("button", name=re.compile("Stop My Server", re.IGNORECASE)).click()
    wait_until("the backend is gone", lambda: not backends_of(stack, token), 60)
    wait_until(
        "no process of the session is left",
        lambda: (
            not [
                p
                for p in stack.processes()
                if p.is_running()
                and (p.environ().get("ALONGSIDE_BACKEND") or p.environ().get("JUPYTERHUB_USER"))
            ]
        ),
        60,
    )
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_label("Username")).to_be_visible()
