"""A real Jupyter server in a session whose service and clusters are real; the hub is in memory.

For what is seen in a browser the hub is real, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.client.real import RealService, real_service
from tests.lab.jupyter import Jupyter
from tests.lab.visit import Visit
from tests.stack import Stack


@pytest.fixture(scope="module")
def service() -> Iterator[RealService]:
    with real_service() as it:
        yield it


@pytest.fixture(scope="module")
def jupyter(service: RealService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """The server of ada's default session."""
    environment = {**service.environment, "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
    with Jupyter(tmp_path_factory.mktemp("jupyter"), environment) as it:
        yield it


@pytest.fixture
def browser(jupyter: Jupyter) -> Iterator[httpx.Client]:
    """HTTP to the server by somebody who is logged in."""
    with jupyter.client() as it:
        yield it


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Hub, proxy and service as users get them; each test has users of its own."""
    with Stack(tmp_path_factory.mktemp("stack") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One for each module: while it is there, no other event loop can run in this thread."""
    with chromium() as it:
        yield it


@pytest.fixture
def visit(chrome: Browser, tmp_path: Path) -> Iterator[Visit]:
    """What a person opens in a browser; at the end nothing may have complained."""
    opened = Visit(chrome)
    try:
        yield opened
        opened.assert_quiet()
    finally:
        opened.close(tmp_path)
