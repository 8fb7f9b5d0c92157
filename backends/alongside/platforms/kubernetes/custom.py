"""The custom resource of a backend, by which others know it. Pure, as `objects`.

Here alone kinds are known by name: what Kubernetes calls them, and how they are described to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alongside.errors import InvalidRequest
from alongside.kinds.base import Command, Role
from alongside.models import Spec
from alongside.platforms.kubernetes.objects import (
    PREFIX,
    head_of,
    metadata_of,
    process_labels,
    record_name,
    service_spec,
)
from alongside.platforms.kubernetes.policy import Doors
from alongside.platforms.kubernetes.processes import pod_spec
from alongside.platforms.kubernetes.resources import (
    ARKOUDA_CLUSTERS,
    DASK_CLUSTERS,
    Object,
    Resource,
)
from alongside.platforms.kubernetes.setting import Setting
from alongside.units import parse_memory

ARKOUDA_PORT, ARKOUDA_EXPORTER = 5555, 5080
"""Of a server, and of the exporter beside it. A status port would tell its token to anybody."""
_SIZE = ("locales", "cores", "cpuRequest", "memory")


def resource_of(kind: str) -> Resource:
    """What the custom resource of such a backend is."""
    return ARKOUDA_CLUSTERS if kind == "arkouda" else DASK_CLUSTERS


# -- whose processes we make ourselves ---------------------------------------------------------


def dask_cluster(
    spec: Spec,
    roles: Sequence[Role],
    commands: Mapping[str, Command],
    setting: Setting,
    owner: Object,
) -> Object:
    """The DaskCluster (kubernetes.dask.org/v1), for operators, ``kubectl`` and other tools.

    We make what it describes ourselves, at once, so it begins without workers: an operator that
    is there finds everything done, and is told the number once it is so.
    """
    head = head_of(roles)
    worker = next(role for role in roles if role.members)
    metadata = metadata_of(spec.id, spec, "backend", owner)
    return {
        "apiVersion": "kubernetes.dask.org/v1",
        "kind": "DaskCluster",
        "metadata": metadata,
        "spec": {
            "scheduler": {
                # An operator that is quicker than we are makes the same as we would.
                "metadata": {"labels": process_labels(spec, head, head.name)},
                "spec": pod_spec(spec, head, head.name, commands[head.name], setting),
                "service": service_spec(spec, roles),
            },
            "worker": {
                "replicas": 0,
                "metadata": {"labels": {f"{PREFIX}/role": worker.name}},
                "spec": pod_spec(spec, worker, "worker", commands[worker.name], setting),
            },
        },
    }


# -- whose processes an operator of ours makes -------------------------------------------------


def operated(spec: Spec, setting: Setting, owner: Object) -> Object:
    """The custom resource from which our operator makes the rest. Raises InvalidRequest."""
    try:
        make = _OPERATED[spec.kind]
    except KeyError:
        raise InvalidRequest(
            f"Our operator does not know how to run the kind {spec.kind}.",
            "Choose another kind, or another platform.",
        ) from None
    return make(spec, setting, owner)


def size_of(body: Object) -> Object:
    """The part of such a resource that changes with the options of a backend."""
    return {name: body["spec"][name] for name in _SIZE}


def arkouda_cluster(spec: Spec, setting: Setting, owner: Object) -> Object:
    """The ArkoudaCluster (alongside.jupyter.org/v1alpha1) of a locale group."""
    options: Mapping[str, Any] = spec.options
    promised = max(1, round(1000 * options["cores"] / setting.overcommit))
    return {
        "apiVersion": ARKOUDA_CLUSTERS.version,
        "kind": "ArkoudaCluster",
        "metadata": metadata_of(spec.id, spec, "backend", owner),
        "spec": {
            "locales": options["locales"],
            "cores": options["cores"],
            "cpuRequest": f"{promised}m",
            "memory": parse_memory(options["memory"]),
            "image": setting.operated_image(spec),
            "imagePullPolicy": setting.pull_policy,
            "secretName": record_name(spec.id),
            "policy": "fail",
            "startSeconds": max(1, round(spec.start_timeout.total_seconds())),
            "user": {"uid": setting.user_id},
            "server": {"port": ARKOUDA_PORT},
            "pod": setting.pod_of(spec).model_dump(
                mode="json", exclude={"image"}, exclude_defaults=True
            ),
        },
    }


_OPERATED: Mapping[str, Callable[[Spec, Setting, Object], Object]] = {"arkouda": arkouda_cluster}


def address_of(kind: str, said: str) -> str:
    """The address as the kind's clients write it, from ``host:port``."""
    return f"tcp://{said}" if said and kind == "arkouda" else said


def doors_of(kind: str, roles: Sequence[Role]) -> Doors:
    """By which ports a backend is entered."""
    if kind == "arkouda":
        return Doors(clients=(ARKOUDA_PORT,), service=(ARKOUDA_EXPORTER,))
    return Doors.of(head_of(roles))
