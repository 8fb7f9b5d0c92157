"""What an executor tells a runner apart from the specification."""

from __future__ import annotations

from alongside.models import Model


class Settings(Model):
    """Passed to the runner as JSON on its command line."""

    module: str = "alongside_workflows.step"
    """What is executed for a step: ``python -m MODULE FOLDER``."""
    grace: float = 30.0
    """Seconds that a step has to end by itself when it is cancelled."""
    slack: float = 60.0
    """Seconds that a step has beyond its timeout to notice it by itself."""
    unchanged: str = ""
    """Directory of outcomes that can be taken again; "" is none."""
    forks: bool = True
    """Whether steps are forked from the runner, which has imported their module already."""
