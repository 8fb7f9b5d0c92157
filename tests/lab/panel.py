"""What a user sees and does in JupyterLab, found by role and label only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

PATIENCE = 90_000.0
"""Milliseconds for what a slow machine may take long over."""

RESTORED = """
new MutationObserver((changes, observer) => {
  const gone = changes.flatMap(({ removedNodes }) => [...removedNodes]);
  if (gone.some(({ id }) => id === 'jupyterlab-splash')) {
    document.documentElement.dataset.restored = 'yes';
    observer.disconnect();
  }
}).observe(document, { childList: true, subtree: true });
"""
"""Marks the page once JupyterLab has taken its splash away, which it does when the layout is as it
was. Until then it moves tabs about and brings another one to the front than a test has clicked on;
that no splash is there yet, or any more, look the same."""


@dataclass
class Lab:
    """JupyterLab in one tab of a browser. `base` is the address of its server, with a slash."""

    page: Page
    base: str

    def __post_init__(self) -> None:
        self.page.add_init_script(RESTORED)

    def open(self, path: str = "lab") -> Lab:
        """Load it, and wait until it is there with all that was open before."""
        self.page.goto(self.base + path)
        return self.loaded()

    def loaded(self) -> Lab:
        """Wait until it is there."""
        expect(self.page.locator("html[data-restored]")).to_have_count(1, timeout=PATIENCE)
        self.tab.wait_for(timeout=PATIENCE)
        return self

    def show(self) -> Lab:
        """Show the panel, and wait until it knows what there is."""
        if not self.panel.is_visible():
            self.tab.click()
        looking = self.panel.get_by_role("status", name="Looking for backends")
        expect(looking).to_have_count(0, timeout=PATIENCE)
        return self

    def reload(self) -> Lab:
        self.page.reload()
        return self.loaded()

    def widen(self, pixels: int) -> None:
        """Make the panel so wide, by its edge."""
        box = self.panel.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] + 3, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + pixels + 3, y, steps=4)
        self.page.mouse.up()

    def tab_to(self, target: Locator, most: int = 80) -> None:
        """Press the tab key until the target has the focus."""
        for _ in range(most):
            if target.count() and target.evaluate("node => node === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached by {most} presses of the tab key")

    @property
    def tab(self) -> Locator:
        """The panel's tab in the left sidebar."""
        return self.page.get_by_role("tab", name=re.compile("^Alongside: clusters"))

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("region", name="Alongside", exact=True)

    @property
    def launch_button(self) -> Locator:
        return self.panel.get_by_role("button", name="+ Launch")

    def dialog(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("dialog", name=name)

    def card(self, name: str) -> Card:
        """The panel's card of the backend of this name."""
        return Card(self, self.panel.get_by_role("article", name=name, exact=True))

    def meter(self, name: str) -> str:
        """What a bar of the quota says: "2 / 4"."""
        bars = self.panel.get_by_role("region", name="What you use of what you may")
        return bars.get_by_role("meter", name=name).get_attribute("aria-valuetext") or ""

    def main_tab(self, name: str | re.Pattern[str]) -> Locator:
        """A tab of the main area."""
        return self.page.get_by_role("main").get_by_role("tab", name=name)

    def close_tab(self, name: str) -> None:
        """Close the tab in front, which is called so."""
        expect(self.main_tab(name)).to_have_attribute("aria-selected", "true")
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        self.page.get_by_role("menuitem", name=re.compile("^Close Tab")).click()
        expect(self.main_tab(name)).to_have_count(0)

    def new_notebook(self) -> Notebook:
        """A new notebook of Python from the launcher that is open, its kernel ready."""
        self.page.get_by_role("main").get_by_title("Python 3 (ipykernel)").first.click()
        return Notebook(self)

    def notification(self, text: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("alert").filter(has_text=text)

    @property
    def status(self) -> Locator:
        """The item in the status bar."""
        return self.page.get_by_role("contentinfo").get_by_role("button")


@dataclass
class Card:
    """One backend in the panel."""

    lab: Lab
    node: Locator

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.node.get_by_role("button", name=name)

    def says(self, text: str | re.Pattern[str], timeout: float = PATIENCE) -> None:
        """Wait until it says so."""
        expect(self.node).to_contain_text(text, timeout=timeout)

    def choose(self, menu: str | re.Pattern[str], item: str) -> None:
        """Choose an item of one of its menus."""
        self.button(menu).click()
        self.lab.page.get_by_role("menuitem", name=item, exact=True).click()

    def more(self, item: str) -> None:
        """Choose an item of the ⋯ menu."""
        self.choose(re.compile("^More about"), item)


@dataclass
class Notebook:
    """The notebook in front."""

    lab: Lab

    def __post_init__(self) -> None:
        expect(self.lab.page.get_by_text("| Idle")).to_be_visible(timeout=PATIENCE)

    @property
    def cells(self) -> Locator:
        return self.lab.page.get_by_role("main").get_by_role("feed", name="Cells")

    def run(self, code: str) -> None:
        """Put it into the last cell and begin to run that; a new cell comes below."""
        self.cells.get_by_role("textbox").last.click()
        self.lab.page.keyboard.press("ControlOrMeta+a")
        self.lab.page.keyboard.insert_text(code)
        self.lab.page.keyboard.press("Shift+Enter")

    def says(self, text: str | re.Pattern[str], timeout: float = PATIENCE) -> None:
        """Wait until something that it has printed or shown says so."""
        expect(self.cells.get_by_text(text).last).to_be_visible(timeout=timeout)
