"""For use in a session: `launch`, `attach` and `backends` without any address or token."""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from typing import Any

from alongside import elsewhere
from alongside.client import Client
from alongside.endpoint import ATTACHED, Endpoint
from alongside.errors import InvalidRequest
from alongside.handle import BackendHandle, Target, detach

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

    ``alongside.launch("dask", workers=4, cores=2, memory="4 GiB")``; `name`, `profile`, `image`,
    `keep`, `lifetime`, `wait` and `timeout` as in `alongside.Client.launch`.
    """
    return service().launch(kind, **arguments)


def attach(
    target: Target | None = None,
    kind: str | None = None,
    *,
    host: str = "",
    port: int = elsewhere.PORT,
    token: str | Path | None = None,
    together: bool = False,
    **arguments: Any,
) -> Any:
    """Connect this kernel to a backend; returns the client object of its kind.

    For Dask that is a `distributed.Client` (`arguments` go there), for Arkouda the module
    `arkouda`, connected. Without `target` it is the session's own backend of that `kind`; without a
    kind that of any, Dask first. In the step of a workflow it is the one that the step computes on.
    Waits for one that is starting, and warns before any work starts when its libraries have other
    versions than this kernel's.

    While a step of a workflow computes on a locale group, no kernel is connected to it: they would
    overwrite each other's names. `together` says that this is meant.

    With `host` it is an Arkouda server that somebody else runs: ``attach(host="node17", port=5555,
    token=Path("token"))``. That one needs neither hub nor service, and is never ended.
    """
    there = (host, port, token) if host else None
    if there and (target is not None or kind not in (None, elsewhere.KIND) or arguments):
        raise InvalidRequest(
            "Either a backend of yours is meant, or a server at an address.",
            "Give its name, or host, port and token.",
            "host",
        )
    if there is None and target is None and kind == elsewhere.KIND and ATTACHED not in os.environ:
        there = elsewhere.named(os.environ)
    if there:
        detach(elsewhere.KIND)
        return elsewhere.attach(*there)
    return service().backend(target, kind).client(together=together, **arguments)


def restore(named: str | Path, **arguments: Any) -> BackendHandle:
    """Load what is saved in a directory, or of a backend of this name, into that backend.

    For when a new start with another size has gone wrong half way: the error names the directory.
    The files are removed when all is loaded, unless `keep`.
    """
    return service().restore(named, **arguments)


def resume(named: str | Path, **arguments: Any) -> BackendHandle:
    """Launch a backend as it was when `BackendHandle.pause` put it away, and load what it had.

    ``alongside.resume("nightly", locales=4)``: by its directory or its name, maybe with other
    options.
    """
    return service().resume(named, **arguments)


def backends() -> list[BackendHandle]:
    """All your backends, newest first."""
    return service().backends()
