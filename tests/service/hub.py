"""A real hub with the real service as its own, for tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from alongside_service.scopes import SERVICE_NEEDS
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
SESSION = """\
import http.server, os, urllib.parse
url = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
handler = http.server.SimpleHTTPRequestHandler
http.server.ThreadingHTTPServer((url.hostname, url.port), handler).serve_forever()
"""
"""Something that answers: to the hub it is a session like any other."""

CONFIG = """\
import json, os, sys
sys.path.insert(0, {tools!r})
import proxy
settings = json.loads({settings!r})
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"root"}}
c.Authenticator.allowed_users = {{"ada", "bob", "eve"}}
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, "-c", {session!r}]
c.JupyterHub.allow_named_servers = True
c.JupyterHub.bind_url = settings["public"]
c.JupyterHub.hub_bind_url = settings["hub"]
c.ConfigurableHTTPProxy.api_url = settings["proxy"]
c.ConfigurableHTTPProxy.command = proxy.command()
c.ConfigurableHTTPProxy.auth_token = "x" * 32
c.ConfigurableHTTPProxy.pid_file = os.path.join(settings["home"], "proxy.pid")
c.JupyterHub.db_url = "sqlite:///" + os.path.join(settings["home"], "hub.sqlite")
c.JupyterHub.cookie_secret = b"x" * 32
c.JupyterHub.cleanup_servers = False
c.JupyterHub.load_groups = {{"datf": {{"users": ["eve"]}}}}
access = "access:services!service=alongside"
c.JupyterHub.services = [
    {{
        "name": "alongside",
        "url": settings["service"],
        "api_token": settings["token"],
        "command": [
            sys.executable, "-m", "alongside_service", "--AlongsideService.sessions_interval=0.5"
        ],
        "oauth_no_confirm": True,
        "environment": {{
            "ALONGSIDE_HOME": settings["home"],
            "ALONGSIDE_CATALOGUE": settings["catalogue"],
            "PYTHONUNBUFFERED": "1",
        }},
    }},
    {{"name": "tests", "api_token": settings["admin"]}},
]
c.JupyterHub.load_roles = [
    {{"name": "alongside", "services": ["alongside"], "scopes": {needs!r}}},
    {{
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:servers", "tokens"],
    }},
    {{"name": "user", "scopes": ["self", access]}},
]
"""


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody used a moment ago."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def answers(url: str) -> bool:
    """Whether there is a 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class RealHub:
    """Where it is, and how to ask it."""

    public: str
    hub: str
    service: str
    admin: str
    token: str
    process: subprocess.Popen[bytes]
    log: Path
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def api(self) -> str:
        """The service's API through the proxy."""
        return f"{self.public}/services/alongside/api/v1"

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """The hub's REST API, as admin."""
        headers = {"Authorization": f"token {self.admin}"}
        url = f"{self.hub}/hub/api/{path}"
        answer = httpx.request(method, url, headers=headers, timeout=20, **arguments)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def token_of(self, user: str, **body: Any) -> str:
        """A new token of a user; without `scopes` it may what its user may."""
        return str(self.ask("POST", f"users/{user}/tokens", json=body)["token"])

    def knows(self, token: str) -> bool:
        """Whether the hub accepts this token."""
        headers = {"Authorization": f"token {token}"}
        url = f"{self.hub}/hub/api/user"
        return httpx.get(url, headers=headers, timeout=20, trust_env=False).status_code == 200

    def looks(self) -> int:
        """How often the service has asked which sessions there are."""
        return self.log.read_text().count("GET /hub/api/users?")

    def client(self, token: str) -> httpx.Client:
        """A client of the service, through the proxy."""
        headers = {"Authorization": f"token {token}"}
        return self.kept(
            httpx.Client(base_url=self.api + "/", headers=headers, timeout=30, trust_env=False)
        )

    def kept(self, client: httpx.Client) -> httpx.Client:
        """A client that is closed in the end."""
        self.clients.append(client)
        return client

    def keeper(self) -> int:
        """The process of the service that the hub started."""
        return service_pid(self.process.pid)

    def server(self) -> int:
        """The process that serves."""
        return service_pid(self.keeper())


def service_pid(parent: int) -> int:
    """The service among the children of a process, once it has been started again."""
    return min(wait_until("the service's process", lambda: service_pids(parent)))


def service_pids(parent: int) -> set[int]:
    """Services among the children of a process."""
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            ppid = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
            command = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if ppid == parent and b"alongside_service" in command:
            found.add(int(directory.name))
    return found


@contextmanager
def hub_home(catalogue: str) -> Iterator[Path]:
    """A directory for the state of a hub, with this catalogue in it; its path is short, for the
    Unix sockets in it."""
    path = Path(tempfile.mkdtemp(prefix="ah-"))
    (path / "catalogue.yaml").write_text(catalogue)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def real_hub(home: Path, catalogue: Path) -> Iterator[RealHub]:
    """A hub of its own, with everything it started ended in the end."""
    urls = [f"http://127.0.0.1:{port}" for port in free_ports(4)]
    public, hub, service, proxy = urls
    settings = {
        "public": public,
        "hub": hub,
        "service": service,
        "proxy": proxy,
        "home": str(home),
        "catalogue": str(catalogue),
        "admin": "admin-" + "a" * 32,
        "token": "service-" + "b" * 32,
    }
    config = home / "jupyterhub_config.py"
    config.write_text(
        CONFIG.format(
            tools=str(ROOT / "tools"),
            settings=json.dumps(settings),
            needs=list(SERVICE_NEEDS),
            session=SESSION,
        )
    )
    log = home / "hub.log"
    dropped = ("JUPYTERHUB_", "ALONGSIDE_", "DASK_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    environment["JUPYTERHUB_CRYPT_KEY"] = "0" * 64
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=home,
        )
    it = RealHub(public, hub, service, settings["admin"], settings["token"], process, log)
    try:
        ready = f"{it.api}/healthz"
        wait_until("the hub", lambda: process.poll() is not None or answers(ready), 60)
        assert process.poll() is None, log.read_text()
        yield it
    finally:
        for client in it.clients:
            client.close()
        left = service_pids(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        wait_until("the service's end", lambda: not any(Path(f"/proc/{p}").exists() for p in left))
