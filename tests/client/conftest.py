"""A service that answers at once, and real Dask clusters."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alongside.kinds.dask.tls import make_credentials
from alongside.models import Connection
from tests.client.fake_service import FakeService
from tests.client.reaching import client, session, url

CLUSTER = Path(__file__).with_name("cluster.py")


class Clusters:
    """Starts clusters and ends them."""

    def __init__(self, folder: Path, exits: contextlib.ExitStack) -> None:
        self._folder = folder
        self._exits = exits
        self._count = 0
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def start(self, workers: int = 2, version: str = "") -> Connection:
        """A cluster with credentials of its own, usable at once."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        files = make_credentials(f"test {self._count}", timedelta(hours=1))
        for name, content in files.items():
            (folder / name).write_bytes(content)
        process = self._exits.enter_context(
            subprocess.Popen(
                [sys.executable, str(CLUSTER), str(folder), str(workers), version],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self._exits.callback(_end, process)
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("tls://"), address
        self._processes[address] = process
        return Connection(
            kind="dask",
            address=address,
            credentials={
                "ca": files["ca.pem"].decode(),
                "cert": files["client.pem"].decode(),
                "key": files["client-key.pem"].decode(),
            },
        )

    def kill(self, connection: Connection) -> None:
        _end(self._processes[connection.address])


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[Clusters]:
    with contextlib.ExitStack() as exits:
        yield Clusters(tmp_path, exits)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """One cluster for the tests that don't harm it."""
    with contextlib.ExitStack() as exits:
        yield Clusters(tmp_path_factory.mktemp("cluster"), exits).start()


@pytest.fixture
def service() -> FakeService:
    return FakeService()


__all__ = ["client", "session", "url"]
