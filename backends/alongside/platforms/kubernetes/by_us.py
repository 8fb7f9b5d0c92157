"""Backends whose processes the steward makes itself, a Deployment each."""

from __future__ import annotations

from alongside.models import Spec
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.builder import process
from alongside.platforms.kubernetes.charge import Charge
from alongside.platforms.kubernetes.custom import dask_cluster
from alongside.platforms.kubernetes.observer import Observer
from alongside.platforms.kubernetes.sizing import Sizing
from alongside.platforms.kubernetes.trouble import Trouble
from alongside.platforms.kubernetes.way import Way


class ByUs(Way):
    """The steward makes and ends its processes; the backend says which of them work."""

    def __init__(self, charge: Charge) -> None:
        self._of = charge
        self._sizing = Sizing(charge)
        self._observer = Observer(charge, self._sizing)

    def read(self, spec: Spec) -> None:
        self._sizing.read(spec)

    async def make(self) -> None:
        of, builder = self._of, self._of.builder
        commands = {
            role.name: builder.command(of.spec, role, process(role, 1)) for role in of.roles
        }
        body = dask_cluster(of.spec, of.roles, commands, builder.setting, of.record)
        await builder.make(of.spec, of.record, body)
        await builder.make_processes(of.spec, self._sizing.missing())

    async def look(self) -> None:
        await self._observer.look()

    async def resize(self) -> None:
        await self._sizing.resize()

    def trouble(self) -> Trouble | None:
        growth = self._of.builder.seen.growth
        for pod in self._of.pods():
            if found := trouble.trouble_of(pod, objects.process_of(pod), growth):
                return found
        for deployment in self._of.deployments():
            if found := trouble.trouble_of_deployment(deployment):
                return found
        return None
