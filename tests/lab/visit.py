"""A person's browser, and their sessions on the hub."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.chromium import Complaints
from tests.lab.panel import Lab
from tests.stack import Stack
from tests.waiting import wait_until

PICTURES = os.environ.get("ALONGSIDE_PICTURES")
"""Where screenshots for the documentation go; unset: nowhere."""


def picture(what: Page | Locator, name: str) -> None:
    """What is passing by is left out."""
    if PICTURES:
        path = Path(PICTURES) / f"{name}.png"
        hidden = ".Toastify, .Toastify * { visibility: hidden !important; }"
        what.screenshot(path=path, style=hidden)


class Person:
    """A user of the hub, by its API and the service's."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name
        self.token = stack.token(name)
        self.api = stack.api(self.token)
        self.hub = httpx.Client(
            base_url=f"{stack.url}/hub/api/",
            headers={"Authorization": f"token {self.token}"},
            timeout=60,
        )

    def start_session(self, **options: Any) -> str:
        """Start the default session, without a backend unless asked; its address."""
        wish = {"profile": "dask-small", "backend": None} | options
        answer = self.hub.post(f"users/{self.name}/server", json=wish)
        assert answer.status_code in (201, 202), answer.text
        wait_until("the session is up", self._ready, 90)
        return f"{self.stack.url}/user/{self.name}/"

    def stop_session(self) -> None:
        self.hub.delete(f"users/{self.name}/server")
        wait_until("the session has ended", lambda: not self._servers(), 90)

    def _servers(self) -> dict[str, Any]:
        servers: dict[str, Any] = self.hub.get(f"users/{self.name}").json()["servers"]
        return servers

    def _ready(self) -> bool:
        return bool(self._servers().get("", {}).get("ready"))

    def launch(self, name: str, **wish: Any) -> str:
        """Launch a small backend by the API, as code and command line do; its id."""
        options = {"workers": 1, "memory": "512 MiB"} | wish.pop("options", {})
        body = {"name": name, "profile": "dask-small", "kind": "dask", "options": options} | wish
        answer = self.api.post("backends", json=body)
        assert answer.status_code == 202, answer.text
        id: str = answer.json()["id"]
        return id

    def backend(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"backends/{id}").json()
        return found

    def live(self) -> list[dict[str, Any]]:
        """What runs for this person."""
        return [b for b in self.api.get("backends").json() if b["phase"] not in ENDED]

    def end_all(self) -> None:
        """Stop whatever runs, and forget what has ended."""

        def all_gone() -> bool:
            found = self.api.get("backends").json()
            for backend in found:
                if backend["phase"] != "stopping":
                    self.api.delete(f"backends/{backend['id']}")
            return not found

        wait_until("all backends are gone", all_gone, 60, every=0.3)

    def kernels(self, base: str) -> list[dict[str, Any]]:
        """The kernels of the session at this address."""
        found: list[dict[str, Any]] = self.hub.get(f"{base}api/kernels").json()
        return found

    def end_kernel(self, base: str, id: str) -> None:
        answer = self.hub.delete(f"{base}api/kernels/{id}")
        assert answer.status_code == 204, answer.text

    def close(self) -> None:
        self.api.close()
        self.hub.close()


ENDED = ("stopped", "failed")


@dataclass
class Visit:
    """The windows that people have open, and what their pages complain of."""

    browser: Browser
    contexts: dict[str, BrowserContext] = field(default_factory=dict)
    complaints: list[Complaints] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)

    def person(self, stack: Stack, name: str) -> Person:
        self.people.append(Person(stack, name))
        return self.people[-1]

    def window(self, user: str) -> BrowserContext:
        """A window of one's own, without a tab."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(60_000)
        self.contexts[user] = context
        return context

    def login(self, stack: Stack, user: str) -> None:
        """Sign in at the hub, in a window of their own."""
        context = self.window(user)
        page = context.new_page()
        page.goto(f"{stack.url}/hub/login")
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(stack.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(rf"/hub/(spawn|home)|/user/{user}/"))
        page.close()

    def tab(self, base: str, user: str) -> Lab:
        """A new tab, nothing loaded."""
        page = self.contexts[user].new_page()
        self.pages.append(page)
        self.complaints.append(Complaints(page))
        return Lab(page, base)

    def lab(self, base: str, user: str = "ada", path: str = "lab?reset") -> Lab:
        """JupyterLab in a new tab, its panel shown."""
        return self.tab(base, user).open(path).show()

    def assert_quiet(self) -> None:
        """No page has had an error that nobody caught, or wrote one to its console."""
        said = "\n".join(text for each in self.complaints for text in each)
        assert not said, said

    def forgive(self, pattern: str) -> None:
        """Take away complaints that a test has caused on purpose."""
        for each in self.complaints:
            each[:] = [text for text in each if not re.search(pattern, text)]

    def close(self, folder: Path) -> None:
        for number, page in enumerate(self.pages):
            if not page.is_closed():
                page.screenshot(path=folder / f"last-{number}.png")
        for context in self.contexts.values():
            context.close()
        for person in self.people:
            person.close()
