"""One request to the service, before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True)
class Call:
    """One request. `path` is relative to the API; `timeout` in seconds."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0


def arguments(call: Call) -> dict[str, Any]:
    """A call as arguments of httpx's `request` and `stream`."""
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params) or None,
        "json": call.body,
        "headers": dict(call.headers),
        "timeout": httpx.Timeout(call.timeout, connect=min(CONNECT_TIMEOUT, call.timeout)),
    }
