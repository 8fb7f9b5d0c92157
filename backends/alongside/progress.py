"""How far a long piece of work in a kernel is, told to people and to the panel."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Step(StrEnum):
    """What is being done when a backend is started anew with what is in its memory."""

    SAVING = "saving"
    VERIFYING = "verifying"
    STOPPING = "stopping"
    STARTING = "starting"
    RESTORING = "restoring"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """One report: `done` parts of `of`; `remedy` when it has failed."""

    step: Step
    message: str
    done: int = 0
    of: int = 0
    remedy: str = ""

    def __str__(self) -> str:
        counted = f" ({self.done} of {self.of})" if self.of else ""
        return f"{self.message}{counted}" + (f" {self.remedy}" if self.remedy else "")

    def line(self) -> str:
        """As the panel reads it: one line of JSON."""
        return json.dumps(
            {
                "alongside": "relaunch",
                "step": self.step,
                "message": self.message,
                "done": self.done,
                "of": self.of,
                "remedy": self.remedy,
            }
        )


Report = Callable[[Progress], object]


def printed() -> Report:
    """A report that shows itself: one line that changes in a notebook, lines elsewhere."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None else None
    if getattr(shell, "kernel", None) is None:
        return _print
    from IPython.display import display

    shown: list[Any] = []

    def report(progress: Progress) -> None:
        bundle = {"text/plain": str(progress)}
        if shown:
            shown[0].update(bundle, raw=True)
        else:
            shown.append(display(bundle, raw=True, display_id=True))

    return report


def _print(progress: Progress) -> None:
    print(progress, flush=True)  # noqa: T201 - what it is for
