"""What is to be done next: from what is wanted and what is there to a plan. Pure.

Each step is taken on what is seen at the time, so that it doesn't matter who took the one before,
or whether that was finished. Locales are never used for a second server: processes of the first
one may still be on them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alongside.platforms.kubernetes.resources import SECRETS
from alongside_operator.down import down, removals
from alongside_operator.endings import Ending, ending_of, too_late
from alongside_operator.group import CLUSTERS, FINALIZER, Group, Setting
from alongside_operator.plan import (
    SOON,
    Delete,
    Patch,
    Plan,
    is_current,
    is_relaunching,
    relaunches,
    relaunching,
    whole,
)
from alongside_operator.problems import problem_of
from alongside_operator.seen import Seen, is_ending
from alongside_operator.up import left, up

MOST = 5
"""How often a group that isn't sound is launched again."""


def decide(group: Group, seen: Seen, setting: Setting, now: datetime) -> Plan:
    """The next step."""
    if group.ending:
        return _ended(group, seen, now)
    if not group.held:
        return Plan((_finalizers(group, (*group.finalizers, FINALIZER)),), again=0)
    if strangers := seen.strangers(group):
        keys = Delete(SECRETS, group.keys_name)
        return Plan((*removals(strangers), keys), again=SOON)
    if group.status.get("phase") == "Failed" and is_current(group):
        return down(group, seen, now, stay=True) or Plan()
    if seen.shapes() - {group.shape}:
        return _anew(group, seen, now)
    problem = problem_of(group, seen)
    ending = ending_of(group, seen, now)
    if ending is None and left(group, now) <= 0:
        ending = too_late(group, problem)
    if ending is not None:
        return _after(group, seen, ending, now)
    if _halfway(seen) or (problem and problem.reason == "KeysMissing" and not seen.spent):
        return _anew(group, seen, now)
    return up(group, seen, setting, problem, now)


def _halfway(seen: Seen) -> bool:
    """Whether what is there can't be built upon."""
    if seen.server is None:
        # Locales are left that are ending, or have had their server.
        return seen.spent or (seen.locales is None and bool(seen.pods))
    return is_ending(seen.server)


def _anew(group: Group, seen: Seen, now: datetime) -> Plan:
    """Down, so that it can go up again."""
    plan = down(group, seen, now, stay=False) or Plan(again=SOON)
    return replace(plan, status=whole(group, relaunching(group, now)))


def _after(group: Group, seen: Seen, ending: Ending, now: datetime) -> Plan:
    """What follows from an end that nobody asked for."""
    plan = down(group, seen, now, stay=False)
    if plan is not None and is_relaunching(group):
        return plan  # that is what ended it
    count = relaunches(group, now)
    if group.relaunches and ending.again and count < MOST:
        said = f"{ending.message} The group is launched again, without what it had in memory."
        status = {**relaunching(group, now, said), "relaunches": count + 1}
        return replace(plan or Plan(again=SOON), status=whole(group, status))
    message = f"{ending.message} {ending.remedy}"
    if group.relaunches and ending.again:
        message = f"{ending.message} It was launched again {count} times already. {ending.remedy}"
    status = {"phase": "Failed", "reason": ending.reason, "message": message, "address": ""}
    plan = down(group, seen, now, stay=True) or Plan(again=SOON)
    return replace(plan, status=whole(group, {**status, "localesReady": 0}))


def _ended(group: Group, seen: Seen, now: datetime) -> Plan:
    """What the deletion of the object itself leads to."""
    if not group.held:
        return Plan()
    plan = down(group, seen, now, stay=True)
    if plan is None:
        others = tuple(name for name in group.finalizers if name != FINALIZER)
        return Plan((Delete(SECRETS, group.keys_name), _finalizers(group, others)))
    said = "The locales are being ended." if seen.server is None else "The server is being ended."
    status = {"phase": "Stopping", "reason": "", "message": said, "address": "", "localesReady": 0}
    return replace(plan, status=whole(group, status))


def _finalizers(group: Group, wanted: tuple[str, ...]) -> Patch:
    metadata = {"finalizers": list(wanted), "resourceVersion": group.version}
    return Patch(CLUSTERS, group.name, {"metadata": metadata})
