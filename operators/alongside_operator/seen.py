"""What is there: a group's objects as the API server has them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.trouble import address_of
from alongside_operator.group import Group
from alongside_operator.pods import CREW, LAUNCHED, SHAPE

SILENCE = 60.0
"""Seconds after which a locale that isn't ready any more counts as lost."""


def age(text: str, now: datetime) -> float:
    """Seconds since a time as Kubernetes writes it."""
    return (now - datetime.fromisoformat(text)).total_seconds()


def annotation(item: Object | None, name: str) -> str:
    return str(((item or {}).get("metadata") or {}).get("annotations", {}).get(name, ""))


def is_ending(item: Object) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def is_ready(pod: Object) -> bool:
    return any(
        c["type"] == "Ready" and c["status"] == "True"
        for c in (pod.get("status") or {}).get("conditions") or ()
    )


def mark_of(pod: Object) -> str:
    """Changes whenever what ran in a locale's container has ended."""
    restarts = sum(
        int(c.get("restartCount", 0))
        for c in (pod.get("status") or {}).get("containerStatuses") or ()
    )
    return f"{pod['metadata']['uid']}/{restarts}"


def container_of(pod: Object, name: str) -> Object:
    """The state of one container, empty while there is none."""
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        if container["name"] == name:
            return dict(container.get("state") or {})
    return {}


@dataclass(frozen=True)
class Seen:
    """A group's objects. `notes` are Warning events about them, the newest last."""

    services: tuple[Object, ...] = ()
    policies: tuple[Object, ...] = ()
    locales: Object | None = None
    pods: tuple[Object, ...] = ()
    server: Object | None = None
    notes: tuple[Object, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        *,
        services: Iterable[Object] = (),
        policies: Iterable[Object] = (),
        sets: Iterable[Object] = (),
        pods: Iterable[Object] = (),
        notes: Iterable[Object] = (),
    ) -> Seen:
        """From what bears the group's label."""
        pods, roles = list(pods), f"{PREFIX}/role"
        by_role: dict[str, list[Object]] = {"server": [], "locale": []}
        for pod in pods:
            by_role.setdefault(pod["metadata"]["labels"].get(roles, ""), []).append(pod)
        return cls(
            services=tuple(services),
            policies=tuple(policies),
            locales=next(iter(sets), None),
            pods=tuple(sorted(by_role["locale"], key=_number)),
            server=next(iter(by_role["server"]), None),
            notes=tuple(notes),
        )

    def strangers(self, group: Group) -> list[Object]:
        """What is left of another group of the same name, that has been deleted."""
        listed = [*self.services, *self.policies, self.locales, self.server]
        return [
            item
            for item in listed
            if item and group.uid not in {o["uid"] for o in item["metadata"]["ownerReferences"]}
        ]

    def shapes(self) -> set[str]:
        """Of which launches there is something."""
        return {annotation(item, SHAPE) for item in (self.locales, self.server) if item}

    @property
    def spent(self) -> bool:
        """Whether a server has been started on these locales, once and for all."""
        return annotation(self.locales, LAUNCHED) != ""

    def crew(self) -> list[tuple[str, str]]:
        """Mark and address of each locale that accepts SSH, in order."""
        return [
            (mark_of(pod), address_of(pod))
            for pod in self.pods
            if is_ready(pod) and address_of(pod)
        ]

    def lost(self, now: datetime) -> str:
        """The name of a locale without which the server can't be, empty when none is lost."""
        if self.server is None:
            return ""
        wanted = json.loads(annotation(self.server, CREW) or "[]")
        there = {mark_of(pod): pod for pod in self.pods if not is_ending(pod)}
        for number, mark in enumerate(wanted):
            pod = there.get(mark)
            if pod is None or _silent(pod, now):
                return f"locale {number + 1}"
        return ""

    @property
    def ended(self) -> Object | None:
        """How the server's container ended, None while it has not."""
        if self.server is None:
            return None
        state = container_of(self.server, "server").get("terminated")
        if state:
            return dict(state)
        if (self.server.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            status = self.server["status"]
            return {"exitCode": -1, "message": status.get("message", status.get("reason", ""))}
        return None


def _number(pod: Object) -> tuple[int, str]:
    name = str(pod["metadata"]["name"])
    last = name.rpartition("-")[2]
    return (int(last) if last.isdecimal() else 0), name


def _silent(pod: Object, now: datetime) -> bool:
    if (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
        return True
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] != "True":
            since = condition.get("lastTransitionTime")
            return bool(since) and age(since, now) > SILENCE
    return False


def stamp(now: datetime) -> str:
    """A time as Kubernetes writes it."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
