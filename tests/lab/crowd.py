"""JupyterLab for one who has many backends: real service and Lab, the platform in memory.

What happens on the platform is at the caller's word, so that it can be timed and repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from alongside.catalogue_file import CatalogueFile
from alongside.endpoint import API, SESSION
from alongside_service.app import create_app
from alongside_service.service import Service
from tests.client.real import CATALOGUE, RealService
from tests.doubles.memory_hub import MemoryHub
from tests.doubles.memory_platform import MemoryPlatform
from tests.lab.jupyter import Jupyter, short_folder, wait_for

OURS = "jupyterhub-alongside"


class Crowd:
    """The service; what its platform does is done from other threads."""

    def __init__(self, url: str, token: str, platform: MemoryPlatform) -> None:
        self.url = url
        self.token = token
        self.launched = 0
        self._platform = platform
        self._loop: asyncio.AbstractEventLoop | None = None

    def launch(self, count: int) -> list[str]:
        """So many backends, all running; their ids."""
        headers = {"Authorization": f"Bearer {self.token}"}
        ids = []
        with httpx.Client(base_url=f"{self.url}/", headers=headers, timeout=60) as api:
            for _ in range(count):
                self.launched += 1
                wish = {"name": f"number {self.launched}", "kind": "dask", "profile": "small"}
                answer = api.post("backends", json={**wish, "session": ""})
                assert answer.status_code == 202, answer.text
                ids.append(answer.json()["id"])
        return ids

    def become(self, id: str, **status: Any) -> None:
        """Let a backend have this status, from now on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(lambda: self._platform.become(id, **status))


@contextlib.contextmanager
def crowd() -> Iterator[Crowd]:
    """The service while the block lasts; its only user is ada."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue.yaml"
        catalogue.write_text(CATALOGUE)
        hub = MemoryHub()
        token = hub.add("ada")
        platform = MemoryPlatform()
        service = Service(
            catalogue=CatalogueFile(catalogue),
            platforms={"local": platform},
            hub=hub,
            token="the-service's-own-token",
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/services/alongside/api/v1"
            it = Crowd(url, token, platform)
            config = uvicorn.Config(
                create_app(service), log_level="error", timeout_graceful_shutdown=2
            )
            server = uvicorn.Server(config)

            async def serve() -> None:
                it._loop = asyncio.get_running_loop()
                await server.serve(sockets=[listener])

            thread = threading.Thread(target=lambda: asyncio.run(serve()))
            thread.start()
            try:
                wait_for(lambda: server.started or not thread.is_alive(), "the service")
                yield it
            finally:
                server.should_exit = True
                thread.join(30)


def lab_server(crowd: Crowd | RealService | None = None, extension: bool = True) -> Jupyter:
    """A JupyterLab that isn't started yet: of ada's session, or without our extension."""
    environment = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/", "JUPYTERHUB_USER": "ada"}
    if crowd is not None:
        environment |= {API: crowd.url, SESSION: "", "JUPYTERHUB_API_TOKEN": crowd.token}
    folder = short_folder()
    there = folder / "labextensions"
    there.mkdir()
    for path in Path(sys.prefix, "share", "jupyter", "labextensions").iterdir():
        if extension or path.name != OURS:
            (there / path.name).symlink_to(path)
    return Jupyter(
        folder,
        environment,
        (f"--LabApp.labextensions_path={there}", "--LabApp.news_url=None"),
        extensions={"alongside_lab": extension, "jupyterlab": True},
    )
