"""What the operator has set for the runs of an Argo executor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from alongside.models import Pod


@dataclass(frozen=True)
class Shared:
    """A volume that all pods and the service can write to: so output notebooks are seen live.

    volume : in Kubernetes' words, without a name: ``{"persistentVolumeClaim": {"claimName": …}}``
    path : where the service has it mounted
    """

    volume: Mapping[str, Any]
    path: Path


@dataclass(frozen=True)
class Settings:
    """What the operator has set for the runs of an Argo executor."""

    namespace: str
    image: str
    """Where a workflow names none. It has Python as `python`, and this package."""
    images: tuple[str, ...] = ("*",)
    """Which ones workflows may name: patterns of `alongside.images`."""
    service_account: str = "workflow"
    """May create and patch `workflowtaskresults`; only Argo's own containers get its token."""
    pull_policy: str = "IfNotPresent"
    gpu_resource: str = "nvidia.com/gpu"
    user_id: int = 1000
    """Unix user and file system group of the pods."""
    read_only_root: bool = True
    unbounded: Mapping[str, Any] = field(
        default_factory=lambda: {"requests": {"cpu": "100m", "memory": "256Mi"}}
    )
    """`requests` and `limits` of steps that say nothing."""
    beside: Mapping[str, Any] = field(
        default_factory=lambda: {"requests": {"cpu": "10m", "memory": "32Mi"}}
    )
    """`requests` and `limits` of Argo's own containers."""
    pod: Pod = field(default_factory=Pod)
    """What all pods have besides, below what workflows say. ``{username}`` and ``{user_server}``
    stand in volumes and mounts for what KubeSpawner has in their place."""
    claims: tuple[str, ...] = ()
    """Names of PersistentVolumeClaims that workflows may mount: shell patterns, in which
    ``{owner}`` is the owner's name as a label has it."""
    shared: Shared | None = None
    step_timeout: timedelta | None = timedelta(days=1)
    """Of attempts whose step says nothing; None: they may take for ever."""
    keep_pods: timedelta = timedelta(hours=1)
    """How long pods that have ended stay, and with them their logs."""
    keep_workflows: timedelta = timedelta(days=7)
    """How long Workflows that have ended stay, for the service to see how they have."""


__all__ = ["Settings", "Shared"]
