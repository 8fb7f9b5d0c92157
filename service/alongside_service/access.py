"""Who may do what with a backend: the whole truth table, pure.

=================  ===  =======  ======  ====  =======
Who                see  connect  change  stop  launch for others
=================  ===  =======  ======  ====  =======
owner              yes  yes      yes     yes   -
a run it is for    yes  yes      no      no    -
shared `attach`    yes  yes      no      no    -
shared `read`      yes  no       no      no    -
admin              yes  no       no      yes   yes
the hub itself     yes  no       yes     yes   yes
anybody else       no   no       no      no    no
=================  ===  =======  ======  ====  =======

A run of the owner stands for those that were made for it, and for those of its session when one of
its steps computes on these; nothing else is there for a run. Runs themselves are the owner's to see
and change; admins and the hub see, cancel and delete them, and the hub may resume them.

"See" includes the logs; "connect" includes the dashboard, because its pages come from processes
that the owner controls and run in the browser under the hub's address: an admin who opened one
would hand over the hub.
"""

from __future__ import annotations

from alongside.errors import NotAllowed, NotFound
from alongside.models import Share, Spec
from alongside.schedules import ScheduleRecord
from alongside_service.auth import Caller, OfRun
from alongside_workflows.runs import RunSpec


def may_see(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may know of the backend."""
    if caller.run is not None:
        return _is_for(caller.run, caller, spec)
    return (
        caller.is_admin
        or caller.is_hub
        or _owns(caller, spec)
        or any(_shared(caller, share) for share in spec.shares)
    )


def may_connect(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may have credentials, and open the dashboard.

    Of a backend that is nobody's yet nobody may: so those that its first owner gets are fresh.
    """
    if caller.run is not None:
        return _is_for(caller.run, caller, spec)
    return _owns(caller, spec) or any(
        share.access == "attach" and _shared(caller, share) for share in spec.shares
    )


def may_change(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may change size, lifetime and shares."""
    return not spec.unclaimed and (caller.is_hub or _owns(caller, spec))


def may_stop(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may end it."""
    return caller.is_hub or caller.is_admin or _owns(caller, spec)


def may_see_run(caller: Caller, spec: RunSpec) -> bool:
    """Whether this caller may see, cancel and delete a run; a run's own token only sees it."""
    if caller.run is not None:
        return caller.run.id == spec.id
    return caller.is_hub or caller.is_admin or (bool(caller.name) and caller.name == spec.owner)


def may_change_run(caller: Caller, spec: RunSpec) -> bool:
    """Whether this caller may have a run go on."""
    return caller.run is None and (caller.is_hub or caller.name == spec.owner)


def may_see_schedule(caller: Caller, record: ScheduleRecord) -> bool:
    """Whether this caller may see and delete a schedule."""
    return caller.is_hub or caller.is_admin or caller.name == record.owner


def may_change_schedule(caller: Caller, record: ScheduleRecord) -> bool:
    """Whether this caller may change a schedule."""
    return caller.is_hub or caller.name == record.owner


def may_act_for_others(caller: Caller) -> bool:
    """Whether this caller may name another owner."""
    return caller.is_hub or caller.is_admin


def require(allowed: bool, what: str) -> None:
    """NotAllowed for what a caller may see but not do."""
    if not allowed:
        raise NotAllowed(f"You may not {what} this backend.", "Ask its owner.")


def unknown(id: str) -> NotFound:
    """The one answer for "no such backend" and "not one that you may see"."""
    return NotFound(f"There is no backend {id[:63]!r}.", "List yours with GET backends.")


def _owns(caller: Caller, spec: Spec) -> bool:
    return bool(caller.name) and caller.name == spec.owner and caller.run is None


def _is_for(run: OfRun, caller: Caller, spec: Spec) -> bool:
    if not caller.name or caller.name != spec.owner:
        return False
    shared = run.session is not None and run.session == spec.session and not spec.run
    return spec.run == run.id or shared


def _shared(caller: Caller, share: Share) -> bool:
    if share.user is not None:
        return bool(caller.name) and share.user == caller.name
    return share.group is not None and share.group in caller.requester.groups
