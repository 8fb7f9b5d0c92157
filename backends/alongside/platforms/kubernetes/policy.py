"""Who may connect to a backend, as its NetworkPolicy. Pure: from a specification to plain dicts."""

from __future__ import annotations

from dataclasses import dataclass

from alongside.kinds.base import Role
from alongside.models import Spec
from alongside.names import label_of
from alongside.platforms.kubernetes.objects import (
    PREFIX,
    PROBED,
    RUN,
    STEPS,
    metadata_of,
    record_name,
)
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.setting import Setting


@dataclass(frozen=True)
class Doors:
    """The ports by which clients and the service enter a backend."""

    clients: tuple[int, ...]
    service: tuple[int, ...]

    @classmethod
    def of(cls, head: Role) -> Doors:
        """Those of a head whose ports the kind names."""
        clients = tuple(port for name, port in head.ports.items() if name != PROBED)
        return cls(clients, tuple(head.ports.values()))


def policy(spec: Spec, doors: Doors, setting: Setting, owner: Object) -> Object:
    """Who may connect: its own pods; the owner's sessions and those it is shared with; the steps
    that compute on it; we."""
    own = {"podSelector": {"matchLabels": {f"{PREFIX}/id": spec.id}}}
    clients = [*setting.client_peers]
    for user in (spec.owner, *(s.user for s in spec.shares if s.user and s.access == "attach")):
        if user:
            clients.append(_sessions_of(user, setting))
    clients += _steps_on(spec)
    rules: list[Object] = [{"from": [own]}]
    for peers, ports in (
        (clients, doors.clients),
        (list(setting.service_peers), doors.service),
    ):
        if peers and ports:  # a rule that names none would mean all of them
            listed = [{"protocol": "TCP", "port": port} for port in ports]
            rules.append({"from": peers, "ports": listed})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata_of(record_name(spec.id), spec, "backend", owner),
        "spec": {
            "podSelector": {"matchLabels": {f"{PREFIX}/id": spec.id}},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }


def _sessions_of(user: str, setting: Setting) -> Object:
    labels = {f"{PREFIX}/component": "session", f"{PREFIX}/owner": label_of(user)}
    return {**setting.session_peer, "podSelector": {"matchLabels": labels}}


def _steps_on(spec: Spec) -> list[Object]:
    """The pods of steps that may compute on it, which are in its namespace.

    Those of the run that it was made for; on a session's any of its owner, since a run outlives
    its session and may be of another one by then.
    """
    if not spec.owner or not (spec.run or spec.session is not None):
        return []
    labels = {f"{PREFIX}/component": STEPS, f"{PREFIX}/owner": label_of(spec.owner)}
    if spec.run:
        labels[RUN] = spec.run
    return [{"podSelector": {"matchLabels": labels}}]
