"""A real Jupyter server with the extension, in a process of its own, and a browser's side of it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.stack import ROOT, free_port

TOKEN = "the-jupyter-server's-token"
SCHEMA_ID = "https://schema.jupyter.org/alongside/backends/v1"
_PACKAGES = ROOT / "labextension"


@dataclass
class Jupyter:
    """The server. `base` is its base URL's path; `folder` is where it lives."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    base: str = "/user/ada/"
    extensions: Mapping[str, bool] = field(default_factory=lambda: {"alongside_lab": True})
    port: int = field(default_factory=free_port)
    python: str = sys.executable
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base}"

    @property
    def log(self) -> str:
        """All that it has printed."""
        path = self.folder / "server.log"
        return path.read_text() if path.exists() else ""

    def start(self) -> Jupyter:
        """Start it, and wait until it answers."""
        dropped = ("JUPYTER", "ALONGSIDE_", "DASK_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        environment |= {
            "PYTHONPATH": f"{self.folder}:{_PACKAGES}",  # a sitecustomize may lie there
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "HOME": str(self.folder),
        }
        with (self.folder / "server.log").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(self.python, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    f"--ServerApp.jpserver_extensions={dict(self.extensions)}",
                    f"--ServerApp.base_url={self.base}",
                    f"--ServerApp.port={self.port}",
                    "--ServerApp.port_retries=0",
                    f"--ServerApp.root_dir={self.folder}",
                    f"--IdentityProvider.token={TOKEN}",
                    *self.arguments,
                ],
                env=environment | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
            )
        with self.client() as client:
            wait_for(lambda: self._answers(client), "the Jupyter server", 60)
        return self

    def _answers(self, client: httpx.Client) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            return client.get("api/status").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(signum)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise

    def __enter__(self) -> Jupyter:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.process is not None:
            self.stop()

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        """HTTP to it, with this token."""
        headers = {} if token is None else {"Authorization": f"token {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    @contextlib.contextmanager
    def events(self) -> Iterator[Events]:
        """Its Jupyter Events, as a browser gets them."""
        address = f"{self.url.replace('http', 'ws', 1)}api/events/subscribe"
        headers = {"Authorization": f"token {TOKEN}"}
        with connect(address, additional_headers=headers, proxy=None, max_size=None) as socket:
            yield Events(socket)


@dataclass
class Events:
    """The events of this extension, in their order; all that came are in `seen`."""

    socket: ClientConnection
    seen: list[dict[str, Any]] = field(default_factory=list)

    def until(
        self, condition: Callable[[dict[str, Any]], bool], within: float = 30.0
    ) -> dict[str, Any]:
        """The next event for which this holds."""
        deadline = time.monotonic() + within
        while True:
            try:
                text = self.socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"not within {within} s; what came: {self.seen}") from None
            event: dict[str, Any] = json.loads(text)
            if event["schema_id"] == SCHEMA_ID:
                self.seen.append(event)
                if condition(event):
                    return event


def wait_for(condition: Callable[[], Any], what: str, within: float = 30.0) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {within} s"
        time.sleep(0.02)
    return value


def short_folder() -> Path:
    """A new directory whose path is short enough for the Unix sockets of a home.

    It goes when all tests are over.
    """
    folder = Path(tempfile.mkdtemp(prefix="al-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
