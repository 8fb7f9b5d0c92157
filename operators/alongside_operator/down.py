"""The way down: the server's name and the server; when it is gone, the locales. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alongside.platforms.kubernetes.resources import PODS, POLICIES, SECRETS, SERVICES, Object
from alongside_operator.group import Group
from alongside_operator.plan import SETS, SOON, Action, Delete, Plan
from alongside_operator.seen import Seen, age, is_ending

PATIENCE = 20.0
"""Seconds that an ending pod gets beyond its own time, before it is removed without its node."""


def down(group: Group, seen: Seen, now: datetime, *, stay: bool) -> Plan | None:
    """The next step downwards, None when nothing is up. `stay`: it is not to come up again."""
    actions: list[Action] = []
    if stay:
        actions += _services(group, seen, server=True)
    if seen.server is not None:
        actions += _end(seen.server, now)
        return Plan(tuple(actions), again=SOON)
    if seen.locales is not None:
        actions += [Delete(SECRETS, group.keys_name), Delete(SETS, group.locale_name)]
        return Plan(tuple(actions), again=SOON if is_ending(seen.locales) else 0)
    if seen.pods:
        for pod in seen.pods:
            actions += _end(pod, now)
        return Plan(tuple(actions), again=SOON)
    if stay:
        actions += _services(group, seen, server=False)
        actions += [Delete(POLICIES, item["metadata"]["name"]) for item in seen.policies]
    return Plan(tuple(actions), again=SOON) if actions else None


def removals(items: list[Object]) -> Iterator[Action]:
    """Of what is left of another group."""
    resources = {
        "Service": SERVICES,
        "NetworkPolicy": POLICIES,
        "StatefulSet": SETS,
        "Pod": PODS,
    }
    for item in items:
        yield Delete(resources[item["kind"]], item["metadata"]["name"])


def _services(group: Group, seen: Seen, *, server: bool) -> list[Action]:
    names = [service["metadata"]["name"] for service in seen.services]
    of_server = (group.name, group.outside_name)
    return [Delete(SERVICES, name) for name in names if (name in of_server) is server]


def _end(pod: Object, now: datetime) -> list[Action]:
    name = pod["metadata"]["name"]
    due = pod["metadata"].get("deletionTimestamp")
    if not due:
        return [Delete(PODS, name)]
    # That is until when the pod has time; a node that is gone would never report its end.
    return [Delete(PODS, name, grace=0)] if age(due, now) > PATIENCE else []
