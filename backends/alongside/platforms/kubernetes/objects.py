"""The Kubernetes objects of a backend. Pure: from a specification to plain dicts.

The record owns the Secret, the NetworkPolicy and the custom resource of the kind; that one owns
Service and Deployments, so that whoever deletes either deletes everything below it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from alongside.kinds.base import Role
from alongside.models import Spec, Status
from alongside.names import label_of
from alongside.platforms.kubernetes.resources import Object

PREFIX = "alongside.jupyter.org"
MANAGED = {"app.kubernetes.io/managed-by": "alongside"}
PROBED = "http-dashboard"
RUN = f"{PREFIX}/run"
"""Label of whatever belongs to a run: the run's id."""
STEPS = "step"
"""Component of the pods of steps of runs."""


def selector(*, component: str) -> str:
    """The label selector of all objects of one sort."""
    return f"app.kubernetes.io/managed-by=alongside,{PREFIX}/component={component}"


def id_of(item: Object) -> str:
    """The backend that an object belongs to."""
    return str(item["metadata"].get("labels", {}).get(f"{PREFIX}/id", ""))


def process_of(item: Object) -> str:
    """The process, e.g. ``worker-3``, that a Deployment or pod is; its name where it isn't ours.

    Pods of a StatefulSet, which share their labels, are counted from 1.
    """
    name, labels = item["metadata"]["name"], item["metadata"].get("labels", {})
    if f"{PREFIX}/process" in labels:
        return str(labels[f"{PREFIX}/process"])
    role, number = role_of(item), name.rpartition("-")[2]
    return f"{role}-{int(number) + 1}" if role and number.isdecimal() else str(role or name)


def role_of(item: Object) -> str:
    """The role of the process that a Deployment or pod is."""
    return str(item["metadata"].get("labels", {}).get(f"{PREFIX}/role", ""))


def main_container(pod: Object) -> str:
    """The container of a pod that is the process; others stand beside it."""
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    named = (metadata.get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    first = next((item["name"] for item in spec.get("containers") or ()), "")
    return str(named or first)


def record_name(id: str) -> str:
    """The name of the record, and of what else there is one of."""
    return f"alongside-{id}"


def labels_of(spec: Spec, component: str) -> dict[str, str]:
    """The labels of every object of a backend."""
    return {
        **MANAGED,
        f"{PREFIX}/component": component,
        f"{PREFIX}/id": spec.id,
        f"{PREFIX}/kind": spec.kind,
        f"{PREFIX}/owner": label_of(spec.owner),
    }


def ownership(spec: Spec) -> Object:
    """The part of a record's metadata that says whose it is, as it may change."""
    return {
        "labels": {f"{PREFIX}/owner": label_of(spec.owner)},
        "annotations": _annotations(spec),
    }


def _annotations(spec: Spec) -> dict[str, str]:
    return {f"{PREFIX}/owner": spec.owner, f"{PREFIX}/name": spec.name}


def metadata_of(name: str, spec: Spec, component: str, owner: Object | None) -> Object:
    """The metadata of an object that goes when its owner goes."""
    metadata: Object = {
        "name": name,
        "labels": labels_of(spec, component),
        "annotations": _annotations(spec),
    }
    if owner is not None:
        metadata["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": True,
            }
        ]
    return metadata


# -- the record --------------------------------------------------------------------------------


def record(spec: Spec, status: Status) -> Object:
    """The ConfigMap that is a backend's truth."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(record_name(spec.id), spec, "record", None),
        "data": {**spec_data(spec), **status_data(status)},
    }


def spec_data(spec: Spec) -> dict[str, str]:
    return {"spec": spec.model_dump_json()}


def status_data(status: Status) -> dict[str, str]:
    return {"status": status.model_dump_json()}


def parse_record(item: Object) -> tuple[Spec, Status]:
    """What a record says. Raises ValueError when it has been spoilt."""
    data = item.get("data") or {}
    if "spec" not in data:
        raise ValueError("the record has no specification")
    spec = Spec.model_validate_json(data["spec"])
    return spec, Status.model_validate_json(data.get("status") or "{}")


def record_logs(item: Object) -> dict[str, list[str]]:
    """The last lines of an ended backend's processes."""
    found = json.loads((item.get("data") or {}).get("logs") or "{}")
    return found if isinstance(found, dict) else {}


# -- around the pods ---------------------------------------------------------------------------


def secret(spec: Spec, contents: Mapping[str, bytes], owner: Object) -> Object:
    """The backend's credentials, one key a file."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": metadata_of(record_name(spec.id), spec, "backend", owner),
        "data": {name: base64.b64encode(data).decode() for name, data in contents.items()},
    }


def secret_contents(item: Object) -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in (item.get("data") or {}).items()}


def head_of(roles: Sequence[Role]) -> Role:
    """The role that clients connect to."""
    return next(role for role in roles if role.essential)


def head_name(spec: Spec, roles: Sequence[Role]) -> str:
    """The host name of the head within the namespace."""
    return f"{spec.id}-{head_of(roles).name}"


def service(spec: Spec, roles: Sequence[Role], owner: Object) -> Object:
    """The name under which its own processes and clients find the head.

    Also before it is ready: those who connect try again by themselves, and sooner than probes do.
    """
    metadata = metadata_of(head_name(spec, roles), spec, "backend", owner)
    metadata["labels"] |= dask_labels(spec, head_of(roles))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": service_spec(spec, roles),
    }


def service_spec(spec: Spec, roles: Sequence[Role]) -> Object:
    """Which pod has the name, by which ports."""
    head = head_of(roles)
    return {
        "type": "ClusterIP",
        "publishNotReadyAddresses": True,
        "selector": {f"{PREFIX}/id": spec.id, f"{PREFIX}/role": head.name},
        "ports": [
            {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
            for name, port in head.ports.items()
        ],
    }


# -- names and labels of processes -------------------------------------------------------------


def deployment_name(spec: Spec, role: Role, process: str) -> str:
    """As the Dask operator names them, but for its random part."""
    if not role.members:
        return f"{spec.id}-{process}"
    return f"{group_name(spec, role)}-worker-{process.rpartition('-')[2]}"


def group_name(spec: Spec, role: Role) -> str:
    """The worker group of a role."""
    return f"{spec.id}-{'default' if role.name == 'worker' else role.name}"


def dask_labels(spec: Spec, role: Role) -> dict[str, str]:
    """The labels by which the Dask operator and other tools know these objects."""
    labels = {"dask.org/cluster-name": spec.id}
    if not role.members:
        return {**labels, "dask.org/component": role.name}
    group = {"dask.org/workergroup-name": group_name(spec, role)}
    return {**labels, "dask.org/component": "worker", **group}


def process_labels(spec: Spec, role: Role, process: str) -> dict[str, str]:
    """The labels of a process's Deployment and pod."""
    return {
        **labels_of(spec, "backend"),
        **dask_labels(spec, role),
        f"{PREFIX}/role": role.name,
        f"{PREFIX}/process": process,
    }
