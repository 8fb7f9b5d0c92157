"""Alongside: computing that comes along with a JupyterHub session.

In a session: `launch`, `attach`, `backends`. Anywhere, given the hub's address and a token:
`Client` and, for asyncio, `AsyncClient`. What goes wrong is an `errors.AlongsideError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alongside.async_client import AsyncClient as AsyncClient
    from alongside.client import Client as Client
    from alongside.handle import AsyncBackendHandle as AsyncBackendHandle
    from alongside.handle import BackendHandle as BackendHandle
    from alongside.session import attach as attach
    from alongside.session import backends as backends
    from alongside.session import launch as launch
    from alongside.session import restore as restore
    from alongside.session import resume as resume

# imported when first used: the fork server, the service and each worker import this package too
_PLACES = {
    "AsyncBackendHandle": "alongside.handle",
    "AsyncClient": "alongside.async_client",
    "BackendHandle": "alongside.handle",
    "Client": "alongside.client",
    "attach": "alongside.session",
    "backends": "alongside.session",
    "launch": "alongside.session",
    "restore": "alongside.session",
    "resume": "alongside.session",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
