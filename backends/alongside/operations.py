"""What can be asked of the service, free of I/O, for the sync and the async client alike.

An operation is a generator: it yields the calls to make and the pauses to keep, is sent the
answers, and returns the result. Drivers (`alongside.client`) only carry calls out.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from alongside.calls import Call as Call
from alongside.errors import AlongsideError, Conflict, NotFound, NotReady, Unavailable
from alongside.kinds import get_kind
from alongside.matching import match, session_backend
from alongside.models import Backend, Connection, Lifetime
from alongside.phases import ENDED, USABLE, Phase
from alongside.problems import error_of
from alongside.requests import Launch, Patch, parse

T = TypeVar("T")
TRIES = 5  # over 4 s: longer than a service takes to start again
FIRST_PAUSE = 0.1
_WAIT_FIRST, _WAIT_MOST = 0.02, 1.0
_LOOKS_LIKE_ID = re.compile(r"[a-z0-9-]+-[a-z2-7]{16}")


@dataclass(frozen=True)
class Answer:
    """What came back; `status` 0 means that nothing did, and `content` says why."""

    status: int
    content: bytes
    type: str = ""


@dataclass(frozen=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


Operation = Generator[Call | Pause, Answer | None, T]


def _exchange(call: Call) -> Operation[Answer]:
    answer = yield call
    assert answer is not None
    return answer


def ask(call: Call) -> Operation[Any]:
    """Make a call and return its JSON document, None if there is none.

    Repeats it, with growing pauses and at most `TRIES` times, when the service can't be reached:
    every call may be made twice (a POST carries an idempotency key). Raises the error that the
    service reports, or Unavailable.
    """
    pause = FIRST_PAUSE
    for attempt in range(1, TRIES + 1):
        answer = yield from _exchange(call)
        unreachable = answer.status in (0, 502, 504) or (
            answer.status == 503 and "problem" not in answer.type
        )
        if not unreachable or attempt == TRIES:
            break
        yield Pause(pause)
        pause *= 3
    if not 200 <= answer.status < 300:
        raise error_of(answer.status, answer.content, answer.type)
    if answer.status == 204 or not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        raise Unavailable(
            "What answered is not Alongside's service.", "Check the address of the hub."
        ) from None


def _read(model: type[T], data: Any) -> T:
    """The document as a model; fields that a newer service has added are passed over."""
    try:
        known = {k: v for k, v in data.items() if k in model.model_fields}  # type: ignore[attr-defined]
        return model.model_validate(known)  # type: ignore[attr-defined,no-any-return]
    except (AttributeError, ValidationError):
        raise Unavailable(
            "The service answered in a form that this version does not understand.",
            "Install the version of jupyterhub-alongside that the hub has.",
        ) from None


def document(path: str) -> Operation[dict[str, Any]]:
    """A document as it is: `me`, `catalogue`, `healthz`."""
    return (yield from ask(Call("GET", path)))  # type: ignore[no-any-return]


def whoami() -> Operation[str]:
    """The name of the user whose token this is."""
    return str((yield from document("me")).get("name", ""))


def backends() -> Operation[list[Backend]]:
    """All backends that the user may see, newest first."""
    data = yield from ask(Call("GET", "backends"))
    if isinstance(data, Mapping):
        data = data.get("backends", ())
    found = [_read(Backend, item) for item in data]
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
    return _read(Backend, (yield from ask(Call("GET", backend_path(id)))))


def in_session(kind: str, session: str, user: str = "") -> Operation[Backend]:
    """The session's backend of this kind, as `alongside.matching.session_backend` chooses it."""
    user = user or (yield from whoami())
    return session_backend((yield from backends()), kind, session, user)


