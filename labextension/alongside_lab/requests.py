"""Which requests of the browser are passed on to the service, and as what. Pure."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

_LARGEST = 256 * 1024
_LARGEST_RUN = 1024 * 1024
ID = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""The id of a backend or a run, or a step's name, as a regular expression."""
_ALLOWED: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(path), frozenset(methods.split()))
    for path, methods in (
        ("me", "GET"),
        ("catalogue", "GET"),
        ("spawn-options", "POST"),
        ("backends", "GET POST"),
        (f"backends/{ID}", "GET PATCH DELETE"),
        (f"backends/{ID}/logs", "GET"),
        ("runs", "GET POST"),
        (f"runs/{ID}", "GET DELETE"),
        (f"runs/{ID}/(cancel|resume)", "POST"),
        (f"runs/{ID}/record", "GET"),
        (f"runs/{ID}/steps/{ID}/(log|notebook|report)", "GET"),
        ("workflows/check", "POST"),
        ("schedules", "GET POST"),
        (f"schedules/{ID}", "PATCH DELETE"),
    )
)
_PASSED = ("Accept", "Content-Type", "Idempotency-Key")


@dataclass(frozen=True)
class Outgoing:
    """A request to the service. `path` is relative to its API; `endless` if it may go on."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    endless: bool = False


def methods_of(path: str) -> frozenset[str]:
    """The methods that this path is passed on with; none for what is not passed on at all."""
    for pattern, methods in _ALLOWED:
        if pattern.fullmatch(path):
            return methods
    return frozenset()


def largest(path: str) -> int:
    """Bytes that the body of a request to this path may have, as for the service itself."""
    return _LARGEST_RUN if path in ("runs", "workflows/check") else _LARGEST


def outgoing(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    session: str | None,
) -> Outgoing:
    """What to send. `session` is the one that a backend belongs to when the browser names none."""
    passed = {name: headers[name] for name in _PASSED if headers.get(name)}
    if method == "POST" and path in ("backends", "runs", "schedules"):
        # so that it may be sent twice, should a connection break at the wrong moment
        passed.setdefault("Idempotency-Key", uuid.uuid4().hex)
        if path != "schedules":  # what those start belongs to no session
            body = _in_session(body, session)
    endless = path.endswith("/logs") and "follow=" in query
    return Outgoing(method, path, query, passed, body, endless)


def _in_session(body: bytes, session: str | None) -> bytes:
    if session is None:
        return body
    try:
        wish = json.loads(body)
        if not isinstance(wish, dict) or "session" in wish:
            return body
        return json.dumps({**wish, "session": session}, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # no JSON, or letters that are none
        return body  # the service says what is wrong with it
