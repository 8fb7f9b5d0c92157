"""One process as a Deployment and its pod. Pure: from a specification to plain dicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alongside.kinds.base import Command, Place, Role
from alongside.models import Pod, Spec
from alongside.platforms.kubernetes.objects import (
    PREFIX,
    PROBED,
    deployment_name,
    head_name,
    metadata_of,
    process_labels,
    record_name,
)
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.setting import Setting

DIRECTORY = Path("/alongside")
"""Where `Place.directory` is in the containers."""
GRACE = 10
"""Seconds that a container has to end by itself."""
SCRATCH = "/tmp"  # noqa: S108 - a volume of the pod's own
"""What may be written in containers whose image is read-only; their HOME."""


def place(spec: Spec, roles: Sequence[Role]) -> Place:
    """Where processes are, as they see it themselves. Kubernetes puts the address in."""
    return Place(DIRECTORY, host="$(POD_IP)", head=head_name(spec, roles))


def deployment(
    spec: Spec, role: Role, process: str, command: Command, setting: Setting, owner: Object
) -> Object:
    """One process: a Deployment of one pod, started again wherever it ends."""
    labels = process_labels(spec, role, process)
    metadata = metadata_of(deployment_name(spec, role, process), spec, "backend", owner)
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
    environment = {"HOME": SCRATCH, **command.env, **more.environment}
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
            {"name": "tmp", "mountPath": SCRATCH},
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
    return spec_ | scheduling(more)


def scheduling(pod: Pod) -> Object:
    """Where a pod may run and as what, in the words of a pod's specification."""
    wanted: Object = {
        "nodeSelector": dict(pod.node_selector),
        "tolerations": [dict(toleration) for toleration in pod.tolerations],
        "imagePullSecrets": [{"name": name} for name in pod.image_pull_secrets],
        "priorityClassName": pod.priority_class,
        "runtimeClassName": pod.runtime_class,
    }
    return {name: value for name, value in wanted.items() if value}


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
