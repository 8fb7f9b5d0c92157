"""Talking to a running scheduler: HTTP over its Unix socket, which only its account can open.

The scheduler's HTTP interface knows no passwords, so it isn't on TCP (see `preload`).
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from alongside.errors import NotReady

SOCKET = "dashboard.sock"
"""The socket's name within `Place.run`."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket at `path`; `timeout` in seconds for each step."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(run: Path, method: str, path: str, body: Any, timeout: float) -> Any:
    """The JSON answer of the scheduler; NotReady when it does not give one in `timeout` seconds."""
    connection = UnixConnection(run / SOCKET, timeout)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise NotReady(f"The scheduler answered {response.status} {response.reason}.")
        return json.loads(content)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotReady(f"The scheduler does not answer ({type(error).__name__}).") from None
    finally:
        connection.close()
