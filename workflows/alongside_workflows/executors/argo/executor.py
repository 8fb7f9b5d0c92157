"""Runs on a cluster with Argo Workflows: what is asked for is written, what happens is heard."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator

from alongside.errors import (
    AlongsideError,
    InvalidRequest,
    NotFound,
    StorageFailed,
    Unavailable,
)
from alongside.names import is_backend_id
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, SECRETS, Object, Resource
from alongside_workflows.executors.argo import compile as compiling
from alongside_workflows.executors.argo import records
from alongside_workflows.executors.argo.homes import named
from alongside_workflows.executors.argo.inventory import Inventory, parts_of
from alongside_workflows.executors.argo.left import Left
from alongside_workflows.executors.argo.naming import (
    PARTS,
    WORKFLOWS,
    owned,
    record_name,
    workflow_name,
)
from alongside_workflows.executors.argo.parts import FIRST, Part, next_part
from alongside_workflows.executors.argo.settings import Settings
from alongside_workflows.executors.base import Credentials, Executor, ObservedRun, RunChange
from alongside_workflows.runs import RunSpec, State
from alongside_workflows.task import TOKEN

_AGAIN = 10.0  # seconds until what could not be written down is tried again
_RESOURCES = {"Secret": SECRETS, "ConfigMap": CONFIG_MAPS, "Workflow": WORKFLOWS}
_log = logging.getLogger("alongside.runs")


class ArgoExecutor(Executor):
    """Carries runs out as Argo Workflows in one namespace."""

    name = "argo"

    def __init__(self, settings: Settings, kubeconfig: str = "", context: str = "") -> None:
        self._settings = settings
        self._cluster = Cluster(kubeconfig, context)
        # Connections of their own: many logs that are read must not hold up the rest.
        self._log_reader = Cluster(kubeconfig, context)
        self._inventory = Inventory(self._cluster, settings.namespace)
        self._left = Left(self._log_reader, self._inventory, settings)
        self._tasks: list[asyncio.Task[None]] = []

    # -- beginning and end -----------------------------------------------------------------

    async def open(self) -> None:
        await self._cluster.open()
        await self._log_reader.open()
        try:
            await self._inventory.load()
            for id in self._inventory.unnoted():
                await self._note(id, self._inventory.last_part(id))
            for spec in self._inventory.unsubmitted():
                with contextlib.suppress(AlongsideError):  # its status says that it isn't there
                    await self._complete(spec)
        except AlongsideError:
            await self._disconnect()
            raise
        for work in (self._inventory.follow(), self._write_verdicts()):
            self._tasks.append(asyncio.create_task(work))

    @property
    def sees_homes(self) -> bool:
        return named(self._settings.pod)

    def obstacle(self) -> str:
        reason = self._inventory.obstacle
        return f"Argo Workflows can't be used here. {reason}" if reason else ""

    async def _possible(self) -> None:
        """Raise Unavailable where there is no Argo: before anything is written."""
        await self._inventory.look_again()
        if obstacle := self.obstacle():
            raise Unavailable(
                obstacle,
                "An administrator has to install Argo Workflows, and to switch `workflows.enabled` "
                "on in the chart of Alongside.",
            )

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._inventory.close()
        await self._disconnect()

    async def _disconnect(self) -> None:
        await asyncio.gather(self._cluster.close(), self._log_reader.close())

    # -- wishes ----------------------------------------------------------------------------

    async def submit(self, spec: RunSpec, credentials: Credentials) -> None:
        # All that may be refused is looked at before anything is written.
        await self._possible()
        first = await self._compile(spec, credentials, FIRST)
        record = await self._obtain(CONFIG_MAPS, records.record(spec))
        if parts_of(record["metadata"]):
            return
        if (earlier := records.parse_record(record)) != spec:  # of this id
            first = await self._compile(earlier, credentials, FIRST)
        await self._put(first, record, spec.id, 1)

    async def cancel(self, id: str) -> None:
        run = self._inventory.find(id)
        if run is None or run.status.state.final:
            return
        name = workflow_name(id, max(1, self._inventory.last_part(id)))
        patch = {"spec": {"shutdown": "Terminate"}}
        written = await self._cluster.patch(WORKFLOWS, self._settings.namespace, name, patch)
        if written is not None:
            self._inventory.wrote(WORKFLOWS, written)

    async def resume(self, id: str, credentials: Credentials) -> None:
        run = self._inventory.find(id)
        record = self._inventory.record(id)
        if run is None or record is None:
            raise _unknown()
        if run.status.state not in (State.FAILED, State.CANCELLED):
            return
        await self._possible()
        lost = self._inventory.lost_parts(id)
        part = next_part(run, self._inventory.last_part(id), lost)
        others = await self._compile(run.spec, credentials, part)
        await self._put(others, record, id, part.number)

    async def forget(self, id: str) -> None:
        if not is_backend_id(id):
            return
        await self.cancel(id)
        namespace = self._settings.namespace
        await self._cluster.delete(CONFIG_MAPS, namespace, record_name(id))  # it owns all else
        if (shared := self._settings.shared) is not None:
            await asyncio.to_thread(shutil.rmtree, shared.path / id, ignore_errors=True)

    # -- writing ---------------------------------------------------------------------------

    async def _compile(self, spec: RunSpec, credentials: Credentials, part: Part) -> list[Object]:
        """One part of a run: its Secret first, its Workflow last. Raises InvalidRequest."""
        # Of thousands of steps that takes seconds, in which others must be answered.
        others = await asyncio.to_thread(
            compiling.manifests, spec, self._settings, credentials.api, part
        )
        return [compiling.secret(spec, credentials, part.number), *others]

    async def _put(self, manifests: list[Object], record: Object, id: str, number: int) -> None:
        """Write one part of a run. The Workflow comes last, when all that its pods need is there.

        Then the record learns of it, so that a Workflow that somebody deletes is not made again.
        """
        for manifest in manifests:
            made = await self._obtain(_RESOURCES[manifest["kind"]], owned(manifest, record))
            if manifest["kind"] == "Workflow":
                self._inventory.wrote(WORKFLOWS, made)
        await self._note(id, number)

    async def _write_verdicts(self) -> None:
        """Write down what has come of runs, for ever: their Workflows may be deleted any time."""
        inventory = self._inventory
        while True:
            inventory.news.clear()
            for id in tuple(inventory.unwritten):
                run, record = inventory.find(id), inventory.record(id)
                if run is None or record is None:
                    continue
                try:
                    verdict = records.verdict(run.spec, inventory.last_part(id), run.status)
                    await self._obtain(CONFIG_MAPS, owned(verdict, record))
                except InvalidRequest as error:  # for good: its Workflow is all there is
                    inventory.unwritten.discard(id)
                    _log.warning("What has come of run %s is not written down: %s", id, error)
                except AlongsideError as error:
                    _log.warning("What has come of run %s can't be written down: %s", id, error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN):
                    await inventory.news.wait()

    async def _note(self, id: str, parts: int) -> None:
        patch = {"metadata": {"annotations": {PARTS: str(parts)}}}
        written = await self._cluster.patch(
            CONFIG_MAPS, self._settings.namespace, record_name(id), patch
        )
        if written is not None:
            self._inventory.wrote(CONFIG_MAPS, written)

    async def _complete(self, spec: RunSpec) -> None:
        """Go on with a submission that was interrupted, if it came as far as the credentials."""
        namespace = self._settings.namespace
        secret = await self._cluster.get(SECRETS, namespace, workflow_name(spec.id, 1))
        record = self._inventory.record(spec.id)
        if secret is None or record is None:
            return
        contents = {
            name: base64.b64decode(data).decode() for name, data in (secret["data"] or {}).items()
        }
        credentials = Credentials(contents[compiling.API], contents[TOKEN])
        await self._put(await self._compile(spec, credentials, FIRST), record, spec.id, 1)

    async def _obtain(self, resource: Resource, manifest: Object) -> Object:
        """Make an object unless it is there; the object. Raises StorageFailed."""
        namespace, name = self._settings.namespace, manifest["metadata"]["name"]
        try:
            made = await self._cluster.create(resource, namespace, manifest)
            if made is None:
                made = await self._cluster.get(resource, namespace, name)
        except AlongsideError as error:
            raise StorageFailed(
                f"The run can't be recorded: {error.message}", error.remedy
            ) from None
        if made is None:
            raise StorageFailed("The run is being removed while it is written.", "Try again.")
        if resource == CONFIG_MAPS:
            self._inventory.wrote(resource, made)
        return made

    # -- views -----------------------------------------------------------------------------

    async def observed(self) -> list[ObservedRun]:
        return self._inventory.observed()

    def watch(self) -> AsyncIterator[RunChange]:
        return self._inventory.watch()

    async def log(self, id: str, step: str, attempt: int, tail: int) -> str:
        return await self._left.log(self._known(id), step, attempt, tail)

    async def file(self, id: str, step: str, attempt: int, name: str) -> bytes:
        return await self._left.file(self._known(id), step, attempt, name)

    async def keep(self, id: str, step: str, attempt: int, name: str, packed: bytes) -> None:
        run, record = self._known(id), self._inventory.record(id)
        item = self._left.keepsake(run, step, attempt, name, packed)
        if record is None:
            raise _unknown()
        await self._obtain(CONFIG_MAPS, owned(item, record))

    def _known(self, id: str) -> ObservedRun:
        if (run := self._inventory.find(id)) is None:
            raise _unknown()
        return run


def _unknown() -> NotFound:
    return NotFound("There is no such run, or no such step.", "List the runs.")


__all__ = ["ArgoExecutor"]
