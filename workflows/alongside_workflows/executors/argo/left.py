"""What attempts have printed and left: in their pods, on the shared volume, or kept as objects."""

from __future__ import annotations

import asyncio
import re

from alongside.errors import InvalidRequest, NotFound
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.objects import RUN
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, PODS, Object
from alongside.platforms.local.store import Corrupt, read_below
from alongside_workflows.executors.argo import kept
from alongside_workflows.executors.argo.ahead import MAIN, NODE
from alongside_workflows.executors.argo.inventory import Inventory
from alongside_workflows.executors.argo.naming import STEP
from alongside_workflows.executors.argo.settings import Settings
from alongside_workflows.executors.argo.status import attempt_node
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.runs import StepRun
from alongside_workflows.task import CRATE, LOG, OUTPUT

_ARGOS_LINE = re.compile(r"time=\S+ level=\w+ msg=.*\bargo=true\b")
"""What Argo's emissary prints among what the step prints."""
_ARGOS = 20  # such lines at most, at the end of a log


class Left:
    """Reads what is left of the attempts of runs."""

    def __init__(self, cluster: Cluster, inventory: Inventory, settings: Settings) -> None:
        self._cluster = cluster
        self._inventory = inventory
        self._settings = settings

    async def log(self, run: ObservedRun, step: str, attempt: int, tail: int) -> str:
        """The last lines of what an attempt has printed. Raises NotFound."""
        if all(attempt != each.number for each in _step(run, step).attempts):
            raise NotFound("There is no such attempt.", "Look at the run for those it has had.")
        if (pod := await self._pod(run.spec.id, step, attempt)) is not None:
            return await self._pod_log(pod, tail)
        if self._settings.shared is None:
            raise NotFound(
                "The log of this attempt is gone: its pod has been removed.",
                "An administrator can let pods stay longer, or give runs a shared volume.",
            )
        data = await self._read(run.spec.id, step, attempt, LOG)
        return "\n".join(data.decode(errors="replace").splitlines()[-tail:] if tail else ())

    async def file(self, run: ObservedRun, step: str, attempt: int, name: str) -> bytes:
        """One of an attempt's files. Raises NotFound, InvalidRequest."""
        if name not in (OUTPUT, CRATE):
            raise InvalidRequest(
                f"{name[:50]!r} is no file of an attempt.", f"Ask for {OUTPUT} or {CRATE}."
            )
        return await self._read(run.spec.id, _step(run, step).name, attempt, name)

    def keepsake(
        self, run: ObservedRun, step: str, attempt: int, name: str, packed: bytes
    ) -> Object:
        """The object for a file that an attempt has sent. Raises NotFound, InvalidRequest."""
        return kept.config_map(run.spec, _step(run, step).name, attempt, name, packed)

    async def _pod(self, id: str, step: str, attempt: int) -> str | None:
        """The name of an attempt's pod, if that is there."""
        node = attempt_node(self._inventory.parts(id), step, attempt)
        if node is None:
            return None
        labels = f"{RUN}={id},{STEP}={step}"
        pods, _ = await self._cluster.list(PODS, self._settings.namespace, labels)
        for pod in pods:
            if (pod["metadata"].get("annotations") or {}).get(NODE) == node.name:
                return str(pod["metadata"]["name"])
        return None

    async def _pod_log(self, pod: str, tail: int) -> str:
        lines: list[str] = []
        async for line in self._cluster.log(
            self._settings.namespace, pod, lines=tail + _ARGOS, follow=False, container=MAIN
        ):
            if not _ARGOS_LINE.match(line):
                lines.append(line)
        return "\n".join(lines[-tail:] if tail else ())

    async def _kept(self, id: str, step: str, attempt: int, name: str) -> bytes:
        called = kept.object_name(id, step, attempt, name)
        item = await self._cluster.get(CONFIG_MAPS, self._settings.namespace, called)
        if item is None:
            raise NotFound(
                "There is no such file: the attempt has not ended, or it was too large to be kept.",
                "Wait, or give the step an `output`; an administrator can give runs a volume, "
                "where files are seen as they grow.",
            )
        return await asyncio.to_thread(kept.unpacked, item)

    async def _read(self, id: str, step: str, attempt: int, name: str) -> bytes:
        shared = self._settings.shared
        if shared is None:
            return await self._kept(id, step, attempt, name)
        try:
            return await asyncio.to_thread(read_below, shared.path, id, step, str(attempt), name)
        except (OSError, Corrupt):
            raise NotFound(
                "Nothing has been executed yet.", "Try again when it has begun."
            ) from None


def _step(run: ObservedRun, name: str) -> StepRun:
    try:
        return run.status.step(name)
    except KeyError:
        raise NotFound("The run has no such step.", "Look at the run for those it has.") from None


__all__ = ["Left"]
