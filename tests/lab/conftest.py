"""A real Jupyter server in a session whose service and clusters are real; the hub is in memory."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.client.real import RealService, real_service
from tests.lab.jupyter import Jupyter


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
