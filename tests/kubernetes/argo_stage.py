"""Where tests have Argo carry runs out: a namespace, and a directory that its pods and we share.

Argo Workflows has to be installed, for all namespaces.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import (
    ApiClient,
    CoreV1Api,
    CustomObjectsApi,
    RbacAuthorizationV1Api,
)
from kubernetes_asyncio.config import new_client_from_config

from alongside.models import Pod
from alongside.platforms.kubernetes.objects import RUN
from alongside_workflows.executors.argo.executor import ArgoExecutor
from alongside_workflows.executors.argo.naming import workflow_name
from alongside_workflows.executors.argo.settings import Settings, Shared
from tests.kubernetes import watching
from tests.kubernetes.namespaces import new_namespace
from tests.kubernetes.volumes import claimed, shared_directory

GROUP = ("argoproj.io", "v1alpha1")
WORKFLOWS = f"workflows.{GROUP[0]}"
CONTROLLER = ("argo", "app=workflow-controller")
PATIENCE = 300.0  # seconds for a run of a few pods, on a machine that others use too
ACCOUNT = "workflow"
_REPORTS = {
    "apiGroups": ["argoproj.io"],
    "resources": ["workflowtaskresults"],
    "verbs": ["create", "patch"],
}


@dataclass(frozen=True)
class Stage:
    """A namespace in which Argo carries runs out.

    shared : of this host; mounted at the same path in the pods, which may write to it
    """

    kubeconfig: str
    settings: Settings
    shared: Path

    def directory(self) -> Path:
        """An empty one for the steps of a run; pods have another user than this test."""
        path = Path(tempfile.mkdtemp(prefix="place-", dir=self.shared))
        path.chmod(0o777)
        return path

    @asynccontextmanager
    async def executor(self) -> AsyncIterator[ArgoExecutor]:
        """An open one, which has forgotten its runs afterwards."""
        executor = ArgoExecutor(self.settings, self.kubeconfig)
        await executor.open()
        try:
            yield executor
        finally:
            await asyncio.gather(
                *(executor.forget(run.spec.id) for run in await executor.observed())
            )
            await executor.close()


class Objects:
    """What there is of a run in the cluster, and what somebody does to it by hand."""

    def __init__(self, api: ApiClient, namespace: str) -> None:
        self._core = CoreV1Api(api)
        self._custom = CustomObjectsApi(api)
        self._namespace = namespace

    async def pods(self, run: str) -> list[Any]:
        """All of its pods, oldest first."""
        found = await self._core.list_namespaced_pod(self._namespace, label_selector=f"{RUN}={run}")
        return sorted(found.items, key=lambda pod: pod.metadata.creation_timestamp)

    async def delete_pod(self, name: str) -> None:
        """At once, as the loss of a node would."""
        await self._core.delete_namespaced_pod(name, self._namespace, grace_period_seconds=0)

    async def evict_pod(self, name: str) -> None:
        """As who empties a node does."""
        await self._core.create_namespaced_pod_eviction(
            name, self._namespace, {"metadata": {"name": name}}
        )

    async def shut_down(self, run: str, how: str) -> None:
        """What `argo stop` and `argo terminate` do."""
        await self._custom.patch_namespaced_custom_object(
            *GROUP,
            self._namespace,
            "workflows",
            workflow_name(run, 1),
            {"spec": {"shutdown": how}},
            _content_type="application/merge-patch+json",
        )

    async def delete_workflow(self, run: str) -> None:
        await self._custom.delete_namespaced_custom_object(
            *GROUP, self._namespace, "workflows", workflow_name(run, 1)
        )

    async def until_no_workflow_is_left(self, run: str) -> None:
        """Until Argo has none of its Workflows any more."""
        wanted: dict[str, Any] = {"label_selector": f"{RUN}={run}"}
        asked = (*GROUP, self._namespace, "workflows")
        async with asyncio.timeout(PATIENCE):
            while (await self._custom.list_namespaced_custom_object(*asked, **wanted))["items"]:
                await asyncio.sleep(0.2)

    async def until_nothing_is_left(self, run: str) -> None:
        """Until no object bears the run's label."""
        for listed in (
            self._core.list_namespaced_pod,
            self._core.list_namespaced_secret,
            self._core.list_namespaced_config_map,
        ):
            await watching.until_gone(
                listed, self._namespace, label_selector=f"{RUN}={run}", limit_s=PATIENCE
            )


@asynccontextmanager
async def stage(kubeconfig: str, image: str) -> AsyncIterator[Stage]:
    """A namespace of its own, gone afterwards."""
    with shared_directory() as shared:
        async with (
            await new_client_from_config(kubeconfig, persist_config=False) as api,
            new_namespace(api) as namespace,
            # A pod can't have two volumes that are the same claim: it would wait for ever.
            _claim(api, namespace, "runs", shared / "runs") as runs,
            _claim(api, namespace, "files", shared / "files") as files,
        ):
            await _account(api, namespace)
            settings = Settings(
                namespace=namespace,
                image=image,
                service_account=ACCOUNT,
                pod=Pod(volumes=(files.volume,), volume_mounts=(files.mount,)),
                shared=Shared(runs.source, runs.path),
            )
            yield Stage(kubeconfig, settings, files.path)


@dataclass(frozen=True)
class _Claim:
    """A claim of a directory of this host."""

    name: str
    path: Path

    @property
    def source(self) -> dict[str, Any]:
        return {"persistentVolumeClaim": {"claimName": self.name}}

    @property
    def volume(self) -> dict[str, Any]:
        return {"name": self.name, **self.source}

    @property
    def mount(self) -> dict[str, Any]:
        return {"name": self.name, "mountPath": str(self.path)}


@asynccontextmanager
async def _claim(api: ApiClient, namespace: str, name: str, path: Path) -> AsyncIterator[_Claim]:
    """A new directory's claim: pods under the restricted standard may mount nothing else."""
    path.mkdir()
    path.chmod(0o777)
    core = CoreV1Api(api)
    volume, claim = claimed(namespace, name, path)
    await core.create_persistent_volume(volume)
    try:
        await core.create_namespaced_persistent_volume_claim(namespace, claim)
        yield _Claim(name, path)
    finally:
        await core.delete_persistent_volume(volume["metadata"]["name"])


async def _account(api: ApiClient, namespace: str) -> None:
    rbac = RbacAuthorizationV1Api(api)
    account, role, binding = account_of_steps(namespace)
    await CoreV1Api(api).create_namespaced_service_account(namespace, account)
    await rbac.create_namespaced_role(namespace, role)
    await rbac.create_namespaced_role_binding(namespace, binding)


def account_of_steps(namespace: str, *more: dict[str, Any]) -> list[dict[str, Any]]:
    """The account, its role and what binds them: the rights that Argo needs, and these."""
    metadata = {"metadata": {"name": ACCOUNT, "namespace": namespace}}
    rights = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", **metadata},
        {"apiVersion": f"{rights}/v1", "kind": "Role", **metadata, "rules": [_REPORTS, *more]},
        {
            "apiVersion": f"{rights}/v1",
            "kind": "RoleBinding",
            **metadata,
            "roleRef": {"apiGroup": rights, "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        },
    ]
