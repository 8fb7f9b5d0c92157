"""A real hub with its real proxy, in processes of its own, for tests to drive over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from alongside_spawners.session_processes import SessionProcesses, mark_of
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PROXY = ROOT / "deploy/local/proxy/node_modules/.bin"


def free_port() -> int:
    """A port of the loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(
    condition: Callable[[], Any], what: str, timeout: float = 30.0, pause: float = 0.05
) -> Any:
    """The first true value of `condition`, asked again and again for a bounded time."""
    return wait_until(what, condition, timeout, pause)


class LiveHub:
    """A hub with state in `place`. `config` is appended to its configuration."""

    def __init__(self, place: Path, config: str = "", spawner: str = "alongside-local") -> None:
        self.place = place
        self.port, self.hub_port, self.proxy_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = secrets.token_hex(16)
        self.log = place / "hub.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._proxy_token = secrets.token_hex(16)
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        (place / "jupyterhub_config.py").write_text(
            f"""
c = get_config()
c.JupyterHub.bind_url = "{self.url}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{self.hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{self.proxy_port}"
c.ConfigurableHTTPProxy.pid_file = "{place}/proxy.pid"
c.JupyterHub.db_url = "sqlite:///{place}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{place}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"root-of-the-hub"}}
c.JupyterHub.allow_named_servers = True
c.JupyterHub.cleanup_servers = False
c.Spawner.poll_interval = 1
c.JupyterHub.spawner_class = "{spawner}"
c.LocalSessionSpawner.unix_users = False
c.LocalSessionSpawner.state_dir = "{place}"
c.JupyterHub.services = [{{"name": "driver", "api_token": "{self.token}"}}]
c.JupyterHub.load_roles = [{{"name": "driver", "services": ["driver"],
    "scopes": ["admin:users", "admin:servers", "access:servers", "list:services"]}}]
{config}
"""
        )

    def start(self) -> LiveHub:
        """Start it and wait until it answers."""
        keep = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "ALONGSIDE_HOME")
        env = {name: os.environ[name] for name in keep if name in os.environ}
        env["PATH"] = f"{Path(sys.executable).parent}:{PROXY}:{env['PATH']}"
        env["LANG"] = "C"
        env["CONFIGPROXY_AUTH_TOKEN"] = self._proxy_token
        env["JUPYTERHUB_CRYPT_KEY"] = secrets.token_hex(32)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
                cwd=self.place,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until(self.answers, "the hub answers", 60, pause=0.2)
        except AssertionError as error:
            self.end()
            raise AssertionError(f"{error}; its log: {self.text()[-3000:]}") from None
        return self

    def answers(self) -> bool:
        """Whether the hub is reached through its proxy."""
        assert self.process is not None
        assert self.process.poll() is None, "the hub has ended"
        try:
            return self.client.get("/hub/api/").status_code == 200
        except httpx.HTTPError:
            return False

    def text(self) -> str:
        """The hub's log."""
        return self.log.read_text() if self.log.exists() else ""

    def kill(self) -> None:
        """kill -9 of the hub alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def alter_state(self, user: str, pid: int | None) -> None:
        """While the hub is down: make its record of a session name another process, or none."""
        where = "WHERE user_id = (SELECT id FROM users WHERE name = ?)"
        with contextlib.closing(sqlite3.connect(self.place / "hub.sqlite")) as database:
            (text,) = database.execute(f"SELECT state FROM spawners {where}", (user,)).fetchone()
            state = json.loads(text)
            state = {} if pid is None else state | {"pid": pid}
            database.execute(f"UPDATE spawners SET state = ? {where}", (json.dumps(state), user))
            database.commit()

    def end(self) -> None:
        """End the hub and its proxy, sessions first."""
        if self.process is None:
            return
        if self.process.poll() is None:
            for user in self.api("GET", "users").json():
                for name in user["servers"]:
                    self.stop(user["name"], name)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._end_proxy()
        self.client.close()
        shutil.rmtree(self.place / "home", ignore_errors=True)

    def _end_proxy(self) -> None:
        """A proxy whose hub was killed is still there."""
        file = self.place / "proxy.pid"
        if file.exists() and (pid := file.read_text().strip()).isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)

    def api(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A call of the hub's REST API as an administrator."""
        headers = {"Authorization": f"token {self.token}"}
        return self.client.request(method, f"/hub/api/{path}", headers=headers, **arguments)

    def user(self, name: str) -> dict[str, Any]:
        """The hub's model of a user."""
        return self.api("GET", f"users/{name}?include_stopped_servers=1").json()

    def servers(self, name: str) -> dict[str, Any]:
        """The running and pending servers of a user."""
        servers: dict[str, Any] = self.api("GET", f"users/{name}").json()["servers"]
        return servers

    def begin(self, user: str, options: Any = None, name: str = "") -> httpx.Response:
        """Ask for a session over REST."""
        self.api("POST", f"users/{user}")
        body = json.dumps(options).encode()
        return self.api("POST", f"users/{user}/servers/{name}", content=body)

    def session(self, user: str, options: Any = None, name: str = "") -> dict[str, Any]:
        """Start a session and wait until it is ready."""
        answer = self.begin(user, options, name)
        assert answer.status_code in {201, 202}, answer.text

        def ready() -> Any:
            server = self.servers(user).get(name)
            return server if server and server["ready"] else None

        found: dict[str, Any] = until(ready, f"session of {user} is ready", 60)
        return found

    def stop(self, user: str, name: str = "") -> None:
        """Stop a session and wait until it is gone."""
        self.api("DELETE", f"users/{user}/servers/{name}")
        until(lambda: name not in self.servers(user), f"session of {user} has ended", 60)

    def progress(self, user: str, name: str = "") -> list[dict[str, Any]]:
        """All events of a start, from now to its end."""
        path = f"users/{user}/servers/{name}/progress" if name else f"users/{user}/server/progress"
        headers = {"Authorization": f"token {self.token}"}
        with self.client.stream("GET", f"/hub/api/{path}", headers=headers) as answer:
            if answer.status_code != 200:
                return []
            lines = [line[6:] for line in answer.iter_lines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines]

    def state(self, user: str, name: str = "") -> dict[str, Any]:
        """What the hub has stored of a session (process id among it)."""
        found: dict[str, Any] = self.servers(user)[name]["state"]
        return found


