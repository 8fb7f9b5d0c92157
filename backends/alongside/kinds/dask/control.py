"""Talking to a running scheduler: over its Unix socket on one machine, else by HTTPS.

Only the backend's account can open the socket; on a network a token is sent along (see `preload`).
What a scheduler answers is checked as if a stranger had written it: on a network it may have.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from alongside.errors import NotReady
from alongside.kinds.base import Observation, Pages, Place
from alongside.kinds.dask import ports
from alongside.models import Usage

SOCKET: Final = "dashboard.sock"
"""The socket's name within `Place.run`."""
STATE: Final = "/alongside/state"
RETIRE: Final = "/alongside/retire"
"""The pages of `routes`."""
_LONGEST = 4 * 2**20  # bytes of an answer; the state of 10,000 workers is a twentieth of it
_PACKAGES = 200


_NAMES: Final[TypeAdapter[tuple[str, ...]]] = TypeAdapter(tuple[str, ...])


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket at `path`; `timeout` in seconds for each step."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class State(BaseModel, strict=True, allow_inf_nan=False):
    """What the page of `routes` says."""

    address: str = Field(max_length=300)
    ready: frozenset[str] = Field(max_length=100_000)
    idle_since: float | None = Field(None, ge=0, le=2**36)
    target: int | None = Field(None, ge=0, le=2**31)
    cpu: float = Field(0.0, ge=0, le=2**31)
    memory: int = Field(0, ge=0, le=2**60)
    versions: dict[str, str] = Field({}, max_length=_PACKAGES)


def read_state(place: Place, *, target: bool, timeout: float) -> Observation:
    """What the scheduler says of itself. Raises NotReady.

    `target`: also ask for the number of workers that it would like.
    """
    content = _ask(place, "GET", f"{STATE}?target=1" if target else STATE, None, timeout)
    try:
        state = State.model_validate_json(content)
    except ValidationError:
        raise NotReady("The scheduler's answer makes no sense.") from None
    return Observation(
        ready=state.ready,
        address=state.address,
        idle_since=state.idle_since,
        target=state.target,
        usage=Usage(cpu=state.cpu, memory=state.memory),
        versions=state.versions,
    )


def retire(place: Place, count: int, role: str, timeout: float) -> tuple[str, ...]:
    """Let that many workers of a role go once their data is elsewhere; the names of those that
    went. An empty `role` means all workers. Raises NotReady."""
    body = json.dumps({"count": count, "role": role}).encode()
    content = _ask(place, "POST", RETIRE, body, timeout)
    try:
        return _NAMES.validate_json(content)
    except ValidationError:
        raise NotReady("The scheduler's answer makes no sense.") from None


def pages(place: Place) -> Pages:
    """Where the scheduler's web pages are. Raises NotReady when its credentials are gone."""
    if not place.head:
        return Pages(socket=place.run / SOCKET)
    return Pages(
        url=f"https://{ports.at(place.head, ports.SCHEDULER[ports.PAGES])}",
        authority=place.secret("ca.pem").decode(),
        headers={"Authorization": f"Bearer {place.secret('token').decode()}"},
    )


def _ask(place: Place, method: str, path: str, body: bytes | None, timeout: float) -> bytes:
    """The answer of the scheduler; NotReady when it does not give one in `timeout` seconds."""
    try:
        if place.head:
            from alongside.kinds.dask.remote import REMOTE

            status, content = REMOTE.ask(pages(place), method, path, body, timeout, _LONGEST)
        else:
            status, content = _ask_socket(place.run / SOCKET, method, path, body, timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotReady(f"The scheduler does not answer ({type(error).__name__}).") from None
    if status != http.client.OK:
        raise NotReady(f"The scheduler answered {status}.")
    return content


def _ask_socket(
    path: Path, method: str, page: str, body: bytes | None, timeout: float
) -> tuple[int, bytes]:
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, page, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
