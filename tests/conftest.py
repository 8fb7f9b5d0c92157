"""What all tests share: which of them run, and in what order; nothing that takes time."""

from __future__ import annotations

import os
import shutil
from zlib import crc32

import pytest

# before anything imports them, which tests of several folders do
pytest.register_assert_rewrite("tests.workflows.executor_suite", "tests.workflows.local_runs")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, four at most: much of what tests do is to wait.

    xdist's own variable goes before.
    """
    said = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS", "")
    return int(said) if said.isdecimal() else min(4, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long modules first. Skip browser tests, and say how to have them, where there is none."""
    if part := os.environ.get("ALONGSIDE_TEST_PART"):
        _keep(part, config, items)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    if any(shutil.which(name) for name in BROWSERS):
        return
    reason = "needs a browser; on Debian and Ubuntu: apt-get install chromium"
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))


def _keep(part: str, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the slow tests only the files of a part, such as ``2/3``, and those marked `always`."""
    number, parts = map(int, part.split("/"))

    def kept(item: pytest.Item) -> bool:
        if item.get_closest_marker("slow") is None or item.get_closest_marker("always"):
            return True
        return crc32(item.path.name.encode()) % parts == number - 1

    config.hook.pytest_deselected(items=[item for item in items if not kept(item)])
    items[:] = [item for item in items if kept(item)]
