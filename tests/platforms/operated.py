"""A platform over a cluster in memory, and the part of our operator, played by hand."""

from __future__ import annotations

from typing import Any

from alongside.models import Pod, Spec, Status
from alongside.phases import Phase
from alongside.platforms.kubernetes import KubernetesPlatform, objects
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.resources import ARKOUDA_CLUSTERS, PODS, Object
from alongside.testing import make_spec, until
from tests.doubles.memory_cluster import MemoryCluster

MARK = f"{PREFIX}/server-first"
RUNNING = Phase.RUNNING


def spec_of(locales: int = 3, **changes: Any) -> Spec:
    options = {"locales": locales, "cores": 2, "memory": 2**30}
    changes = {"pod": Pod(image="arkouda:1"), **changes}
    return make_spec("arkouda", options, platform="kubernetes", **changes)


class Stage:
    """An open platform over a cluster in memory, and the operator's part, played by hand."""

    def __init__(self, platform: KubernetesPlatform, cluster: MemoryCluster) -> None:
        self.platform = platform
        self.cluster = cluster

    async def launched(self, locales: int = 3, **changes: Any) -> Spec:
        """One whose custom resource is there."""
        spec = spec_of(locales, **changes)
        await self.platform.launch(spec)
        await self.until(spec, lambda s: s.phase is Phase.STARTING)
        return spec

    async def running(self, locales: int = 3, **changes: Any) -> Spec:
        spec = await self.launched(locales, **changes)
        await self.report(spec, phase="Running", address=f"{spec.id}.here:5555")
        await self.until(spec, RUNNING)
        return spec

    async def report(self, spec: Spec, *, heeded: bool = True, **status: Any) -> None:
        """As the operator writes it."""
        item = self.resource(spec)
        number = item["metadata"]["generation"] if heeded else 0
        said = {"reason": "", "message": "", "observedGeneration": number, **status}
        if said.get("phase") == "Running":
            said["localesReady"] = item["spec"]["locales"]
        patch = {"status": said, "metadata": {"finalizers": [MARK]}}
        await self.cluster.patch(ARKOUDA_CLUSTERS, "here", spec.id, patch)

    async def release(self, spec: Spec) -> None:
        """Take its mark off."""
        patch: Object = {"metadata": {"finalizers": []}}
        await self.cluster.patch(ARKOUDA_CLUSTERS, "here", spec.id, patch)

    async def pod(self, spec: Spec, role: str, number: int | None = None) -> str:
        """A pod as the operator makes it; its name."""
        name = f"{spec.id}-{role}" + ("" if number is None else f"-{number}")
        labels = {**objects.labels_of(spec, "backend"), f"{PREFIX}/role": role}
        owner = self.resource(spec)["metadata"]["uid"]
        body: Object = {
            "metadata": {"name": name, "labels": labels, "ownerReferences": [{"uid": owner}]},
            "spec": {"containers": [{"name": role}, {"name": "exporter"}]},
        }
        await self.cluster.create(PODS, "here", body)
        return name

    def resource(self, spec: Spec) -> Object:
        found = self.cluster.one(ARKOUDA_CLUSTERS, spec.id)
        assert found
        return found

    async def until(self, spec: Spec, wish: Any) -> Status:
        return (await until(self.platform, spec.id, wish, 10)).status

    def is_ending(self, pod: str) -> bool:
        """Whether a pod has been deleted, though not yet gone."""
        found = self.cluster.one(PODS, pod)
        assert found
        return "deletionTimestamp" in found["metadata"]

    def left(self) -> set[str]:
        """What there is but for the Lease."""
        return {key[0].plural for key in self.cluster.objects if key[0].plural != "leases"}
