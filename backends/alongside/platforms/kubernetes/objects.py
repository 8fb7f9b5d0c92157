"""The Kubernetes objects of a backend. Pure: from a specification to plain dicts.

The record owns the Secret, the NetworkPolicy and the custom resource of the kind; that one owns
Service and Deployments, so that whoever deletes either deletes everything below it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alongside.kinds.base import Command, Place, Role
from alongside.models import Pod, Spec, Status
from alongside.names import label_of
from alongside.platforms.kubernetes.api import Object

PREFIX = "alongside.jupyter.org"
MANAGED = {"app.kubernetes.io/managed-by": "alongside"}
DIRECTORY = Path("/alongside")
"""Where `Place.directory` is in the containers."""
GRACE = 10
"""Seconds that a container has to end by itself."""
PROBED = "http-dashboard"


@dataclass(frozen=True)
class Setting:
    """What the operator has set for all backends of the platform.

    `service_peers` and `session_peers` are NetworkPolicyPeers: who the service is, and what is to
    be added to an owner's label to say who a session is (a namespaceSelector, or nothing).
    `unbounded` are the ``requests`` and ``limits`` of what a kind's roles leave open.
    """

    namespace: str
    image: str
    pull_policy: str = "IfNotPresent"
    gpu_resource: str = "nvidia.com/gpu"
    user_id: int = 1000
    read_only_root: bool = True
    service_peers: tuple[Mapping[str, Any], ...] = ()
    session_peer: Mapping[str, Any] = field(default_factory=dict)
    client_peers: tuple[Mapping[str, Any], ...] = ()
    overcommit: float = 1.0
    unbounded: Mapping[str, Any] = field(default_factory=dict)
    pod: Pod = field(default_factory=Pod)

    def pod_of(self, spec: Spec) -> Pod:
        """What the pods of a backend have besides, image included."""
        whole = spec.pod.over(self.pod)
        return whole.model_copy(update={"image": whole.image or self.image})


def selector(*, component: str) -> str:
    """The label selector of all objects of one sort."""
    return f"app.kubernetes.io/managed-by=alongside,{PREFIX}/component={component}"


def id_of(item: Object) -> str:
    """The backend that an object belongs to."""
    return str(item["metadata"].get("labels", {}).get(f"{PREFIX}/id", ""))


def process_of(item: Object) -> str:
    """The process, e.g. ``worker-3``, that a Deployment or pod is; its name where it isn't ours."""
    name = item["metadata"]["name"]
    return str(item["metadata"].get("labels", {}).get(f"{PREFIX}/process", name))


def role_of(item: Object) -> str:
    """The role of the process that a Deployment or pod is."""
    return str(item["metadata"].get("labels", {}).get(f"{PREFIX}/role", ""))


def record_name(id: str) -> str:
    return f"alongside-{id}"


def _labels(spec: Spec, component: str) -> dict[str, str]:
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


def _metadata(name: str, spec: Spec, component: str, owner: Object | None) -> Object:
    metadata: Object = {
        "name": name,
        "labels": _labels(spec, component),
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
        "metadata": _metadata(record_name(spec.id), spec, "record", None),
        "data": {**spec_data(spec), **status_data(status)},
    }


def spec_data(spec: Spec) -> dict[str, str]:
    return {"spec": spec.model_dump_json()}


def status_data(status: Status) -> dict[str, str]:
    return {"status": status.model_dump_json()}


# -- around the pods ---------------------------------------------------------------------------


