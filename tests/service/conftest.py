"""The service in this process, over a platform and a hub in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from alongside.catalogue_file import CatalogueFile
from alongside_service.app import create_app
from alongside_service.server import listen
from alongside_service.service import Service
from tests.doubles.memory_executor import MemoryExecutor
from tests.doubles.memory_hub import MemoryHub
from tests.doubles.memory_platform import MemoryPlatform

FOR_METRICS = ("read:metrics", "access:services!service=alongside")
"""The scopes of whoever collects numbers."""
OWN_TOKEN = "the-service's-own-token"
API = "/services/alongside/api/v1"
CATALOGUE = """\
profiles:
  small:
    title: Small
    default: dask
    backends:
      dask:
        options:
          workers: {default: 2, minimum: 1, maximum: 4}
          cores: 1
          memory: {default: 1 GiB, minimum: 512 MiB, maximum: 2 GiB}
        lifetime: {idle: 30 min, maximum: 8 h}
  course:
    title: Course
    groups: [datf]
    until: 2999-01-01
    backends:
      dask:
        options: {workers: 1, cores: 1, memory: 1 GiB}
        lifetime: {maximum: 2 h}
        grace: 10 min
quotas:
  default: {backends: 3, workers: 8, cores: 16, memory: 16 GiB}
  groups:
    datf: {backends: 5}
"""


class Running:
    """A service that is open, and clients of it."""

    def __init__(
        self,
        service: Service,
        platform: MemoryPlatform,
        hub: MemoryHub,
        ends: list[str],
        executor: MemoryExecutor,
    ) -> None:
        self.executor = executor
        self.ends = ends
        """Why its process would have ended."""
        self.service = service
        self.platform = platform
        self.hub = hub
        self.app = create_app(service)
        self._clients: list[httpx.AsyncClient] = []

    def client(self, token: str | None) -> httpx.AsyncClient:
        """A client with this token, whose base is the API."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url=f"http://hub.test{API}/", headers=headers, timeout=30
        )
        self._clients.append(client)
        return client

    def user(self, name: str, *groups: str, **kwargs: Any) -> httpx.AsyncClient:
        """A client of a user that the hub knows from now on."""
        return self.client(self.hub.add(name, *groups, **kwargs))

    @property
    def spawner(self) -> httpx.AsyncClient:
        """The hub's own client."""
        return self.client(OWN_TOKEN)

    async def settled(self, condition: Callable[[], bool], within: float = 30.0) -> None:
        """Wait until the condition holds."""
        async with asyncio.timeout(within):
            while not condition():
                await self.service.registry.change(0.05)


@pytest.fixture
def catalogue_path(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(CATALOGUE)
    return path


@asynccontextmanager
async def running(
    path: Path,
    platform: MemoryPlatform | None = None,
    executor: MemoryExecutor | None = None,
    **kwargs: Any,
) -> AsyncIterator[Running]:
    """A service over memory, open."""
    platform = platform or MemoryPlatform()
    executor = executor or MemoryExecutor()
    kwargs.setdefault("executors", {executor.name: executor})
    hub = MemoryHub()
    ends: list[str] = []
    service = Service(
        catalogue=CatalogueFile(path),
        platforms={"local": platform},
        hub=hub,
        token=OWN_TOKEN,
        give_up=ends.append,
        **kwargs,
    )
    run = Running(service, platform, hub, ends, executor)
    async with run.app.router.lifespan_context(run.app):
        yield run
    for client in run._clients:
        await client.aclose()


@pytest.fixture
async def run(catalogue_path: Path) -> AsyncIterator[Running]:
    async with running(catalogue_path) as it:
        yield it


@dataclass
class Served:
    """A service behind a real socket, in a thread."""

    url: str
    tokens: tuple[str, ...]


@pytest.fixture
def served(catalogue_path: Path) -> Iterator[Served]:
    sock = listen("http://127.0.0.1:0")
    ready = threading.Event()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with running(catalogue_path) as run:
            run.hub.add("ada", "datf")
            run.hub.add("root", admin=True)
            monitoring = {"kind": "service", "name": "prometheus", "scopes": [*FOR_METRICS]}
            run.hub.tokens["token-of-prometheus"] = monitoring
            config = uvicorn.Config(
                run.app, lifespan="off", log_config=None, timeout_graceful_shutdown=1
            )
            servers.append(uvicorn.Server(config))
            ready.set()
            await servers[0].serve(sockets=[sock])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}{API}"
    yield Served(url, ("token-of-ada", "token-of-root"))
    servers[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()
