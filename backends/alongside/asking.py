"""What the sync and the async client share: where they ask, and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx

from alongside import awaiting, operations
from alongside.endpoint import Endpoint, is_loopback
from alongside.exchanges import Answer, Operation
from alongside.handle import Target
from alongside.kinds import get_kind
from alongside.models import Backend, Connection
from alongside.phases import ENDED, USABLE, Phase
from alongside.requests import Launch, Patch

WAIT = 300.0
"""Seconds that launching and waiting take at most, unless told otherwise."""
FROM_ENVIRONMENT = "\0"
"""The session that the calls come from."""

Until = Phase | str | None
"""What to wait for: a phase, or None for usable."""


class Asker:
    """A client without its connections.

    Parameters
    ----------
    url : address of the hub; default: that of the session (``ALONGSIDE_API``)
    token : a token of the hub; default: that of the session (``JUPYTERHUB_API_TOKEN``)
    """

    endpoint: Endpoint
    """Where the service is, and the credentials in use."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self._open(Endpoint.find(url, token))

    @classmethod
    def at(cls, endpoint: Endpoint) -> Self:
        """A client of this endpoint, whatever the environment says."""
        client = cls.__new__(cls)
        client._open(endpoint)
        return client

    def _open(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.endpoint.url}>"

    def _settings(self) -> dict[str, Any]:
        secure = self.endpoint.url.startswith("https:")
        return {
            "base_url": f"{self.endpoint.url}/",
            "headers": {"Authorization": f"token {self.endpoint.token}"},
            "trust_env": not is_loopback(self.endpoint.url),
            "verify": secure,  # building a TLS context that is not needed takes 20 ms
        }

    def _session(self, session: str | None) -> str | None:
        return self.endpoint.session if session == FROM_ENVIRONMENT else session

    def _find(self, target: Target) -> Operation[Backend]:
        if isinstance(target, str):
            return operations.find(target, self.endpoint.user)
        return operations.get(target.id)

    def _id(self, target: Target) -> Operation[str]:
        if not isinstance(target, str):
            return target.id
        return (yield from self._find(target)).id

    def _wait(self, target: Target, until: Until, timeout: float) -> Operation[Backend]:
        id = yield from self._id(target)
        return (yield from awaiting.wait(id, phases(until), timeout))

    def _change(self, target: Target, patch: Patch) -> Operation[Backend]:
        id = yield from self._id(target)
        return (yield from operations.change(id, patch))

    def _scale(
        self,
        target: Target,
        members: int | None,
        options: Mapping[str, Any],
        timeout: float | None,
        discard: bool = False,
    ) -> Operation[Backend]:
        backend = yield from self._find(target)
        patch = operations.size(backend, members, options, discard=discard)
        stages = backend.stages
        backend = yield from operations.change(backend.id, patch)
        if timeout is None:
            return backend
        if get_kind(backend.kind).scaling == "relaunch":
            count = members if members is not None else backend.wanted
            return (yield from awaiting.restarted(backend.id, stages, count, timeout))
        running = frozenset({Phase.RUNNING})
        return (yield from awaiting.wait(backend.id, running, timeout, members))

    def _stop(self, target: Target, timeout: float | None) -> Operation[None]:
        id = yield from self._id(target)
        yield from operations.stop(id)
        if timeout is not None:
            yield from awaiting.gone(id, timeout)

    def _connection(self, target: Target) -> Operation[Connection]:
        return (yield from operations.connection((yield from self._id(target))))

    def _launch(self, wish: Launch, wait: bool, timeout: float) -> Operation[Backend]:
        backend = yield from operations.launch(wish)
        if not wait:
            return backend
        return (yield from awaiting.wait(backend.id, USABLE, timeout))


def phases(until: Until) -> frozenset[Phase]:
    """The phases that end the waiting."""
    if until is None:
        return USABLE
    phase = Phase(until)
    return ENDED if phase in ENDED else frozenset({phase})


def answer_of(response: httpx.Response) -> Answer:
    """What came back."""
    return Answer(response.status_code, response.content, response.headers.get("content-type", ""))


def silence(error: httpx.HTTPError) -> Answer:
    """That nothing came back."""
    return Answer(0, (str(error) or type(error).__name__).encode())
