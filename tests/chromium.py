"""A real Chromium, and what goes wrong in its pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

# Milliseconds; five seconds, which is its own, are little where many tests run.
expect.set_options(timeout=60_000)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
]
_RESOURCE = re.compile(r"^Failed to load resource")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser while the block lasts."""
    assert CHROMIUM is not None, "no chromium: install Debian's package `chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Complaints(list[str]):
    """What a page complains of: uncaught errors, and errors on its console.

    That a resource was not there is a complaint only if it is one of Alongside's.
    """

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))
        page.on("requestfailed", self._failed)
        self.requests: list[str] = []

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        place = message.location.get("url", "")
        if not _RESOURCE.match(message.text) or "alongside" in place:
            self.append(f"{message.text} ({place})")

    def _failed(self, request: Request) -> None:
        if "alongside" in request.url:
            self.requests.append(f"{request.method} {request.url}: {request.failure}")
