"""What a step comes to: actions, what to say meanwhile, and when to look again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alongside.platforms.kubernetes.resources import Object, Resource
from alongside_operator.group import Group
from alongside_operator.seen import age, stamp

SETS = Resource("apps/v1", "statefulsets")
SOON, LATER = 3.0, 60.0
"""Seconds after which to look again: while something is going on, and else."""
STEADY = 600.0
"""Seconds after which a group that was launched again counts as sound."""


@dataclass(frozen=True)
class Create:
    """Make an object. One of that name that is there already stays as it is."""

    resource: Resource
    body: Object


@dataclass(frozen=True)
class Delete:
    """Remove an object. `grace`: seconds, where its own are not to be waited for."""

    resource: Resource
    name: str
    grace: int | None = None


@dataclass(frozen=True)
class Patch:
    """Merge into an object."""

    resource: Resource
    name: str
    patch: Object


Action = Create | Delete | Patch


@dataclass(frozen=True)
class Plan:
    """The status is written first, then the actions are done, in order, until one fails.

    `again`: after how many seconds to look again at the latest; 0: at once; None: not by itself.
    """

    actions: tuple[Action, ...] = ()
    status: Object | None = None
    again: float | None = None


def whole(group: Group, changes: Object) -> Object:
    """A status with these changes, as it is to be written."""
    kept = {k: v for k, v in group.status.items() if k not in ("reason", "message")}
    return {
        "relaunches": 0,
        "localesReady": 0,
        "address": "",
        **kept,
        "observedGeneration": group.generation,
        "replicas": group.locales,
        "selector": group.selector,
        **changes,
    }


def is_current(group: Group) -> bool:
    """Whether the status is about what is wanted now."""
    return bool(group.status.get("observedGeneration") == group.generation)


def relaunching(group: Group, now: datetime, message: str = "") -> Object:
    """What is said from the decision for a new launch until its beginning."""
    known = is_relaunching(group) and is_current(group)
    number = f"{group.locales} locale{'' if group.locales == 1 else 's'}"
    return {
        "phase": "Starting",
        "reason": "Relaunching",
        "message": message or f"The group is launched anew, with {number}.",
        "address": "",
        "localesReady": 0,
        "since": group.status.get("since") if known else stamp(now),
    }


def is_relaunching(group: Group) -> bool:
    """Whether a new launch is decided and has not begun."""
    status = group.status
    return bool(status.get("phase") == "Starting" and status.get("reason") == "Relaunching")


def relaunches(group: Group, now: datetime) -> int:
    """How often it was launched again, as far as that still counts."""
    status = group.status
    steady = status.get("phase") == "Running" and age(str(status["since"]), now) > STEADY
    return 0 if steady else int(status.get("relaunches", 0))
