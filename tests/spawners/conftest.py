"""Hubs for these tests: real ones, with the real service and real Dask."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spawners.live_hub import ROOT, LiveHub, LiveHubWithService, free_port

TOY = ROOT / "tests" / "kinds" / "toy"
CATALOGUE = """
profiles:
  small:
    title: Small <b>& simple</b>
    session:
      cores: 1
      memory: 1 GiB
      environment: {COURSE: dask-101, LANG: C.UTF-8}
      lifetime: {idle: 2 h, maximum: 5 d}
    default: dask
    backends:
      dask:
        options:
          workers: {default: 1, maximum: 4}
          cores: 1
          memory: {default: 512 MiB, minimum: 256 MiB, maximum: 1 GiB}
        lifetime: {idle: 30 min, maximum: 8 h}
  plain:
    title: Notebook only
    description: Nothing comes along
  hopeless:
    title: Its backend never makes it
    backends:
      toy: {options: {broken: true}}
  demanding:
    title: No session without a backend
    backends:
      toy: {options: {broken: true}, required: true}
  closed:
    title: For others
    groups: [others]
quotas:
  default: {backends: 3, cores: 64, memory: 64 GiB}
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LiveHubWithService]:
    """A hub with the service, as `configure` sets it up, one for each module of tests."""
    with running_hub(CATALOGUE) as running:
        yield running


@contextlib.contextmanager
def running_hub(profiles: str) -> Iterator[LiveHubWithService]:
    """A hub with the service and this catalogue."""
    # Its path must be short, for the sockets in it: pytest's own directories may not be.
    with tempfile.TemporaryDirectory(prefix="hub-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        catalogue = place / "catalogue.yaml"
        catalogue.write_text(profiles)
        token, url = secrets.token_hex(16), f"http://127.0.0.1:{free_port()}"
        config = f"""
from alongside_spawners import configure
configure(c, catalogue="{catalogue}", home="{place}", service_url="{url}", token="{token}",
          unix_users=False, environment={{"PYTHONPATH": "{TOY}"}})

def hook(spawner):
    spawner.warm = not spawner.user.name.startswith("slow-")

c.Spawner.pre_spawn_hook = hook
# On a busy machine the answer to a request says how it came out nevertheless.
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 45}}
"""
        running = LiveHubWithService(place, config, service=url, service_token=token)
        try:
            yield running.start()
        finally:
            running.end()


@pytest.fixture
def lonely_hub(tmp_path: Path) -> Iterator[LiveHub]:
    """A hub whose service does not answer."""
    config = f"""
from alongside_spawners import configure
configure(c, home="{tmp_path}", service_url="http://127.0.0.1:{free_port()}", token="no-secret",
          managed=False, unix_users=False)
"""
    running = LiveHub(tmp_path, config)
    try:
        yield running.start()
    finally:
        running.end()
