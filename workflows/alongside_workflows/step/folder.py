"""The files in an attempt's folder, read and written."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alongside.platforms.local.store import write
from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.task import (
    BAD_INPUT,
    OUTCOME,
    PROGRESS,
    TASK,
    TOKEN,
    Outcome,
    Progress,
    Task,
)


class Folder:
    """One attempt's folder. What is told is kept in `progress` besides."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.progress = Progress(time=datetime.now(UTC))

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def task(self) -> Task:
        """What is to be done. Raises StepFailed."""
        try:
            return Task.model_validate_json((self / TASK).read_bytes())
        except (OSError, ValidationError) as error:
            raise StepFailed(
                f"The attempt's {TASK} can't be read: {cause(error)}.",
                "Submit the workflow again; if that doesn't help, tell those who run Alongside.",
                BAD_INPUT,
            ) from error

    def token(self) -> str:
        """The token by which the service is asked; '' if there is none."""
        with contextlib.suppress(OSError):
            return (self / TOKEN).read_text().strip()
        return ""

    def outcome(self) -> Outcome | None:
        """How the attempt has ended, if it has."""
        with contextlib.suppress(OSError, ValidationError):
            return Outcome.model_validate_json((self / OUTCOME).read_bytes())
        return None

    def tell(self, **news: Any) -> None:
        """Write what has changed in the attempt's `Progress`. A full disk is ignored."""
        before = self.progress
        self.progress = Progress.model_validate(before.model_dump() | news)
        if self.progress == before:
            return
        self.progress = self.progress.model_copy(update={"time": datetime.now(UTC)})
        with contextlib.suppress(OSError):
            write(self / PROGRESS, self.progress.model_dump_json().encode())

    def conclude(self, outcome: Outcome) -> None:
        """Write how it has ended; nothing is written after that. Raises OSError."""
        write(self / OUTCOME, outcome.model_dump_json().encode(), durable=True)
