"""What is wanted: an `ArkoudaCluster` as its definition lets it be. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from alongside.kinds.arkouda.options import limit
from alongside.models import Pod
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.resources import Object, Resource

CLUSTERS = Resource(f"{PREFIX}/v1alpha1", "arkoudaclusters")
KIND = "ArkoudaCluster"
FINALIZER = f"{PREFIX}/server-first"
GROUP = f"{PREFIX}/group"
"""Label of everything that belongs to a group: its name."""
_MANAGED = "app.kubernetes.io/managed-by"
# What can change while the group runs; everything else is a new launch.
_LIVE = ("policy", "startSeconds", "clients", "service", "exporterImage", "imagePullPolicy")


@dataclass(frozen=True)
class Setting:
    """What holds for all groups of an operator.

    `exporter_image` has the package `alongside`; `metrics_peers` are NetworkPolicyPeers that may
    read metrics.
    """

    exporter_image: str = ""
    metrics_peers: tuple[Object, ...] = ()


@dataclass(frozen=True)
class Group:
    """One `ArkoudaCluster`. Memory is in bytes, for each locale."""

    name: str
    namespace: str
    uid: str
    generation: int
    spec: Object = field(repr=False)
    status: Object = field(default_factory=dict, repr=False)
    labels: Object = field(default_factory=dict, repr=False)
    annotations: Object = field(default_factory=dict, repr=False)
    ending: bool = False
    finalizers: tuple[str, ...] = ()
    version: str = ""

    @classmethod
    def of(cls, item: Object) -> Group:
        """From the object as the API server has it."""
        metadata = item["metadata"]
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=int(metadata.get("generation", 1)),
            spec=item["spec"],
            status=item.get("status") or {},
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
            ending="deletionTimestamp" in metadata,
            finalizers=tuple(metadata.get("finalizers") or ()),
            version=str(metadata.get("resourceVersion", "")),
        )

    @property
    def held(self) -> bool:
        """Whether it waits for us before it goes."""
        return FINALIZER in self.finalizers

    # -- sizes -----------------------------------------------------------------------------

    @property
    def locales(self) -> int:
        return int(self.spec["locales"])

    @property
    def others(self) -> int:
        """Locales beside the server's own."""
        return self.locales - 1

    @property
    def cores(self) -> int:
        return int(self.spec.get("cores", 1))

    @property
    def memory(self) -> int:
        return int(self.spec["memory"])

    @property
    def limit(self) -> int:
        """Bytes of each locale that arrays may take."""
        return limit(self.memory)

    @property
    def port(self) -> int:
        return int(self.server.get("port", 5555))

    # -- the rest of the specification -----------------------------------------------------

    @property
    def server(self) -> Object:
        return self.spec.get("server") or {}

    @property
    def outside(self) -> Object:
        """How it is reached from outside of the cluster, empty where it isn't."""
        service = self.spec.get("service") or {}
        return dict(service) if service.get("type", "ClusterIP") != "ClusterIP" else {}

    @property
    def user(self) -> Object:
        return {"uid": 1000, "gid": 1000, **(self.spec.get("user") or {})}

    @property
    def pod(self) -> Pod:
        return Pod.model_validate(self.spec.get("pod") or {})

    @property
    def relaunches(self) -> bool:
        """Whether it is launched again when a part of it is lost."""
        return bool(self.spec.get("policy") == "relaunch")

    @property
    def shape(self) -> str:
        """A digest of all that can't change while it runs."""
        fixed = {name: value for name, value in self.spec.items() if name not in _LIVE}
        text = json.dumps(fixed, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # -- names -----------------------------------------------------------------------------

    @property
    def server_name(self) -> str:
        return f"{self.name}-server"

    @property
    def locale_name(self) -> str:
        """Of the StatefulSet of locales, and of their Service."""
        return f"{self.name}-locale"

    @property
    def outside_name(self) -> str:
        """Of the Service by which it is reached from outside of the cluster."""
        return f"{self.name}-outside"

    @property
    def keys_name(self) -> str:
        """Of the Secret with the SSH keys."""
        return f"{self.name}-ssh"

    @property
    def address(self) -> str:
        """Where clients find the server."""
        return f"{self.name}.{self.namespace}:{self.port}"

    @property
    def own_labels(self) -> dict[str, str]:
        """Of everything that belongs to it: whose it is, as the object itself says."""
        given = {k: v for k, v in self.labels.items() if k.startswith(f"{PREFIX}/")}
        managed = self.labels.get(_MANAGED, "alongside-operator")
        return {**given, _MANAGED: managed, GROUP: self.name}

    @property
    def selector(self) -> str:
        return f"{GROUP}={self.name}"

    @property
    def owner(self) -> list[Object]:
        """The reference of all that goes with it."""
        return [
            {
                "apiVersion": CLUSTERS.version,
                "kind": KIND,
                "name": self.name,
                "uid": self.uid,
                "controller": True,
            }
        ]

    def metadata(self, name: str, **more: Any) -> Object:
        """The metadata of an object that belongs to it."""
        annotations = {k: v for k, v in self.annotations.items() if k.startswith(f"{PREFIX}/")}
        return {
            "name": name,
            "labels": self.own_labels,
            "annotations": {**annotations, **more},
            "ownerReferences": self.owner,
        }
