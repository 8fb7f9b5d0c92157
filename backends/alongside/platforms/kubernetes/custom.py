"""The custom resource of a backend, by which others know it. Pure, as `objects`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alongside.kinds.base import Command, Role
from alongside.models import Spec
from alongside.platforms.kubernetes.api import Object
from alongside.platforms.kubernetes.objects import (
    PREFIX,
    head_of,
    metadata_of,
    process_labels,
    service_spec,
)
from alongside.platforms.kubernetes.processes import pod_spec
from alongside.platforms.kubernetes.setting import Setting


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
