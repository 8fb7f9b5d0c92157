"""What there is of runs in the cluster, as last heard of; told to watchers as it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from alongside.platforms.feeds import Feeds
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.objects import PREFIX, RUN, STEPS, selector
from alongside.platforms.kubernetes.reflector import Reflector
from alongside.platforms.kubernetes.resources import CONFIG_MAPS, PODS, Object, Resource
from alongside_workflows.executors.argo.ahead import ahead
from alongside_workflows.executors.argo.naming import (
    PART,
    PARTS,
    RECORD_COMPONENT,
    RUN_COMPONENT,
    STEP,
    WORKFLOWS,
)
from alongside_workflows.executors.argo.records import parse_record, parse_verdict
from alongside_workflows.executors.argo.status import Beside, status_of
from alongside_workflows.executors.base import ObservedRun, RunChange, RunRemoved
from alongside_workflows.runs import RunSpec, RunStatus, State

_ENDED = ("Succeeded", "Failed")
_COMPONENT = f"{PREFIX}/component"
_log = logging.getLogger("alongside.runs")


class Inventory:
    """The records of runs, their Workflows, what has come of these, and the pods of their steps.

    unwritten : runs that have ended, of which nothing says so but their Workflows
    news : set when there are more of these
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._specs: dict[str, RunSpec] = {}
        self._records: dict[str, Object] = {}
        self._parts: dict[str, dict[int, Object]] = {}
        self._verdicts: dict[str, dict[int, RunStatus]] = {}
        self._lost: dict[str, datetime] = {}
        self._pods: dict[str, dict[str, Object]] = {}
        self._told: dict[str, ObservedRun] = {}
        self.unwritten: set[str] = set()
        self.news = asyncio.Event()
        self._feeds = Feeds[RunChange]()
        self._reflectors = {
            CONFIG_MAPS: Reflector(
                cluster,
                CONFIG_MAPS,
                namespace,
                selector(component=RECORD_COMPONENT),
                self._heard_config_map,
            ),
            WORKFLOWS: Reflector(
                cluster,
                WORKFLOWS,
                namespace,
                selector(component=RUN_COMPONENT),
                self._heard_workflow,
                optional=True,  # not everybody has Argo, or has it from the beginning
            ),
            PODS: Reflector(cluster, PODS, namespace, selector(component=STEPS), self._heard_pod),
        }

    async def load(self) -> None:
        """Take stock. Raises AlongsideError."""
        # A record tells of a Workflow only once that is there: so it is listed after the records.
        for each in self._reflectors.values():
            await each.load()
        self._miss()

    @property
    def obstacle(self) -> str:
        """Why there are no Workflows in this cluster, for us; '' when there are."""
        return self._reflectors[WORKFLOWS].refused

    async def look_again(self) -> None:
        """See whether there still is this obstacle. Raises AlongsideError."""
        if self.obstacle:
            await self._reflectors[WORKFLOWS].load()
            self._miss()

    def _miss(self) -> None:
        """Note whose last Workflow is gone, when all that there are have been listed."""
        for id in () if self.obstacle else self._records:
            last = self.last_part(id)
            if last and last not in self._known_parts(id) and id not in self._lost:
                self._lost[id] = datetime.now(UTC)
                self._changed(id)

    async def follow(self) -> None:
        """Hear of every change, for ever."""
        await asyncio.gather(*(each.follow() for each in self._reflectors.values()))

    def watch(self) -> AsyncIterator[RunChange]:
        """Every change from now on, until `close`."""
        return self._feeds.watch()

    def close(self) -> None:
        """Let those go that watch."""
        self._feeds.close()

    # -- hearing ---------------------------------------------------------------------------

    def wrote(self, resource: Resource, item: Object) -> None:
        """Take over what the server has made of a write of ours, if it is of what is kept here."""
        component = (item["metadata"].get("labels") or {}).get(_COMPONENT)
        if component in (RECORD_COMPONENT, RUN_COMPONENT):
            self._reflectors[resource].wrote(item)

    def _heard_config_map(self, item: Object, there: bool) -> None:
        part = _part(item)
        if part is None:
            self._heard_record(item, there)
        else:
            self._heard_verdict(item, part, there)

    def _heard_verdict(self, item: Object, part: int, there: bool) -> None:
        id = _id(item)
        known = self._verdicts.setdefault(id, {})
        known.pop(part, None)
        if there:
            try:
                known[part] = parse_verdict(item)
            except ValueError:
                _log.warning("ConfigMap %s is left out, it is spoilt.", item["metadata"]["name"])
        if not known:
            del self._verdicts[id]
        self._changed(id)

    def _heard_record(self, item: Object, there: bool) -> None:
        id = _id(item)
        if not there:
            if self._specs.pop(id, None) is not None:
                self._records.pop(id, None)
                self._lost.pop(id, None)
                self._told.pop(id, None)
                self.unwritten.discard(id)
                self._feeds.tell(id, RunRemoved(id))
            return
        try:
            self._specs[id] = parse_record(item)
        except ValueError:
            _log.warning("ConfigMap %s is left out, it is spoilt.", item["metadata"]["name"])
            return
        self._records[id] = item
        self._changed(id)

    def _heard_workflow(self, item: Object, there: bool) -> None:
        id, part = _id(item), _part(item)
        if part is None:
            return
        known = self._parts.setdefault(id, {})
        if there:
            known[part] = item
            self._lost.pop(id, None)
        else:
            if id in self.unwritten:
                return  # it is what we go by until it is written down
            # Without a right to see any, they are not gone.
            if id in self._records and part == self.last_part(id) and not self.obstacle:
                self._lost[id] = datetime.now(UTC)
            known.pop(part, None)
        if not known:
            del self._parts[id]
        self._changed(id)

    def _heard_pod(self, item: Object, there: bool) -> None:
        id, name = _id(item), item["metadata"]["name"]
        known = self._pods.setdefault(id, {})
        known.pop(name, None)
        if there:
            known[name] = item
        if not known:
            del self._pods[id]
        self._changed(id)

    def _changed(self, id: str) -> None:
        before, now = self._told.get(id), self.find(id)
        if now is None:
            return
        if now.status.state.final and self.last_part(id) in self._unjudged(id):
            self.unwritten.add(id)
            self.news.set()
        else:
            self.unwritten.discard(id)
        if now != before:
            self._told[id] = now
            self._feeds.tell(id, now)

    # -- runs ------------------------------------------------------------------------------

    def find(self, id: str) -> ObservedRun | None:
        """A run, as it is now; None: there is none."""
        spec = self._specs.get(id)
        if spec is None:
            return None
        known, verdicts = self._parts.get(id, {}), self._verdicts.get(id, {})
        last = self.last_part(id)
        # As long as a Workflow is there, it is what counts, but to what has succeeded.
        good = {part for part, said in verdicts.items() if said.state is State.SUCCEEDED}
        gone = max((verdicts.keys() - known.keys()) | good, default=0)
        if gone and gone == last:
            return ObservedRun(spec, verdicts[gone])
        pods = self._pods.get(id, {}).values()
        busy = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in _ENDED]
        beside = Beside(last, self._lost.get(id), bool(busy), verdicts.get(gone))
        parts = [ahead(item, pods) for part, item in sorted(known.items()) if part > gone]
        status = status_of(spec, parts, datetime.now(UTC), beside)
        return ObservedRun(spec, status, frozenset(map(_arriving, busy)) - {""})

    def observed(self) -> list[ObservedRun]:
        """All runs whose records can be read."""
        return [run for id in self._specs if (run := self.find(id)) is not None]

    def unsubmitted(self) -> list[RunSpec]:
        """Runs that have a record, but were never handed to Argo."""
        return [spec for id, spec in self._specs.items() if not self.last_part(id)]

    def unnoted(self) -> list[str]:
        """Runs whose record does not know of their last Workflow."""
        return [
            id
            for id, record in self._records.items()
            if parts_of(record["metadata"]) < self.last_part(id)
        ]

    def last_part(self, id: str) -> int:
        """The number of the run's last part, also if its Workflow is gone; 0: there was none."""
        metadata = self._records[id]["metadata"] if id in self._records else {}
        return max(parts_of(metadata), *self._known_parts(id), 0)

    def lost_parts(self, id: str) -> int:
        """Of how many parts at the run's end nothing is known any more."""
        return self.last_part(id) - max(self._known_parts(id), default=0)

    def _known_parts(self, id: str) -> set[int]:
        """Those that have a Workflow, or a verdict."""
        return self._parts.get(id, {}).keys() | self._verdicts.get(id, {}).keys()

    def _unjudged(self, id: str) -> set[int]:
        """Those that have a Workflow and no verdict."""
        return self._parts.get(id, {}).keys() - self._verdicts.get(id, {}).keys()

    def record(self, id: str) -> Object | None:
        """The record of a run."""
        return self._records.get(id)

    def parts(self, id: str) -> list[Object]:
        """The Workflows of a run, first to last."""
        return [item for _, item in sorted(self._parts.get(id, {}).items())]


def parts_of(metadata: Object) -> int:
    """How many parts a record says that it has had."""
    said = str((metadata.get("annotations") or {}).get(PARTS, ""))
    return int(said) if said.isdecimal() else 0


def _arriving(pod: Object) -> str:
    """The step that begins in a pod any moment, since that has found its place; '' if not."""
    waits = (pod.get("status") or {}).get("phase") == "Pending"
    placed = (pod.get("spec") or {}).get("nodeName")
    return str(pod["metadata"]["labels"].get(STEP, "")) if waits and placed else ""


def _part(item: Object) -> int | None:
    """The number of the part that an object belongs to."""
    said = str(item["metadata"]["labels"].get(PART, ""))
    return int(said) if said.isdecimal() else None


def _id(item: Object) -> str:
    return str((item["metadata"].get("labels") or {}).get(RUN, ""))


__all__ = ["Inventory", "parts_of"]
