"""A scientist at a release's hub: with a browser, and with a token of theirs."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.kubernetes.release import Release, wait_for

PICTURES = os.environ.get("ALONGSIDE_PICTURES")
MOST = 240_000  # milliseconds for what takes ten seconds, on a machine that does more besides


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


class Scientist:
    """Somebody who has logged in once before. `api` is the service, as they see it."""

    def __init__(self, release: Release, user: str, token: str, api: httpx.Client) -> None:
        self.release, self.user, self.api = release, user, api
        self._headers = {"Authorization": f"token {token}"}

    # -- in the browser ------------------------------------------------------------------------

    def log_in(self, page: Page) -> None:
        """Returns when the form is there."""
        page.goto(f"{self.release.address()}/hub/login")
        page.get_by_label("Username").fill(self.user)
        page.get_by_label("Password").fill(self.release.password())
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Start a session")).to_be_visible()

    def start(self, page: Page, progress: str) -> None:
        """Start what the form says; returns when JupyterLab is there. What is told meanwhile
        matches `progress`."""
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url(re.compile(rf"/hub/spawn-pending/|/user/{self.user}/"))
        if "/hub/spawn-pending/" in page.url:
            expect(page.get_by_text(re.compile(progress)).first).to_be_visible()
            picture(page, "kubernetes-progress")
        page.wait_for_url(re.compile(rf"/user/{self.user}/lab"), timeout=MOST)
        page.get_by_role("main").first.wait_for()

    def run_all(self, page: Page, notebook: str) -> None:
        """Open a notebook and have all of it executed; returns when that has begun."""
        # no other notebook is open, whose kernel could be taken for this one's
        page.goto(f"{self.release.address()}/user/{self.user}/lab/tree/{notebook}?reset")
        idle = page.get_by_text("Python 3 (ipykernel) | Idle")
        expect(idle).to_be_visible(timeout=MOST)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def stop(self, page: Page) -> None:
        """End the session on the hub's page; returns when its backends are gone."""
        # the page's buttons do nothing before its scripts have been loaded
        page.goto(f"{self.release.address()}/hub/home", wait_until="networkidle")
        page.get_by_role("button", name=re.compile("Stop My Server", re.IGNORECASE)).click()
        wait_for(lambda: not self.backends(), "the backends are gone")

    # -- with the token ------------------------------------------------------------------------

    @property
    def _server(self) -> str:
        return f"{self.release.address()}/hub/api/users/{self.user}/server"

    def told(self, options: dict[str, Any]) -> list[tuple[float, str]]:
        """Start a session; what the hub tells from the beginning of that to its end, which may be
        a failure, and when: in seconds, from some moment."""
        with ThreadPoolExecutor(1) as background:
            asked = background.submit(self.api.post, self._server, json=options, timeout=300)
            told: list[tuple[float, str]] = wait_for(self._progress, "there is progress to see")
            asked.result()
        return told

    def _progress(self) -> list[tuple[float, str]]:
        with self.api.stream("GET", f"{self._server}/progress", timeout=300) as answer:
            if answer.status_code != 200:
                return []
            return [
                (time.monotonic(), json.loads(line.removeprefix("data: "))["message"])
                for line in answer.iter_lines()
                if line.startswith("data: ")
            ]

    def leave(self) -> None:
        """End the session if there still is one, so that an operator that goes next has nothing
        left to do."""
        self.api.delete(self._server)
        for one in self.backends():
            if one["phase"] == "failed":  # stays until somebody has seen it
                self.api.delete(f"backends/{one['id']}")
        wait_for(lambda: not self.backends(), "the backends are gone")

    def get(self, path: str) -> httpx.Response:
        """What the service answers; after it, the proxy or the hub was killed, once it can."""

        def answer() -> httpx.Response | None:
            try:
                found = self.api.get(path)
            except httpx.TransportError:
                return None
            return found if found.status_code not in (502, 503) else None

        found: httpx.Response = wait_for(answer, f"{path} is answered")
        return found

    def backends(self) -> list[dict[str, Any]]:
        answer = self.get("backends")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def bring(self, folder: str, texts: Mapping[str, str]) -> None:
        """Put files into a folder of the session, as one would drag them into the browser."""
        url = f"{self.release.address()}/user/{self.user}/api/contents/"
        with httpx.Client(
            base_url=url, headers=self._headers, timeout=60, trust_env=False
        ) as files:
            assert files.put(folder, json={"type": "directory"}).is_success
            for name, text in texts.items():
                body = {"type": "file", "format": "text", "content": text}
                assert files.put(f"{folder}/{name}", json=body).is_success


@contextmanager
def scientist(release: Release, user: str) -> Iterator[Scientist]:
    with release.browser(user) as first:
        made = first.hub("POST", f"users/{user}/tokens", json={"note": "tests"})
        assert made.status_code == 201, made.text
        token = str(made.json()["token"])
    with httpx.Client(
        base_url=f"{release.address()}/services/alongside/api/v1/",
        headers={"Authorization": f"token {token}"},
        timeout=30,
        trust_env=False,
    ) as api:
        one = Scientist(release, user, token, api)
        yield one
        one.leave()


def nothing_new(release: Release, before: set[str]) -> None:
    """Wait until the namespace holds nothing that it did not hold before; what was about to go then
    may have gone. What is in a user's home outlives the session."""

    def new() -> set[str]:
        added = release.held() - before
        return {one for one in added if not one.startswith("persistentvolumeclaims/home-")}

    wait_for(lambda: not new(), "the namespace holds what it held before")