class LiveHubWithService(LiveHub):
    """A hub with the Alongside service; `service` is its address."""

    def __init__(self, place: Path, config: str, *, service: str, service_token: str) -> None:
        super().__init__(place, config)
        self._service = f"{service}/services/alongside/api/v1"
        self._service_token = service_token

    def start(self) -> LiveHubWithService:
        """Start both and wait until both answer."""
        super().start()
        until(self._service_answers, "the service answers", 60, pause=0.2)
        return self

    def _service_answers(self) -> bool:
        try:
            return httpx.get(f"{self._service}/healthz", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def backends(self, owner: str) -> list[dict[str, Any]]:
        """A user's backends that have not ended."""
        headers = {"Authorization": f"token {self._service_token}"}
        query = {"owner": owner}
        url = f"{self._service}/backends"
        found = httpx.get(url, params=query, headers=headers, trust_env=False).json()
        return [b for b in found if b["phase"] not in {"stopped", "failed"}]

    def end_backend(self, id: str) -> None:
        """End a backend and wait until it has."""
        headers = {"Authorization": f"token {self._service_token}"}
        url = f"{self._service}/backends/{id}"
        httpx.delete(url, headers=headers, trust_env=False)
        until(
            lambda: (
                httpx.get(url, headers=headers, trust_env=False).json().get("phase")
                not in {"pending", "starting", "running", "scaling", "stopping"}
            ),
            "the backend has ended",
        )

    def watch(self, user: str, options: object) -> list[dict[str, Any]]:
        """Start a session and see its progress from its beginning to its end."""
        with ThreadPoolExecutor(1) as background:
            asked = background.submit(self.begin, user, options)
            events = until(lambda: self.progress(user), "there is progress to see")
            asked.result()
        return list(events)

    def environment(self, pid: int) -> dict[str, str]:
        """The environment that a process was started with."""
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)

    def scopes_of(self, token: str) -> list[str]:
        """The scopes of a token."""
        headers = {"Authorization": f"token {token}"}
        scopes: list[str] = self.client.get("/hub/api/user", headers=headers).json()["scopes"]
        return scopes

    def kernel(self, user: str) -> None:
        """Start a kernel in the user's session."""
        headers = {"Authorization": f"token {self.token}"}
        answer = self.client.post(f"/user/{user}/api/kernels", headers=headers, json={})
        assert answer.status_code == 201, answer.text

    def processes(self, user: str, name: str = "") -> list[int]:
        """Process ids of what belongs to a session, its notebook server included."""
        mark = mark_of(self.place, user, name)
        logs = [*(self.place / "sessions").glob(f"*-{mark[:12]}.log"), Path("/nowhere")]
        return [identity.pid for identity in SessionProcesses(mark, logs[0]).find()]


class Visitor:
    """Somebody at a browser without scripts: logs in, reads pages, sends forms."""

    def __init__(self, hub: LiveHub, name: str) -> None:
        self.client = httpx.Client(
            base_url=hub.url, timeout=60, trust_env=False, follow_redirects=True
        )
        self.client.get("/hub/login")
        answer = self.client.post(
            "/hub/login", params=self._xsrf(), data={"username": name, "password": "x"}
        )
        assert answer.is_success, answer.text
        self.name = name

    def _xsrf(self) -> dict[str, str]:
        found = [c.value for c in self.client.cookies.jar if c.name == "_xsrf"]
        return {"_xsrf": str(found[-1])}

    def form(self) -> str:
        """The page with the spawn form."""
        return self.client.get("/hub/spawn").text

    def send(self, data: dict[str, str]) -> httpx.Response:
        """Send the spawn form; the answer is not followed."""
        self.form()
        return self.client.post(
            "/hub/spawn", params=self._xsrf(), data=data, follow_redirects=False
        )

    def close(self) -> None:
        """Close the browser."""
        self.client.close()