def secret(spec: Spec, contents: Mapping[str, bytes], owner: Object) -> Object:
    """The backend's credentials, one key a file."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": _metadata(record_name(spec.id), spec, "backend", owner),
        "data": {name: base64.b64encode(data).decode() for name, data in contents.items()},
    }


def secret_contents(item: Object) -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in (item.get("data") or {}).items()}


def policy(spec: Spec, roles: Sequence[Role], setting: Setting, owner: Object) -> Object:
    """Who may connect: its own pods; the owner's sessions and those it is shared with; we."""
    own = {"podSelector": {"matchLabels": {f"{PREFIX}/id": spec.id}}}
    head = _head(roles)
    clients = [*setting.client_peers]
    for user in (spec.owner, *(s.user for s in spec.shares if s.user and s.access == "attach")):
        if user:
            clients.append(_sessions_of(user, setting))
    rules: list[Object] = [{"from": [own]}]
    for peers, ports in (
        (clients, [n for n in head.ports if n != PROBED]),
        (list(setting.service_peers), list(head.ports)),
    ):
        if peers:
            rules.append({"from": peers, "ports": [_port(head, name) for name in ports]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(record_name(spec.id), spec, "backend", owner),
        "spec": {
            "podSelector": {"matchLabels": {f"{PREFIX}/id": spec.id}},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }


def _sessions_of(user: str, setting: Setting) -> Object:
    labels = {f"{PREFIX}/component": "session", f"{PREFIX}/owner": label_of(user)}
    return {**setting.session_peer, "podSelector": {"matchLabels": labels}}


def _port(role: Role, name: str) -> Object:
    return {"protocol": "TCP", "port": role.ports[name]}


def _head(roles: Sequence[Role]) -> Role:
    """The role that clients connect to."""
    return next(role for role in roles if role.essential)


def head_name(spec: Spec, roles: Sequence[Role]) -> str:
    """The host name of the head within the namespace."""
    return f"{spec.id}-{_head(roles).name}"


def service(spec: Spec, roles: Sequence[Role], owner: Object) -> Object:
    """The name under which its own processes and clients find the head.

    Also before it is ready: those who connect try again by themselves, and sooner than probes do.
    """
    metadata = _metadata(head_name(spec, roles), spec, "backend", owner)
    metadata["labels"] |= dask_labels(spec, _head(roles))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": _service_spec(spec, roles),
    }


def _service_spec(spec: Spec, roles: Sequence[Role]) -> Object:
    head = _head(roles)
    return {
        "type": "ClusterIP",
        "publishNotReadyAddresses": True,
        "selector": {f"{PREFIX}/id": spec.id, f"{PREFIX}/role": head.name},
        "ports": [
            {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
            for name, port in head.ports.items()
        ],
    }


# -- processes ---------------------------------------------------------------------------------


def place(spec: Spec, roles: Sequence[Role]) -> Place:
    """Where processes are, as they see it themselves. Kubernetes puts the address in."""
    return Place(DIRECTORY, host="$(POD_IP)", head=head_name(spec, roles))


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


def _process_labels(spec: Spec, role: Role, process: str) -> dict[str, str]:
    return {
        **_labels(spec, "backend"),
        **dask_labels(spec, role),
        f"{PREFIX}/role": role.name,
        f"{PREFIX}/process": process,
    }


def deployment(
    spec: Spec, role: Role, process: str, command: Command, setting: Setting, owner: Object
) -> Object:
    """One process: a Deployment of one pod, started again wherever it ends."""
    labels = _process_labels(spec, role, process)
    metadata = _metadata(deployment_name(spec, role, process), spec, "backend", owner)
    metadata["labels"] = labels
    match = {key: labels[key] for key in (f"{PREFIX}/id", f"{PREFIX}/process")}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 0,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": match},
            "template": {
                "metadata": {
                    "labels": {**setting.pod_of(spec).labels, **labels},
                    "annotations": {
                        **setting.pod_of(spec).annotations,
                        **metadata["annotations"],
                        # a worker holds data, the scheduler everything
                        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                    },
                },
                "spec": pod_spec(spec, role, process, command, setting),
            },
        },
    }


