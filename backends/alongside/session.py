"""For use in a session: `launch`, `attach` and `backends` without any address or token."""

from __future__ import annotations

import atexit
from typing import Any

from alongside.client import Client
from alongside.endpoint import Endpoint
from alongside.handle import BackendHandle, Target

_services: dict[Endpoint, Client] = {}


def service() -> Client:
    """The client of this session, made once."""
    endpoint = Endpoint.find()
    if endpoint not in _services:
        _services[endpoint] = Client.at(endpoint)
    return _services[endpoint]


@atexit.register
def close() -> None:
    """Close its connections; the next call opens new ones."""
    while _services:
        _services.popitem()[1].close()


def launch(kind: str = "dask", **arguments: Any) -> BackendHandle:
    """Start a backend that belongs to this session, and wait until it can be used.

    ``alongside.launch("dask", workers=4, cores=2, memory="4 GiB")``; `name`, `profile`, `keep`,
    `lifetime`, `wait` and `timeout` as in `alongside.Client.launch`.
    """
    return service().launch(kind, **arguments)


def attach(target: Target | None = None, kind: str = "dask", **arguments: Any) -> Any:
    """Connect this kernel to a backend; returns the client object of its kind.

    For Dask that is a `distributed.Client` (`arguments` go there). Without `target` it is the
    session's own backend of that kind. Waits for one that is starting, and warns before any work
    starts when its libraries have other versions than this kernel's.
    """
    return service().backend(target, kind).client(**arguments)


def backends() -> list[BackendHandle]:
    """All your backends, newest first."""
    return service().backends()
