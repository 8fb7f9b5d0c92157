"""What every platform says of a backend that isn't there, or can't be used."""

from __future__ import annotations

from alongside.errors import NotFound, NotReady
from alongside.models import Status
from alongside.phases import ENDED


def unknown() -> NotFound:
    """There is none of this id."""
    return NotFound("There is no such backend.", "It may have ended; list the backends.")


def unknown_log(role: str) -> NotFound:
    """It has no process of this name."""
    return NotFound(f"There is no log {role[:63]!r}.", "Choose one of its roles.")


def without_credentials() -> NotReady:
    """They have been removed."""
    return NotReady("Its credentials are gone; it is ending.", "Launch it again.")


def require_address(status: Status | None) -> str:
    """Where clients connect to it. Raises NotReady. `status`: None when it has none yet."""
    if status is not None and status.phase in ENDED:
        raise NotReady("It can't be connected to now.", "Launch it again.")
    if status is None or not status.address:
        raise NotReady("It has no address yet.", "Wait until it runs.")
    return status.address


__all__ = ["require_address", "unknown", "unknown_log", "without_credentials"]