def pod_spec(spec: Spec, role: Role, process: str, command: Command, setting: Setting) -> Object:
    """The pod of one process. Passes the restricted Pod Security Standard."""
    more = setting.pod_of(spec)
    amounts: Object = {}
    if role.cores:
        amounts["cpu"] = str(role.cores)
    if role.memory:
        amounts["memory"] = str(role.memory)
    gpus = {setting.gpu_resource: str(role.gpus)} if role.gpus else {}
    asked = {**setting.unbounded.get("requests", {}), **_least(role, setting), **gpus}
    bounds = {**setting.unbounded.get("limits", {}), **amounts, **gpus}
    environment = {"HOME": "/tmp", **command.env, **more.environment}  # noqa: S108
    container: Object = {
        "name": "dask" if spec.kind == "dask" else "main",
        "image": more.image,
        "imagePullPolicy": setting.pull_policy,
        "command": list(command.argv),
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            *({"name": name, "value": value} for name, value in environment.items()),
            *_named(spec, role, process),
        ],
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"}
            for name, port in role.ports.items()
        ],
        "resources": {"limits": bounds, "requests": asked},
        "volumeMounts": [
            {"name": "secrets", "mountPath": str(DIRECTORY / "secrets"), "readOnly": True},
            {"name": "run", "mountPath": str(DIRECTORY / "run")},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            *(dict(mount) for mount in more.volume_mounts),
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": setting.read_only_root,
        },
        **_probes(role),
    }
    spec_: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": setting.user_id,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {
                "name": "secrets",
                "secret": {"secretName": record_name(spec.id), "defaultMode": 0o444},
            },
            {"name": "run", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *(dict(volume) for volume in more.volumes),
        ],
    }
    if more.node_selector:
        spec_["nodeSelector"] = dict(more.node_selector)
    if more.tolerations:
        spec_["tolerations"] = [dict(toleration) for toleration in more.tolerations]
    if more.image_pull_secrets:
        spec_["imagePullSecrets"] = [{"name": name} for name in more.image_pull_secrets]
    if more.priority_class:
        spec_["priorityClassName"] = more.priority_class
    if more.runtime_class:
        spec_["runtimeClassName"] = more.runtime_class
    return spec_


def _least(role: Role, setting: Setting) -> Object:
    """What a process is promised. CPU may be promised more often than it is there."""
    least: Object = {}
    if role.cores:
        least["cpu"] = f"{max(1, round(1000 * role.cores / setting.overcommit))}m"
    if role.memory:
        least["memory"] = str(role.memory)
    return least


def _named(spec: Spec, role: Role, process: str) -> list[Object]:
    if spec.kind != "dask" or not role.members:
        return []
    return [{"name": "DASK_WORKER_NAME", "value": process}]


def _probes(role: Role) -> Object:
    if not role.health or PROBED not in role.ports:
        return {}
    ask = {"httpGet": {"path": role.health, "port": PROBED, "scheme": "HTTPS"}}
    return {
        "readinessProbe": {**ask, "initialDelaySeconds": 5, "periodSeconds": 10},
        "livenessProbe": {
            **ask,
            "initialDelaySeconds": 15,
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
    }


# -- custom resources, by kind -----------------------------------------------------------------


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
    head = _head(roles)
    worker = next(role for role in roles if role.members)
    metadata = _metadata(spec.id, spec, "backend", owner)
    return {
        "apiVersion": "kubernetes.dask.org/v1",
        "kind": "DaskCluster",
        "metadata": metadata,
        "spec": {
            "scheduler": {
                # An operator that is quicker than we are makes the same as we would.
                "metadata": {"labels": _process_labels(spec, head, head.name)},
                "spec": pod_spec(spec, head, head.name, commands[head.name], setting),
                "service": _service_spec(spec, roles),
            },
            "worker": {
                "replicas": 0,
                "metadata": {"labels": {f"{PREFIX}/role": worker.name}},
                "spec": pod_spec(spec, worker, "worker", commands[worker.name], setting),
            },
        },
    }


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
