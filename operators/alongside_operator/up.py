"""The way up: doors, keys and locales; when all of these accept SSH, the server. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from alongside.platforms.kubernetes.resources import PODS, POLICIES, SECRETS, SERVICES
from alongside.platforms.kubernetes.trouble import Trouble
from alongside_operator import doors, keys, pods
from alongside_operator.group import Group, Setting
from alongside_operator.plan import (
    LATER,
    SETS,
    SOON,
    Action,
    Create,
    Delete,
    Patch,
    Plan,
    is_current,
    relaunches,
    whole,
)
from alongside_operator.seen import Seen, age, is_ready, stamp

PATIENCE = 900
"""Seconds that a launch may take where the object says nothing."""


def since(group: Group, now: datetime) -> str:
    """When the present launch began."""
    known = group.status.get("since")
    return str(known) if known and is_current(group) else stamp(now)


def left(group: Group, now: datetime) -> float:
    """Seconds that remain for the launch; infinite when it has succeeded."""
    if group.status.get("phase") == "Running" and is_current(group):
        return float("inf")
    return int(group.spec.get("startSeconds", PATIENCE)) - age(since(group, now), now)


def up(group: Group, seen: Seen, setting: Setting, problem: Trouble | None, now: datetime) -> Plan:
    """The next step upwards, or none when it is up."""
    actions = list(_missing(group, seen, setting))
    crew = seen.crew()
    if seen.server is None and len(crew) < group.others:
        reached = any((pod.get("status") or {}).get("podIP") for pod in seen.pods)
        said = f"{len(crew)} of {group.others} locales beside the server's accept SSH."
        phase = "Starting" if reached else "Pending"
    elif seen.server is None:
        actions.append(Create(PODS, pods.server(group, setting, crew)))
        actions += _spend(group, now)
        phase, said = "Starting", "All locales are ready; the server is being started."
    else:
        if group.others and not seen.spent:
            actions += _spend(group, now)
        running = group.status.get("phase") == "Running" and is_current(group)
        if running or is_ready(seen.server):
            return _running(group, actions, running, now)
        phase, said = "Starting", "All locales are ready; the server has not answered yet."
    status = {
        "phase": "Pending" if problem else phase,
        "reason": problem.reason if problem else "",
        "message": f"{problem.message} {problem.remedy}".strip() if problem else said,
        "address": "",
        "localesReady": len(crew),
        "since": since(group, now),
    }
    return Plan(tuple(actions), whole(group, status), max(0.1, min(SOON, left(group, now))))


def _running(group: Group, actions: list[Action], before: bool, now: datetime) -> Plan:
    status: dict[str, Any] = {
        "phase": "Running",
        "reason": "",
        "message": "",
        "address": group.address,
        "localesReady": group.locales,
        "since": since(group, now) if before else stamp(now),
    }
    if before:
        status["relaunches"] = relaunches(group, now)
    return Plan(tuple(actions), whole(group, status), LATER)


def _missing(group: Group, seen: Seen, setting: Setting) -> Iterator[Action]:
    """What there has to be beside the server."""
    for resource, wanted, there in (
        (POLICIES, doors.policies(group, setting), seen.policies),
        (SERVICES, doors.services(group), seen.services),
    ):
        known = {item["metadata"]["name"]: item for item in there}
        for body in wanted:
            name = body["metadata"]["name"]
            if name not in known:
                yield Create(resource, body)
            elif doors.differs(known[name], body):
                yield Patch(resource, name, {"spec": body["spec"]})
        if resource is SERVICES and group.outside_name in known and not group.outside:
            yield Delete(SERVICES, group.outside_name)
    if group.others and seen.locales is None and seen.server is None:
        yield Create(SECRETS, keys.secret(group))
        yield Create(SETS, pods.locales(group))


def _spend(group: Group, now: datetime) -> list[Action]:
    """These locales have had their server: what it leaves on them must not meet another one."""
    if not group.others:
        return []
    mark = {"metadata": {"annotations": {pods.LAUNCHED: stamp(now)}}}
    return [Patch(SETS, group.locale_name, mark)]
