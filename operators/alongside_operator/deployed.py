"""The objects that `alongside_operator.deploy` makes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from alongside.kinds.arkouda.flags import EXPORTER_PORT
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.processes import SCRATCH
from alongside.platforms.kubernetes.resources import (
    ARKOUDA_CLUSTERS,
    DEPLOYMENTS,
    SECRETS,
    SERVICES,
    Object,
    Resource,
)
from alongside_operator.group import GROUP, KIND
from alongside_operator.parameters import Monitored, Wanted, Watcher

MONITORS = Resource("monitoring.coreos.com/v1", "servicemonitors")
MANAGER = "alongside-deploy"
KINDS = {
    KIND: ARKOUDA_CLUSTERS,
    "Deployment": DEPLOYMENTS,
    "Secret": SECRETS,
    "Service": SERVICES,
    "ServiceMonitor": MONITORS,
}
"""Where objects of a kind are."""
_TOKENS = "/alongside/secrets"
_UID = 1000


def secret_name(wanted: Wanted) -> str:
    """Of the Secret that has the token."""
    return wanted.secret or f"{wanted.name}-token"


def group(wanted: Wanted) -> list[Object]:
    """The group and, where it is to be found by Prometheus, its ServiceMonitor.

    Those of its namespace may connect.
    """
    server: Object = {"port": wanted.port}
    flags = [f"--memMax={wanted.limit}"] if wanted.limit else []
    flags += [f"--logLevel={wanted.log_level}"] if wanted.log_level else []
    if flags:
        server["flags"] = flags
    if wanted.threads != wanted.cores:
        server["env"] = {"CHPL_RT_NUM_THREADS_PER_LOCALE": str(wanted.threads)}
    spec: Object = {
        "locales": wanted.locales,
        "cores": wanted.cores,
        "cpuRequest": wanted.cpu,
        "memory": wanted.memory,
        "image": wanted.image,
        "imagePullPolicy": wanted.policy,
        "secretName": secret_name(wanted),
        "user": dict(wanted.user),
        "server": server,
        "service": dict(wanted.service),
        "clients": [{"podSelector": {}}],
    }
    selected = {GROUP: wanted.name, f"{PREFIX}/role": "server"}
    return [
        _object(ARKOUDA_CLUSTERS.version, KIND, wanted.name, wanted.name, spec),
        *_monitor(wanted.name, wanted.name, selected, wanted.monitored),
    ]


def exporter(wanted: Watcher) -> list[Object]:
    """The exporter's Deployment, its Service and, if wanted, its ServiceMonitor."""
    selected = {"app.kubernetes.io/name": wanted.name, "app.kubernetes.io/managed-by": MANAGER}
    words = {
        "--server": f"{wanted.host}:{wanted.port}",
        "--metrics": str(wanted.metrics),
        "--name": wanted.server,
        "--launcher": wanted.launcher,
        "--port": str(EXPORTER_PORT),
    }
    if wanted.secret:
        words["--token-file"] = f"{_TOKENS}/token"
    volumes: list[Object] = [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}]
    mounts: list[Object] = [{"name": "tmp", "mountPath": SCRATCH}]
    if wanted.secret:
        volumes.append({"name": "token", "secret": {"secretName": wanted.secret}})
        mounts.append({"name": "token", "mountPath": _TOKENS, "readOnly": True})
    container = {
        "name": "exporter",
        "image": wanted.image,
        "imagePullPolicy": wanted.policy,
        "command": [
            *("python", "-m", "alongside.kinds.arkouda.exporter"),
            *(f"{name}={value}" for name, value in words.items()),
        ],
        "env": [{"name": "HOME", "value": SCRATCH}],
        "ports": [{"name": "http-exporter", "containerPort": EXPORTER_PORT}],
        "readinessProbe": {"httpGet": {"path": "/metrics", "port": EXPORTER_PORT}},
        "resources": {
            "requests": {"cpu": "10m", "memory": "96Mi"},
            "limits": {"memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": mounts,
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "runAsGroup": _UID,
            "fsGroup": _UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }
    deployment = {
        "replicas": 1,
        "selector": {"matchLabels": selected},
        "template": {"metadata": {"labels": selected}, "spec": pod},
    }
    port = {"name": "http-exporter", "port": EXPORTER_PORT, "targetPort": EXPORTER_PORT}
    service = {"selector": selected, "ports": [port]}
    return [
        _object(DEPLOYMENTS.version, "Deployment", wanted.name, wanted.name, deployment),
        _object(SERVICES.version, "Service", wanted.service, wanted.name, service),
        *_monitor(wanted.name, wanted.name, selected, wanted.monitored),
    ]


def replacing(there: Object, wanted: Object) -> Object:
    """What is to be merged into `there` so that it is as wanted: what isn't wanted goes."""
    gone = {name: None for name in there if name not in wanted}
    return gone | {
        name: replacing(there[name], value)
        if isinstance(value, dict) and isinstance(there.get(name), dict)
        else value
        for name, value in wanted.items()
    }


def token(wanted: Wanted, text: str) -> Object:
    """The Secret with a new token."""
    body = _object(SECRETS.version, "Secret", secret_name(wanted), wanted.name, {})
    del body["spec"]
    return {**body, "stringData": {"token": text}}


def _monitor(
    name: str, app: str, selected: Mapping[str, str], monitored: Monitored
) -> list[Object]:
    if not monitored.labels:
        return []
    spec = {
        "selector": {"matchLabels": dict(selected)},
        "endpoints": [
            {"port": "http-exporter", "path": "/metrics", "interval": f"{monitored.interval}s"}
        ],
    }
    return [_object(MONITORS.version, "ServiceMonitor", name, app, spec, monitored.labels)]


def _object(
    version: str,
    kind: str,
    name: str,
    app: str,
    spec: Object,
    labels: Mapping[str, str] | None = None,
) -> Object:
    own = {"app.kubernetes.io/name": app, "app.kubernetes.io/managed-by": MANAGER}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": {**own, **(labels or {})}},
        "spec": spec,
    }
