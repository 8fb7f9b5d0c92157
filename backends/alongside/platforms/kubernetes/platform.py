"""The Kubernetes platform: every backend is a record in the cluster and the objects it owns.

Truth is in the records; whoever holds the platform's Lease looks after the backends, others only
write wishes into records and watch.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from typing import ClassVar

from traitlets import Bool, Dict, Float, Int, List, Unicode

from alongside.errors import AlongsideError, InvalidRequest, NotFound
from alongside.kinds import get_kind, kinds
from alongside.kinds.base import Kind, Obstacle, Pages, Place
from alongside.models import Capacity, Connection, Pod, Resources, Spec, Status
from alongside.names import is_backend_id
from alongside.phases import USABLE, Phase
from alongside.platforms import wishes
from alongside.platforms.base import Change, Observed, Platform
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.capacity import room_of
from alongside.platforms.kubernetes.custom import resource_of
from alongside.platforms.kubernetes.inventory import Inventory
from alongside.platforms.kubernetes.lease import Lease
from alongside.platforms.kubernetes.processes import DIRECTORY
from alongside.platforms.kubernetes.records import Records
from alongside.platforms.kubernetes.resources import QUOTAS, SECRETS, Object
from alongside.platforms.kubernetes.setting import Setting
from alongside.platforms.kubernetes.shelf import KubernetesShelf
from alongside.platforms.kubernetes.tending import Tending
from alongside.platforms.refusals import require_address, unknown_log, without_credentials
from alongside.quotas import total
from alongside.requests import parse

_QUOTA_AGE = 10.0  # seconds for which what the quotas say is good enough


class KubernetesPlatform(Platform):
    """Backends as pods of a Kubernetes cluster."""

    name: ClassVar[str] = "kubernetes"
    takes_turns = True
    claims = True

    kubeconfig = Unicode(
        help="Path of a kubeconfig file. Default: the pod's service account, else `$KUBECONFIG`."
    ).tag(config=True)
    context = Unicode(help="Context of the kubeconfig file. Default: its current one.").tag(
        config=True
    )
    namespace = Unicode(
        help="Namespace of all backends. Default: the one that the credentials name."
    ).tag(config=True)
    image = Unicode(
        help="Image of backends where profile and session name none. It needs Python as `python`, "
        "this package and what the kind starts, for instance dask."
    ).tag(config=True)
    images = Dict(
        help="Images of kinds that Alongside's operator runs, by the kind's name, where the "
        "profile names none. For `arkouda` it needs the server, and sshd and ssh."
    ).tag(config=True)
    pull_policy = Unicode("IfNotPresent", help="When images are pulled.").tag(config=True)
    pod = Dict(
        help="What all backends' pods have besides, below what profiles say: keys as in a "
        "profile's `pod`."
    ).tag(config=True)
    gpu_resource = Unicode("nvidia.com/gpu", help="Kubernetes' name of a GPU.").tag(config=True)
    user_id = Int(1000, min=1, help="Unix user that the processes run as.").tag(config=True)
    read_only_root = Bool(
        True, help="Whether images' files can't be changed; `/tmp` and volumes can."
    ).tag(config=True)
    core_overcommit = Float(
        1.0,
        min=1.0,
        help="How many cores are given out for each core that pods ask of Kubernetes.",
    ).tag(config=True)
    unbounded = Dict(
        {"requests": {"cpu": "100m", "memory": "256Mi"}},
        help="`requests` and `limits` of processes to which a kind gives no bounds, such as "
        "schedulers. Where a ResourceQuota counts something, Kubernetes refuses pods that do not "
        "say how much of it they need.",
    ).tag(config=True)
    service_peers = List(
        Dict(),
        [
            {
                "podSelector": {
                    "matchLabels": {
                        "app.kubernetes.io/name": "alongside",
                        "app.kubernetes.io/component": "service",
                    }
                }
            }
        ],
        help="NetworkPolicyPeers from which this service comes, for the backends' policies.",
    ).tag(config=True)
    session_peer = Dict(
        help="What a NetworkPolicyPeer of a session has besides its pod's labels: a "
        "`namespaceSelector` where sessions are in another namespace."
    ).tag(config=True)
    client_peers = List(
        Dict(), help="NetworkPolicyPeers that may connect to all schedulers besides sessions."
    ).tag(config=True)
    lease = Unicode("alongside", help="Name of the Lease that says who acts.").tag(config=True)
    lease_duration = Float(
        15.0, min=3.0, help="Seconds after which another replica takes over from one that is gone."
    ).tag(config=True)

    _cluster: Cluster | None = None

    # -- beginning and end -----------------------------------------------------------------

    async def open(self) -> None:
        cluster = Cluster(self.kubeconfig, self.context)
        # Connections of their own: people who follow many logs must not hold up the Lease.
        self._log_reader = Cluster(self.kubeconfig, self.context)
        await cluster.open()
        await self._log_reader.open()
        self._setting = self._make_setting(self.namespace or cluster.namespace)
        self._quota: tuple[float, Resources | None] = (0.0, None)
        self.inventory = Inventory(cluster, self._setting.namespace, self._heard)
        self._records = Records(cluster, self._setting.namespace, self.inventory.wrote)
        self._tending = Tending(cluster, self._setting, self.inventory)
        self._cluster = cluster
        try:
            await self.inventory.load()
        except AlongsideError:
            self._cluster = None
            await asyncio.gather(self._tending.close(), cluster.close(), self._log_reader.close())
            raise
        # in a pod there is one service at a time, so the next may go on where one has died
        identity = os.environ.get("POD_NAME") or f"{os.uname().nodename}-{secrets.token_hex(4)}"
        self._turn = Lease(
            cluster,
            self._setting.namespace,
            self.lease,
            identity,
            duration=self.lease_duration,
            deadline=self.lease_duration * 2 / 3,
            retry=self.lease_duration / 7.5,
        )
        self._tasks = [
            asyncio.create_task(self.inventory.follow()),
            asyncio.create_task(self._tending.run(self._turn)),
        ]

    def _heard(self, id: str, of_record: bool, record: Object | None) -> None:
        self._tending.heard(id, of_record, record)

    async def close(self) -> None:
        if self._cluster is None:
            return
        cluster, self._cluster = self._cluster, None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._tending.close()
        await self._turn.close()
        await asyncio.gather(cluster.close(), self._log_reader.close())
        for kind in kinds().values():
            kind.close()

    def _make_setting(self, namespace: str) -> Setting:
        if not namespace:
            raise InvalidRequest(
                "No namespace is known for the backends.", "Set KubernetesPlatform.namespace."
            )
        return Setting(
            namespace=namespace,
            image=self.image,
            pull_policy=self.pull_policy,
            gpu_resource=self.gpu_resource,
            user_id=self.user_id,
            read_only_root=self.read_only_root,
            service_peers=tuple(self.service_peers),
            session_peer=dict(self.session_peer),
            client_peers=tuple(self.client_peers),
            overcommit=self.core_overcommit,
            unbounded=dict(self.unbounded),
            pod=parse(Pod, dict(self.pod), "KubernetesPlatform.pod"),
            images=dict(self.images),
        )

    @property
    def _kubernetes(self) -> Cluster:
        if self._cluster is None:
            raise RuntimeError("The platform is not open.")
        return self._cluster

    # -- taking turns ----------------------------------------------------------------------

    async def leading(self) -> None:
        await self._turn.acquired()

    async def deposed(self) -> None:
        await self._turn.lost()

    # -- wishes ----------------------------------------------------------------------------

    def obstacle(self, kind: Kind) -> Obstacle | None:
        if not kind.operated or not self.inventory.is_without(resource_of(kind.name)):
            return None
        return Obstacle(
            "OperatorMissing",
            f"This Kubernetes has no operator that could run a {kind.title}.",
            "An administrator has to install it and its definitions, with the chart of Alongside.",
        )

    async def launch(self, spec: Spec) -> None:
        if not is_backend_id(spec.id):
            raise InvalidRequest("This can't be the id of a backend.", "", "id")
        kind = get_kind(spec.kind)
        setting, operated = self._setting, kind.operated
        if not (setting.operated_image(spec) if operated else setting.pod_of(spec).image):
            option = "images" if operated else "image"
            raise InvalidRequest(
                f"No image is known for the {kind.title}.",
                f"An administrator has to set KubernetesPlatform.{option} or the profile's "
                "pod.image.",
            )
        await self._records.create(spec)

    async def update(self, spec: Spec) -> None:
        await self._records.change(spec.id, lambda present, _: wishes.updated(present, spec))

    async def stop(self, id: str, *, forget: bool = True) -> None:
        if is_backend_id(id):
            with contextlib.suppress(NotFound):
                await self._records.change(
                    id, lambda present, _: wishes.stopped(present, forget=forget)
                )

    async def claim(self, id: str, spec: Spec) -> bool:
        def change(present: Spec, status: Status) -> Spec | None:
            running = status.phase is Phase.RUNNING and not present.stop
            mine = present.unclaimed and present.generation < spec.generation
            same = self._setting.pod_of(present) == self._setting.pod_of(spec)
            return spec if running and mine and same else None

        try:
            return await self._records.change(id, change)
        except NotFound:
            return False

    # -- views -----------------------------------------------------------------------------

    async def observed(self) -> list[Observed]:
        return self.inventory.observed()

    def watch(self) -> AsyncGenerator[Change, None]:
        return self.inventory.watch()

    async def logs(self, id: str, role: str, lines: int, follow: bool) -> AsyncIterator[str]:
        seen, item = self.inventory.find(id)
        for pod in self.inventory.pods(id):
            if objects.process_of(pod) == role:
                async for line in self._log_reader.log(
                    self._setting.namespace,
                    pod["metadata"]["name"],
                    lines=lines,
                    follow=follow,
                    container=objects.main_container(pod),
                ):
                    yield line
                return
        kept = objects.record_logs(item).get(role)
        if kept is None and role not in seen.status.roles:
            raise unknown_log(role)
        for line in (kept or [])[-lines:]:
            yield line

    async def connection(self, id: str) -> Connection:
        seen, _ = self.inventory.find(id)
        address = require_address(seen.status)
        credentials = await self._credentials(id)
        return get_kind(seen.spec.kind).connection(seen.spec, address, credentials)

    async def _credentials(self, id: str) -> dict[str, bytes]:
        name = objects.record_name(id)
        item = await self._kubernetes.get(SECRETS, self._setting.namespace, name)
        if item is None:
            raise without_credentials()
        return objects.secret_contents(item)

    async def dashboard(self, id: str) -> Pages | None:
        seen, _ = self.inventory.find(id)
        if seen.status.phase not in USABLE:
            return None
        kind = get_kind(seen.spec.kind)
        roles = kind.roles(kind.Options.model_validate(seen.spec.options))
        head = objects.head_of(roles).name
        for pod in self.inventory.pods(id):
            if objects.process_of(pod) == head and (address := trouble.address_of(pod)):
                credentials = await self._credentials(id)
                return kind.dashboard(Place(DIRECTORY, head=address, credentials=credentials))
        return None

    def shelf(self) -> KubernetesShelf:
        return KubernetesShelf(self._kubernetes, self._setting.namespace)

    async def capacity(self) -> Capacity:
        """What the namespace's quotas grant. Without any it is unknown: nodes are none of ours."""
        loop = asyncio.get_running_loop()
        age, whole = self._quota
        if whole is None or loop.time() - age > _QUOTA_AGE:
            items, _ = await self._kubernetes.list(QUOTAS, self._setting.namespace)
            whole = room_of(items)
            self._quota = (loop.time(), whole)
        live = (s.spec.resources for s in await self.observed() if s.status.live)
        return Capacity(total=whole, free=whole - total(live))


__all__ = ["KubernetesPlatform"]
