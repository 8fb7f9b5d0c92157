"""Why a backend ends by itself. Pure: the moment is an argument."""

from __future__ import annotations

from datetime import datetime

from alongside.models import Spec, Status, idle_from
from alongside.phases import USABLE, Phase
from alongside.units import format_duration


class Ending(Exception):
    """Raised to end the backend: the phase to end in, and why."""

    def __init__(self, phase: Phase, reason: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.phase = phase
        self.reason = reason
        self.message = message
        self.remedy = remedy


def end_of_life(spec: Spec, status: Status, moment: datetime) -> Ending | None:
    """Why it is to end by itself at this moment: its lifetime is over, or it is idle. Pure."""
    lifetime = spec.lifetime
    if lifetime.maximum is not None and spec.expires is not None and moment >= spec.expires:
        span = format_duration(lifetime.maximum)
        return Ending(Phase.STOPPED, "Expired", f"Stopped at the end of its lifetime ({span}).")
    since = idle_from(spec, status)
    if lifetime.idle is None or since is None or status.phase not in USABLE:
        return None
    if moment - since < lifetime.idle:
        return None
    span = format_duration(lifetime.idle)
    return Ending(Phase.STOPPED, "Idle", f"Stopped after {span} without work.")