def request(
    kind: str,
    *,
    session: str | None,
    name: str | None = None,
    profile: str | None = None,
    keep: bool = False,
    lifetime: Lifetime | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Launch:
    """The body of a launch; what is None is left to the profile. Raises InvalidRequest."""
    if isinstance(lifetime, Lifetime):
        lifetime = lifetime.model_dump(mode="json", exclude_none=True)
    given = {"name": name, "profile": profile, "lifetime": lifetime, "options": options}
    given = {key: value for key, value in given.items() if value is not None}
    return parse(Launch, {"kind": kind, "session": session, "keep": keep, **given})


def launch(request: Launch, timeout: float = 30.0) -> Operation[Backend]:
    """Ask for a backend; repeated under the same key, it is still one backend."""
    body = request.model_dump(mode="json", exclude_unset=True)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    call = Call("POST", "backends", body=body, headers=headers, timeout=timeout)
    return _read(Backend, (yield from ask(call)))


def change(id: str, patch: Patch) -> Operation[Backend]:
    """Change size, lifetime, shares or keeping."""
    body = patch.model_dump(mode="json", exclude_unset=True)
    return _read(Backend, (yield from ask(Call("PATCH", backend_path(id), body=body))))


def size(backend: Backend, members: int | None, options: Mapping[str, Any]) -> Patch:
    """The change that makes it `members` (workers, locales) large, or gives it other options."""
    wanted = dict(options)
    if members is not None:
        wanted[f"{get_kind(backend.kind).member}s"] = members
    return parse(Patch, {"options": wanted})


def stop(id: str) -> Operation[None]:
    """End it. One that has gone already is no error."""
    try:
        yield from ask(Call("DELETE", backend_path(id)))
    except NotFound:
        return


def gone(id: str, timeout: float) -> Operation[None]:
    """Return once it has ended; its record may be gone too."""
    try:
        yield from wait(id, ENDED, timeout)
    except Conflict:
        return


def connection(id: str) -> Operation[Connection]:
    """Address and credentials."""
    return _read(Connection, (yield from ask(Call("GET", f"{backend_path(id)}/connection"))))


def wait(
    id: str, until: frozenset[Phase], timeout: float, members: int | None = None
) -> Operation[Backend]:
    """The backend once its phase is one of `until` and it is `members` large, if given.

    Raises Conflict when it ended instead, NotReady after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    pause = _WAIT_FIRST
    while True:
        try:
            backend = yield from get(id)
        except NotFound:
            raise Conflict(
                "The backend has ended and its record is gone.", "Launch another one."
            ) from None
        except Unavailable:
            if time.monotonic() >= deadline:
                raise
            yield Pause(_WAIT_MOST)
            continue
        sized = members is None or backend.wanted == backend.ready == members
        if backend.phase in until and sized:
            return backend
        if backend.phase in ENDED or (backend.phase is Phase.STOPPING and until <= USABLE):
            raise ended(backend)
        left = deadline - time.monotonic()
        if left <= 0:
            raise not_ready(backend, timeout)
        yield Pause(min(pause, left))
        pause = min(pause * 1.1, _WAIT_MOST)  # a tenth too late at most


def ended(backend: Backend) -> AlongsideError:
    """What to tell when a backend that is to be used has ended."""
    what = "has failed" if backend.phase is Phase.FAILED else f"is {backend.phase}"
    cause = f": {backend.message}" if backend.message else "."
    remedy = backend.remedy or "Launch another one."
    return Conflict(f"{backend.name} {what}{_stop(cause)}", remedy)


def not_ready(backend: Backend, seconds: float) -> NotReady:
    """What to tell when a backend takes longer than somebody is ready to wait."""
    detail = f": {backend.message}" if backend.message else "."
    return NotReady(
        f"{backend.name} is still {backend.phase} after {seconds:.0f} s, "
        f"{backend.ready} of {backend.wanted} ready{_stop(detail)}",
        f"Wait longer, or look at `alongside show {backend.name}`.",
    )


def _stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def backend_path(id: str) -> str:
    """Where one backend is, relative to the API."""
    return f"backends/{quote(id, safe='')}"
