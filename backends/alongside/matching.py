"""Which backend a name means. Pure: the list of backends comes from the service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alongside.errors import InvalidRequest, NotFound
from alongside.kinds import get_kind
from alongside.models import Backend
from alongside.phases import LIVE, Phase

_FIRST = "dask"
"""The kind that is meant where several would do."""


def match(backends: Sequence[Backend], wanted: str, user: str = "") -> Backend:
    """The backend of this id, else of this name: a live one before ended ones, the user's own
    before those of others, and of ended ones the newest.

    Raises NotFound with the names that there are, InvalidRequest with the ids when two fit.
    """
    for backend in backends:
        if backend.id == wanted:
            return backend
    named = [backend for backend in backends if backend.name == wanted]
    if not named:
        known = ", ".join(sorted({b.name for b in backends if b.phase in LIVE})) or "none"
        raise NotFound(f"There is no backend {wanted[:63]!r}.", f"Backends that run: {known}.")
    live = [backend for backend in named if backend.phase in LIVE]
    fitting = live or [max(named, key=lambda backend: backend.created)]
    own = [backend for backend in fitting if backend.owner == user]
    chosen = own or fitting
    if len(chosen) > 1:
        raise InvalidRequest(
            f"{len(chosen)} backends are called {wanted[:63]!r}.",
            f"Give the id of one: {_candidates(chosen)}.",
            "name",
        )
    return chosen[0]


def _candidates(backends: Iterable[Backend]) -> str:
    return ", ".join(
        f"{b.id} ({b.kind} of {b.owner}, {b.phase})" for b in sorted(backends, key=lambda b: b.id)
    )


def session_backend(
    backends: Sequence[Backend], kind: str | None, session: str, user: str
) -> Backend:
    """The backend that a session means without naming one, among those of this user and session.

    Of one kind, that is the one called like its kind (as the spawner calls it), else the oldest;
    without a kind, a Dask cluster before any other. Live before ended ones. Raises NotFound when
    there is none that is live or has failed.
    """
    mine = [
        b for b in backends if (b.session, b.owner) == (session, user) and kind in (None, b.kind)
    ]
    live = [b for b in mine if b.phase in LIVE and b.phase is not Phase.STOPPING]
    if live:
        return min(live, key=lambda b: (b.kind != _FIRST, b.name != b.kind, b.created))
    failed = [b for b in mine if b.phase is Phase.FAILED]
    if failed:
        return max(failed, key=lambda b: b.created)
    raise NotFound(
        f"This session has no {get_kind(kind).title if kind else 'backend'}.",
        f'Launch one with alongside.launch("{kind or _FIRST}").',
    )
