"""The whole product as `make run` starts it, for tests and benchmarks.

Everything is real: the launcher, JupyterHub, configurable-http-proxy, the service, Dask. Each
`Stack` has a directory and ports of its own, on loopback.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "deploy" / "local" / "run.py"
READY = re.compile(r"Alongside is ready: (?P<url>\S+)\s+user: any\s+password: (?P<password>\S+)")


def free_port() -> int:
    """A port on loopback that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(process: psutil.Process) -> str:
    """Its command line; empty when it has ended."""
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE
        return "" if ended else " ".join(process.cmdline())
    except psutil.Error:
        return ""


def marked_processes(id: str) -> list[psutil.Process]:
    """The living processes that carry the mark of this backend, whoever their parent is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ALONGSIDE_BACKEND") == id and command(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@dataclass
class Stack:
    """`home` is its state directory. Use as a context manager."""

    home: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    password: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self, timeout: float = 90.0) -> Stack:
        """Start the launcher and wait for its one line."""
        dropped = ("JUPYTERHUB_", "ALONGSIDE_", "DASK_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        environment |= {"PORT": str(self.port), "ALONGSIDE_HOME": str(self.home)}
        # `make run` activates no environment.
        own = str(Path(sys.executable).parent)
        paths = [path for path in os.environ["PATH"].split(os.pathsep) if path != own]
        environment["PATH"] = os.pathsep.join(paths)
        self.home.mkdir(parents=True, exist_ok=True)
        self.stop()
        self.process = subprocess.Popen(
            [sys.executable, str(LAUNCHER)],
            env=environment | self.environment,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        found = self._ready_line(timeout)
        self.url, self.password = found["url"], found["password"]
        return self

    def _ready_line(self, timeout: float) -> re.Match[str]:
        assert self.process is not None
        assert self.process.stdout is not None
        end = time.monotonic() + timeout
        seen = ""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, end - time.monotonic())):
                line = self.process.stdout.readline()
                seen += line
                if found := READY.search(line):
                    return found
                if not line:
                    break
        self.stop()
        raise AssertionError(f"not ready within {timeout} s; it printed: {seen!r}")

    def stop(self, timeout: float = 60.0) -> int:
        """End it as Ctrl-C would; its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
        return status

    def __enter__(self) -> Stack:
        return self.start() if self.process is None else self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def processes(self) -> list[psutil.Process]:
        """Everything that this stack has started and that still runs.

        The launcher adopts what lost its parent, so that all are its descendants.
        """
        assert self.process is not None
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [p for p in below if command(p)]

    def find(self, *words: str) -> list[psutil.Process]:
        """Its processes whose command line has all these words, oldest first."""
        return [p for p in self.processes() if all(w in command(p) for w in words)]

    def login(self, user: str) -> httpx.Client:
        """A browser-like session of this user."""
        browser = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60)
        browser.get("/hub/login")
        form = {"username": user, "password": self.password, "_xsrf": browser.cookies["_xsrf"]}
        answer = browser.post("/hub/login", params={"next": "/hub/home"}, data=form)
        assert answer.status_code == 200, answer.text[:500]
        assert urlsplit(str(answer.url)).path == "/hub/home", answer.url
        return browser

    def token(self, user: str) -> str:
        """An API token with all rights of this user."""
        with closing(self.login(user)) as browser:
            xsrf = browser.cookies.get("_xsrf", path="/hub/") or browser.cookies["_xsrf"]
            answer = browser.post(
                f"/hub/api/users/{user}/tokens",
                json={"note": "test"},
                headers={"X-XSRFToken": xsrf, "Referer": f"{self.url}/hub/token"},
            )
            assert answer.status_code in (200, 201), answer.text
            token: str = answer.json()["token"]
            return token

    def api(self, token: str) -> httpx.Client:
        """The service's API with this token."""
        return httpx.Client(
            base_url=f"{self.url}/services/alongside/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
