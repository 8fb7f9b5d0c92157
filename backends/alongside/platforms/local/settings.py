"""What the platform tells a supervisor apart from the specification."""

from __future__ import annotations

from alongside.models import Model


class Settings(Model):
    """Passed to the supervisor as JSON on its command line."""

    warm: bool = True
    """Whether roles are forked from the supervisor, which has imported their modules."""
    log_limit: int = 10 * 2**20
    """Bytes of a log file; the older half is kept beside it."""
    grace: float = 5.0
    """Seconds that a process has to end by itself."""
