"""What axe-core finds wrong for people who hear, magnify or type."""

from __future__ import annotations

from playwright.sync_api import Locator

from tests.stack import ROOT

_AXE = (ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js").read_text


def violations(part: Locator) -> list[str]:
    """Each as its rule, what it says, and the first places; of this part of the page only."""
    page = part.page
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE(encoding="utf-8"))
    found = part.evaluate("async node => (await axe.run(node)).violations")
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found
    ]
