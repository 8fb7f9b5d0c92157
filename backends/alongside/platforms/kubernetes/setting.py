"""What the operator has set for all backends of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alongside.models import Pod, Spec


@dataclass(frozen=True)
class Setting:
    """What the operator has set for all backends of the platform.

    `service_peers` and `session_peer` are NetworkPolicyPeers: who the service is, and what is to
    be added to an owner's label to say who a session is (a namespaceSelector, or nothing).
    `unbounded` are the ``requests`` and ``limits`` of what a kind's roles leave open. `images` has
    those of kinds, by name, that need another one than `image`.
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
    images: Mapping[str, str] = field(default_factory=dict)

    def pod_of(self, spec: Spec) -> Pod:
        """What the pods of a backend have besides, image included."""
        whole = spec.pod.over(self.pod)
        return whole.model_copy(update={"image": whole.image or self.image})

    def operated_image(self, spec: Spec) -> str:
        """The image of a backend that an operator runs, which is never that of sessions."""
        return spec.pod.image or self.images.get(spec.kind, "")
