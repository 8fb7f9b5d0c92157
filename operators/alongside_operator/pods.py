"""The pods of a group: locales, and the server that is launched onto them. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from alongside.kinds.arkouda.flags import (
    CONNECTION_FILE,
    EXPORTER_PORT,
    METRICS_PORT,
    STATUS_PORT,
)
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.processes import SCRATCH, scheduling
from alongside.platforms.kubernetes.resources import Object
from alongside_operator import keys, scripts
from alongside_operator.doors import SSH_PORT, match_labels, role_labels
from alongside_operator.group import GROUP, Group, Setting

GRACE = 10
"""Seconds that a container has to end by itself."""
SHAPE, LAUNCHED, CREW, ACCOUNT = (
    f"{PREFIX}/{word}" for word in ("shape", "launched", "locales", "passwd")
)
"""Annotations: what launch it is of; that a server was started on these locales; on which; the
account that its processes have."""
_RUN, _KEYS, _SECRETS = "/alongside/run", "/alongside/keys", "/alongside/secrets"
_EXPORTER = {"cpu": "10m", "memory": "96Mi"}, {"memory": "256Mi"}


def locales(group: Group) -> Object:
    """The locales beside the server's own, all started at once."""
    metadata = group.metadata(group.locale_name, **{SHAPE: group.shape})
    metadata["labels"] = role_labels(group, "locale")
    container = _member(group, "locale", [])
    container["ports"] = [{"name": "ssh", "containerPort": SSH_PORT, "protocol": "TCP"}]
    # Asked until it listens and no longer: each time leaves a complaint in the daemon's log.
    container["startupProbe"] = {
        "tcpSocket": {"port": SSH_PORT},
        "periodSeconds": 1,
        "failureThreshold": 300,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {
            "replicas": group.others,
            "serviceName": group.locale_name,
            "podManagementPolicy": "Parallel",
            # A new shape is a new launch, never one pod after the other.
            "updateStrategy": {"type": "OnDelete"},
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": match_labels(group, "locale")},
            "template": {
                "metadata": _pod_metadata(group, "locale"),
                "spec": _pod(group, [container], _keys(group, keys.PUBLIC, keys.HOST_KEY)),
            },
        },
    }


def server(group: Group, setting: Setting, crew: Sequence[tuple[str, str]]) -> Object:
    """The pod with the server, launched onto these locales: their marks and addresses."""
    container = _member(
        group,
        "server",
        _arguments(group),
        ALONGSIDE_SERVER=str(group.server.get("executable", "arkouda_server")),
        ALONGSIDE_LOCALES=" ".join(address for _, address in crew),
    )
    container["ports"] = [
        {"name": name, "containerPort": port, "protocol": "TCP"}
        for name, port in (
            ("arkouda", group.port),
            ("status", STATUS_PORT),
            ("metrics", METRICS_PORT),
        )
    ]
    token = {"name": "token", "mountPath": _SECRETS, "readOnly": True}
    container["volumeMounts"] = [*container["volumeMounts"], token]
    volumes = [
        {
            "name": "token",
            "secret": {
                "secretName": group.spec["secretName"],
                "defaultMode": 0o444,
                "items": [{"key": "token", "path": "token"}],
            },
        }
    ]
    if group.others:
        volumes += _keys(group, keys.KEY, keys.KNOWN)
    metadata = _pod_metadata(group, "server")
    metadata["name"] = group.server_name
    metadata["ownerReferences"] = group.owner
    metadata["annotations"] |= {
        SHAPE: group.shape,
        CREW: json.dumps([mark for mark, _ in crew]),
        "kubectl.kubernetes.io/default-container": "server",
    }
    # The exporter first: it gets ready while the server's container is being made.
    spec = _pod(group, [_exporter(group, setting), container], volumes)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, "restartPolicy": "Never"},
    }


def _arguments(group: Group) -> list[str]:
    return [
        *("-nl", str(group.locales)),
        f"--ServerPort={group.port}",
        "--authenticate=true",
        "--memTrack=true",
        f"--memMax={group.limit}",
        *(group.server.get("flags") or ()),
    ]


