"""The real service over the real local platform, in a thread; only the hub is in memory.

`RealService.environment` is what a session of ada's has. When the block ends, every backend is
ended and nothing is left.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

import alongside
from alongside.catalogue_file import CatalogueFile
from alongside.endpoint import API, SESSION, complete
from alongside.kinds.dask import Dask
from alongside.platforms.local import LocalPlatform
from alongside_service.app import create_app
from alongside_service.run_settings import local_runs
from alongside_service.service import Service
from tests.doubles.memory_hub import MemoryHub
from tests.waiting import wait_until

CATALOGUE = """\
profiles:
  small:
    title: Small
    default: dask
    backends:
      dask:
        options:
          workers: {default: 2, minimum: 1, maximum: 6}
          cores: 1
          memory: {default: 400 MiB, minimum: 200 MiB, maximum: 1 GiB}
        lifetime: {idle: 30 min, maximum: 8 h}
"""


@dataclass
class RealService:
    """Where it is, and what a session has in its environment."""

    url: str
    token: str
    home: Path
    bob: str
    """The token of somebody else."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            API: self.url,
            SESSION: "",
            **Dask.environment,
            "JUPYTERHUB_API_TOKEN": self.token,
            "JUPYTERHUB_USER": "ada",
        }


@contextlib.contextmanager
def real_service(catalogue: str = CATALOGUE) -> Iterator[RealService]:
    """The service while the block lasts."""
    home = Path(tempfile.mkdtemp(prefix="al-"))  # short, for the Unix sockets in it
    (home / "catalogue.yaml").write_text(catalogue)
    hub = MemoryHub()
    token = hub.add("ada")
    platforms = {"local": LocalPlatform(home=str(home))}
    executors, tokens = local_runs(platforms)
    assert tokens is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        service = Service(
            catalogue=CatalogueFile(home / "catalogue.yaml"),
            platforms=platforms,
            executors=executors,
            run_tokens=tokens,
            api=complete(url),
            hub=hub,
            token="the-service's-own-token",
        )
        config = uvicorn.Config(create_app(service), log_level="error", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until("the service", lambda: server.started or not thread.is_alive())
        try:
            yield RealService(url, token, home, hub.add("bob"))
            with httpx.Client(
                base_url=complete(url), headers={"Authorization": f"Bearer {token}"}
            ) as api:
                for run in api.get("runs").json():
                    api.delete(f"runs/{run['id']}", timeout=60)
            with alongside.Client(url, token) as client:
                for backend in client.backends():
                    backend.stop()
                wait_until("the end of all backends", lambda: not client.backends())
        finally:
            server.should_exit = True
            thread.join(30)
    assert not thread.is_alive()
    assert not list((home / "backends").iterdir())
    shutil.rmtree(home)
