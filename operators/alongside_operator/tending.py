"""Does what `steps` decides, over and over, for each group in turn with all others.

Nothing is kept that can't be found again. A group is looked at when something of it has changed,
and again after a while, so that a change that was missed does not matter either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from alongside.errors import (
    AlongsideError,
    CapacityExceeded,
    Conflict,
    InvalidRequest,
    NotFound,
)
from alongside.platforms.kubernetes.answers import Refused
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import PODS, POLICIES, SERVICES, Object, Resource
from alongside_operator.group import CLUSTERS, KIND, Group, Setting
from alongside_operator.plan import SETS, Action, Create, Delete, Patch, Plan, whole
from alongside_operator.seen import Seen, is_ready, stamp
from alongside_operator.steps import decide

EVENTS = Resource("v1", "events")
_AT_ONCE = 8  # groups that are looked at at the same time
_FIRST, _LONGEST = 1.0, 30.0  # seconds between two tries when the API server refuses
_log = logging.getLogger(__name__)


class Api(Cluster):
    """The API server, with what the operator asks of it besides."""

    async def warnings(self, namespace: str, uid: str) -> list[Object]:
        """The Warning events about one object, the newest last."""
        query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning"}
        answer = await self._ask("GET", EVENTS, namespace, "", params=query)
        items: list[Object] = answer.json().get("items") or [] if answer.is_success else []
        return sorted(items, key=lambda note: str(note.get("lastTimestamp") or ""))

    async def report(self, group: Group, status: Object) -> None:
        """Write a status. The object may be gone."""
        try:
            await self.patch(CLUSTERS, group.namespace, f"{group.name}/status", {"status": status})
        except NotFound:
            return

    async def say(self, group: Group, status: Object, now: datetime) -> None:
        """Leave an event about the group, for ``kubectl describe``."""
        wrong = status["phase"] == "Failed" or (status["phase"] == "Pending" and status["reason"])
        body: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{group.name}."},
            "involvedObject": {
                "apiVersion": CLUSTERS.version,
                "kind": KIND,
                "name": group.name,
                "namespace": group.namespace,
                "uid": group.uid,
            },
            "type": "Warning" if wrong else "Normal",
            "reason": status["reason"] or status["phase"],
            "message": status["message"] or f"It runs at {status['address']}.",
            "source": {"component": "alongside-operator"},
            "firstTimestamp": stamp(now),
            "lastTimestamp": stamp(now),
            "count": 1,
        }
        await self.create(EVENTS, group.namespace, body)


class Tending:
    """Looks after all groups. `poke` when something of one has changed."""

    def __init__(self, api: Api, setting: Setting) -> None:
        self._api = api
        self._setting = setting
        self._wake: dict[tuple[str, str], asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def poke(self, namespace: str, name: str) -> None:
        """Look at this group soon."""
        key = namespace, name
        if key not in self._wake:
            self._wake[key] = asyncio.Event()
            task = asyncio.create_task(self._tend(*key), name=f"tend {namespace}/{name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._wake[key].set()

    async def close(self) -> None:
        """Stop looking. Groups stay as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tend(self, namespace: str, name: str) -> None:
        """Until the group is gone."""
        wake, pause = self._wake[namespace, name], _FIRST
        try:
            while True:
                wake.clear()
                again: float | None
                try:
                    async with self._turns:
                        there, again = await self.step(namespace, name)
                    pause = _FIRST
                    if not there and not wake.is_set():  # no other one of that name since
                        return
                except AlongsideError as error:
                    _log.warning("%s/%s: %s", namespace, name, error)
                    again, pause = pause, min(2 * pause, _LONGEST)
                except Exception:
                    _log.exception("%s/%s could not be looked at", namespace, name)
                    again, pause = pause, min(2 * pause, _LONGEST)
                try:
                    await asyncio.wait_for(wake.wait(), again)
                except TimeoutError:
                    continue
        finally:
            del self._wake[namespace, name]

    async def step(self, namespace: str, name: str) -> tuple[bool, float | None]:
        """Look once and do what is next: whether the group is there, and when to look again."""
        item = await self._api.get(CLUSTERS, namespace, name)
        if item is None:
            return False, None
        group, now = Group.of(item), datetime.now(UTC)
        try:
            plan = decide(group, await self._see(group), self._setting, now)
        except ValueError as error:  # what the definition lets through and a pod does not
            plan = _invalid(group, error)
        status = plan.status
        making = any(_may_be_refused(action) for action in plan.actions)
        if not making:  # downwards, why has to be known before it can't be seen any more
            await self._tell(group, status, now)
        for action in plan.actions:
            try:
                await self._do(group, action)
            except _REFUSALS as error:
                if not making or status is None:
                    raise
                status = {**status, **_why(error, action, status["phase"])}
                break
        if making:
            await self._tell(group, status, now)
        return True, plan.again

    # -- eyes ------------------------------------------------------------------------------

    async def _see(self, group: Group) -> Seen:
        resources = (SERVICES, POLICIES, SETS, PODS)
        found = await asyncio.gather(
            *(self._api.list(one, group.namespace, group.selector) for one in resources)
        )
        services, policies, sets, pods = (items for items, _ in found)
        notes: list[Object] = []
        if group.status.get("phase") != "Running":
            for uid in _doubtful(group, sets, pods):
                notes += await self._api.warnings(group.namespace, uid)
        return Seen.of(services=services, policies=policies, sets=sets, pods=pods, notes=notes)

    # -- hands -----------------------------------------------------------------------------

    async def _tell(self, group: Group, status: Object | None, now: datetime) -> None:
        if status is None or status == group.status:
            return
        await self._api.report(group, status)
        if any(status.get(k) != group.status.get(k) for k in ("phase", "reason")):
            _log.info("%s/%s: %s", group.namespace, group.name, status["phase"])
            try:
                await self._api.say(group, status, now)
            except AlongsideError as error:  # no event can be had in a namespace that is ending
                _log.debug("%s/%s: %s", group.namespace, group.name, error)

    async def _do(self, group: Group, action: Action) -> None:
        match action:
            case Create():
                made = await self._api.create(action.resource, group.namespace, action.body)
                if made is None:
                    await self._taken(group, action)
            case Delete():
                await self._api.delete(
                    action.resource, group.namespace, action.name, grace=action.grace
                )
            case Patch():
                await self._api.patch(action.resource, group.namespace, action.name, action.patch)
            case _:
                assert_never(action)

    async def _taken(self, group: Group, action: Create) -> None:
        """Something of that name is there: ours since a moment ago, or somebody else's."""
        if action.resource.plural == "secrets":
            return  # which may not be read: its pods will say whether it fits
        name = action.body["metadata"]["name"]
        found = await self._api.list(action.resource, group.namespace, group.selector)
        if name not in {item["metadata"]["name"] for item in found[0]}:
            kind = action.body["kind"]
            raise _Taken(
                f"There is a {kind} {name} already that does not belong to this group.",
                "Remove it, or choose another name for the group.",
            )


