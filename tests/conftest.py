"""What all tests share: hints about browser tests; nothing that takes time."""

from __future__ import annotations

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests, and say how to have them, where there is no browser."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    reason = "needs a browser; on Debian and Ubuntu: apt-get install chromium"
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))