def _member(group: Group, role: str, arguments: list[str], **variables: str) -> Object:
    """The container of a locale, or of the server, which is one too."""
    more = group.pod
    environment = {
        "HOME": _RUN,
        "CHPL_RT_NUM_THREADS_PER_LOCALE": str(group.cores),
        "GASNET_SUPERNODE_MAXSIZE": "1",
        "GASNET_QUIET": "yes",
        CONNECTION_FILE: f"{_RUN}/connection",
        "SERVER_STATUS_PORT": str(STATUS_PORT),
        "METRICS_SERVER_PORT": str(METRICS_PORT),
        **more.environment,
        **(group.server.get("env") or {}),
        **variables,
    }
    mounts = [
        {"name": "run", "mountPath": _RUN},
        {"name": "tmp", "mountPath": SCRATCH},
        # Any number may be a user: ssh wants it to have a name.
        {"name": "account", "mountPath": "/etc/passwd", "subPath": "passwd", "readOnly": True},
    ]
    if group.others:
        mounts.append({"name": "keys", "mountPath": _KEYS, "readOnly": True})
    amounts = {"cpu": str(group.cores), "memory": str(group.memory)}
    asked = {**amounts, "cpu": group.spec.get("cpuRequest") or amounts["cpu"]}
    return {
        **_container(group, role, more.image or group.spec["image"]),
        "command": ["/bin/sh", "-c", scripts.text(role), role, *arguments],
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            *({"name": name, "value": value} for name, value in environment.items()),
        ],
        "resources": {"limits": amounts, "requests": asked},
        "volumeMounts": [*mounts, *(dict(mount) for mount in more.volume_mounts)],
    }


def _exporter(group: Group, setting: Setting) -> Object:
    """Beside the server: asks it whether it is ready, and tells its figures."""
    requests, limits = _EXPORTER
    options = {
        "--server": f"127.0.0.1:{group.port}",
        "--status": str(STATUS_PORT),
        "--metrics": str(METRICS_PORT),
        "--token-file": f"{_SECRETS}/token",
        "--name": group.name,
        "--launcher": "kubernetes",
        "--memory": str(group.memory),
        "--port": str(EXPORTER_PORT),
    }
    words = [f"{name}={value}" for name, value in options.items()]
    image = group.spec.get("exporterImage") or setting.exporter_image
    return {
        **_container(group, "exporter", image),
        "command": ["python", "-m", "alongside.kinds.arkouda.exporter", *words],
        "env": [{"name": "HOME", "value": SCRATCH}],
        "ports": [{"name": "http-exporter", "containerPort": EXPORTER_PORT, "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": EXPORTER_PORT},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "resources": {"requests": requests, "limits": limits},
        "volumeMounts": [
            {"name": "token", "mountPath": _SECRETS, "readOnly": True},
            {"name": "tmp", "mountPath": SCRATCH},
        ],
    }


def _container(group: Group, name: str, image: str) -> Object:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": group.spec.get("imagePullPolicy", "IfNotPresent"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def _pod_metadata(group: Group, role: str) -> Object:
    more = group.pod
    annotations = group.metadata("")["annotations"]
    user = group.user
    account = f"arkouda:x:{user['uid']}:{user['gid']}:Arkouda:{_RUN}:/bin/sh"
    return {
        "labels": {**more.labels, **role_labels(group, role)},
        "annotations": {
            **more.annotations,
            **annotations,
            ACCOUNT: f"root:x:0:0:root:/root:/bin/sh\n{account}\n",
            # It holds data.
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        },
    }


def _pod(group: Group, containers: list[Object], volumes: Sequence[Object]) -> Object:
    """A pod that passes the restricted Pod Security Standard."""
    more, user = group.pod, group.user
    account = {"path": "passwd", "fieldRef": {"fieldPath": f"metadata.annotations['{ACCOUNT}']"}}
    spec: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        # The memory of several nodes is why there are several locales; but one node will do.
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {GROUP: group.name}},
            }
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user["uid"],
            "runAsGroup": user["gid"],
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": containers,
        "volumes": [
            {"name": "run", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "account", "downwardAPI": {"items": [account]}},
            *volumes,
            *(dict(volume) for volume in more.volumes),
        ],
    }
    if user.get("groups"):
        spec["securityContext"]["supplementalGroups"] = list(user["groups"])
    return spec | scheduling(more)


def _keys(group: Group, *names: str) -> list[Object]:
    """Those of the group's keys that a pod needs."""
    # ssh and its daemon mind who can read a key only where the file is their own: these aren't.
    secret = {
        "secretName": group.keys_name,
        "defaultMode": 0o444,
        "items": [{"key": name, "path": name} for name in names],
    }
    return [{"name": "keys", "secret": secret}]
