"""Fixtures that reach the small service of the fixture `service`: as a script, and in a session."""

from __future__ import annotations

from collections.abc import Iterator

import dask
import pytest

import alongside
import alongside.session
from alongside.endpoint import API, SESSION
from alongside.kinds.dask import Dask
from tests.client.fake_service import TOKEN, FakeService, serving


@pytest.fixture
def url(service: FakeService) -> Iterator[str]:
    with serving(service) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[alongside.Client]:
    """A client as a script outside of the hub makes it."""
    with alongside.Client(url, TOKEN) as client:
        yield client


@pytest.fixture
def session(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a session of ada's, as its kernel sees it."""
    variables = {API: url, SESSION: "", **Dask.environment}
    variables |= {"JUPYTERHUB_API_TOKEN": TOKEN, "JUPYTERHUB_USER": "ada"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = {
        "scheduler-address": variables["DASK_SCHEDULER_ADDRESS"],
        "distributed.client.security-loader": variables[
            "DASK_DISTRIBUTED__CLIENT__SECURITY_LOADER"
        ],
    }
    with dask.config.set(settings):
        yield variables
    alongside.session.close()
