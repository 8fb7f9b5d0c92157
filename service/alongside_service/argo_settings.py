"""What an operator sets for runs on Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Bool, Dict, Float, List, Unicode
from traitlets.config import Configurable

from alongside.errors import CatalogueError
from alongside.images import image_pattern
from alongside.models import Pod
from alongside.platforms.base import Platform
from alongside.requests import parse

if TYPE_CHECKING:
    from alongside_workflows.executors.base import Executor

_KUBERNETES = "kubernetes"


class ArgoRuns(Configurable):
    """Runs of workflows on Kubernetes, carried out by Argo Workflows.

    Namespace, images and users are those of the platform `kubernetes`, beside whose backends the
    pods of steps are.
    """

    enabled = Bool(
        False,
        help="Whether runs are carried out by Argo Workflows, where `kubernetes` is among the "
        "platforms. Argo itself may come later.",
    ).tag(config=True)
    image = Unicode(
        help="Image of steps where the workflow names none. It needs Python as `python`, this "
        "package with `[workflows]`, and what notebooks import. Default: that of the platform."
    ).tag(config=True)
    images = List(
        Unicode(),
        default_value=["*"],
        help="Images that workflows may name, as under `images` of a profile: names, and patterns "
        "with `*` behind a registry. `*` alone is any image, an empty list none.",
    ).tag(config=True)
    service_account = Unicode(
        "workflow",
        help="ServiceAccount of the pods; Argo's own containers in them create and patch "
        "`workflowtaskresults` by it.",
    ).tag(config=True)
    pod = Dict(
        help="What all steps' pods have besides: keys as in a profile's `pod`. In its volumes and "
        "mounts `{username}` and `{user_server}` stand for what KubeSpawner has in their place, so "
        "that a user's home can be named as it is for sessions."
    ).tag(config=True)
    claims = List(
        Unicode(),
        help="Names of PersistentVolumeClaims that workflows may mount by their `pod`: shell "
        "patterns, in which `{owner}` is the owner's name as labels have it.",
    ).tag(config=True)
    unbounded = Dict(
        {"requests": {"cpu": "100m", "memory": "256Mi"}},
        help="`requests` and `limits` of steps that say nothing.",
    ).tag(config=True)
    beside = Dict(
        {"requests": {"cpu": "10m", "memory": "32Mi"}},
        help="`requests` and `limits` of each of Argo's own containers in these pods.",
    ).tag(config=True)
    shared_claim = Unicode(
        help="PersistentVolumeClaim that all steps' pods and this service write to: so executed "
        "notebooks are seen as they grow, and logs stay. It must allow `ReadWriteMany`."
    ).tag(config=True)
    shared_path = Unicode("/var/lib/alongside-runs", help="Where it is mounted here.").tag(
        config=True
    )
    step_timeout = Float(
        86400.0, min=0, help="Seconds for an attempt whose step says nothing; 0: for ever."
    ).tag(config=True)
    keep_pods = Float(
        3600.0, min=0, help="Seconds for which pods that have ended stay, and their logs."
    ).tag(config=True)
    keep_workflows = Float(
        604800.0,
        min=0,
        help="Seconds for which Argo's Workflows that have ended stay, whatever Argo itself is set "
        "to. What has come of a run is written down when this service sees it, so this is for how "
        "long the service may be away.",
    ).tag(config=True)

    def executor(self, platforms: Mapping[str, Platform]) -> Executor | None:
        """The executor, if it is wanted. Raises CatalogueError for settings that can't be."""
        if not self.enabled or _KUBERNETES not in platforms:
            return None
        from alongside.platforms.kubernetes import KubernetesPlatform
        from alongside_workflows.executors.argo.executor import ArgoExecutor
        from alongside_workflows.executors.argo.settings import Settings, Shared

        platform = platforms[_KUBERNETES]
        assert isinstance(platform, KubernetesPlatform)
        if not platform.namespace:
            raise CatalogueError(
                "No namespace is known for the steps of runs.",
                "Set KubernetesPlatform.namespace in the service's settings.",
            )
        shared = None
        if self.shared_claim:
            claim = {"persistentVolumeClaim": {"claimName": self.shared_claim}}
            shared = Shared(claim, Path(self.shared_path))
        try:
            images = tuple(image_pattern(each) for each in self.images)
        except ValueError as error:
            what, _, how = str(error).partition("; ")
            raise CatalogueError(f"ArgoRuns.images: {what}.", f"{how.capitalize()}.") from None
        settings = Settings(
            namespace=platform.namespace,
            image=self.image or platform.image,
            images=images,
            service_account=self.service_account,
            pull_policy=platform.pull_policy,
            gpu_resource=platform.gpu_resource,
            user_id=platform.user_id,
            read_only_root=platform.read_only_root,
            unbounded=dict(self.unbounded),
            beside=dict(self.beside),
            claims=tuple(self.claims),
            pod=parse(Pod, dict(self.pod), "ArgoRuns.pod"),
            shared=shared,
            step_timeout=timedelta(seconds=self.step_timeout) if self.step_timeout else None,
            keep_pods=timedelta(seconds=self.keep_pods),
            keep_workflows=timedelta(seconds=self.keep_workflows),
        )
        return ArgoExecutor(settings, platform.kubeconfig, platform.context)
