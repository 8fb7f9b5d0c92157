"""Who computes on a backend that keeps no two apart, and who is next. Pure.

A locale group has one table of symbols and one queue of requests for whoever is connected
(`Kind.exclusive`). So attempts of steps that name the same one are granted it one after the other,
in the order in which they asked; those that say `together` are granted it with their neighbours
that say so too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from alongside.errors import Conflict
from alongside.models import Backend, Reservation

MOST = 100
"""Reservations of one backend."""


def granted(reservations: Sequence[Reservation]) -> Sequence[Reservation]:
    """Those that may compute now: the first one, or as many as do so together."""
    together = list(takewhile(lambda one: one.together, reservations))
    return together or reservations[:1]


def same(one: Reservation, other: Reservation) -> bool:
    """Whether both are of the same attempt."""
    return (one.run, one.step, one.attempt) == (other.run, other.step, other.attempt)


def added(reservations: Sequence[Reservation], new: Reservation) -> tuple[Reservation, ...]:
    """With this one at the end, unless it has its place already, or there is none left."""
    known = any(same(new, one) for one in reservations)
    return (*reservations,) if known or len(reservations) >= MOST else (*reservations, new)


def ahead(reservations: Sequence[Reservation], mine: Reservation) -> int:
    """How many are before this one that do not compute yet; all of those, if it has no place."""
    waiting = reservations[len(granted(reservations)) :]
    return next((n for n, one in enumerate(waiting) if same(one, mine)), len(waiting))


def in_words(reservations: Sequence[Reservation], name: str) -> str:
    """Who computes there: ``Step fit of report computes on group``."""
    now = granted(reservations)
    first = f"Step {now[0].step} of {now[0].workflow}"
    if len(now) == 1:
        return f"{first} computes on {name}"
    return f"{first} and {len(now) - 1} other{'s' * (len(now) > 2)} compute on {name}"


def check_free(backend: Backend) -> None:
    """Raises Conflict while a step computes on this backend."""
    if backend.reservations:
        raise Conflict(
            f"{in_words(backend.reservations, backend.name)}.",
            "Attach when that is over, launch a group for this notebook, or say that it may be "
            "both: alongside.attach(..., together=True).",
        )


__all__ = ["MOST", "added", "ahead", "check_free", "granted", "in_words", "same"]
