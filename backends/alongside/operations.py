"""What can be asked of the service, free of I/O, for the sync and the async client alike.

How operations are made: `exchanges`; those that wait: `awaiting`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from alongside.calls import Call
from alongside.endpoint import Endpoint
from alongside.errors import Conflict, NotFound
from alongside.exchanges import Operation, ask, understood
from alongside.kinds import get_kind
from alongside.matching import match, session_backend
from alongside.models import Backend, Connection, Lifetime
from alongside.requests import Launch, Patch, parse

_ONE, _LIST = TypeAdapter(Backend), TypeAdapter(list[Backend])
_CONNECTION = TypeAdapter(Connection)
_LOOKS_LIKE_ID = re.compile(r"[a-z0-9-]+-[a-z2-7]{16}")


def document(path: str) -> Operation[dict[str, Any]]:
    """A document as it is: `me`, `catalogue`, `healthz`."""
    found: dict[str, Any] = yield from ask(Call("GET", path))
    return found


def whoami() -> Operation[str]:
    """The name of the user whose token this is."""
    return str((yield from document("me")).get("user", ""))


def backends() -> Operation[list[Backend]]:
    """All backends that the user may see, newest first."""
    found = understood(_LIST, (yield from ask(Call("GET", "backends"))))
    return sorted(found, key=lambda backend: backend.created, reverse=True)


def find(wanted: str, user: str = "") -> Operation[Backend]:
    """The backend of this id or name."""
    if _LOOKS_LIKE_ID.fullmatch(wanted):
        try:
            return (yield from get(wanted))
        except NotFound:
            pass  # a name may look like an id
    known = yield from backends()
    if not user and sum(backend.name == wanted for backend in known) > 1:
        user = yield from whoami()
    return match(known, wanted, user)


def get(id: str) -> Operation[Backend]:
    """The backend of this id."""
    return understood(_ONE, (yield from ask(Call("GET", backend_path(id)))))


def own(endpoint: Endpoint, kind: str | None = None) -> Operation[Backend]:
    """What a call means that names no backend: that of the step of a workflow, else the session's
    own of this kind (default: any, Dask first).

    Raises NotFound when there is none, Conflict when the step's is of another kind.
    """
    if not endpoint.attached:
        return (yield from in_session(kind, endpoint.session or "", endpoint.user))
    backend = yield from get(endpoint.attached)
    if kind is not None and backend.kind != kind:
        raise Conflict(
            f"This step computes on the {get_kind(backend.kind).title} {backend.name}.",
            f"Give the step a backend of the kind {kind}.",
        )
    return backend


def in_session(kind: str | None, session: str, user: str = "") -> Operation[Backend]:
    """The session's backend, of this kind if any, as `alongside.matching.session_backend` says."""
    user = user or (yield from whoami())
    return session_backend((yield from backends()), kind, session, user)


def request(
    kind: str,
    *,
    session: str | None,
    name: str | None = None,
    profile: str | None = None,
    image: str | None = None,
    keep: bool = False,
    lifetime: Lifetime | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Launch:
    """The body of a launch; what is None is left to the profile. Raises InvalidRequest."""
    if isinstance(lifetime, Lifetime):
        lifetime = lifetime.model_dump(mode="json", exclude_none=True)
    given = {
        "name": name,
        "profile": profile,
        "image": image,
        "lifetime": lifetime,
        "options": options,
    }
    given = {key: value for key, value in given.items() if value is not None}
    return parse(Launch, {"kind": kind, "session": session, "keep": keep, **given})


def launch(request: Launch, timeout: float = 30.0) -> Operation[Backend]:
    """Ask for a backend; repeated under the same key, it is still one backend."""
    body = request.model_dump(mode="json", exclude_unset=True)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    call = Call("POST", "backends", body=body, headers=headers, timeout=timeout)
    return understood(_ONE, (yield from ask(call)))


def change(id: str, patch: Patch) -> Operation[Backend]:
    """Change size, lifetime, shares or keeping."""
    body = patch.model_dump(mode="json", exclude_unset=True)
    return understood(_ONE, (yield from ask(Call("PATCH", backend_path(id), body=body))))


def size(
    backend: Backend, members: int | None, options: Mapping[str, Any], *, discard: bool = False
) -> Patch:
    """The change that makes it `members` (workers, locales) large, or gives it other options.

    Raises Conflict where that would lose what is in its memory, unless `discard`.
    """
    wanted, kind = dict(options), get_kind(backend.kind)
    if kind.scaling == "relaunch" and not discard:
        raise Conflict(
            f"Another size is a new start for {backend.name}: what is in its memory would be lost.",
            "Scale it from a notebook that is attached to it, which saves and loads that, or from "
            "the panel; or ask for it with discard=True (on the command line --discard).",
        )
    if members is not None:
        wanted[f"{kind.member}s"] = members
    return parse(Patch, {"options": wanted})


def stop(id: str) -> Operation[None]:
    """End it. One that has gone already is no error."""
    try:
        yield from ask(Call("DELETE", backend_path(id)))
    except NotFound:
        return


def connection(id: str) -> Operation[Connection]:
    """Address and credentials."""
    return understood(_CONNECTION, (yield from ask(Call("GET", f"{backend_path(id)}/connection"))))


def backend_path(id: str) -> str:
    """Where one backend is, relative to the API."""
    return f"backends/{quote(id, safe='')}"
