"""Who may do what with a backend: the whole truth table, pure.

=================  ===  =======  ======  ====  =======
Who                see  connect  change  stop  launch for others
=================  ===  =======  ======  ====  =======
owner              yes  yes      yes     yes   -
shared `attach`    yes  yes      no      no    -
shared `read`      yes  no       no      no    -
admin              yes  no       no      yes   yes
the hub itself     yes  no       yes     yes   yes
anybody else       no   no       no      no    no
=================  ===  =======  ======  ====  =======

"See" includes the logs; "connect" includes the dashboard, because its pages come from processes
that the owner controls and run in the browser under the hub's address: an admin who opened one
would hand over the hub.
"""

from __future__ import annotations

from alongside.errors import NotAllowed, NotFound
from alongside.models import Share, Spec
from alongside_service.auth import Caller


def may_see(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may know of the backend."""
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
    return _owns(caller, spec) or any(
        share.access == "attach" and _shared(caller, share) for share in spec.shares
    )


def may_change(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may change size, lifetime and shares."""
    return not spec.unclaimed and (caller.is_hub or _owns(caller, spec))


def may_stop(caller: Caller, spec: Spec) -> bool:
    """Whether this caller may end it."""
    return caller.is_hub or caller.is_admin or _owns(caller, spec)


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
    return bool(caller.name) and caller.name == spec.owner


def _shared(caller: Caller, share: Share) -> bool:
    if share.user is not None:
        return bool(caller.name) and share.user == caller.name
    return share.group is not None and share.group in caller.requester.groups
