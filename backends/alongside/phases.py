"""The phases of a backend and which may follow which.

::

    pending -> starting -> running <-> scaling
       |          |           |           |
       +----------+-----+-----+-----------+--> stopping -> stopped
                        +--> failed
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a backend is in its life. Written in lower case everywhere."""

    PENDING = "pending"
    """Accepted and recorded; nothing runs yet."""
    STARTING = "starting"
    """Processes come up; a client would have to wait."""
    RUNNING = "running"
    """All that was asked for is there."""
    SCALING = "scaling"
    """Usable, on the way to another size (or replacing a lost worker)."""
    STOPPING = "stopping"
    """Ending; nothing new is accepted."""
    STOPPED = "stopped"
    """Ended on request, by idle time or by maximum lifetime."""
    FAILED = "failed"
    """Ended by a fault; `reason` and `message` say which."""


USABLE = frozenset({Phase.RUNNING, Phase.SCALING})
"""A client can connect."""

ENDED = frozenset({Phase.STOPPED, Phase.FAILED})
"""Nothing runs and nothing counts against a quota."""

LIVE = frozenset(Phase) - ENDED
"""Counts against its owner's quota."""

FOLLOWS: dict[Phase, frozenset[Phase]] = {
    Phase.PENDING: frozenset({Phase.STARTING, Phase.STOPPING, Phase.STOPPED, Phase.FAILED}),
    Phase.STARTING: frozenset({Phase.RUNNING, Phase.STOPPING, Phase.STOPPED, Phase.FAILED}),
    Phase.RUNNING: frozenset({Phase.SCALING, Phase.STOPPING, Phase.STOPPED, Phase.FAILED}),
    Phase.SCALING: frozenset({Phase.RUNNING, Phase.STOPPING, Phase.STOPPED, Phase.FAILED}),
    Phase.STOPPING: frozenset({Phase.STOPPED, Phase.FAILED}),
    Phase.STOPPED: frozenset(),
    Phase.FAILED: frozenset(),
}
"""The transitions that the conformance suites allow."""
