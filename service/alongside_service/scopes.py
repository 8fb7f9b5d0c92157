"""The hub scopes that the service reads and needs.

https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html
"""

from __future__ import annotations

from collections.abc import Iterable

SERVICE_NEEDS = (
    "list:users",
    "read:users:name",
    "read:users:groups",
    "read:servers",
    "delete:servers",
)
"""What the service's own token needs in the hub's roles: which sessions exist (so that backends
end with theirs), the groups of a user for whom the hub's spawner asks, and the end of sessions
whose lifetime is over."""

SEES_EVERYTHING = ("list:users", "read:servers")
"""Without these, unfiltered, an absent session proves nothing and nothing is ended for it."""

ENDS_SESSIONS = "delete:servers"
"""Without this, unfiltered, no session is ended when its lifetime is over."""

ADMIN = frozenset({"admin:servers", "custom:alongside:admin"})
"""Either one, unfiltered, lets its bearer see and stop the backends of everybody."""

METRICS = "read:metrics"
"""Lets its bearer (Prometheus) read the metrics."""


def may_enter(scopes: Iterable[str], service: str) -> bool:
    """Whether a token with these scopes may use the service of this name.

    The hub expands scopes before it tells them, so this is all that
    ``jupyterhub.services.auth.check_scopes`` comes to for this one scope (a test compares them).
    That module takes more than a second to import, which would double the time a restarted
    service needs to answer, and its database layer would triple the memory.
    """
    return not {"access:services", f"access:services!service={service}"}.isdisjoint(scopes)


def is_admin(scopes: Iterable[str]) -> bool:
    """Whether a token with these scopes may see and stop everything."""
    return not ADMIN.isdisjoint(scopes)