class _Taken(Conflict):
    """A name that the group needs is somebody else's."""


_REFUSALS = (CapacityExceeded, Conflict, InvalidRequest, Refused)


def _may_be_refused(action: Action) -> bool:
    """Whether it makes something, or asks for another port of a Service."""
    return isinstance(action, Create) or (
        isinstance(action, Patch) and action.resource.plural == SERVICES.plural
    )


def _why(error: AlongsideError, action: Action, phase: str) -> Object:
    """The part of a status that says why something can't be made for the time being."""
    match error:
        case CapacityExceeded():
            reason = "QuotaExceeded"
        case _Taken():
            reason = "NameTaken"
        case _:
            service = action.resource.plural == SERVICES.plural
            reason = "ServiceRefused" if service else "PodRefused"
    why = {"reason": reason, "message": str(error)}
    # one that runs goes on, with less than was asked for
    return why if phase == "Running" else {**why, "phase": "Pending", "address": ""}


def _invalid(group: Group, error: ValueError) -> Plan:
    said = " ".join(str(error).split())[:300]
    status = {
        "phase": "Failed",
        "reason": "InvalidSpec",
        "message": f"What the group is to be can't be: {said} Correct its description.",
    }
    return Plan(status=whole(group, status))


def _doubtful(group: Group, sets: Sequence[Object], pods: Sequence[Object]) -> list[str]:
    """Of which objects a warning may say more than they do themselves."""
    mute = [
        pod["metadata"]["uid"]
        for pod in pods
        if not is_ready(pod) and not (pod.get("status") or {}).get("podIP")
    ]
    short = [one["metadata"]["uid"] for one in sets if len(pods) < group.others]
    return [*short[:1], *mute[:1]]
